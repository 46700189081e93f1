"""What a mix is made of, and what it costs to say the same tasks in more statements.

An author who compares drivers decides how many round trips an op has. Where a mix exists in
several forms they stand side by side: each driver's ratio is to its own time in the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.times import Key, Timings, measured, paired_log_ratios
from harness.core import stats
from harness.report import format as fmt
from harness.report.cells import CellView, Row
from harness.results.records import CellFacts, Run


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task of a mix: statements and round trips are those of one op, as its case says."""

    name: str
    title: str
    op: str
    weight: str
    turns: int
    statements: str
    round_trips: str


@dataclass(frozen=True, slots=True)
class MixView:
    """A mix: its tasks, and what an op is on average."""

    tasks: tuple[TaskView, ...]
    turns: int
    statements: str
    round_trips: str

    @property
    def sentence(self) -> str:
        """What one op is, for people."""
        return (
            f"One op is one task, taken in a seeded order that repeats after {self.turns} "
            f"turns: on average {self.statements} statements in {self.round_trips} round "
            "trips."
        )


def mix_of(cell: CellFacts) -> MixView | None:
    """What a cell is made of, if it is a mix."""
    if not cell.tasks:
        return None
    return MixView(
        tasks=tuple(
            TaskView(
                name=task.cell.partition("#")[2],
                title=task.title,
                op=task.op,
                weight=task.weight,
                turns=task.turns,
                statements=_count(task.statements),
                round_trips=_count(task.round_trips),
            )
            for task in cell.tasks
        ),
        turns=sum(task.turns for task in cell.tasks),
        statements=_average(cell, "statements"),
        round_trips=_average(cell, "round_trips"),
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else "?"


def _average(cell: CellFacts, name: str) -> str:
    """The mean over the turns of a cycle, unless a task does not say."""
    counts = [(getattr(task, name), task.turns) for task in cell.tasks]
    if not all(count for count, _ in counts):
        return "?"
    turns = sum(each for _, each in counts)
    return f"{sum(count * each for count, each in counts) / turns:.1f}"


# --- forms ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FormHead:
    """One form of a mix: its point, and what an op is in it."""

    point: str
    cell: str
    statements: str
    round_trips: str


@dataclass(frozen=True, slots=True)
class FormTime:
    """An arm's time in one form, and as a multiple of its time in the first."""

    row: Row
    ratio: stats.Estimate | None = None


@dataclass(frozen=True, slots=True)
class FormRow:
    """An arm in all forms of a mix."""

    arm: str
    times: tuple[FormTime, ...]


@dataclass(frozen=True, slots=True)
class FormsView:
    """The forms of one mix, and all arms in them."""

    title: str
    heads: tuple[FormHead, ...]
    rows: tuple[FormRow, ...]


def forms(run: Run, cells: Sequence[CellView]) -> tuple[FormsView, ...]:
    """The mixes that are there in several forms."""
    groups: dict[tuple[str, str], list[CellView]] = {}
    for cell in cells:
        if cell.facts.tasks:
            groups.setdefault((cell.facts.scenario, cell.facts.case), []).append(cell)
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        return ()
    series = measured(run).series
    found = (_forms(group, series) for group in several)
    return tuple(view for view in found if view.rows)


def _forms(group: Sequence[CellView], series: Mapping[Key, Timings]) -> FormsView:
    return FormsView(
        title=group[0].facts.title,
        heads=tuple(_head(cell) for cell in group),
        rows=tuple(_rows(group, series)),
    )


def _head(cell: CellView) -> FormHead:
    facts = cell.facts
    counts = (_average(facts, name) for name in ("statements", "round_trips"))
    return FormHead(cell.point, facts.id, *counts)


def _rows(group: Sequence[CellView], series: Mapping[Key, Timings]) -> Iterator[FormRow]:
    """The arms that have a time in more than one form, as the first form ranks them."""
    for row in group[0].rows:
        alike = [
            next(other for other in cell.rows if other.arm == row.arm) for cell in group
        ]
        if sum(other.time is not None for other in alike) > 1:
            yield FormRow(row.arm, tuple(_times(group, alike, series)))


def _times(
    group: Sequence[CellView], rows: Sequence[Row], series: Mapping[Key, Timings]
) -> Iterator[FormTime]:
    base = series.get((group[0].facts.id, rows[0].arm))
    for cell, row in zip(group, rows, strict=True):
        own = series.get((cell.facts.id, row.arm))
        logs = paired_log_ratios(own, base) if own and base and cell is not group[0] else []
        yield FormTime(row, stats.hodges_lehmann(logs).exp() if logs else None)


def ratio_text(time: FormTime) -> str:
    """`2.10× (2.05 – 2.16)`; empty for the first form."""
    if time.ratio is None:
        return ""
    return f"{fmt.times(time.ratio.point)} ({fmt.ratio_interval(time.ratio)})"
