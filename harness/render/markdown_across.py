"""What several runs say together, as Markdown: machines; versions, Pythons, servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.render.markdown_tables import table
from harness.report import format as fmt
from harness.report.format import markdown_cell as esc
from harness.report.machines import CellAcross, DriverAcross, MachinesView
from harness.report.variants import (
    CauseRow,
    ColumnEntry,
    ColumnMatrix,
    DriverVariants,
    VariantsView,
)

_MOST_CELLS = 5
_MOST_MACHINES = 40


def machines(view: MachinesView) -> Iterator[str]:
    """The section about machines."""
    yield "## Machines"
    yield ""
    yield f"**{esc(view.conclusion)}**"
    yield ""
    for note in view.notes:
        yield esc(note)
        yield ""
    rows = [
        [f"{machine.name} `{machine.key}`", str(machine.runs), *map(esc, machine.values)]
        for machine in view.machines[:_MOST_MACHINES]
    ]
    yield from table(["machine", "runs", *map(esc, view.differs)], rows, left=99)
    if view.common:
        yield f"All: {esc(view.common)}."
        yield ""
    for cell in view.cells:
        yield from _across(view, cell)


def _across(view: MachinesView, cell: CellAcross) -> Iterator[str]:
    yield f"#### {esc(cell.title)}"
    yield ""
    base = f"× {esc(view.base)}"
    if any(row.mean for row in cell.rows):
        head = [base, "mean", "95 %", "next machine", "spread", "between", "direction"]
        rows = [_together(row) for row in cell.rows]
    else:
        names = [machine.name for machine in view.machines]
        head = [base, *names, "direction"]
        rows = [_one_by_one(row, names) for row in cell.rows]
    yield from table(head, rows)


def _together(row: DriverAcross) -> list[str]:
    if not (row.mean and row.prediction):
        return [esc(row.arm), *[fmt.NONE] * 5, row.direction]
    return [
        esc(row.arm),
        fmt.times(row.mean.point),
        fmt.ratio_interval(row.mean),
        fmt.ratio_interval(row.prediction),
        fmt.times(row.spread or 1),
        fmt.whole(row.between or 0),
        f"**{row.direction}**" if row.turns else row.direction,
    ]


def _one_by_one(row: DriverAcross, names: Sequence[str]) -> list[str]:
    told = {dot.machine: fmt.ratio_with_interval(dot.ratio) for dot in row.dots}
    return [esc(row.arm), *(told.get(name, fmt.NONE) for name in names), row.direction]


def variants(view: VariantsView) -> Iterator[str]:
    """The section about versions, Pythons and servers."""
    yield "## Versions, Pythons and servers"
    yield ""
    yield f"**{esc(view.conclusion)}**"
    yield ""
    for driver in view.drivers:
        yield from _variants(driver)
    for step in view.steps:
        if step.cells:
            yield f"### {esc(step.title)}"
            yield ""
            rows = [[esc(cell.cell), esc(cell.sentence)] for cell in step.cells]
            yield from table(["question", "time after ÷ before"], rows, left=2)


def _variants(driver: DriverVariants) -> Iterator[str]:
    yield f"### {esc(driver.driver)}, {esc(driver.asked)}"
    yield ""
    for told in driver.absent:
        yield esc(told)
        yield ""
    for matrix in driver.matrices:
        head = [esc(matrix.title), *(esc(column.label) for column in matrix.columns)]
        yield from table(head, _causes(matrix), left=99)
    if driver.unstable:
        rows = [[esc(row.cell), esc(row.text)] for row in driver.unstable]
        yield from table(
            ["not stable", "what it said when it was asked again"], rows, left=2
        )


def _causes(matrix: ColumnMatrix) -> Iterator[list[str]]:
    for row in matrix.rows:
        yield [_questions(row), *map(_entry, row.entries)]


def _questions(row: CauseRow) -> str:
    shown = ", ".join(map(esc, row.cells[:_MOST_CELLS]))
    more = f" and {len(row.cells) - _MOST_CELLS} more" * (len(row.cells) > _MOST_CELLS)
    doubt = f" ({esc(row.doubt)})" if row.doubt else ""
    return f"{fmt.plural(len(row.cells), 'question')}: {shown}{more}{doubt}"


def _entry(entry: ColumnEntry | None) -> str:
    return f"{fmt.SYMBOLS[entry.verdict]} {esc(entry.text)}" if entry else fmt.NONE
