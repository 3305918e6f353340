"""The bill of materials names what the locks pin, and nothing that only builds or tests."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from scripts import sbom


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return sbom.bill()


def test_every_locked_package_of_a_server_is_in_it_once(document: dict[str, Any]) -> None:
    lock = (sbom.ROOT / "requirements-run.lock").read_text()
    pinned = re.findall(r"^(\S+)==", lock, re.MULTILINE)
    listed = [one["name"] for one in document["components"] if one["purl"].startswith("pkg:pypi/")]
    assert len(pinned) > 40
    assert sorted(listed) == sorted(name.lower() for name in pinned)


def test_what_pages_carry_is_in_it_with_its_hash_and_licence(document: dict[str, Any]) -> None:
    carried = [one for one in document["components"] if one["purl"].startswith("pkg:npm/")]
    names = {one["name"] for one in carried}
    assert {"react", "@codemirror/view", "@fontsource-variable/inter"} <= names
    assert all(re.fullmatch("[0-9a-f]{128}", one["hashes"][0]["content"]) for one in carried)
    assert not names & {"vitest", "vite", "typescript", "oxlint"}, "these only build and test"


def test_a_scoped_name_is_a_purl_as_others_read_it(document: dict[str, Any]) -> None:
    [view] = [one for one in document["components"] if one["name"] == "@codemirror/view"]
    assert view["purl"] == f"pkg:npm/%40codemirror/view@{view['version']}"
    assert view["bom-ref"] == view["purl"]


def test_it_is_the_same_wherever_it_is_made(document: dict[str, Any]) -> None:
    assert json.dumps(sbom.bill()) == json.dumps(document)
