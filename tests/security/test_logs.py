"""What a server writes to its log: neither secrets nor what people say, and nothing that a terminal would obey."""

from __future__ import annotations

import json
import logging
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
import websockets

from cosession import logs
from tests.security.test_fuzz import call, cosession
from tests.support.server import ServerProcess

TEXT = "canary-text-5d1c"
NAME = "canary-name-77aa"


def ask(server: ServerProcess, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or b"null")


async def speak(server: ServerProcess, session_id: str, ticket: str) -> None:
    address = f"{server.url.replace('http', 'ws', 1)}/ws/session/{session_id}?token={ticket}"
    async with websockets.connect(address) as socket:
        await socket.send(json.dumps({"type": "chat_message", "content": TEXT}))
        await socket.send(f'{{"type":"{TEXT}"}}')
        await socket.send(f"not json {TEXT}")
        while '"seq"' not in str(await socket.recv()):
            pass
    # A ticket that was used, and one that never was.
    for bad in (ticket, "canary-ticket-1f"):
        try:
            async with websockets.connect(address.replace(ticket, bad)) as socket:
                await socket.recv()
        except websockets.WebSocketException:
            pass


async def test_no_secret_and_no_text_that_people_wrote_is_in_the_log(server_process: ServerProcess) -> None:
    server = server_process
    cosession(server, "user", "add", "ann@example.com", "--name", NAME)
    token = cosession(server, "token", "ann@example.com")
    link = cosession(server, "user", "sign-in", "ann@example.com")
    secrets = [token, link.split("#")[1], "canary-ticket-1f", "canary-bearer-3b", "canary-cookie-9e", TEXT, NAME]
    bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    session_id = call(server, token, "/api/sessions", {"title": TEXT})["id"]
    invite = call(server, token, f"/api/sessions/{session_id}/invites", {"role": "viewer"})["url"].split("#")[1]
    ticket = call(server, token, f"/api/sessions/{session_id}/tickets", {})["ticket"]
    secrets += [invite, ticket]
    await speak(server, session_id, ticket)
    statuses = [
        ask(server, "POST", "/api/sign-in", {"Content-Type": "application/json"}, {"token": link.split("#")[1]})[0],
        ask(server, "GET", f"/api/invites/{invite}", {})[0],
        ask(server, "POST", f"/api/invites/{invite}/accept", {"Content-Type": "application/json"}, {"name": NAME})[0],
        ask(server, "POST", "/api/sessions", bearer, {"title": TEXT, "unknown": TEXT})[0],
        ask(server, "GET", "/api/me", {"Authorization": "Bearer canary-bearer-3b"})[0],
        ask(server, "GET", "/api/me", {"Cookie": "cosession=canary-cookie-9e"})[0],
        ask(server, "GET", f"/api/me?access_token={token}", {})[0],
        ask(server, "GET", f"/nowhere/{TEXT.upper()}?q={TEXT}", {"Accept": "application/json"})[0],
    ]
    assert statuses == [200, 200, 200, 422, 401, 401, 401, 404]
    server.terminate()
    printed = server.output
    assert printed.strip(), "the server says nothing at all, so this proves nothing"
    assert [secret for secret in secrets if secret in printed] == []


def test_control_characters_reach_no_terminal(server_process: ServerProcess) -> None:
    server = server_process
    for path in ("/%1b%5b31mred", "/%0a%0dforged%20line", "/%c2%9b31m", "/%e2%80%ae"):
        status, _ = ask(server, "GET", path, {"Accept": "application/json", "User-Agent": "x\x1b[31m"})
        assert status in (400, 404)
    server.terminate()
    assert not re.search(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]|\x1b(?!\[[0-9;]*m)", server.output)
    assert "forged line" not in server.output.splitlines()


def test_on_a_terminal_control_characters_are_shown_and_not_obeyed(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(is_terminal=True)
    try:
        logging.getLogger("test").warning("a name \x1b]0;owned\x07 and \u202egnp.exe\x9b31m")
    finally:
        logging.getLogger().handlers.clear()
    shown = capfd.readouterr().err
    assert "\\x1b]0;owned\\x07" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]|\x1b(?!\[[0-9;]*m)", shown)
