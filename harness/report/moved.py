"""What a move from one driver to another changes for a workload: its client time.

A mix runs the statements of an application by their weights, so the ratio of two drivers in
it is that of the application's own calls. Client time is the processor time of the client's
process per statement; the ratio is taken round by round.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.analysis.times import (
    Key,
    Timings,
    counting_trials,
    measured,
    of_passes,
    paired_log_ratios,
)
from harness.core import stats
from harness.report import format as fmt
from harness.results.records import CellFacts, Run, Trial


@dataclass(frozen=True, slots=True)
class MovedMix:
    """A mix before and after the move: log-ratios of the client's processor time and of the
    elapsed time per statement, None where there is no time; `others` are the statements
    that come out otherwise."""

    cell: CellFacts
    before: str
    after: str
    client: stats.Estimate | None
    elapsed: stats.Estimate | None
    others: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The answer to who thinks of moving."""
        tasks = fmt.plural(len(self.cell.tasks), "statement")
        return f"{self._times} ({self.cell.id}: {tasks} by weight). {self._answers}"

    @property
    def _times(self) -> str:
        move = f"Moving from {self.before} to {self.after}"
        if self.client is None or self.elapsed is None:
            return f"{move} changes your client time by an amount that is not known"
        return (
            f"{move} changes your client time by {_change(self.client)}"
            f" and the time until the answer by {_change(self.elapsed)}"
        )

    @property
    def _answers(self) -> str:
        if not self.others:
            return "All of its statements give the same values."
        single = len(self.others) == 1
        otherwise = "gives other values or fails" if single else "give other values or fail"
        return f"{len(self.others)} of them {otherwise}: {', '.join(self.others)}."


def _change(estimate: stats.Estimate) -> str:
    if estimate.low is None:
        few = f"{fmt.plural(estimate.n, 'quiet round')}, {stats.MIN_ROUNDS} are needed"
        return f"about {fmt.change(estimate.point)} (no interval: {few})"
    return f"{fmt.change(estimate.point)} ({fmt.change_interval(estimate)})"


def moved(run: Run, before: str, after: str, others: Collection[str]) -> list[MovedMix]:
    """All mixes of a timed run; `others` are the cells that come out otherwise."""
    series, trials = measured(run).series, counting_trials(run)
    return [
        MovedMix(
            cell=cell,
            before=before,
            after=after,
            client=_client(cell, trials, before, after),
            elapsed=_elapsed(cell, series, before, after),
            others=tuple(
                task.cell.partition("#")[2] for task in cell.tasks if task.cell in others
            ),
        )
        for cell in run.header.cells
        if cell.tasks
    ]


def _elapsed(
    cell: CellFacts, series: Mapping[Key, Timings], before: str, after: str
) -> stats.Estimate | None:
    base, other = series.get((cell.id, before)), series.get((cell.id, after))
    logs = paired_log_ratios(other, base) if base and other else []
    return stats.hodges_lehmann(logs) if logs else None


def _client(
    cell: CellFacts, trials: Mapping[Key, Sequence[Trial]], before: str, after: str
) -> stats.Estimate | None:
    base = _cpu_per_op(trials.get((cell.id, before), ()), cell)
    other = _cpu_per_op(trials.get((cell.id, after), ()), cell)
    logs = [stats.log_ratio(other[at], base[at]) for at in base if at in other]
    return stats.hodges_lehmann(logs) if logs else None


def _cpu_per_op(trials: Sequence[Trial], cell: CellFacts) -> dict[int, float]:
    """The client's processor time per op, by round."""
    found = {}
    for trial in trials:
        spent = of_passes(trial.slices.cpu_ns, trial.left_out) if trial.slices else ()
        if trial.slices and spent and min(spent) > 0:
            ops = trial.slices.ops * max(1, cell.clients)
            found[trial.round] = fmean(spent) / ops
    return found
