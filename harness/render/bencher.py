"""Bencher Metric Format: benchmark → measure → value with its bounds.

`latency` is in nanoseconds, as Bencher's own measure of that name; `ratio` is times the
fastest driver of the same cell.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.core.visible import safe_json

if TYPE_CHECKING:
    from harness.core.stats import Estimate
    from harness.report.exchange import Benchmark, Exchanged


def render(exchanged: Exchanged) -> str:
    """One document for one run."""
    found = {benchmark.name: _measures(benchmark) for benchmark in exchanged.benchmarks}
    return safe_json(json.dumps(found, indent=1, ensure_ascii=False)) + "\n"


def _measures(benchmark: Benchmark) -> dict[str, dict[str, float]]:
    measures = {"latency": _metric(benchmark.interval, 1e9)}
    if benchmark.ratio is not None:
        measures["ratio"] = _metric(benchmark.ratio, 1.0)
    return measures


def _metric(estimate: Estimate, factor: float) -> dict[str, float]:
    """A value; without an interval it has no bounds."""
    ends = {"lower_value": estimate.low, "upper_value": estimate.high}
    bounds = {name: end * factor for name, end in ends.items() if end is not None}
    return {"value": estimate.point * factor, **bounds}
