"""The Web API: a named method with arguments and a token, refused or carried out as Slack would."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.contract import MethodContract, check_arguments, check_scopes, load_contract
from bot.sandbox.errors import SlackError
from bot.sandbox.limits import RateLimits
from bot.sandbox.methods import HANDLERS, Call
from bot.sandbox.models import Payload
from bot.sandbox.readable import mistakes
from bot.sandbox.shapes import is_object
from bot.sandbox.sockets import Sockets
from bot.sandbox.workspace import Workspace

#: What a bot for shared sessions is granted unless the engine is told otherwise.
DEFAULT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "chat:write.customize",
        "commands",
        "dnd:read",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "links:read",
        "links:write",
        "mpim:history",
        "reactions:read",
        "reactions:write",
        "team:read",
        "users.profile:read",
        "users:read",
        "users:read.email",
    }
)

#: Answers that mean that the caller broke the contract, rather than that the world has changed.
_VIOLATIONS = frozenset(
    {
        "unknown_method",
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "markdown_text_conflict",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
    }
)

#: Not on the method's own page, but known from practice.
_ALSO_SEEN = {"chat.postMessage": {"msg_too_long"}, "chat.appendStream": {"msg_too_long"}}


@dataclass(frozen=True)
class Violation:
    """A call that Slack would refuse whatever the state of the workspace, or one that not everybody could read."""

    method: str
    error: str
    details: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class Recorded:
    """A call as it came in, and how it ended: `error` is None when it was carried out."""

    method: str
    args: Mapping[str, Any]
    error: str | None
    at: datetime


class WebApi:
    """Carries out calls. `scopes` may be changed at any time, as an admin may."""

    def __init__(
        self, workspace: Workspace, *, scopes: Collection[str] | None, sockets: Sockets, address: Callable[[], str]
    ) -> None:
        self._sockets = sockets
        self._address = address
        self.workspace = workspace
        self.scopes: set[str] = set(DEFAULT_SCOPES if scopes is None else scopes)
        self.violations: list[Violation] = []
        self.calls: deque[Recorded] = deque(maxlen=5_000)
        self.rate_limits_on = False
        #: Methods that this workspace does not have: not every kind of Slack has all of them.
        self.lacking: set[str] = set()
        self.limits = RateLimits()

    def call(self, method: str, args: Mapping[str, Any], token: str | None) -> Payload:
        """The answer, `{"ok": …}`. Raises `RateLimited`, the one refusal that is not an answer of status 200."""
        now = self.workspace.clock()
        given = {name: value for name, value in args.items() if value is not None}
        try:
            answer = {"ok": True, **self._carry_out(method, given, token, now)}
        except SlackError as refusal:
            self._record_refusal(method, given, refusal, now)
            if refusal.code == "ratelimited":
                raise
            return refusal.answer()
        self.calls.append(Recorded(method, given, None if answer["ok"] else str(answer["error"]), now))
        unread = mistakes(method, given)
        if unread:
            self.violations.append(Violation(method, "not_readable", tuple(unread), now))
        return answer

    def _carry_out(self, name: str, args: Mapping[str, Any], token: str | None, now: datetime) -> Payload:
        method = load_contract().get(name)
        if method is None or name in self.lacking:
            raise SlackError("unknown_method", req_method=name)
        if self.rate_limits_on:
            self.limits.take(method, str(args["channel"]) if "channel" in args else None, now)
        if name == "apps.connections.open":
            return self._open_socket(token)
        if method.needs_token:
            self.workspace.installs.check(token)
            check_scopes(method, self.scopes, self._kind_of_conversation(args))
        check_arguments(method, args)
        return self._answer(method, args)

    def _open_socket(self, token: str | None) -> Payload:
        """The one method that takes the app's own token."""
        if token is None or token != self._sockets.app_token or not self._sockets.is_on:
            raise SlackError("invalid_auth")
        return {"url": self._sockets.new_url(self._address())}

    def _answer(self, method: MethodContract, args: Mapping[str, Any]) -> Payload:
        try:
            return HANDLERS[method.name](Call(self.workspace, args, frozenset(self.scopes)))
        except SlackError as refusal:
            known = method.errors | _ALSO_SEEN.get(method.name, set())
            if refusal.code not in known:
                # The sandbox must never teach an error that Slack does not have.
                raise AssertionError(f"{method.name} does not answer {refusal.code}") from refusal
            raise

    def _kind_of_conversation(self, args: Mapping[str, Any]) -> str | None:
        channel = self.workspace.channels.get(str(args.get("channel", "")))
        return channel.kind if channel else None

    def _record_refusal(self, method: str, args: Mapping[str, Any], refusal: SlackError, now: datetime) -> None:
        self.calls.append(Recorded(method, args, refusal.code, now))
        if refusal.code in _VIOLATIONS and method not in self.lacking:
            metadata = refusal.fields.get("response_metadata")
            messages: list[str] = metadata.get("messages", []) if is_object(metadata) else []
            self.violations.append(Violation(method, refusal.code, tuple(messages), now))
