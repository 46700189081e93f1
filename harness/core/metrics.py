"""What is read around each slice beside the wall clock, and told per op.

One entry for each: its name is a key of a worker's answer (`harness.worker.stopwatch`) and
a list of `Slices` in a results file; all that comes after reads this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SliceMetric:
    """A reading of each slice. `head` is what a reader calls it per op, `unit` that of one
    op. A trial's number is the median of its slices; of what is counted and mostly zero it
    is the mean."""

    name: str
    head: str
    unit: Literal["ns/op", "1/op"]
    average: Literal["median", "mean"] = "median"


METRICS = (
    SliceMetric("cpu_ns", "client CPU / op", "ns/op"),
    SliceMetric("server_cpu_ns", "server CPU / op", "ns/op"),
    SliceMetric("voluntary_switches", "own switches / op", "1/op", "mean"),
    SliceMetric("involuntary_switches", "forced switches / op", "1/op", "mean"),
)

WAITS = ("client_wait_ns", "server_wait_ns")
"""How long the client's threads and its backends were ready to run and had no processor,
from the begin of a slice's lead-in to its end: by these a pass is left out."""

WORK = ("cpu_ns", "server_cpu_ns")
"""How long they ran meanwhile."""

READINGS = (*(metric.name for metric in METRICS), *WAITS, "burden_ns")
"""All readings of a slice beside `wall_ns`: what slowed ops on purpose is no metric."""
