"""How long a message takes between a session and its Slack thread, each way, in the sandbox and with no limit hit.

    .venv/bin/python -m bench.slack [--messages 40]

One real server with its sandbox. A message is said every 1.5 seconds, slower than the one a second that Slack allows in
a channel, and looked for every 10 ms on the other side. The sandbox answers at once: what Slack itself takes comes on
top.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from api.tokens import Tokens
from bench.servers import cosession
from core.clock import system_clock
from cosession import settings as configuration

EVERY = 1.5
LOOK = 0.01


class Thread:
    """A session that was started in the sandbox by somebody who has an account."""

    def __init__(self, port: int, data_dir: Path) -> None:
        self._http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20.0)
        state = self._get("/sandbox/slack/ui/state")
        self._user = str(state["me"])
        self._channel = next(str(one["id"]) for one in state["channels"] if one["kind"] == "channel")
        email = next(str(one["email"]) for one in state["people"] if one["id"] == self._user)
        self._headers = token_for(email, data_dir)
        self._act("slash", command="/cosession", text="start Bench")
        self._root = str(until(lambda: next((one["ts"] for one in self._posts() if is_card(one)), None)))
        self._session = str(until(lambda: next(iter(self._get("/api/sessions")["items"]), None))["id"])

    def say_in_browser(self, text: str) -> None:
        frame = {"type": "chat_message", "client_msg_id": text, "content": text}
        path = f"/api/sessions/{self._session}/commands"
        self._http.post(path, json={"frames": [frame]}, headers=self._headers).raise_for_status()

    def is_in_slack(self, text: str) -> bool:
        return any(text in str(one.get("text")) for one in self._posts())

    def say_in_slack(self, text: str) -> None:
        self._act("say", text=text, thread_ts=self._root)

    def is_in_browser(self, text: str) -> bool:
        found = self._get(f"/api/sessions/{self._session}/messages?limit=5")["items"]
        return any(one["message"]["content"] == text for one in found)

    def _posts(self) -> list[dict[str, Any]]:
        path = f"/sandbox/slack/ui/messages?user={self._user}&channel={self._channel}"
        return list(self._get(path)["messages"])

    def _act(self, action: str, **fields: str) -> None:
        body = {"user": self._user, "channel": self._channel, **fields}
        answer = self._http.post(f"/sandbox/slack/ui/{action}", json=body, headers={"X-Sandbox": "1"})
        answer.raise_for_status()

    def _get(self, path: str) -> dict[str, Any]:
        headers = self._headers if path.startswith("/api/") else {}
        answer = self._http.get(path, headers=headers)
        answer.raise_for_status()
        return dict(answer.json())


def is_card(post: dict[str, Any]) -> bool:
    return str(post.get("text")).startswith("Live session")


def token_for(email: str, data_dir: Path) -> dict[str, str]:
    with sqlite3.connect(f"file:{data_dir / 'cosession.db'}?mode=ro", uri=True) as database:
        [user_id] = database.execute("SELECT id FROM users WHERE email = ?", [email]).fetchone()
    key = configuration.load(_env_file=None, COSESSION_DATA_DIR=data_dir).jwt_key()
    return {"Authorization": f"Bearer {Tokens(key, system_clock).issue('api', user_id, 0, timedelta(hours=1))}"}


def until(look: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `look` finds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(LOOK)
    raise TimeoutError


def measured(name: str, say: Callable[[str], None], is_there: Callable[[str], bool], count: int) -> None:
    took: list[float] = []
    for number in range(count):
        text, began = f"{name} {number} of {count}", time.monotonic()
        say(text)
        until(lambda text=text: is_there(text))
        took.append((time.monotonic() - began) * 1_000)
        time.sleep(max(0.0, EVERY - took[-1] / 1_000))
    p95 = statistics.quantiles(took, n=20)[-1]
    print(f"| {name} | {statistics.median(took):.0f} | {p95:.0f} | {max(took):.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.slack")
    parser.add_argument("--messages", type=int, default=40)
    count = parser.parse_args().messages
    with tempfile.TemporaryDirectory() as folder, cosession(Path(folder)) as server:
        thread = Thread(server.port, Path(folder))
        print("| way | p50 ms | p95 ms | slowest ms |\n|---|---|---|---|")
        measured("browser to thread", thread.say_in_browser, thread.is_in_slack, count)
        measured("thread to browser", thread.say_in_slack, thread.is_in_browser, count)


if __name__ == "__main__":
    main()
