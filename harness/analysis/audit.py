"""Does a run hang together? Laws that its own numbers must obey; pure.

Whoever made the numbers need not be trusted: what is broken here shows from the results
file alone. Each doubt says which law, where, and by how much. Source of the law of
concurrency: Little (1961), A proof for the queuing formula L = λW.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from harness.analysis.times import achieved_rate, counting_trials, wall_per_op
from harness.core import stats

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import CellFacts, OpenLoop, Run, Slices, Trial

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
FEWEST_FOR_A_TREND = 6

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A law that a run does not obey. `grave` if numbers are wrong, not only qualified."""

    kind: str
    text: str
    where: str = ""
    grave: bool = False


def audit(run: Run) -> Iterator[Doubt]:
    """Every doubt of a run, in the order of its cells."""
    cells = {cell.id: cell for cell in run.header.cells}
    counted = counting_trials(run)
    for (cell, arm), trials in counted.items():
        if cell in cells:
            where = f"{cell}, {arm}"
            yield from _impossible(trials, where)
            yield from _little(trials, cells[cell], where)
            yield from _single_ops(trials, cells[cell], where)
            yield from _saturated_client(trials, cells[cell], where)
            yield from _late(trials, cells[cell], where)
    yield from _unsteady(counted)
    yield from _duplicates(run.header.cells)
    yield from _cold_cache(run)


# --- one cell and arm -------------------------------------------------------------------


def _impossible(trials: Sequence[Trial], where: str) -> Iterator[Doubt]:
    """No time is zero or less, nothing is back before it began, and one process cannot
    use more CPU than there are cores."""
    walls = [wall for slices in _slices(trials) for wall in slices.wall_ns]
    singles = [ns for trial in trials for ns in trial.latency_ns]
    if any(ns <= 0 for ns in (*walls, *singles)):
        yield Doubt("clock", "a time of zero or less was measured", where, grave=True)
    for loop in _open_loops(trials):
        pairs = zip(loop.lag_ns, loop.response_ns, strict=True)
        if any(response <= lag for lag, response in pairs):
            text = "an op was back before it began"
            yield Doubt("clock", text, where, grave=True)
            return


def _little(trials: Sequence[Trial], cell: CellFacts, where: str) -> Iterator[Doubt]:
    """Little's law, L = λW: throughput × mean service time is the number of clients."""
    at_work = [
        sum(trial.latency_ns) / trial.latency_wall_ns
        for trial in trials
        if trial.latency_wall_ns and trial.latency_ns
    ]
    if not at_work or not cell.clients:
        return
    found = median(at_work)
    if abs(found / cell.clients - 1) > LITTLE_LIMIT:
        text = (
            f"throughput × mean service time is {found:.1f}, for {cell.clients} clients: "
            "not all of them were at work all the time (Little's law)"
        )
        yield Doubt("clients", text, where, grave=found > cell.clients * (1 + LITTLE_LIMIT))


def _single_ops(trials: Sequence[Trial], cell: CellFacts, where: str) -> Iterator[Doubt]:
    """The mean of single ops and the time per op of slices are two views of one thing."""
    ratios = [
        fmean(trial.latency_ns) / wall_per_op(trial, cell)
        for trial in trials
        if trial.latency_ns and trial.slices is not None and not cell.clients
    ]
    if not ratios:
        return
    found = median(ratios)
    if not 1 / SINGLE_LIMIT < found < SINGLE_LIMIT:
        text = f"ops timed one by one take {found:.1f} times as long as in slices"
        yield Doubt("latencies", text, where)


def _saturated_client(
    trials: Sequence[Trial], cell: CellFacts, where: str
) -> Iterator[Doubt]:
    """Where the client's core has no time left, its own speed is the throughput."""
    if not cell.clients:
        return
    shares = [
        sum(slices.cpu_ns) / sum(slices.wall_ns)
        for slices in _slices(trials)
        if sum(slices.wall_ns)
    ]
    if shares and median(shares) >= BUSY:
        text = (
            f"the client used {median(shares):.0%} of a core: its throughput is what the "
            "client can do, not what the server can"
        )
        yield Doubt("saturated client", text, where)


def _late(trials: Sequence[Trial], cell: CellFacts, where: str) -> Iterator[Doubt]:
    """Ops that arrive faster than they are answered wait ever longer."""
    loops = list(_open_loops(trials))
    if not loops:
        return
    achieved = achieved_rate(loops, cell.rate)
    if achieved < ON_TIME * cell.rate:
        text = (
            f"asked for {cell.rate:,} ops/s, achieved {achieved:,.0f}: a queue grew, and "
            "response times say how long the run was"
        )
        yield Doubt("saturated", text, where)


# --- the run ----------------------------------------------------------------------------


def _unsteady(counted: Mapping[Key, Sequence[Trial]]) -> Iterator[Doubt]:
    """Blocks in which warm-up did not end, or slices that go on to change."""
    for (cell, arm), trials in counted.items():
        where = f"{cell}, {arm}"
        restless = sum(not trial.steady for trial in trials)
        if restless * 2 > len(trials):
            text = (
                f"no steady state: in {restless} of {len(trials)} rounds the op was still "
                "becoming faster after the warm-up"
            )
            yield Doubt("warm-up", text, where)
            continue
        trend = _trend(trials)
        if trend is None or trend.low is None or trend.high is None:
            continue
        if trend.low > TREND_LIMIT or trend.high < -TREND_LIMIT:
            text = (
                f"no steady state: the last third of its slices differs from the first by "
                f"{stats.percent(trend.point):+.1f} %"
            )
            yield Doubt("warm-up", text, where)


def _trend(trials: Sequence[Trial]) -> stats.Estimate | None:
    """log(last third / first third) of the slices of a block, over rounds."""
    ratios = []
    for slices in _slices(trials):
        third = len(slices.wall_ns) // 3
        if len(slices.wall_ns) >= FEWEST_FOR_A_TREND:
            first, last = median(slices.wall_ns[:third]), median(slices.wall_ns[-third:])
            ratios.append(stats.log_ratio(last, first))
    return stats.hodges_lehmann(ratios) if ratios else None


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


def _slices(trials: Iterable[Trial]) -> Iterator[Slices]:
    return (trial.slices for trial in trials if trial.slices is not None)


def _open_loops(trials: Iterable[Trial]) -> Iterator[OpenLoop]:
    return (trial.open_loop for trial in trials if trial.open_loop is not None)
