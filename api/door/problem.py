"""Refusals as bytes, for where no application has run yet: whole HTTP/1.1 responses that carry a problem document."""

from __future__ import annotations

from http import HTTPStatus

from api.errors import problem

REASONS = {status.value: status.phrase for status in HTTPStatus}

DETAILS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "That is not a valid HTTP request."),
    403: ("not_allowed", "This connection was refused."),
    405: ("method_not_allowed", "A WebSocket is asked for with GET."),
    408: ("request_timeout", "The request did not arrive in time."),
    413: ("body_too_large", "The request body is too large."),
    414: ("uri_too_long", "The request's address is too long."),
    426: ("upgrade_required", "This address speaks WebSocket, version 13."),
    431: ("headers_too_large", "The request's headers are too large."),
    500: ("internal_error", "Something went wrong on the server."),
    501: ("not_implemented", "The server does not support what this request needs."),
    503: ("overloaded", "There are too many connections just now. Try again in a moment."),
}


def problem_parts(
    status: int, detail: str | None = None, retry_after: float | None = None
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of a refusal; `retry_after` is in seconds."""
    code, sentence = DETAILS.get(status, ("http_error", REASONS.get(status, "Refused.")))
    retry_after_ms = None if retry_after is None else int(retry_after * 1_000)
    response = problem(status, code, detail or sentence, retry_after_ms=retry_after_ms)
    return [*response.raw_headers, (b"connection", b"close")], bytes(response.body)


def problem_bytes(status: int, detail: str | None = None, retry_after: float | None = None) -> bytes:
    """A whole response. The connection is over after it."""
    headers, body = problem_parts(status, detail, retry_after)
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Refused')}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
