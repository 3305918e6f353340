"""What the operator's documents promise is what there is."""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

import cosession.compose  # noqa: F401 - brings every metric in, but for those that only a process with Redis has
import integrations.redis.limits
import integrations.redis.metrics  # noqa: F401
from tests.support.chromium import ROOT


def test_every_metric_is_in_the_operators_document_and_every_one_there_exists() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    told = set(re.findall(r"^\| `(cosession_\w+)", text, re.MULTILINE))
    there = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in REGISTRY.collect()
        if metric.name.startswith("cosession_")
    }
    assert told == there


def test_every_alert_is_about_a_metric_that_exists() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    alerts = text.split("## Alerts")[1].split("##")[0]
    told = set(re.findall(r"^\| `(cosession_\w+)", text, re.MULTILINE))
    assert set(re.findall(r"cosession_\w+", alerts)) <= told
