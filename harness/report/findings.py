"""What casts doubt on a run's numbers, or explains them: its findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis import audit
from harness.analysis.times import measured
from harness.core.stats import MIN_ROUNDS
from harness.report import format as fmt
from harness.report import quality
from harness.report.cells import CellView, Row
from harness.report.measured import commonest
from harness.report.sections import LaneView, Remark
from harness.results.records import ArmFacts, Note, Run

_NOTE_KINDS = {"dropped": "too few"}
"""What a reader calls a kind of note, where that is another word."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Findings that say the same of several places: `text` is that of the first."""

    kind: str
    text: str
    places: tuple[str, ...]
    grave: bool


def folded(remarks: Sequence[Remark]) -> tuple[Doubt, ...]:
    """Findings that differ in numbers and places only as one, in their order."""
    groups: dict[tuple[str, bool, str], list[Remark]] = {}
    for remark in remarks:
        alike = re.sub(r"[-+−]?\d[\d.,]*", "#", remark.text)
        groups.setdefault((remark.kind, remark.grave, alike), []).append(remark)
    return tuple(
        Doubt(kind, group[0].text, tuple(filter(None, (r.where for r in group))), grave)
        for (kind, grave, _), group in groups.items()
    )


def findings(
    run: Run,
    lane: LaneView | None,
    cells: Sequence[CellView],
    tests: Sequence[quality.SelfTest],
    averages: Sequence[quality.ArmMean],
) -> Iterator[Remark]:
    """What a reader must know of a run before he believes it."""
    if run.truncated:
        text = (
            f"The results file is truncated: {run.truncated}. What is missing is unknown."
        )
        yield Remark("truncated", text, grave=True)
    for test in tests:
        yield from _doubts(test)
    yield from (_problem(arm) for arm in run.header.arms if arm.problem)
    yield from lane.findings if lane else ()
    yield from _few_rounds(cells)
    yield from (_doubt(doubt) for doubt in audit.audit(run))
    yield from _dominated(averages)
    yield from (_note(note) for note in run.notes)
    yield from _disturbed(run)


def _doubts(test: quality.SelfTest) -> Iterator[Remark]:
    for cell in test.doubtful:
        text = (
            f"{test.original} differs from itself by {fmt.change(cell.shift.point)}. "
            "Differences of this size between drivers mean nothing in this run."
        )
        yield Remark("A/A", text, cell.cell, grave=True)


def _problem(arm: ArmFacts) -> Remark:
    return Remark("driver", f"{arm.id} was left out: {arm.problem}", arm.id)


def _doubt(doubt: audit.Doubt) -> Remark:
    return Remark(doubt.kind, doubt.text, doubt.where, doubt.grave)


def _dominated(averages: Sequence[quality.ArmMean]) -> Iterator[Remark]:
    """Means that one question decides."""
    for mean in averages:
        if mean.dominated_by:
            text = (
                f"the mean of {mean.arm} is {fmt.times(mean.mean.point)} the fastest, and "
                f"{fmt.times(mean.without)} without this one question"
            )
            yield Remark("mean", text, mean.dominated_by)


def _few_rounds(cells: Sequence[CellView]) -> Iterator[Remark]:
    few = [cell for cell in cells if any(_unsure(row) for row in cell.rows)]
    if few:
        text = (
            f"{len(few)} of {fmt.plural(len(cells), 'question')} had fewer than "
            f"{MIN_ROUNDS} quiet rounds: a median, no interval, no rank."
        )
        yield Remark("rounds", text, ", ".join(cell.facts.id for cell in few[:3]))


def _unsure(row: Row) -> bool:
    return bool(row.verdict and row.verdict.timeable and not row.sure)


def _note(note: Note) -> Remark:
    kind = _NOTE_KINDS.get(note.kind, note.kind)
    return Remark(kind, note.text, ", ".join(filter(None, (note.cell, note.arm))))


def _disturbed(run: Run) -> Iterator[Remark]:
    """Blocks that were thrown away, with the commonest reason."""
    blocks = measured(run).disturbed
    if blocks:
        reason, count = commonest(list(blocks.values()))
        alike = "" if count == len(blocks) else f"in {count} of them "
        text = (
            f"{fmt.plural(len(blocks), 'block')} disturbed and not counted; {alike}as in "
            f"this one: {reason}."
        )
        yield Remark("disturbed", text)
