"""How the sandbox says no: the errors that Slack's Web API answers with."""

from __future__ import annotations


class SlackError(Exception):
    """An answer `{"ok": false, "error": code, …}`; `fields` are further members of that answer."""

    def __init__(self, code: str, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields

    def answer(self) -> dict[str, object]:
        return {"ok": False, "error": self.code, **self.fields}


class RateLimited(SlackError):
    """HTTP 429 with `Retry-After`, in whole seconds, at least 1."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = max(1, retry_after)
