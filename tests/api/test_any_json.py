"""Any JSON on the socket, or in a list of commands: a frame that is carried out, or a clean refusal, never a failure.

Every answer is checked against the published models, and nothing that is refused changes the log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any, get_args

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.commands import Caller
from api.frames import ClientFrames, server_frame_adapter
from api.incoming import answer
from core import log
from core.limits import TokenBuckets
from tests.api.support import Notes, Place, open_place

KINDS = [str(get_args(model.model_fields["type"].annotation)[0]) for model in get_args(get_args(ClientFrames)[0])]
FIELDS = sorted({name for model in get_args(get_args(ClientFrames)[0]) for name in model.model_fields})

numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=True, allow_infinity=True)
texts = st.text(max_size=30) | st.sampled_from(
    ["", "\x00", "\ud800", "msg_", "a" * 5_000, "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa"]
)
scalars = st.none() | st.booleans() | numbers | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
plausible = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        **{name: anything for name in FIELDS if name != "type"},
        "content": texts,
        "client_msg_id": texts,
        "file": texts,
        "line": st.integers(-1, 10),
        "seq": st.integers(-1, 10),
        "since": st.fixed_dictionaries({"epoch": st.just(""), "seq": st.integers(-1, 10)}),
    },
)
documents = (anything | plausible | plausible).map(json.dumps)
fragments = st.text(alphabet='{}[]",:\\ntrue0.e\ud83d', max_size=40)


@pytest.fixture(scope="module")
def runner() -> Generator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def place(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    folder = tmp_path_factory.mktemp("any json")
    opening = open_place(f"sqlite:///{folder}/cosession.db", folder / "data")
    opened = runner.run(opening.__aenter__())
    # How much may be written is not what is tested here.
    opened.api.messages = TokenBuckets(per_minute=1_000_000)
    yield opened
    runner.run(opening.__aexit__(None, None, None))


async def check_one(place: Place, text: str) -> None:
    room, connection = await place.come_in(place.editor, Notes())
    before = await head(place)
    try:
        caller = Caller(place.api, place.session_id, place.editor, connection.role, room, connection)
        answered = await answer(caller, text)
        if answered is not None:
            frame = server_frame_adapter.validate_json(answered)
            if frame.type == "error":
                assert frame.message
                assert await head(place) == before, "what was refused has changed the log"
            elif frame.type == "ack":
                assert frame.seq <= await head(place)
    finally:
        place.api.hub.leave(room, connection)


async def head(place: Place) -> int:
    return await place.api.db.read(lambda tx: log.head(tx, place.session_id))


@settings(max_examples=400)
@given(text=documents | fragments)
def test_any_text_on_a_socket_is_a_frame_or_a_clean_refusal(runner: asyncio.Runner, place: Place, text: str) -> None:
    runner.run(check_one(place, text))


async def post(place: Place, body: bytes) -> httpx2.Response:
    headers = {
        "Authorization": f"Bearer {place.api.tokens.issue('api', place.editor.user_id, 0, timedelta(hours=1))}",
        "Content-Type": "application/json",
    }
    return await place.client.post(f"/api/sessions/{place.session_id}/commands", content=body, headers=headers)


async def check_request(place: Place, frames: list[Any]) -> None:
    body = json.dumps({"frames": frames}).encode()
    place.api.frames = TokenBuckets(per_minute=1_000_000)
    response = await post(place, body)
    assert response.status_code == 200, response.text
    items = response.json()["items"]
    assert len(items) == len(frames)
    for item in items:
        if item is not None:
            server_frame_adapter.validate_python(item)


@settings(max_examples=150)
@given(frames=st.lists(anything | plausible, min_size=1, max_size=5))
def test_any_list_of_commands_is_answered_one_by_one(runner: asyncio.Runner, place: Place, frames: list[Any]) -> None:
    runner.run(check_request(place, frames))


@settings(max_examples=150)
@given(text=documents | fragments)
def test_any_body_is_answered_or_refused_as_a_problem(runner: asyncio.Runner, place: Place, text: str) -> None:
    response = runner.run(post(place, text.encode(errors="surrogatepass")))
    assert response.status_code in (200, 400, 422), response.text
    if response.status_code != 200:
        assert response.json()["error_code"]


@pytest.mark.parametrize("depth", [200, 1_000, 100_000])
def test_a_document_as_deep_as_a_well_is_refused(runner: asyncio.Runner, place: Place, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    runner.run(check_one(place, deep))
    runner.run(check_one(place, f'{{"type":"chat_message","content":"x","mentions":{deep}}}'))
    response = runner.run(post(place, f'{{"frames":[{deep}]}}'.encode()))
    assert response.status_code in (200, 400, 422), response.text
