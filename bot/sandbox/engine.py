"""The sandbox as one object: a workspace, its Web API, the way to the app, and the people."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.sandbox.actions import Humans
from bot.sandbox.delivery import Attempt, Delivery
from bot.sandbox.faults import Faults
from bot.sandbox.models import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, Channel, Payload, Person
from bot.sandbox.sockets import Sockets
from bot.sandbox.web_api import Recorded, Violation, WebApi
from bot.sandbox.workspace import Workspace

#: Seconds between a change and the write of it.
_WRITE_AFTER = 0.3


class SandboxEngine(Humans):
    """An in-process Slack workspace "Acme" with one app installed.

    `request_url` is where the app takes Slack's requests, `base_url` where `sandbox_app(engine)` is mounted; both may
    be set later. With an `app_token` the app is in Socket Mode, and `request_url` is not used. `sleep` waits for the
    retries of events; `ack_deadline` and `trigger_lifetime` are in seconds. It must be used from one event loop.
    """

    def __init__(
        self,
        *,
        signing_secret: str,
        bot_token: str,
        clock: Callable[[], datetime],
        request_url: str | None = None,
        base_url: str = "http://127.0.0.1:8000/sandbox/slack",
        scopes: Collection[str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        ack_deadline: float = 3.0,
        trigger_lifetime: float = 3.0,
        app_token: str | None = None,
    ) -> None:
        self.team_id = TEAM_ID
        self.bot_user_id = BOT_USER_ID
        self.bot_id = BOT_ID
        self.app_id = APP_ID
        self.faults = Faults()
        self.sockets = Sockets(app_token)
        workspace = Workspace(clock, trigger_lifetime, bot_token)
        workspace.files.address = lambda: self.base_url
        delivery = Delivery(
            request_url=request_url,
            signing_secret=signing_secret,
            clock=clock,
            sleep=sleep,
            deadline=ack_deadline,
            faults=self.faults,
            sockets=self.sockets,
        )
        super().__init__(workspace, delivery, base_url)
        self.web_api = WebApi(workspace, scopes=scopes, sockets=self.sockets, address=lambda: self.base_url)
        workspace.on_event.append(delivery.event)
        self._bot_token = bot_token
        self._file: Path | None = None
        self._pending_write: asyncio.TimerHandle | None = None
        #: Called once when the engine closes; what streams to a page ends with it.
        self.on_close: list[Callable[[], None]] = []

    # -- what a test or a page asks

    @property
    def client_secret(self) -> str:
        """Of the app, for signing in with Slack."""
        return self.workspace.sign_ins.client_secret

    @property
    def request_url(self) -> str | None:
        return self.delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.delivery.request_url = url

    @property
    def people(self) -> list[Person]:
        return list(self.workspace.people.values())

    @property
    def channels(self) -> list[Channel]:
        return list(self.workspace.channels.values())

    @property
    def violations(self) -> list[Violation]:
        """Calls that Slack would refuse in any state, and such as not everybody could read; empty at the end of a good
        test."""
        return self.web_api.violations

    @property
    def calls(self) -> list[Recorded]:
        """The calls of the Web API, oldest first (the last 5,000)."""
        return list(self.web_api.calls)

    @property
    def attempts(self) -> list[Attempt]:
        """The requests to the app, oldest first (the last 2,000)."""
        return list(self.delivery.attempts)

    @property
    def scopes(self) -> set[str]:
        return self.web_api.scopes

    @property
    def rate_limits_on(self) -> bool:
        return self.web_api.rate_limits_on

    @rate_limits_on.setter
    def rate_limits_on(self, is_on: bool) -> None:
        self.web_api.rate_limits_on = is_on

    def call(self, method: str, **args: Any) -> Payload:
        """A Web API call with the app's token, without HTTP. Raises `RateLimited`."""
        return self.web_api.call(method, args, self._bot_token)

    def uninstall(self) -> None:
        """An admin removes the app: its tokens end, and it is told so in the last two events that it gets."""
        self.workspace.installs.end_tokens()
        self.delivery.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER_ID]}}, None)
        self.delivery.event({"type": "app_uninstalled"}, None)

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Payload]:
        """What everybody sees: the channel's root, or a thread with its root first. Oldest first."""
        place = self.workspace.channel(channel)
        if thread_ts is None:
            chosen = [message for message in place.in_order() if not message.is_reply]
        else:
            root = place.messages.get(thread_ts)
            chosen = [*([root] if root else []), *place.thread(thread_ts)]
        return [self.workspace.shown(place, message) for message in chosen]

    def ephemerals(self, user: str, channel: str) -> list[Payload]:
        """What only this person sees in the channel, oldest first."""
        person, place = self.workspace.person(user), self.workspace.channel(channel)
        return [
            entry["message"]
            for entry in self.workspace.ephemerals
            if entry["user"] == person.id and entry["channel"] == place.id
        ]

    async def settled(self) -> None:
        """Returns when no request to the app is under way; see `Delivery.settled`."""
        await self.delivery.settled()

    def end_streams(self) -> None:
        """Ends what streams to a page: a server that stops would wait for it."""
        for close in self.on_close:
            close()

    async def aclose(self) -> None:
        """Ends what is under way, streams of the page included. Undelivered events are dropped."""
        self.end_streams()
        if self._pending_write is not None:
            self._pending_write.cancel()
            self._write()
        await self.delivery.aclose()

    # -- keeping it over a restart

    def dump(self, path: Path) -> None:
        """Writes the workspace to a file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self.workspace.snapshot(), file)
                file.flush()
                os.fsync(file.fileno())
            self.workspace.files.dump_data(_data_folder(path))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def keep_in(self, path: Path) -> None:
        """Takes up what the file holds and from now on writes every change to it, shortly after and all at once.

        Raises `ValueError` for a file it cannot read.
        """
        self.load(path)
        self._file = path
        self.workspace.on_change.append(self._write_soon)

    def _write_soon(self, change: Payload) -> None:
        """One write for all changes of the next moment; ephemeral things are not kept, so they cause none."""
        if self._file is None or self._pending_write is not None or change["kind"] == "ephemeral":
            return
        self._pending_write = asyncio.get_running_loop().call_later(_WRITE_AFTER, self._write)

    def _write(self) -> None:
        self._pending_write = None
        if self._file is not None:
            self.dump(self._file)

    def load(self, path: Path) -> bool:
        """Takes the workspace from a file; False when there is none. Raises `ValueError` for one it cannot read."""
        if not path.exists():
            return False
        raw = json.loads(path.read_text(encoding="utf-8"))
        try:
            if raw["version"] != 1:
                raise ValueError(f"{path} is not a workspace of this sandbox")
            self.workspace.restore(raw)
            self.workspace.files.load_data(_data_folder(path))
        except (KeyError, TypeError) as broken:
            raise ValueError(f"{path} is not a workspace of this sandbox") from broken
        return True


def _data_folder(path: Path) -> Path:
    """Where the bytes of files are, beside the file that knows everything else."""
    return path.with_suffix(".files")
