"""References beside the drivers of a cell: what libpq in C takes, and what the harness.

They are laid under a cell after it was ranked, so that nothing of theirs is in a rank, a
tie or a mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.analysis.times import Key, Timings, measured, paired_log_ratios
from harness.core import stats
from harness.core.verdicts import Verdict
from harness.report.cells import CellView, Reference, Row, row_of
from harness.results.records import ArmFacts, Run


def laid(run: Run, cells: Sequence[CellView]) -> tuple[CellView, ...]:
    """The cells with their references, and each driver's ratio to the floor."""
    arms = [arm for arm in run.header.arms if arm.reference and not arm.isolates]
    if not arms:
        return tuple(cells)
    found = measured(run)
    kinds = {arm.id: arm.kind for arm in run.header.arms}
    laid_cells = []
    for cell in cells:
        played = [arm for arm in arms if (cell.facts.id, arm.id) in found.worst]
        rows = {
            arm.id: row_of(
                arm,
                found.worst[cell.facts.id, arm.id],
                found.series.get((cell.facts.id, arm.id)),
            )
            for arm in played
        }
        references = [_reference(cell, arm, rows[arm.id], kinds) for arm in played]
        laid_cells.append(_over_floor(_with(cell, references), found.series))
    return tuple(laid_cells)


def _with(cell: CellView, references: Sequence[Reference]) -> CellView:
    """The program first: what is below the drivers is what they are compared with."""
    order = sorted(
        references, key=lambda reference: (not reference.program, reference.row.arm)
    )
    return replace(cell, references=tuple(order))


def _reference(cell: CellView, arm: ArmFacts, row: Row, kinds: dict[str, str]) -> Reference:
    """A reference with its share of the fastest driver of its kind: rows are in order."""
    alike = (
        driver
        for driver in cell.rows
        if driver.verdict is Verdict.EXACT and kinds[driver.arm] == arm.kind
    )
    fastest = next((driver for driver in alike if driver.time), None)
    if row.time is None or fastest is None or fastest.time is None:
        return Reference(row, arm.reference, arm.kind)
    share = row.time.point / fastest.time.point
    return Reference(row, arm.reference, arm.kind, share, fastest.arm)


def _over_floor(cell: CellView, counted: Mapping[Key, Timings]) -> CellView:
    floor = cell.floor
    if floor is None:
        return cell
    base = counted[cell.facts.id, floor.row.arm]

    def compared(row: Row) -> Row:
        own = counted[cell.facts.id, row.arm] if row.time else None
        logs = paired_log_ratios(own, base) if own else []
        return replace(row, over_floor=stats.hodges_lehmann(logs).exp()) if logs else row

    groups = [
        replace(group, rows=tuple(map(compared, group.rows))) for group in cell.groups
    ]
    return replace(cell, groups=tuple(groups))
