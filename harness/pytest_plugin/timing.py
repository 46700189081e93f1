"""`pg_bench`: a function of the user's own, timed by the loops that time drivers.

It is warmed up, then timed in slices of some milliseconds, each with its untimed lead-in.
One slice is one value: wall time per call. All of them are of one process, so nothing is
said about how sure the median is; `pg_arm` compares.
"""

from __future__ import annotations

import asyncio
import gc
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from inspect import isawaitable
from statistics import median, quantiles
from typing import Any

import pytest

from harness.bench.schedule import LEAD_IN, LONG_SLICE_NS, WARM_UP_OPS
from harness.worker import loops

SLICE_NS = 5_000_000
SLICES = (5, 100)
BUDGET_NS = 1_000_000_000
"""How long all slices together may take, but for the fewest."""
WARM_UP_NS = 500_000_000
"""A function that takes long is not called twelve times before it is timed."""


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """How a function is timed: slices of so many calls, each after so many untimed ones."""

    ops: int
    lead: int
    slices: int


@dataclass(frozen=True, slots=True)
class BenchTimes:
    """What was measured: wall nanoseconds of each slice of `ops` calls."""

    ops: int
    wall_ns: list[int] = field(default_factory=list)

    @property
    def ns_per_op(self) -> list[float]:
        """One value per slice."""
        return [wall / self.ops for wall in self.wall_ns]

    @property
    def median_ns(self) -> float:
        """The median slice, per call."""
        return median(self.ns_per_op)

    @property
    def quartiles_ns(self) -> tuple[float, float]:
        """Between them lies the middle half of the slices."""
        low, _, high = quantiles(self.ns_per_op, n=4)
        return low, high


def plan(ns_per_op: float) -> SlicePlan:
    """How to time a function that takes about so long."""
    ops = max(1, round(SLICE_NS / max(1.0, ns_per_op)))
    each = ops * ns_per_op
    lead = 0 if each >= LONG_SLICE_NS else math.ceil(ops * LEAD_IN)
    fewest, most = SLICES
    affordable = int(BUDGET_NS / max(1.0, each))
    return SlicePlan(ops, lead, max(fewest, min(most, affordable)))


def warm_up_ops(first_ns: float) -> int:
    """How often to call a function whose first call took so long before it is timed."""
    return max(1, min(WARM_UP_OPS, int(WARM_UP_NS / max(1.0, first_ns))))


def timed(op: loops.SyncOp) -> BenchTimes:
    """Warm up and time a sync function."""
    first, *_ = loops.sync_slice(op, 0, 1, tuple)
    count = warm_up_ops(first)
    warm, *_ = loops.sync_slice(op, 0, count, tuple)
    chosen = plan(warm / count)
    gc.collect()
    times = BenchTimes(chosen.ops)
    for _ in range(chosen.slices):
        wall, *_ = loops.sync_slice(op, chosen.lead, chosen.ops, tuple)
        times.wall_ns.append(wall)
    return times


async def timed_async(op: loops.AsyncOp) -> BenchTimes:
    """The same for an async function, in the loop that runs."""
    first, *_ = await loops.async_slice(op, 0, 1, tuple)
    count = warm_up_ops(first)
    warm, *_ = await loops.async_slice(op, 0, count, tuple)
    chosen = plan(warm / count)
    gc.collect()
    times = BenchTimes(chosen.ops)
    for _ in range(chosen.slices):
        wall, *_ = await loops.async_slice(op, chosen.lead, chosen.ops, tuple)
        times.wall_ns.append(wall)
    return times


class BenchFixture:
    """What a test calls: `pg_bench(op)`, or `await pg_bench(op)` in an async test."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        from harness.pytest_plugin import reporting

        self._reporter = reporting.reporter(request)
        self._used = False

    def __call__(self, op: Callable[[], Any]) -> Any:
        """Time a function without arguments; what its first call gave.

        A function that gives an awaitable is awaited: in the loop that runs, which makes
        this an awaitable, too, or in a loop of its own where none runs.
        """
        if self._used:
            raise RuntimeError("pg_bench times one function of a test: make two tests")
        self._used = True
        result = op()
        if not isawaitable(result):
            return self._sync(op, result)
        if _loop_runs():
            return self._async(op, result)
        return asyncio.run(self._async(op, result))

    def _sync(self, op: loops.SyncOp, result: Any) -> Any:
        if self._reporter.wanted:
            self._reporter.report(timed(op))
        return result

    def _async(self, op: loops.AsyncOp, first: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
        async def measured() -> Any:
            result = await first
            if self._reporter.wanted:
                self._reporter.report(await timed_async(op))
            return result

        return measured()


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
