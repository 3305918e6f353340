"""The redactor: finds every secret in a text, then replaces them all at once by `[REDACTED:rule]`.

All rules look at the same original text, so none of them hides a secret from another; where findings overlap, all that
they cover goes. A placeholder keeps the line breaks of what it replaces: in a diff, every line keeps its sign.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from integrations.agents.redact.assignments import assigned_secrets
from integrations.agents.redact.known import MIN_KNOWN, forms
from integrations.agents.redact.rules import RULES

#: What earlier passes left: never looked into again.
_MARK = re.compile(r"\[REDACTED:[\w-]+\]")
#: In front of a line of a known value over several lines: signs of a diff or of a quotation.
_LINE_BREAK = r"(?:\r?\n[ \t>|+\-]{0,4}|\\+n)"

#: Rules that know a secret by its name alone, the more telling first.
_GENERIC = ("environment", "assignment")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A secret from `start` to `end`; what makes it one begins at `begin`."""

    start: int
    end: int
    begin: int
    rule: str


class Redactor:
    """Takes secrets out of text. `known` maps a name to a value that must never leave; values under 8 characters are
    left to the rules. `counts` says how many secrets each rule took out; the values themselves are nowhere kept."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        values = {value for value in (known or {}).values() if len(value) >= MIN_KNOWN}
        found = {form for value in values for form in forms(value) if len(form) >= MIN_KNOWN}
        self._known = sorted(found, key=len, reverse=True)
        self._blocks = [
            re.compile(_LINE_BREAK.join(re.escape(line) for line in value.splitlines()))
            for value in values
            if "\n" in value
        ]
        #: How many line breaks the longest known value has.
        self.known_breaks = max((value.count("\n") for value in values), default=0)

    def redact(self, text: str) -> str:
        """`text` without its secrets. Doing it again changes nothing."""
        return self.replace(text, self.find(text))

    def find(self, text: str) -> list[Finding]:
        """Every secret in `text`, in order and without overlaps."""
        marks = [(mark.start(), mark.end()) for mark in _MARK.finditer(text)]
        found = sorted(
            finding
            for finding in self._candidates(text)
            if not any(start < finding.end and finding.start < end for start, end in marks)
        )
        return _merged(found)

    def replace(self, text: str, findings: list[Finding]) -> str:
        """`text` with the findings replaced and counted."""
        parts: list[str] = []
        at = 0
        for finding in findings:
            parts += [
                text[at : finding.start],
                f"[REDACTED:{finding.rule}]",
                _line_breaks(text[finding.start : finding.end]),
            ]
            at = finding.end
            self.counts[finding.rule] += 1
        return "".join([*parts, text[at:]])

    def _candidates(self, text: str) -> Iterator[Finding]:
        yield from self._known_in(text)
        lowered = text.lower()
        for rule in RULES:
            if any(hint in lowered for hint in rule.hints):
                group = "secret" if "secret" in rule.pattern.groupindex else 0
                for match in rule.pattern.finditer(text):
                    if rule.accepts(match[group]):
                        yield Finding(match.start(group), match.end(group), match.start(), rule.name)
        for value in assigned_secrets(text):
            rule = "environment" if value.style == "environment" else "assignment"
            yield Finding(value.start, value.end, value.begin, rule)

    def _known_in(self, text: str) -> Iterator[Finding]:
        present = [re.escape(form) for form in self._known if form in text]
        if present:
            for match in re.finditer("|".join(present), text):
                yield Finding(match.start(), match.end(), match.start(), "known-value")
        for block in self._blocks:
            for match in block.finditer(text):
                yield Finding(match.start(), match.end(), match.start(), "known-value")


def _merged(findings: list[Finding]) -> list[Finding]:
    """Overlapping findings as one, under the rule of the first, or of a known value."""
    merged: list[Finding] = []
    for finding in findings:
        if merged and finding.start < merged[-1].end:
            last = merged[-1]
            rule = "known-value" if "known-value" in (last.rule, finding.rule) else _plainer(last.rule, finding.rule)
            merged[-1] = Finding(last.start, max(last.end, finding.end), min(last.begin, finding.begin), rule)
        else:
            merged.append(finding)
    return merged


def _plainer(first: str, second: str) -> str:
    """The rule that says more: that of a provider, rather than that of a name."""
    return min(first, second, key=lambda rule: _GENERIC.index(rule) if rule in _GENERIC else -1)


def _line_breaks(secret: str) -> str:
    """The line breaks inside a secret, each with the sign that a diff gave its line."""
    lines = secret.split("\n")[1:]
    return "".join(
        "\n" + (line[0] if line[:1] in ("+", "-", " ") and not line.startswith("---") else "") for line in lines
    )
