"""Claims about times and memory: an interval lies inside of what is claimed, or outside.

Two arms of one cell are paired pass by pass, two cells of one arm round by round. The sides
of a comparison are of one run. Pure.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence

from harness.analysis.times import ArmTimes, paired_log_ratios
from harness.claims import form
from harness.claims.evidence import Evidence, versions_of
from harness.claims.outcomes import ClaimOutcome, DecidedPart
from harness.core import stats
from harness.core.stats import MIN_ROUNDS, Estimate
from harness.core.verdicts import Verdict
from harness.lanes.memory.meaning import ArmMemory, Size
from harness.report import format as fmt
from harness.report.circumstances import TERMS
from harness.results.records import Run

DECISIVE = (
    "row_shape",
    "wire_results",
    "statement_cache",
    "commits",
    "binds",
    "rewrites",
)
"""Terms that decide about time without anybody naming them."""

NO_RUN = "no run here has measured it"
_TIMES = "--run --times"
Parts = Iterator[DecidedPart]


# --- comparisons ------------------------------------------------------------------------


def compared(condition: form.CompareCondition, evidence: Evidence, command: str) -> Parts:
    """Whether the first side takes so many times as long as the second."""
    keys = _sides(condition)
    label = condition.part or " ÷ ".join(condition.arms or condition.cells)
    for run, times in evidence.timed():
        if all(key in times for key in keys):
            first, second = (times[key] for key in keys)
            yield _comparison(condition, label, run, first, second)
            return
    yield DecidedPart(label, ClaimOutcome.NOT_TRIED, NO_RUN, command=measuring(command))


def _sides(condition: form.CompareCondition) -> list[tuple[str, str]]:
    if condition.arms:
        return [(condition.cell, arm) for arm in condition.arms]
    return [(cell, condition.driver) for cell in condition.cells]


def measuring(command: str) -> str:
    """The command of a claim that measures, too."""
    return command.replace("--run", _TIMES)


def _comparison(
    condition: form.CompareCondition,
    label: str,
    run: Run,
    first: ArmTimes,
    second: ArmTimes,
) -> DecidedPart:
    outcome, seen = _ratio(condition, first, second)
    reasons: list[str] = []
    if outcome is ClaimOutcome.HOLDS:
        reasons = list(_unnamed(first, second))
    return DecidedPart(
        label,
        outcome,
        seen,
        _versions(first, second),
        run.header.server.version,
        _bench(first, second),
        tuple(dict.fromkeys((first.cell.id, second.cell.id))),
        tuple(dict.fromkeys(reasons)),
    )


def _ratio(
    condition: form.CompareCondition, first: ArmTimes, second: ArmTimes
) -> tuple[ClaimOutcome, str]:
    for side in (first, second):
        if side.number is None:
            told = f"no time of {side.arm.id}: {side.verdict}: {side.detail}"
            return ClaimOutcome.NOT_TRIED, told.rstrip(": ")
    ratios = _log_ratios(condition, first, second)
    found = stats.hodges_lehmann(ratios).exp() if ratios else None
    if found is None or found.low is None or found.high is None:
        point = f", median {fmt.times(found.point)}" if found else ""
        rounds = fmt.plural(len(ratios), "common quiet round")
        told = f"{rounds}, {MIN_ROUNDS} are needed{point}"
        return ClaimOutcome.INCONCLUSIVE, told
    names = _names(condition, first, second)
    told = f"{names[0]} takes {_interval(found)} the time of {names[1]}"
    return _placed(condition.ratio, found.low, found.high), told


def _names(
    condition: form.CompareCondition, first: ArmTimes, second: ArmTimes
) -> tuple[str, str]:
    if condition.arms:
        return first.arm.id, second.arm.id
    each = f" per {first.cell.unit.rstrip('s')}" if condition.per == "unit" else ""
    return f"{first.cell.id}{each}", second.cell.id


def _log_ratios(
    condition: form.CompareCondition, first: ArmTimes, second: ArmTimes
) -> Sequence[float]:
    if condition.arms:
        return paired_log_ratios(first.series, second.series)
    units = (first.cell.units_per_op, second.cell.units_per_op)
    less = math.log(units[0] / units[1]) if condition.per == "unit" else 0.0
    return [
        stats.log_ratio(first.by_round[number], second.by_round[number]) - less
        for number in sorted(first.by_round.keys() & second.by_round.keys())
    ]


def _interval(found: Estimate) -> str:
    assert found.low is not None
    assert found.high is not None
    ends = f"{fmt.times(found.low)} to {fmt.times(found.high)}"
    return f"{fmt.times(found.point)} ({ends}, {found.n} rounds)"


def _placed(limits: form.Limits, low: float, high: float) -> ClaimOutcome:
    holds = limits.holds(low, high)
    if holds is None:
        return ClaimOutcome.INCONCLUSIVE
    return ClaimOutcome.HOLDS if holds else ClaimOutcome.DOES_NOT_HOLD


def _versions(*sides: ArmTimes) -> str:
    return "; ".join(dict.fromkeys(versions_of(side.arm) for side in sides))


def _bench(*sides: ArmTimes) -> str:
    cells = dict.fromkeys(side.cell.id for side in sides)
    arms = dict.fromkeys(side.arm.id for side in sides)
    named = [word for arm in arms for word in ("--driver", arm)]
    return shlex.join(["pgdyno", "bench", *cells, *named])


def _unnamed(first: ArmTimes, second: ArmTimes) -> Iterator[str]:
    """What is not alike on both sides, and decides about time."""
    for side in (first, second):
        if side.verdict is Verdict.DIFFERS:
            yield f"{side.arm.id} hands out values of another type: {side.detail}"
    for term in DECISIVE:
        told = [side.arm.terms.get(term, "") for side in (first, second)]
        if told[0] != told[1]:
            both = " and ".join(
                f"{text or 'none'} ({side.arm.id})"
                for text, side in zip(told, (first, second), strict=True)
            )
            yield f"other terms: {TERMS[term]} {both}"


# --- times ------------------------------------------------------------------------------


def timed(condition: form.TimeCondition, evidence: Evidence, command: str) -> Parts:
    """Whether a cell takes so long, or does so much in a second."""
    label = condition.part or f"{condition.driver} {condition.cell}"
    for run, times in evidence.timed():
        side = times.get((condition.cell, condition.driver))
        if side is not None:
            outcome, seen = _time(condition, side)
            server, cells = run.header.server.version, (side.cell.id,)
            versions = _versions(side)
            yield DecidedPart(label, outcome, seen, versions, server, _bench(side), cells)
            return
    yield DecidedPart(label, ClaimOutcome.NOT_TRIED, NO_RUN, command=measuring(command))


def _time(condition: form.TimeCondition, side: ArmTimes) -> tuple[ClaimOutcome, str]:
    if side.number is None:
        return ClaimOutcome.NOT_TRIED, f"{side.verdict}: {side.detail}".rstrip(": ")
    logs = [math.log(value) for value in side.by_round.values()]
    found = stats.hodges_lehmann(logs).exp()
    if found.low is None or found.high is None:
        told = f"{len(logs)} quiet rounds, {MIN_ROUNDS} are needed"
        return ClaimOutcome.INCONCLUSIVE, f"{told}, median {fmt.duration(found.point)}"
    if condition.ms is not None:
        ends = f"{fmt.duration(found.low)} to {fmt.duration(found.high)}"
        seen = f"{fmt.duration(found.point)} ({ends}, {found.n} rounds)"
        return _placed(condition.ms, found.low / 1e6, found.high / 1e6), seen
    assert condition.per_second is not None
    rate = rate_of(side)
    assert rate.low is not None
    assert rate.high is not None
    ends = f"{rate.low:,.0f} to {rate.high:,.0f}, {rate.n} rounds"
    seen = f"{rate.point:,.0f} {side.cell.unit}/s ({ends})"
    return _placed(condition.per_second, rate.low, rate.high), seen


def rate_of(side: ArmTimes) -> Estimate:
    """Units per second of all clients together."""
    units = math.log(side.cell.units_per_op * 1e9)
    logs = [units - math.log(ns) for ns in side.by_round.values()]
    return stats.hodges_lehmann(logs).exp()


# --- memory -----------------------------------------------------------------------------


def remembered(condition: form.MemoryCondition, evidence: Evidence, command: str) -> Parts:
    """Whether a connection more costs the client so much memory."""
    names = [condition.driver, *filter(None, [condition.against])]
    label = condition.part or f"{' ÷ '.join(names)} {condition.cell}"
    for run, rows in evidence.footprints():
        found = {row.arm: row for row in rows if row.cell == condition.cell}
        if all(name in found for name in names):
            sides = [found[name] for name in names]
            outcome, seen = _memory(condition, sides)
            versions = "; ".join(
                versions_of(arm) for arm in run.header.arms if arm.id in names
            )
            words = ["pgdyno", "bench", condition.cell, "--lane", "memory"]
            shown = shlex.join(words + [w for name in names for w in ("--driver", name)])
            server, cells = run.header.server.version, (condition.cell,)
            yield DecidedPart(label, outcome, seen, versions, server, shown, cells)
            return
    yield DecidedPart(label, ClaimOutcome.NOT_TRIED, NO_RUN, command=measuring(command))


def _memory(
    condition: form.MemoryCondition, sides: Sequence[ArmMemory]
) -> tuple[ClaimOutcome, str]:
    sizes = [side.connection for side in sides]
    for side in sides:
        if side.connection is None:
            return ClaimOutcome.NOT_TRIED, f"no memory of {side.arm}: {side.detail}"
    told = "; ".join(
        f"{side.arm}: {_size(side.connection)} a connection"
        for side in sides
        if side.connection is not None
    )
    known = [size for size in sizes if size is not None]
    if condition.kib is not None:
        low, high = known[0].low / 1024, known[0].high / 1024
        return _placed(condition.kib, low, high), told
    assert condition.ratio is not None
    if min(known[1].low, known[0].low) <= 0:
        return ClaimOutcome.INCONCLUSIVE, told
    low, high = known[0].low / known[1].high, known[0].high / known[1].low
    ends = f"{fmt.times(low)} to {fmt.times(high)}"
    return _placed(condition.ratio, low, high), f"{told}: {ends}"


def _size(size: Size) -> str:
    ends = f"{fmt.size(round(size.low))} to {fmt.size(round(size.high))}"
    return f"{fmt.size(round(size.typical))} ({ends})"
