"""What counts in a run: which trials give times, and what became of each cell and arm.

One value per round: the median over its slices. `compare` and the reports both read
runs through this module, so that they never disagree about what was measured.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.core.stats import MIN_ROUNDS, log_ratio
from harness.core.verdicts import Verdict

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, CellFacts, OpenLoop, Run, Slices, Trial


@dataclass(frozen=True, slots=True)
class ArmTimes:
    """One cell of one arm in one run: facts, worst verdict, what counts of its trials."""

    cell: CellFacts
    arm: ArmFacts
    verdict: Verdict
    detail: str
    trials: tuple[Trial, ...]

    @property
    def by_round(self) -> Mapping[int, float]:
        """ns per op of each round."""
        return by_round(self.trials, self.cell)

    @property
    def number(self) -> float | None:
        """The median over rounds, ns per op; None where the verdict forbids a number."""
        if not self.by_round or not self.verdict.timeable:
            return None
        return median(self.by_round.values())


def ops_per_slice(slices: Slices, cell: CellFacts) -> int:
    """The ops of all clients in one slice: the file counts those of a single client."""
    return slices.ops * max(1, cell.clients)


def wall_per_op(trial: Trial, cell: CellFacts) -> float:
    """The median over the slices of one trial, ns per op; the trial must have a time.

    With many clients it is the inverse of their common throughput. Of an open loop it is
    the median response time.
    """
    if trial.open_loop is not None:
        return float(median(trial.open_loop.response_ns))
    assert trial.slices is not None
    return median(trial.slices.wall_ns) / ops_per_slice(trial.slices, cell)


def by_round(trials: Iterable[Trial], cell: CellFacts) -> dict[int, float]:
    """ns per op of each round."""
    return {one.round: wall_per_op(one, cell) for one in trials}


def paired_log_ratios(
    candidate: Iterable[Trial], base: Iterable[Trial], cell: CellFacts
) -> list[float]:
    """log(candidate / base) of each common round, in the order of rounds.

    Of open loops it is the ratio of the round's median response times. Otherwise the two
    slices of a pass lie within milliseconds of each other, so the ratio is taken
    pass by pass, and the median over passes is the round's value: what drifts within a
    block is in both and cancels.
    """
    first, second = ({one.round: one for one in trials} for trials in (base, candidate))
    return [
        _log_ratio(second[number], first[number], cell)
        for number in sorted(first.keys() & second.keys())
    ]


def _log_ratio(candidate: Trial, base: Trial, cell: CellFacts) -> float:
    if candidate.slices is None or base.slices is None:
        return log_ratio(wall_per_op(candidate, cell), wall_per_op(base, cell))
    if len(candidate.slices.wall_ns) != len(base.slices.wall_ns):
        return log_ratio(wall_per_op(candidate, cell), wall_per_op(base, cell))
    passes = zip(candidate.slices.wall_ns, base.slices.wall_ns, strict=True)
    ops = math.log(base.slices.ops / candidate.slices.ops)
    return median(math.log(one / other) for one, other in passes) + ops


def counting_trials(run: Run) -> dict[tuple[str, str], list[Trial]]:
    """The trials whose times count, by cell and arm, in the order of their rounds.

    A block is one cell in one round. Its last attempt counts for all arms, unless any
    arm was disturbed in it: what disturbed one may have favoured the next. A cell whose
    every block was disturbed keeps its last few rounds, too few for an interval or a
    test: a median in doubt tells a reader more than nothing.
    """
    last: dict[tuple[str, int], int] = defaultdict(int)
    for trial in run.trials:
        block = (trial.cell, trial.round)
        last[block] = max(last[block], trial.attempt)
    attempts = [one for one in run.trials if one.attempt == last[one.cell, one.round]]
    disturbed = {(one.cell, one.round) for one in attempts if one.disturbed}
    quiet = {cell for cell, number in last if (cell, number) not in disturbed}
    few = {cell: _last_rounds(last, cell) for cell, _ in last if cell not in quiet}
    counted: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in sorted(attempts, key=lambda one: one.round):
        timed = has_time(trial)
        calm = (trial.cell, trial.round) not in disturbed
        if timed and (calm or trial.round in few.get(trial.cell, ())):
            counted[trial.cell, trial.arm].append(trial)
    return counted


def has_time(trial: Trial) -> bool:
    """Whether a trial holds anything that was timed."""
    if trial.open_loop is not None:
        return bool(trial.open_loop.response_ns)
    return trial.slices is not None and bool(trial.slices.ops and trial.slices.wall_ns)


def achieved_rate(loops: Sequence[OpenLoop], rate: int) -> float:
    """The ops per second that open loops of `rate` achieved, from their starts to when
    their last ops were back: a queue that is left counts, too."""
    planned = sum(loop.planned_ns for loop in loops)
    taken = sum(loop.planned_ns + loop.response_ns[-1] for loop in loops)
    return rate * planned / taken if taken else 0.0


def _last_rounds(blocks: Iterable[tuple[str, int]], cell: str) -> list[int]:
    """The last rounds of a cell, one fewer than an interval needs."""
    return sorted(number for one, number in blocks if one == cell)[-(MIN_ROUNDS - 1) :]


def worst_trials(run: Run) -> dict[tuple[str, str], Trial]:
    """The trial with the worst verdict of each cell and arm; the first one among equals.

    `invalid` stands above all: where the oracle failed, nothing can be said.
    """
    worst: dict[tuple[str, str], Trial] = {}
    for trial in run.trials:
        key = (trial.cell, trial.arm)
        if key not in worst or _concern(trial.verdict) > _concern(worst[key].verdict):
            worst[key] = trial
    return worst


def _concern(verdict: str) -> int:
    known = Verdict(verdict)
    return len(Verdict) if known is Verdict.INVALID else known.severity


def arm_times(run: Run) -> dict[tuple[str, str], ArmTimes]:
    """Every cell and arm of a run that was at least tried."""
    cells = {cell.id: cell for cell in run.header.cells}
    arms = {arm.id: arm for arm in run.header.arms}
    counted = counting_trials(run)
    return {
        (cell, arm): ArmTimes(
            cells[cell],
            arms[arm],
            Verdict(trial.verdict),
            trial.detail,
            tuple(counted.get((cell, arm), ())),
        )
        for (cell, arm), trial in worst_trials(run).items()
        if cell in cells and arm in arms
    }
