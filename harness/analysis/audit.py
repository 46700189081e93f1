"""Does a run hang together? Laws that its own numbers must obey; pure.

Whoever made the numbers need not be trusted: what is broken here shows from the results
file alone. Each doubt says which law, where, and by how much. Source of the law of
concurrency: Little (1961), A proof for the queuing formula L = λW.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.analysis.times import Key, Timings, measured
from harness.core import stats

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import CellFacts, Run

LITTLE_LIMIT = 0.10
"""Σ service times / wall may differ from the number of clients by this share: at the end
of a pass the last clients are alone."""
SINGLE_LIMIT = 1.5
"""Ops timed one by one may take this much longer, or shorter, than in slices."""
BUSY = 0.95
"""From this share of CPU on, the client is what is measured."""
ON_TIME = 0.98
"""Below this share of the arrival rate a queue has grown."""
CACHE_MISSES = 0.01
TREND_LIMIT = math.log(1.01)
"""Slices at the end of a block may be 1 % faster or slower than at its beginning."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A law that a run does not obey. `grave` if numbers are wrong, not only qualified."""

    kind: str
    text: str
    where: str = ""
    grave: bool = False


def audit(run: Run) -> Iterator[Doubt]:
    """Every doubt of a run, in the order of its cells."""
    found = measured(run)
    for (cell, arm), series in found.series.items():
        where = f"{cell}, {arm}"
        yield from _impossible(series, where)
        yield from _little(series, where)
        yield from _single_ops(series, where)
        yield from _saturated_client(series, where)
        yield from _late(series, where)
    yield from _unsteady(found.series)
    yield from _repeated(found.repeated)
    yield from _duplicates(run.header.cells)
    yield from _cold_cache(run)


# --- one cell and arm -------------------------------------------------------------------


def _impossible(series: Timings, where: str) -> Iterator[Doubt]:
    """No time is zero or less, and nothing is back before it began."""
    if series.stopped_clock:
        yield Doubt("clock", "a time of zero or less was measured", where, grave=True)
    if series.backwards:
        yield Doubt("clock", "an op was back before it began", where, grave=True)


def _little(series: Timings, where: str) -> Iterator[Doubt]:
    """Little's law, L = λW: throughput × mean service time is the number of clients."""
    clients = series.cell.clients
    if not series.at_work or not clients:
        return
    found = median(series.at_work)
    if abs(found / clients - 1) > LITTLE_LIMIT:
        text = (
            f"throughput × mean service time is {found:.1f}, for {clients} clients: "
            "not all of them were at work all the time (Little's law)"
        )
        yield Doubt("clients", text, where, grave=found > clients * (1 + LITTLE_LIMIT))


def _single_ops(series: Timings, where: str) -> Iterator[Doubt]:
    """The mean of single ops and the time per op of slices are two views of one thing."""
    if not series.singly or series.cell.clients:
        return
    found = median(series.singly)
    if not 1 / SINGLE_LIMIT < found < SINGLE_LIMIT:
        text = f"ops timed one by one take {found:.1f} times as long as in slices"
        yield Doubt("latencies", text, where)


def _saturated_client(series: Timings, where: str) -> Iterator[Doubt]:
    """Where the client's core has no time left, its own speed is the throughput."""
    if series.cell.clients and series.busy and median(series.busy) >= BUSY:
        text = (
            f"the client used {median(series.busy):.0%} of a core: its throughput is what "
            "the client can do, not what the server can"
        )
        yield Doubt("saturated client", text, where)


def _late(series: Timings, where: str) -> Iterator[Doubt]:
    """Ops that arrive faster than they are answered wait ever longer."""
    rate, achieved = series.cell.rate, series.achieved_rate
    if series.loops and achieved < ON_TIME * rate:
        text = (
            f"asked for {rate:,} ops/s, achieved {achieved:,.0f}: a queue grew, and "
            "response times say how long the run was"
        )
        yield Doubt("saturated", text, where)


# --- the run ----------------------------------------------------------------------------


def _unsteady(found: Mapping[Key, Timings]) -> Iterator[Doubt]:
    """Blocks in which warm-up did not end, or slices that go on to change."""
    for (cell, arm), series in found.items():
        where = f"{cell}, {arm}"
        if series.restless * 2 > len(series):
            text = (
                f"no steady state: in {series.restless} of {len(series)} rounds the op was "
                "still becoming faster after the warm-up"
            )
            yield Doubt("warm-up", text, where)
            continue
        if not series.trends:
            continue
        trend = stats.hodges_lehmann(series.trends)
        if trend.low is None or trend.high is None:
            continue
        if trend.low > TREND_LIMIT or trend.high < -TREND_LIMIT:
            text = (
                f"no steady state: the last third of its slices differs from the first by "
                f"{stats.percent(trend.point):+.1f} %".replace("-", "−")
            )
            yield Doubt("warm-up", text, where)


def _repeated(count: int) -> Iterator[Doubt]:
    """A file that somebody put together: a round of an arm is there once."""
    if count:
        text = (
            f"{count:,} of its trials are there twice, with the same cell, driver and "
            "round; the later one counts"
        )
        yield Doubt("repeated trials", text, grave=True)


def _duplicates(cells: Iterable[CellFacts]) -> Iterator[Doubt]:
    """The same work under two names counts twice in every mean."""
    same: dict[str, list[str]] = defaultdict(list)
    for cell in cells:
        if cell.work:
            same[cell.work].append(cell.id)
    for names in same.values():
        if len(names) > 1:
            text = "these cells ask for the same work, so they count twice in the means"
            yield Doubt("duplicate cells", text, ", ".join(names))


def _cold_cache(run: Run) -> Iterator[Doubt]:
    """A server that reads from disk measures the disk."""
    footer = run.footer
    if footer is None or not footer.cache_hits + footer.cache_reads:
        return
    share = footer.cache_reads / (footer.cache_hits + footer.cache_reads)
    if share > CACHE_MISSES:
        text = f"{share:.1%} of the blocks that were asked for were not in its cache"
        yield Doubt("server", text)
