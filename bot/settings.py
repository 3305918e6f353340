"""How this door is reached and how fast it walks. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.events import Role


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds; the defaults are Slack's limits and ours, tests walk faster."""

    #: Longest that one call of the Web API may take, connection and answer together.
    call_timeout: float = 10.0
    #: Waits after a failure: full jitter below `retry_base` doubled each time, at most `retry_most`.
    retry_base: float = 0.5
    retry_most: float = 60.0
    #: Sustained posts per minute and channel, and how many may come at once.
    posts_per_minute: float = 60.0
    posts_burst: float = 3.0
    #: Least time between two edits of the agent's message, and of the card.
    progress_every: float = 3.0
    card_every: float = 10.0
    #: Least time between two appends to a streamed answer, and the age at which it goes on in another message: Slack
    #: ends a stream after about five minutes.
    stream_every: float = 1.0
    stream_for: float = 240.0
    #: Streams that are begun (and as many ended), and appends, in a workspace: sustained and at once. Together they are
    #: what Slack allows in a minute.
    streams_per_minute: float = 12.0
    streams_burst: float = 8.0
    appends_per_minute: float = 70.0
    appends_burst: float = 30.0
    #: How long answers are posted and edited after Slack has said that it takes no streams.
    streams_rest: float = 900.0
    #: Age at which "the thread is still there" is asked again before a post.
    thread_check_every: float = 30.0
    #: How long a process that died keeps others from going on. Longer than a call, so that a post that was begun under
    #: a lease is over before somebody else may have it.
    lease: float = 12.0
    #: The same for the inbox, where several processes could handle it. What it guards happens in the database alone, so
    #: it may be shorter than a call; it is renewed while calls are waited for.
    inbox_lease: float = 5.0
    #: Slow looks at the database, for what no poke told; and the least time between two looks.
    poll: float = 5.0
    scan_every: float = 0.1
    #: How often open threads are read for what Slack could not deliver.
    look_again: float = 600.0
    #: How long a thread without news keeps its reader in memory.
    idle: float = 300.0
    #: How often the position of a reader that has nothing to post is stored.
    save_every: float = 1.0
    #: How long a command, a click or a form may wait for its answer. Slack gives up after 3 s, and shows that.
    ack_within: float = 0.8
    #: Failures after which an item of the inbox is parked.
    max_tries: int = 8
    #: Connections in Socket Mode, and how long one that was replaced is still listened to.
    sockets: int = 2
    socket_drain: float = 20.0
    #: Seconds between two signs of life on a connection, and the least wait after "too many connections".
    socket_heartbeat: float = 10.0
    too_many_wait: float = 30.0
    #: How often it is measured how far this door is behind.
    measure_every: float = 15.0
    #: How often tokens that end are looked at.
    renew_every: float = 60.0
    #: How long a Slack profile is believed.
    profile_age: float = 300.0

    @property
    def lease_slack(self) -> float:
        """How old a lease may be when a call begins under it: what is left of it is longer than the call."""
        return max(0.0, min(self.lease / 3, self.lease - 1.05 * self.call_timeout))


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """`api_url` is the base of the Web API (another one for the sandbox), `base_url` the public address of Cosession.

    `is_only_process` says that no other process serves this database, so that leases left by a crash are void.
    """

    signing_secret: str = field(repr=False)
    bot_token: str = field(repr=False)
    base_url: str
    api_url: str = "https://slack.com/api/"
    team_role: Role = "editor"
    #: The app's own credentials, for signing in with Slack; without them people cannot.
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    authorize_url: str = "https://slack.com/openid/connect/authorize"
    install_url: str = "https://slack.com/oauth/v2/authorize"
    #: The server's own key, under which tokens of installed workspaces are sealed; without it none can be installed.
    sealing_key: str = field(default="", repr=False)
    #: The app-level token: requests come over sockets that this process opens, instead of over HTTP.
    app_token: str = field(default="", repr=False)
    is_only_process: bool = False
    pace: Pace = field(default_factory=Pace)

    @property
    def can_install(self) -> bool:
        """Whether workspaces can be added beside the one whose token is set."""
        return self.can_sign_in and bool(self.sealing_key)

    @property
    def can_sign_in(self) -> bool:
        return bool(self.client_id and self.client_secret)

    def session_url(self, session_id: str) -> str:
        return f"{self.base_url.rstrip('/')}/s/{session_id}"
