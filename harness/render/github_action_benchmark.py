"""What github-action-benchmark reads with `tool: customSmallerIsBetter`.

An array of results, each with `name`, `unit`, `value`, `range` and `extra`. Its reader of
pytest-benchmark's files (`tool: pytest`) takes the format pytest-benchmark instead.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.core.visible import safe_json
from harness.report import format as fmt

if TYPE_CHECKING:
    from harness.report.exchange import Benchmark, Exchanged


def render(exchanged: Exchanged) -> str:
    """One document for one run."""
    results = [_result(benchmark) for benchmark in exchanged.benchmarks]
    return safe_json(json.dumps(results, indent=1, ensure_ascii=False)) + "\n"


def _result(benchmark: Benchmark) -> dict[str, str | float]:
    return {
        "name": benchmark.name,
        "unit": "ns/op",
        "value": benchmark.interval.point * 1e9,
        "range": _range(benchmark),
        "extra": "\n".join(_extra(benchmark)),
    }


def _range(benchmark: Benchmark) -> str:
    low, high = benchmark.interval.low, benchmark.interval.high
    if low is None or high is None:
        return "no interval"
    return f"{low * 1e9:.6g} … {high * 1e9:.6g}"


def _extra(benchmark: Benchmark) -> list[str]:
    lines = [f"verdict: {benchmark.verdict}", f"rounds: {len(benchmark.spread.data)}"]
    ratio = benchmark.ratio
    if ratio is not None and benchmark.arm != benchmark.fastest:
        ends = [fmt.times(end) for end in (ratio.low, ratio.high) if end is not None]
        interval = f" ({' … '.join(ends)})" if ends else ""
        lines.append(f"{fmt.times(ratio.point)} {benchmark.fastest}{interval}")
    return lines
