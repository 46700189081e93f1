"""Strips of ratios over machines, one for each driver, on one logarithmic axis per cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import format as fmt
from harness.report import scale
from harness.report.machines import CellAcross, DriverAcross, MachineDot

if TYPE_CHECKING:
    from harness.core.stats import Estimate

HEIGHT = 28
_MOST_DOTS = 40
"""More machines are not drawn each by itself: nobody could tell them apart."""
_TOP, _BOTTOM = 4.0, 24.0


@dataclass(frozen=True, slots=True)
class ForestMark:
    """A line from `low` to `high`, in per cent of the strip, with a point at `at`."""

    low: float
    at: float
    high: float
    y: float
    told: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A driver: its machines, and what they say together where they are enough."""

    row: DriverAcross
    machines: tuple[ForestMark, ...]
    mean: ForestMark | None
    prediction: ForestMark | None


@dataclass(frozen=True, slots=True)
class Forest:
    """All drivers of a cell; `equal` is the place of equal times, `ticks` those of round
    ratios with their texts."""

    strips: tuple[Strip, ...]
    equal: float
    ticks: tuple[tuple[float, str], ...]


def forest(cell: CellAcross) -> Forest:
    """The strips of a cell."""
    axis = scale.around([1.0, *(end for row in cell.rows for end in _ends(row))])
    return Forest(
        strips=tuple(_strip(axis, row) for row in cell.rows),
        equal=axis.at(1.0),
        ticks=tuple((axis.at(value), f"{value:g}×") for value in axis.round_values()),
    )


def _ends(row: DriverAcross) -> list[float]:
    shown = [dot.ratio for dot in row.dots] if len(row.dots) <= _MOST_DOTS else []
    known = [found for found in (*shown, row.mean, row.prediction) if found]
    ends = (end for found in known for end in (found.low, found.point, found.high))
    return [end for end in ends if end is not None]


def _strip(axis: scale.Scale, row: DriverAcross) -> Strip:
    dots = row.dots if len(row.dots) <= _MOST_DOTS else ()
    step = (_BOTTOM - _TOP) / max(1, len(dots) - 1)
    return Strip(
        row=row,
        machines=tuple(
            _mark(axis, dot.ratio, _TOP + step * number, _told(dot))
            for number, dot in enumerate(dots)
        ),
        mean=_mark(axis, row.mean, HEIGHT / 2, "mean of all machines")
        if row.mean
        else None,
        prediction=_mark(axis, row.prediction, HEIGHT / 2, "another machine like these")
        if row.prediction
        else None,
    )


def _told(dot: MachineDot) -> str:
    runs = f", {dot.runs} runs" if dot.runs > 1 else ""
    return f"{dot.machine}{runs}"


def _mark(axis: scale.Scale, found: Estimate, y: float, name: str) -> ForestMark:
    low = found.point if found.low is None else found.low
    high = found.point if found.high is None else found.high
    return ForestMark(
        low=axis.at(low),
        at=axis.at(found.point),
        high=axis.at(high),
        y=round(y, 1),
        told=f"{name}: {fmt.ratio_with_interval(found)}",
    )
