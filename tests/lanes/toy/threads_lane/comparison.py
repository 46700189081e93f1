"""Whether an arm has another number of threads."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.analysis.changes import CellChange, Comparison
from harness.analysis.compare import begun, pairs, unjudged
from harness.analysis.gate import Gate
from harness.core import stats
from harness.core.verdicts import Change, Verdict
from harness.report import format as fmt
from harness.report.comparison import Words
from harness.results.records import ArmFacts, CellFacts, Run
from threads_lane import LANE
from threads_lane.record import Threads


@dataclass(frozen=True)
class Side:
    """One cell of one arm in one run."""

    cell: CellFacts
    arm: ArmFacts
    verdict: Verdict
    detail: str
    number: float | None


def compare(
    base: Run, candidate: Run, *, base_arm: str, candidate_arm: str, rules: Gate
) -> Comparison:
    """Threads do not vary: another number is a change."""
    title = begun(base, candidate, base_arm, candidate_arm, rules)
    found = pairs(_sides(base), _sides(candidate), base_arm, candidate_arm)
    return replace(
        title,
        alpha=0.0,
        changes=tuple(_judged(before, after) for before, after in found),
        lane=LANE.name,
    )


def _sides(run: Run) -> dict[tuple[str, str], Side]:
    cells = {cell.id: cell for cell in run.header.cells}
    arms = {arm.id: arm for arm in run.header.arms}
    return {
        (record.cell, record.arm): Side(
            cells[record.cell],
            arms[record.arm],
            record.verdict,
            record.detail,
            record.threads or None,
        )
        for record in run.of(Threads)
    }


def _judged(before: Side, after: Side) -> CellChange:
    row = unjudged(before, after, 1, 1)
    if before.number is None or after.number is None:
        return row
    shift = stats.log_ratio(after.number, before.number)
    shown = stats.Estimate(shift, shift, shift, 1, confidence=None)
    change = (
        Change.SAME if not shift else Change.REGRESSED if shift > 0 else Change.IMPROVED
    )
    return replace(row, shift=shown, change=change)


def _number(value: float | None) -> str:
    return fmt.NONE if value is None else f"{value:.0f}"


def _nothing(row: CellChange) -> str:
    del row
    return fmt.NONE


def _method(comparison: Comparison) -> str:
    del comparison
    return "another number of threads is a change"


WORDS = Words(
    regressed="more threads",
    improved="fewer threads",
    interval="range",
    last="limit",
    unit="threads",
    note="Threads are counted once.",
    number=_number,
    limit=_nothing,
    method=_method,
    again=f"--lane {LANE.name}",
)
