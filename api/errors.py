"""How a refusal looks on this door: HTTP statuses with problem documents (RFC 9457), and close codes for sockets.

Close codes 4000–4499 mean "stop", 4500–4999 mean "come back": a client that does not know a code goes by its range.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api import metrics
from core.errors import (
    Conflict,
    CosessionError,
    Expired,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
)

STATUS: dict[type[CosessionError], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    Invalid: 422,
    Conflict: 409,
    Expired: 410,
    TooMany: 429,
    Unavailable: 503,
}


class BadFrame(Invalid):
    """That frame could not be read: send one JSON object with a known type."""

    code = "bad_frame"


class FrameTooLarge(Invalid):
    """That frame is larger than 64 KiB: files and pictures go over HTTP."""

    code = "frame_too_large"


class ServerDraining(Unavailable):
    """The server is about to restart: come back in a moment."""

    code = "draining"


class Close(IntEnum):
    """Why the server ended a socket."""

    BAD_FRAME = 4400
    NOT_SIGNED_IN = 4401
    REMOVED = 4403
    NOT_FOUND = 4404
    FRAME_TOO_LARGE = 4413
    TICKET_EXPIRED = 4501
    NO_HELLO = 4508
    TOO_MANY = 4529
    TOO_SLOW = 4540
    DRAINING = 4550
    UNAVAILABLE = 4560


CLOSE: dict[type[CosessionError], Close] = {
    NotSignedIn: Close.NOT_SIGNED_IN,
    NotAllowed: Close.REMOVED,
    NotFound: Close.NOT_FOUND,
    Invalid: Close.BAD_FRAME,
    Conflict: Close.BAD_FRAME,
    Expired: Close.TICKET_EXPIRED,
    TooMany: Close.TOO_MANY,
    Unavailable: Close.UNAVAILABLE,
}


def branch(error: CosessionError) -> type[CosessionError]:
    """Which of the mapped branches an error belongs to."""
    return next(kind for kind in STATUS if isinstance(error, kind))


def close_code(error: CosessionError) -> Close:
    """The code that a socket or a stream is closed with."""
    return Close.DRAINING if isinstance(error, ServerDraining) else CLOSE[branch(error)]


def problem(status: int, error_code: str, detail: str, **fields: Any) -> Response:
    """A problem document. Its `type` is the stable `error_code`, which the socket uses too."""
    headers = {"Cache-Control": "no-store"}
    retry_after_ms = fields.get("retry_after_ms")
    if retry_after_ms:
        headers["Retry-After"] = str(-(-retry_after_ms // 1_000))
    body = {
        "type": f"urn:cosession:{error_code}",
        "title": error_code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "error_code": error_code,
        **{name: value for name, value in fields.items() if value is not None},
    }
    return Response(orjson.dumps(body), status, headers, "application/problem+json")


def refuse(error: CosessionError) -> Response:
    metrics.REFUSALS.labels(error.code).inc()
    return problem(STATUS[branch(error)], error.code, error.message, retry_after_ms=error.retry_after_ms)


def http_problem(error: HTTPException) -> Response:
    """What the framework itself refuses: an unknown path, a wrong method."""
    codes = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
    return problem(error.status_code, codes.get(error.status_code, "http_error"), str(error.detail))


def install(app: FastAPI) -> None:
    """Makes every refusal of `app` a problem document."""

    @app.exception_handler(CosessionError)
    async def _refused(_request: Request, error: CosessionError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return refuse(error)

    @app.exception_handler(RequestValidationError)
    async def _malformed(  # pyright: ignore[reportUnusedFunction]
        _request: Request, error: RequestValidationError
    ) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return problem(422, "invalid", f"{where}: {first['msg']}" if where else str(first["msg"]))

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        return http_problem(error)
