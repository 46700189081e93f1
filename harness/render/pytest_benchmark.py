"""The JSON of pytest-benchmark, for `pytest-benchmark compare` and whoever else reads it.

Times are seconds per op, one value per round. `extra_info` has what those tools have no
place for: the ratio to the fastest driver with its interval, and the verdict.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.core.visible import safe_json

if TYPE_CHECKING:
    from harness.core.stats import Estimate
    from harness.report.exchange import Benchmark, Exchanged, Spread
    from harness.results.records import Header


def render(exchanged: Exchanged) -> str:
    """One document for one run."""
    header = exchanged.run.header
    document = {
        "machine_info": _machine(header),
        "commit_info": _commit(header),
        "benchmarks": [_benchmark(benchmark) for benchmark in exchanged.benchmarks],
        "datetime": header.started,
        "version": f"pgdyno {__version__}",
        "pgdyno": {
            "run": header.run,
            "left_out": exchanged.left_out,
            "terms": {arm.id: arm.terms for arm in exchanged.arms},
        },
    }
    return safe_json(json.dumps(document, indent=1, ensure_ascii=False)) + "\n"


def _machine(header: Header) -> dict[str, Any]:
    machine = header.machine
    return {
        "node": machine.hostname_hash,
        "system": machine.system,
        "release": machine.release,
        "python_implementation": machine.implementation,
        "python_implementation_version": machine.python,
        "python_version": machine.python,
        "cpu": {"brand_raw": machine.cpu, "count": machine.cores},
        "postgresql": header.server.version,
    }


def _commit(header: Header) -> dict[str, Any]:
    """A run is of released drivers, not of a commit; pytest-benchmark says it so, too."""
    return {
        "id": "unversioned",
        "time": header.started,
        "author_time": header.started,
        "dirty": False,
        "project": "pgdyno",
        "branch": "(unknown)",
    }


def _benchmark(benchmark: Benchmark) -> dict[str, Any]:
    return {
        "group": benchmark.group,
        "name": benchmark.name,
        "fullname": benchmark.name,
        "params": {"driver": benchmark.arm},
        "param": benchmark.arm,
        "extra_info": _extra(benchmark),
        "options": {
            "disable_gc": False,
            "timer": "perf_counter",
            "min_rounds": len(benchmark.spread.data),
            "max_time": 0,
            "min_time": 0,
            "warmup": True,
        },
        "stats": _stats(benchmark.spread),
    }


def _extra(benchmark: Benchmark) -> dict[str, Any]:
    return {
        "cell": benchmark.cell,
        "driver": benchmark.arm,
        "op": benchmark.op,
        "unit": benchmark.unit,
        "units_per_op": benchmark.units_per_op,
        "verdict": benchmark.verdict,
        "rank": benchmark.rank,
        "fastest": benchmark.fastest,
        **_estimated("seconds", benchmark.interval),
        **_estimated("ratio", benchmark.ratio),
    }


def _estimated(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    return {
        name: estimate.point if estimate else None,
        f"{name}_low": estimate.low if estimate else None,
        f"{name}_high": estimate.high if estimate else None,
    }


def _stats(spread: Spread) -> dict[str, Any]:
    far, beyond = spread.outliers
    low, high = spread.fence
    return {
        "min": min(spread.data),
        "max": max(spread.data),
        "mean": spread.mean,
        "stddev": spread.stddev,
        "rounds": len(spread.data),
        "median": spread.median,
        "iqr": spread.iqr,
        "q1": spread.q1,
        "q3": spread.q3,
        "iqr_outliers": beyond,
        "stddev_outliers": far,
        "outliers": f"{far};{beyond}",
        "ld15iqr": low,
        "hd15iqr": high,
        "ops": 1 / spread.mean,
        "total": sum(spread.data),
        "data": list(spread.data),
        "iterations": 1,
    }
