"""What a network adds: over round-trip times, the time of an op is a line.

    t = t₀ + k · RTT

t₀ is what op, driver and server need without a network, k how often the client waits for an
answer that has to travel: turns, ms per ms. A run over three RTTs or more holds such a line
for each cell and arm.

Each round has a fit of its own, by weighted least squares over its RTTs, and Hodges–Lehmann
over rounds makes the intervals: the round is what repeats, as everywhere. Variance grows
with the RTT, so a point weighs by the inverse of its own: the square of the spread between
rounds (weights from replicates: Carroll & Ruppert 1988, Transformation and Weighting in
Regression, chapter 2), and that of what the RTT itself is known to, times the slope
(effective variance: Orear 1982, Least squares when both variables have uncertainties). All
rounds share the weights, which are no part of a round's luck.

Real times bend: who has slept for milliseconds finds caches and cores cold, and t₀ itself
is longer then. That saturates, so where the points lie on no line, k is what the two
longest RTTs say: `far`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, cast

from harness.analysis.times import ArmTimes, arm_times
from harness.core import stats
from harness.core.conditions import Condition, parted
from harness.core.stats import Estimate
from harness.core.verdicts import Verdict

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.core.conditions import Via
    from harness.results.records import ArmFacts, CellFacts, Run

FEWEST_RTTS = 3
"""Two points always lie on a line."""
_FEWEST_ROUNDS = 3
"""Fewer say nothing of how far rounds lie apart."""
WHOLE = 0.05
WHOLE_SHARE = 0.02
"""k is a whole number of turns if it is within 0.05 of one, or within 2 %."""
OFF_LINE = 0.05
OFF_LINE_MS = 0.05
"""A point is off the line by more than 5 % of its time and by more than 0.05 ms for each
turn: less than that is what a delay promises to keep."""
_KNOWN_TO_MS = 0.02
"""An added RTT is taken to be known to that: a standard deviation, ms."""
_LEAST_SPREAD = 1e-3
"""Of its time: a few rounds may agree by chance, and would then decide alone."""
_NS = 1e6
_NO_ROUND = -1

Turns = tuple[float, float]
"""The least and the greatest number of turns that were counted."""


@dataclass(frozen=True, slots=True)
class LatencyPoint:
    """One RTT of a line: as promised, as it was measured (ms), and the time (ns per op)."""

    promised_ms: float
    rtt_ms: float
    time: Estimate


@dataclass(frozen=True, slots=True)
class RoundLine:
    """The line of a single round: ns, and turns."""

    fixed_ns: float
    turns: float

    def at(self, rtt_ms: float) -> float:
        """The time at an RTT, ns."""
        return self.fixed_ns + self.turns * rtt_ms * _NS

    @property
    def crossing_ms(self) -> float:
        """The RTT at which it is nothing: of what lies between two lines, where they cross;
        infinite if they never do."""
        return -self.fixed_ns / (self.turns * _NS) if self.turns else math.inf

    def less(self, other: RoundLine) -> RoundLine:
        """What lies between two lines, as a line."""
        return RoundLine(self.fixed_ns - other.fixed_ns, self.turns - other.turns)


@dataclass(frozen=True, slots=True)
class LatencyLine:
    """An arm in a cell, over RTTs. `cell` is without the RTT, but with the way.

    `fixed` is t₀ in ns, `turns` is k; `rounds` are the fits of single rounds by their
    number, and `worst` is the point that is farthest from the line. `far` is the slope
    between the two longest RTTs.
    """

    cell: str
    facts: CellFacts
    arm: ArmFacts
    verdict: Verdict
    points: tuple[LatencyPoint, ...]
    rounds: Mapping[int, RoundLine]
    fixed: Estimate
    turns: Estimate
    far: Estimate
    worst: LatencyPoint
    counted: Turns | None = None

    @property
    def middle(self) -> RoundLine:
        """The line itself: both estimates."""
        return RoundLine(self.fixed.point, self.turns.point)

    @property
    def off_ns(self) -> float:
        """By how much the worst point lies above the line, ns."""
        return _off(self.worst, self.middle)

    @property
    def straight(self) -> bool:
        """Whether its points lie on a line."""
        return abs(self.off_ns) <= _allowed(self.worst, self.middle)

    @property
    def best(self) -> Estimate:
        """k: the slope of the line, and where it is none that of its far end."""
        return self.turns if self.straight else self.far

    @property
    def far_from_ms(self) -> float:
        """From which RTT on `far` holds."""
        return self.points[-2].promised_ms

    @property
    def whole(self) -> bool | None:
        """Whether k may be a whole number; None for want of rounds."""
        if self.best.low is None:
            return None
        nearest = (math.floor(self.best.point), math.ceil(self.best.point))
        return any(_within(self.best, (count, count)) for count in nearest)

    @property
    def as_counted(self) -> bool | None:
        """Whether k may be what was counted; None where nobody counted, or for want of
        rounds."""
        if self.best.low is None or self.counted is None:
            return None
        return _within(self.best, self.counted)


def _within(turns: Estimate, counted: Turns) -> bool:
    """Whether an interval is no farther from a count than counts are told apart."""
    assert turns.low is not None
    assert turns.high is not None
    low, high = (max(WHOLE, WHOLE_SHARE * count) for count in counted)
    return turns.low <= counted[1] + high and counted[0] - low <= turns.high


# --- from a run -------------------------------------------------------------------------


def latency_lines(
    run: Run,
    counted: Mapping[tuple[str, str], Turns] | None = None,
) -> tuple[LatencyLine, ...]:
    """Every line of a run, in the order of its cells and arms.

    `counted` are the turns by cell and arm: a way that nobody counted has those of a plain
    connection.
    """
    groups = {name: ids for name, ids in _groups(run).items() if len(ids) >= FEWEST_RTTS}
    if not groups:
        return ()
    times, rtts_ms = arm_times(run), measured_rtts(run)
    arms = [arm.id for arm in run.header.arms if arm.competes]
    found = (
        _line(name, of_arm, rtts_ms)
        for name, ids in groups.items()
        for arm in arms
        if len(of_arm := _timed(ids, arm, times)) >= FEWEST_RTTS
    )
    return tuple(replace(line, counted=_counted(line, counted or {})) for line in found)


def measured_rtts(run: Run) -> dict[Condition, float]:
    """The RTTs that a single connection was seen to have, ms. Where nobody measured, or
    other work hid the network, what was promised counts."""
    return {
        Condition(cast("Via", route.via), route.rtt_ms): seen.median_ns / _NS
        for route in run.routes
        for seen in route.null_ops
        if route.rtt_ms and seen.connections == 1 and seen.median_ns > 0
    }


def _counted(line: LatencyLine, counted: Mapping[tuple[str, str], Turns]) -> Turns | None:
    names = (line.cell, parted(line.cell)[0])
    told = (counted.get((name, line.arm.id)) for name in names)
    return next(filter(None, told), None)


def _groups(run: Run) -> dict[str, dict[Condition, str]]:
    """The cells that differ in nothing but the RTT, by their name without it.

    Where several clients share connections, or ops begin at moments of their own, an op's
    time is not what a client waits.
    """
    found: dict[str, dict[Condition, str]] = {}
    for cell in run.header.cells:
        if cell.clients > 1 or cell.arrivals:
            continue
        bare, condition = parted(cell.id)
        name = bare + Condition(condition.via).mark
        found.setdefault(name, {})[condition] = cell.id
    return found


def _timed(
    ids: Mapping[Condition, str], arm: str, times: Mapping[tuple[str, str], ArmTimes]
) -> dict[Condition, ArmTimes]:
    """The conditions under which an arm has a time, the nearest first."""
    found = {condition: times.get((ids[condition], arm)) for condition in ids}
    timed = {at: told for at, told in found.items() if told and told.number is not None}
    return dict(sorted(timed.items(), key=lambda entry: entry[0].rtt_ms))


def _line(
    name: str,
    times: Mapping[Condition, ArmTimes],
    measured_ms: Mapping[Condition, float],
) -> LatencyLine:
    """The line of an arm."""
    of_rtts = list(times.values())
    rtts_ms = [measured_ms.get(condition, condition.rtt_ms) for condition in times]
    rounds = _common(of_rtts)
    weights = _weights(rtts_ms, list(zip(*rounds.values(), strict=True)))
    fits = [fitted(rtts_ms, walls, weights) for walls in rounds.values()]
    fixed = stats.hodges_lehmann([fit.fixed_ns for fit in fits])
    turns = stats.hodges_lehmann([fit.turns for fit in fits])
    apart_ns = (rtts_ms[-1] - rtts_ms[-2]) * _NS
    far = stats.hodges_lehmann([(w[-1] - w[-2]) / apart_ns for w in rounds.values()])
    points = tuple(
        LatencyPoint(condition.rtt_ms, rtt_ms, _time(told))
        for condition, rtt_ms, told in zip(times, rtts_ms, of_rtts, strict=True)
    )
    middle = RoundLine(fixed.point, turns.point)
    worst = max(
        points, key=lambda point: abs(_off(point, middle)) / _allowed(point, middle)
    )
    return LatencyLine(
        cell=name,
        facts=of_rtts[0].cell,
        arm=of_rtts[0].arm,
        verdict=max((told.verdict for told in of_rtts), key=lambda found: found.severity),
        points=points,
        rounds=dict(zip(rounds, fits, strict=True)),
        fixed=fixed,
        turns=turns,
        far=far,
        worst=worst,
    )


def _common(of_rtts: Sequence[ArmTimes]) -> dict[int, list[float]]:
    """The times at each RTT, ns, in each round that has all of them; where there is no such
    round, the medians over the rounds of each RTT, which are a single one."""
    common = set.intersection(*(set(told.by_round) for told in of_rtts))
    if not common:
        return {_NO_ROUND: [median(told.by_round.values()) for told in of_rtts]}
    return {
        number: [told.by_round[number] for told in of_rtts] for number in sorted(common)
    }


def _off(point: LatencyPoint, line: RoundLine) -> float:
    """By how much a point lies above a line, ns."""
    return point.time.point - line.at(point.rtt_ms)


def _allowed(point: LatencyPoint, line: RoundLine) -> float:
    """By how much it may lie off, ns."""
    kept = OFF_LINE_MS * _NS * max(1.0, abs(line.turns))
    return max(OFF_LINE * point.time.point, kept)


def _time(told: ArmTimes) -> Estimate:
    """As a report estimates a time: over rounds, in logarithms."""
    return stats.hodges_lehmann([math.log(wall) for wall in told.by_round.values()]).exp()


# --- the fit ----------------------------------------------------------------------------


def _weights(rtts_ms: Sequence[float], walls: Sequence[Sequence[float]]) -> list[float]:
    """The weight of each RTT, the same in all rounds."""
    middles = [median(column) for column in walls]
    rise = (middles[-1] - middles[0]) / max(rtts_ms[-1] - rtts_ms[0], 1e-9)
    return [
        1 / (_spread(column, middle) ** 2 + (rise * _KNOWN_TO_MS * (rtt > 0)) ** 2)
        for rtt, column, middle in zip(rtts_ms, walls, middles, strict=True)
    ]


def _spread(column: Sequence[float], middle: float) -> float:
    """The standard deviation between rounds, ns; with too few of them, in proportion to
    the time."""
    if len(column) < _FEWEST_ROUNDS:
        return middle
    return max(stats.spread(column), _LEAST_SPREAD * middle)


def fitted(
    rtts_ms: Sequence[float], walls_ns: Sequence[float], weights: Sequence[float]
) -> RoundLine:
    """The line through these times by weighted least squares."""
    total = math.fsum(weights)
    centre_ms = math.fsum(w * x for w, x in zip(weights, rtts_ms, strict=True)) / total
    centre_ns = math.fsum(w * y for w, y in zip(weights, walls_ns, strict=True)) / total
    pairs = list(zip(weights, rtts_ms, walls_ns, strict=True))
    across = math.fsum(w * (x - centre_ms) ** 2 for w, x, _ in pairs)
    both = math.fsum(w * (x - centre_ms) * (y - centre_ns) for w, x, y in pairs)
    slope = both / across
    return RoundLine(centre_ns - slope * centre_ms, slope / _NS)
