"""The sample that the web view checks its digest with is what this server would send."""

from __future__ import annotations

import json
import zlib

import orjson

from core.events import event_adapter
from core.log import encode
from tests.architecture.test_floors import ROOT

SAMPLE = ROOT / "web" / "src" / "testing" / "digest.json"


def test_the_sample_of_the_web_view_is_encoded_as_the_log_encodes() -> None:
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    total = 0
    for text in sample["frames"]:
        frame = orjson.loads(text)
        envelope = {name: frame.pop(name) for name in ("seq", "at", "actor_id")}
        assert encode(event_adapter.validate_python(frame), **envelope) == text.encode()
        total = zlib.crc32(text.encode(), total)
    assert total == sample["crc32"]
