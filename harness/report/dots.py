"""Dots of drivers on one axis, a row per question: the section of a lane at a glance.

The axis is logarithmic and has no zero: what is zero or less is counted and not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from harness.report import format as fmt
from harness.report import scale
from harness.report.scale import Scale, Tick
from harness.report.sections import CellTable, LaneSection, Quantity, Value


def _plainly(value: float) -> str:
    return f"{value:,.6g}"


_TOLD: Mapping[str, Callable[[float], str]] = {
    "ns": fmt.round_duration,
    "bytes": fmt.size,
    "bytes/op": fmt.size,
    "× bare": fmt.times,
}


@dataclass(frozen=True, slots=True)
class PlottedDot:
    """A driver's number: places in per cent of the axis, and what is told of it. `down` is
    the driver's own place in the row, so that equal numbers do not hide each other."""

    arm: str
    at: float
    low: float
    high: float
    down: float
    told: str


@dataclass(frozen=True, slots=True)
class DotRow:
    """A question with the drivers that have a number for it; of numbers that are about all
    questions, a single driver."""

    title: str
    cell: str
    dots: tuple[PlottedDot, ...]


@dataclass(frozen=True, slots=True)
class DotPlot:
    """A quantity of all questions. `arms` are those in it, `undrawn` counts numbers of zero
    or less. `places` is how many dots a row has room for."""

    title: str
    ticks: tuple[Tick, ...]
    rows: tuple[DotRow, ...]
    arms: tuple[str, ...]
    places: int
    undrawn: int = 0

    @property
    def dots(self) -> int:
        """How many there are."""
        return sum(len(row.dots) for row in self.rows)


def plots(section: LaneSection) -> Iterator[DotPlot]:
    """The plots of a section: of the quantities that it charts, where two numbers or more
    can be compared."""
    for place, quantity in enumerate(section.quantities):
        if quantity.metric and quantity.metric in section.charted:
            found = _numbers(section, place)
            drawn = [value for _, values in found for _, value in values if _low(value) > 0]
            if len(drawn) > 1:
                yield _plot(quantity, found, drawn)


_Numbers = list[tuple[CellTable, list[tuple[str, Value]]]]


def _numbers(section: LaneSection, place: int) -> _Numbers:
    """Each question with the drivers that have a number there."""
    return [
        (
            table,
            [
                (row.arm, row.values[place])
                for row in table.rows
                if row.values and row.values[place].number is not None
            ],
        )
        for table in section.tables
    ]


def _plot(quantity: Quantity, found: _Numbers, drawn: list[Value]) -> DotPlot:
    axis = scale.around(end for value in drawn for end in (_low(value), _high(value)))
    told = _TOLD.get(quantity.unit, _plainly)
    arms = tuple(dict.fromkeys(arm for _, values in found for arm, _ in values))
    apart = all(table.facts is None for table, _ in found)
    rows = [
        DotRow(title, table.cell, tuple(_dots(values, axis, () if apart else arms)))
        for table, values in found
        for title, values in _rows(table, values)
    ]
    return DotPlot(
        quantity.head,
        tuple(Tick(axis.at(value), told(value)) for value in axis.round_values()),
        tuple(row for row in rows if row.dots),
        arms,
        1 if apart else len(arms),
        sum(len(values) for _, values in found) - len(drawn),
    )


def _rows(
    table: CellTable, values: list[tuple[str, Value]]
) -> Iterator[tuple[str, list[tuple[str, Value]]]]:
    """A question is a row; where a table is about all of them, each driver is."""
    if table.facts is None:
        yield from ((arm, [(arm, value)]) for arm, value in values)
    else:
        yield " · ".join(filter(None, (table.facts.title, table.point))), values


def _dots(
    values: list[tuple[str, Value]], axis: Scale, arms: tuple[str, ...]
) -> Iterator[PlottedDot]:
    for arm, value in values:
        if _low(value) > 0 and value.number is not None:
            down = (arms.index(arm) + 0.5) / len(arms) if arms else 0.5
            yield PlottedDot(
                arm,
                axis.at(value.number),
                axis.at(_low(value)),
                axis.at(_high(value)),
                round(100 * down, 1),
                f"{arm}: {value.full or value.text} {value.note}".rstrip(),
            )


def _low(value: Value) -> float:
    """The lower end of an interval, or the number itself; 0 where there is none."""
    return min(value.number or 0.0, value.number or 0.0 if value.low is None else value.low)


def _high(value: Value) -> float:
    return max(
        value.number or 0.0, value.number or 0.0 if value.high is None else value.high
    )
