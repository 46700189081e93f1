"""Two lines over round-trip times: where they cross, and what one saves.

Both are of common rounds, so their difference has a line in each round, and at each RTT an
estimate over rounds. A crossing's interval are the RTTs at which that difference cannot be
told from nothing: a test turned around, as Fieller's interval of a ratio is (Fieller 1954,
Some problems in interval estimation), here the signed-rank one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from harness.analysis.latency import WHOLE, LatencyLine, RoundLine
from harness.core import stats
from harness.core.conditions import MOST_RTT_MS, parted
from harness.core.stats import Estimate

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import CellFacts

_HALVINGS = 40
_OP = "op"
_AHEAD = ("pipeline",)
"""Ops that send the statements of `sequential` ahead of their answers."""


# --- crossings --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crossing:
    """Below `rtt_ms` one driver is faster, above it the other; `beyond` says that nothing
    was measured so far away."""

    cell: str
    below: str
    above: str
    rtt_ms: Estimate
    beyond: bool


def crossings(lines: Sequence[LatencyLine]) -> tuple[Crossing, ...]:
    """Every two drivers of a cell whose lines cross, nearest first."""
    found = [
        crossing
        for first, second in combinations(lines, 2)
        if first.cell == second.cell and (crossing := crossed_at(first, second))
    ]
    return tuple(sorted(found, key=lambda crossing: crossing.rtt_ms.point))


def crossed_at(first: LatencyLine, second: LatencyLine) -> Crossing | None:
    """Where two lines cross. None where they wait equally often, where one may always be
    above the other, or for want of rounds."""
    apart = _apart(first, second)
    turns = stats.hodges_lehmann([line.turns for line in apart]) if apart else None
    if turns is None or not turns.excludes_zero or abs(turns.point) <= WHOLE:
        return None
    fixed = stats.hodges_lehmann([line.fixed_ns for line in apart])
    point = RoundLine(fixed.point, turns.point).crossing_ms
    if not fixed.excludes_zero or not 0 < point <= MOST_RTT_MS:
        return None
    fewer, more = (first, second) if turns.point < 0 else (second, first)
    return Crossing(
        cell=first.cell,
        below=more.arm.id,
        above=fewer.arm.id,
        rtt_ms=_interval(point, apart),
        beyond=point > first.points[-1].rtt_ms,
    )


def _apart(first: LatencyLine, second: LatencyLine) -> list[RoundLine]:
    """What lies between two lines, in each common round."""
    common = sorted(first.rounds.keys() & second.rounds.keys())
    return [first.rounds[number].less(second.rounds[number]) for number in common]


def _difference(apart: Sequence[RoundLine], rtt_ms: float) -> Estimate:
    return stats.hodges_lehmann([line.at(rtt_ms) for line in apart])


def _interval(point: float, apart: Sequence[RoundLine]) -> Estimate:
    """The RTTs around a crossing at which the difference may be nothing."""
    at_all = _difference(apart, point)

    def may_be_none(rtt_ms: float) -> bool:
        return not _difference(apart, rtt_ms).excludes_zero

    low, far = _edge(point, 0.0, may_be_none), 2 * MOST_RTT_MS
    high = far if may_be_none(far) else _edge(point, far, may_be_none)
    return Estimate(point, low, high, at_all.n, at_all.confidence)


def _edge(inside: float, outside: float, holds: Callable[[float], bool]) -> float:
    """Where what holds inside ends, on the way outside."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside


# --- savings ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saving:
    """What one way to do the same work takes less than another, for one driver.

    `way` and `instead_of` are what tells the two apart: values of `axis`, or ops.
    `fixed` (ns) is saved without a network, `turns` are waits less, `saved` (ns) what that
    makes at each RTT that was measured.
    """

    cell: str
    base: str
    axis: str
    way: str
    instead_of: str
    facts: CellFacts
    arm: str
    fixed: Estimate
    turns: Estimate
    saved: tuple[tuple[float, Estimate], ...]

    @property
    def from_ms(self) -> float | None:
        """From which RTT on it saves time: 0 for at any, None for at none, or for those
        below `until_ms`."""
        fixed, turns = self.fixed, self.turns
        if turns.excludes_zero and turns.point < -WHOLE:
            return None
        gains = turns.excludes_zero and turns.point > WHOLE
        if fixed.point >= 0:
            return 0.0 if gains or fixed.excludes_zero else None
        return RoundLine(fixed.point, turns.point).crossing_ms if gains else None

    @property
    def until_ms(self) -> float | None:
        """Up to which RTT it saves time, where it waits more often but does less."""
        fixed, turns = self.fixed, self.turns
        waits = turns.excludes_zero and turns.point < -WHOLE
        if not (waits and fixed.excludes_zero and fixed.point > 0):
            return None
        return RoundLine(fixed.point, turns.point).crossing_ms


def savings(lines: Sequence[LatencyLine]) -> tuple[Saving, ...]:
    """What pipelines, batches and other ways save: a case along an axis of words, each
    value against the first of them, or `pipeline` against `sequential`."""
    cells = {line.cell: line.facts for line in lines}
    by_key = {(line.cell, line.arm.id): line for line in lines}
    arms = list(dict.fromkeys(line.arm.id for line in lines))
    return tuple(
        saving
        for base, cell, axis in _pairs(cells)
        for arm in arms
        if (first := by_key.get((base, arm))) and (second := by_key.get((cell, arm)))
        if (saving := _saving(first, second, axis))
    )


def _pairs(cells: Mapping[str, CellFacts]) -> Iterator[tuple[str, str, str]]:
    """Base, cell and axis of the cells that do the same in two ways."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, facts in cells.items():
        for key in _alike(name, facts):
            groups.setdefault(key, []).append(name)
    for (axis, *_), names in groups.items():
        base, *others = sorted(names, key=lambda name: cells[name].op in _AHEAD)
        yield from ((base, name, axis) for name in others)


def _alike(name: str, facts: CellFacts) -> Iterator[tuple[str, ...]]:
    """What a cell shares with those that differ from it in the way only: the axis first."""
    where = (facts.scenario, parted(name)[1].mark)
    for axis, value in facts.point.items():
        if isinstance(value, str):
            rest = (
                f"{other}={facts.point[other]}" for other in facts.point if other != axis
            )
            yield (axis, *where, facts.case, *rest)
    if facts.op in ("sequential", *_AHEAD):
        yield (_OP, *where, *(f"{axis}={at}" for axis, at in facts.point.items()))


def _saving(base: LatencyLine, line: LatencyLine, axis: str) -> Saving | None:
    """What a way saves; None without a common round."""
    apart = _apart(base, line)
    if not apart:
        return None
    return Saving(
        cell=line.cell,
        base=base.cell,
        axis=axis,
        way=_value(line.facts, axis),
        instead_of=_value(base.facts, axis),
        facts=line.facts,
        arm=line.arm.id,
        fixed=stats.hodges_lehmann([between.fixed_ns for between in apart]),
        turns=stats.hodges_lehmann([between.turns for between in apart]),
        saved=tuple(
            (point.promised_ms, _difference(apart, point.rtt_ms)) for point in line.points
        ),
    )


def _value(facts: CellFacts, axis: str) -> str:
    return facts.op if axis == _OP else str(facts.point[axis])
