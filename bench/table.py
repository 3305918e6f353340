"""What was measured, as a Markdown table: the medians of each server's rounds, and ours as a ratio to each."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.cases import Case
from bench.load import Result, percentile

Column = tuple[str, Callable[[Result], float], str]


def _per(amount: float, cpu: float) -> float:
    """CPU time is counted in hundredths of a second: less than one of them says nothing."""
    return amount / cpu if cpu >= 0.01 else float("nan")


_RUN: list[Column] = [
    ("deliveries/CPU-s", lambda result: _per(result.deliveries, result.cpu), "{:,.0f}"),
    ("messages/s", lambda result: result.messages / max(result.seconds, 0.001), "{:,.0f}"),
    ("p50 ms", lambda result: result.p50, "{:.2f}"),
    ("p99 ms", lambda result: result.p99, "{:.2f}"),
    ("load's CPU", lambda result: result.load_cpu_share * 100, "{:.0f} %"),
]
_CONNECT: list[Column] = [
    ("connections/CPU-s", lambda result: _per(result.connections, result.connect_cpu), "{:,.0f}"),
    ("first frame p50 ms", lambda result: percentile(result.first_frame, 0.5), "{:.1f}"),
    ("p99 ms", lambda result: percentile(result.first_frame, 0.99), "{:.1f}"),
    ("KiB per connection", lambda result: result.kib_per_connection, "{:.1f}"),
]


def markdown(case: Case, found: Mapping[str, Sequence[Result]], titles: Mapping[str, str]) -> str:
    """The first column's figure decides the ratio, and the first server is the one that is compared."""
    columns = _RUN if case.window or case.rate else _CONNECT
    medians = {
        name: [statistics.median(value(result) for result in results) for _, value, _ in columns]
        for name, results in found.items()
    }
    lines = [
        f"### {case.name}: {case.says}",
        "",
        "| server | " + " | ".join(title for title, _, _ in columns) + " | faults | ours ÷ this |",
        "|---" * (len(columns) + 3) + "|",
    ]
    ours = next(iter(medians.values()), [0.0])[0]
    for name, figures in medians.items():
        cells = [shape.format(figure) for figure, (_, _, shape) in zip(figures, columns, strict=True)]
        faults = sum(len(result.faults) for result in found[name])
        ratio = f"{ours / figures[0]:.2f}" if figures[0] else "–"
        lines.append(f"| {titles[name]} | " + " | ".join([*cells, str(faults), ratio]) + " |")
    return "\n".join(lines) + "\n"
