"""Where times go: to pytest-benchmark where that is there, else to pgdyno's own table.

pytest-benchmark times a function itself, with a timer that a marker names. Our loops have
timed it already, so the timer that it gets replays what they measured; everything after
that, from `--benchmark-json` to `--benchmark-compare`, is pytest-benchmark's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import pytest

from harness.pytest_plugin.timing import BenchTimes
from harness.report.format import duration

_PLUGIN = "benchmark"
"""The name of pytest-benchmark's plug-in, and of its fixture."""
BENCH = "pg_bench"
ARM = "pg_arm"


class Reporter(Protocol):
    """Whom times are told; nobody wants them where benchmarks are switched off."""

    wanted: bool

    def report(self, times: BenchTimes) -> None:
        """Take the times of a test."""


class ReplayClock:
    """A timer in seconds that goes on by what was measured, at every second reading."""

    __name__ = "pgdyno"
    """As it stands in pytest-benchmark's files."""

    def __init__(self) -> None:
        self.now = 0.0
        self._steps: Iterator[float] = iter(())

    def load(self, seconds: Iterable[float]) -> None:
        """What to replay."""
        self._steps = iter([step for length in seconds for step in (0.0, length)])

    def __call__(self) -> float:
        """The next reading: a round begins at one and ends at the next."""
        self.now += next(self._steps, 0.0)
        return self.now


_CLOCK = pytest.StashKey[ReplayClock]()


def adopt(item: pytest.Item) -> None:
    """Let a test with `pg_bench` be one of pytest-benchmark's, before it is set up."""
    names: list[str] = getattr(item, "fixturenames", [])
    if not item.config.pluginmanager.hasplugin(_PLUGIN) or _CLOCK in item.stash:
        return
    if _PLUGIN in names and names.index(_PLUGIN) < names.index(BENCH):
        return  # the test asks for both: pytest-benchmark's own fixture is the user's
    clock = item.stash[_CLOCK] = ReplayClock()
    marker = item.get_closest_marker(_PLUGIN)
    known = {**marker.kwargs, "timer": clock} if marker else {"timer": clock}
    item.add_marker(pytest.mark.benchmark(**known), append=False)
    if _PLUGIN not in names:
        names.append(_PLUGIN)


def reporter(request: pytest.FixtureRequest) -> Reporter:
    """Who takes the times of a test."""
    clock = request.node.stash.get(_CLOCK, None)
    if clock is None:
        return OwnTable(request.node)
    return Replayed(request.getfixturevalue(_PLUGIN), clock)


class Replayed:
    """Tells pytest-benchmark, by the interface that it documents."""

    def __init__(self, benchmark: Any, clock: ReplayClock) -> None:
        self._benchmark = benchmark
        self._clock = clock
        self.wanted = bool(benchmark.enabled)
        if not self.wanted:
            self._benchmark.pedantic(_nothing)  # or it says that it was not used

    def report(self, times: BenchTimes) -> None:
        """One round per slice, each of so many iterations."""
        self._benchmark.extra_info["timed_by"] = "pgdyno"
        self._clock.load(wall / 1e9 for wall in times.wall_ns)
        self._benchmark.pedantic(_nothing, rounds=len(times.wall_ns), iterations=times.ops)


def _nothing() -> None:
    """What pytest-benchmark runs while it replays."""


class OwnTable:
    """Notes times as properties of a test: a JUnit file has them, and the table at the end
    is made of them, also where another process ran the test."""

    wanted = True

    def __init__(self, node: pytest.Item) -> None:
        self._node = node

    def report(self, times: BenchTimes) -> None:
        """Median and quartiles of the slices, ns per call."""
        low, high = times.quartiles_ns
        self._node.user_properties += [
            (f"{BENCH}_median_ns", round(times.median_ns, 1)),
            (f"{BENCH}_q1_ns", round(low, 1)),
            (f"{BENCH}_q3_ns", round(high, 1)),
            (f"{BENCH}_slices", len(times.wall_ns)),
            (f"{BENCH}_calls_per_slice", times.ops),
        ]


# --- the end of a session --------------------------------------------------------------


def summarise(
    terminal: pytest.TerminalReporter, reports: Sequence[pytest.TestReport]
) -> None:
    """Tables of what was timed and what was compared."""
    told = [(report.nodeid, dict(report.user_properties)) for report in reports]
    timed = [found for found in told if f"{BENCH}_median_ns" in found[1]]
    if timed:
        terminal.section("pgdyno: time per call (median, quartiles)")
        for nodeid, about in timed:
            terminal.line(_row(nodeid, about))
    compared = [found for found in told if f"{ARM}_change" in found[1]]
    if compared:
        terminal.section("pgdyno: head against base")
        for nodeid, about in compared:
            terminal.line(f"{nodeid}")
            terminal.line(f"    {about[f'{ARM}_text']}")


def _row(nodeid: str, about: dict[str, Any]) -> str:
    middle, low, high = (
        duration(float(about[f"{BENCH}_{name}_ns"])) for name in ("median", "q1", "q3")
    )
    calls = f"{about[f'{BENCH}_slices']} × {about[f'{BENCH}_calls_per_slice']} calls"
    return f"{middle:>9}  {low} … {high}  {calls}  {nodeid}"
