"""What several runs say together, for a terminal: 80 columns, the conclusion last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.report import format as fmt
from harness.report.format import wrapped
from harness.report.machines import CellAcross, DriverAcross, MachinesView
from harness.report.variants import CauseRow, DriverVariants, StepView, VariantsView

if TYPE_CHECKING:
    from harness.core.stats import Estimate

WIDTH = 80
_MOST_MACHINES = 20
_MOST_QUESTIONS = 12
_MOST_CELLS = 3
_MOST_STEPS = 10
_NAME = 19
_MOST_SIDE_BY_SIDE = 4


def machines_text(view: MachinesView) -> str:
    """The machines, the ratios over all of them, and what may be said."""
    lines = [*_machines(view), ""]
    for cell in view.cells[:_MOST_QUESTIONS]:
        lines += [*_cell(view, cell), ""]
    if (more := len(view.cells) - _MOST_QUESTIONS) > 0:
        lines += [f"and {fmt.plural(more, 'more question')}: all are in the report", ""]
    for note in view.notes:
        lines += wrapped(note, WIDTH)
    return "\n".join([*lines, *wrapped(view.conclusion, WIDTH)])


def columns_text(view: VariantsView) -> str:
    """Where versions, Pythons and servers differ, and how many questions do not."""
    lines: list[str] = []
    for driver in view.drivers:
        lines += [*_driver(driver), ""]
    for step in view.steps:
        lines += [*_step(step), ""] if step.cells else []
    return "\n".join([*lines, *wrapped(view.conclusion, WIDTH)])


# --- machines -----------------------------------------------------------------------------


def _machines(view: MachinesView) -> Iterator[str]:
    for machine in view.machines[:_MOST_MACHINES]:
        pairs = zip(view.differs, machine.values, strict=True)
        told = "; ".join(f"{name} {value}" for name, value in pairs if value)
        runs = f" ({machine.runs} runs)" if machine.runs > 1 else ""
        line = f"{machine.name}, {machine.key}{runs}" + (f": {told}" if told else "")
        yield from wrapped(line, WIDTH, rest="    ")
    if len(view.machines) > _MOST_MACHINES:
        yield f"and {len(view.machines) - _MOST_MACHINES} more machines"
    if view.common:
        yield from wrapped(f"all: {view.common}", WIDTH, rest="    ")


def _cell(view: MachinesView, cell: CellAcross) -> Iterator[str]:
    yield from wrapped(cell.title, WIDTH)
    yield fmt.shorten(cell.facts.id, WIDTH)
    base = f"× {fmt.shorten_arm(view.base, _NAME - 3)}"
    if any(row.mean for row in cell.rows):
        head = f"{base:<{_NAME}}{'mean':>8}{'95 %':>15}{'next machine':>16}"
        yield f"{head}{'spread':>8}{'faster':>7}{'slower':>7}"
    elif len(view.machines) <= _MOST_SIDE_BY_SIDE:
        names = "".join(f"{machine.name:>15}" for machine in view.machines)
        yield f"{base:<{_NAME}}{names}"
    for row in cell.rows:
        if row.mean:
            yield _together(row)
        else:
            yield from _one_by_one(view, row)


def _together(row: DriverAcross) -> str:
    assert row.mean is not None
    assert row.prediction is not None
    told = (
        f"{_name(row)}{fmt.times(row.mean.point):>8}{fmt.ratio_interval(row.mean):>15}",
        f"{fmt.ratio_interval(row.prediction):>16}{fmt.times(row.spread or 1):>8}",
        f"{row.faster:>7}{row.slower:>7}",
    )
    return "".join(told)


def _one_by_one(view: MachinesView, row: DriverAcross) -> Iterator[str]:
    """A driver machine by machine, where they are too few to be put together."""
    if len(view.machines) > _MOST_SIDE_BY_SIDE:
        yield f"{_name(row)}{row.direction}"
        return
    told = {dot.machine: _ratio(dot.ratio) for dot in row.dots}
    columns = (told.get(machine.name, fmt.NONE) for machine in view.machines)
    yield _name(row) + "".join(f"{text:>15}" for text in columns)


def _name(row: DriverAcross) -> str:
    return f"{fmt.shorten_arm(row.arm, _NAME - 1):<{_NAME}}"


def _ratio(found: Estimate) -> str:
    """`1.08 1.07–1.09`, as narrow as it goes."""
    if found.low is None or found.high is None:
        return f"{_short(found.point)} {'':9}"
    return f"{_short(found.point)} {_short(found.low)}–{_short(found.high)}"


def _short(ratio: float) -> str:
    """A ratio in four characters."""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


# --- versions -----------------------------------------------------------------------------


def _driver(driver: DriverVariants) -> Iterator[str]:
    yield from wrapped(f"{driver.driver}, {driver.asked}", WIDTH)
    yield from (line for told in driver.absent for line in wrapped(f"! {told}", WIDTH))
    for matrix in driver.matrices:
        yield f"{matrix.title}: {fmt.plural(matrix.cells, 'question')}"
        for row in matrix.rows:
            yield from _cause(row)
    if driver.unstable:
        yield "Not stable: asked again, the same column answered otherwise"
    for shaky in driver.unstable:
        yield from wrapped(f"{shaky.cell}: {shaky.text}", WIDTH, first="  ", rest="      ")


def _cause(row: CauseRow) -> Iterator[str]:
    doubt = f" ({row.doubt})" if row.doubt else ""
    told = f"{len(row.cells)}× {row.sentence}{doubt}"
    yield from wrapped(told, WIDTH, first="  ", rest="      ")
    yield from _few(row.cells)


def _few(cells: Sequence[str]) -> Iterator[str]:
    for cell in cells[:_MOST_CELLS]:
        yield f"      {fmt.shorten(cell, WIDTH - 6)}"
    if len(cells) > _MOST_CELLS:
        yield f"      and {len(cells) - _MOST_CELLS} more"


def _step(step: StepView) -> Iterator[str]:
    yield from wrapped(f"{step.title}, time after ÷ before", WIDTH)
    for cell in step.cells[:_MOST_STEPS]:
        yield from wrapped(
            f"{cell.cell}: {cell.sentence}", WIDTH, first="  ", rest="      "
        )
    if len(step.cells) > _MOST_STEPS:
        yield f"  and {len(step.cells) - _MOST_STEPS} more"
