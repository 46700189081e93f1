"""A run as a baseline: a results file small enough to be committed.

All trials of a cell and arm are folded into one line, which keeps what a comparison with
another run asks: the verdict, and the time of each round that counts. Single slices,
latencies and disturbances are gone, so arms of a baseline are compared round by round,
no longer pass by pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.times import ArmTimes, arm_times
from harness.core.errors import UsageError
from harness.core.verdicts import Judgement
from harness.results.records import AnyRecord, Header, Rounds, Run, changed


def fold(run: Run) -> Iterator[AnyRecord]:
    """The records of the baseline, in the order of the run's cells and arms.

    Raises:
        UsageError: the run has no times, or is not whole.
    """
    if run.truncated or run.footer is None:
        raise UsageError(
            f"{run.path} cannot be a baseline: {run.truncated}", hint="measure it again"
        )
    sides = arm_times(run)
    if not any(side.number is not None for side in sides.values()):
        raise UsageError(f"{run.path} cannot be a baseline: it holds no times")
    judgements = _judgements(run)
    yield _header(run.header)
    for cell in run.header.cells:
        for arm in run.header.arms:
            if side := sides.get((cell.id, arm.id)):
                yield _folded(side, judgements[cell.id, arm.id])
    yield run.footer


def _header(header: Header) -> Header:
    """Without what nobody compares: the texts of cells and the command line."""
    cells = [changed(cell, why="", title="") for cell in header.cells]
    return changed(header, cells=cells, command=[])


def _judgements(run: Run) -> dict[tuple[str, str], Judgement]:
    """What became of each cell and arm, by any trial of its worst verdict."""
    worst = {key: side.verdict for key, side in arm_times(run).items()}
    return {
        (trial.cell, trial.arm): trial.judgement
        for trial in run.trials
        if worst.get((trial.cell, trial.arm)) is trial.verdict
    }


def _folded(side: ArmTimes, judgement: Judgement) -> Rounds:
    rounds = side.by_round if side.number is not None else {}
    scale = 1_000 * max(1, side.cell.clients)
    return Rounds(
        cell=side.cell.id,
        arm=side.arm.id,
        judgement=judgement,
        rounds=list(rounds),
        wall_ps=[round(wall * scale) for wall in rounds.values()],
    )
