"""Reads the arguments of a Web API call out of an HTTP request: query, form, JSON or multipart."""

from __future__ import annotations

import json
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from bot.sandbox.shapes import is_object

#: Nothing that Slack takes in one call is larger.
MAX_BODY = 1_000_000


class BadBody(Exception):
    """The body cannot be read; `code` is Slack's word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def read_arguments(request: Request) -> tuple[dict[str, Any], str | None]:
    """The arguments and the token, which may also stand among them. Raises `BadBody`."""
    args: dict[str, Any] = dict(request.query_params)
    body = await read_body(request)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        args |= json_object(body)
    elif kind == "application/x-www-form-urlencoded":
        args |= dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    elif kind == "multipart/form-data":
        args |= _multipart(request.headers["content-type"], body)
    elif body:
        raise BadBody("invalid_form_data")
    token = args.pop("token", None)
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    return args, credential.strip() if scheme.lower() == "bearer" else token


async def read_body(request: Request, most: int = MAX_BODY) -> bytes:
    """The whole body. Raises `BadBody` when it is larger than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BadBody("request_too_large")
    return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """Raises `BadBody` for anything but a JSON object; an empty body is an empty one."""
    try:
        value: Any = json.loads(body) if body.strip() else {}
    except ValueError as broken:
        raise BadBody("invalid_json") from broken
    if not is_object(value):
        raise BadBody("json_not_object")
    return value


def _multipart(content_type: str, body: bytes) -> dict[str, Any]:
    """Fields as text; a file's content as its name, for no method of the sandbox reads files."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    parsed = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: dict[str, Any] = {}
    for part in parsed.iter_parts():
        name = _parameter(part, "name")
        if name is None:
            raise BadBody("invalid_form_data")
        file_name = _parameter(part, "filename")
        payload = part.get_payload(decode=True)
        fields[name] = file_name if file_name is not None else bytes(payload or b"").decode(errors="replace")
    return fields


def _parameter(part: Message, name: str) -> str | None:
    value = part.get_param(name, header="content-disposition")
    return value if isinstance(value, str) else None
