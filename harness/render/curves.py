"""Charts of curves in places of a drawing: both axes logarithmic, panels side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.report import format as fmt
from harness.report import scale
from harness.report.curves import (
    CurveChart,
    CurveMark,
    CurvePanel,
    DriverCurve,
    Unit,
    reach,
)

WIDTH, HEIGHT = 500, 320

Place = tuple[float, str]
"""A place on an axis, and what stands there."""


@dataclass(frozen=True, slots=True)
class CurveDot:
    """A measured value with its interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    told: str
    counts: bool


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A driver's curve: a line through what counts, and all that was measured."""

    arm: str
    path: str
    dots: tuple[CurveDot, ...]
    main: bool


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A place on the axis below with its interval, from bottom to top."""

    arm: str
    x: float
    low: float
    high: float
    told: str


@dataclass(frozen=True, slots=True)
class DrawnPanel:
    """A panel in places: `across` stands below it, `down` beside it."""

    title: str
    lines: tuple[DrawnLine, ...]
    marks: tuple[DrawnMark, ...]
    across: tuple[Place, ...]
    down: tuple[Place, ...]
    diagonal: str


def drawn(chart: CurveChart) -> tuple[DrawnPanel, ...]:
    """Every panel of a chart."""
    return tuple(_Panel(chart, panel).drawn() for panel in chart.panels)


def label(value: float, unit: Unit) -> str:
    """A round value for an axis: `40 µs`, or `2,000`."""
    return fmt.round_duration(value) if unit == "time" else f"{value:,.6g}"


def axis(panel: CurvePanel, chart: CurveChart) -> scale.Scale:
    """A panel's own axis; one with a diagonal holds what is asked, too."""
    asked = chart.xs if panel.diagonal else []
    return scale.around([*reach(panel), *asked])


class _Panel:
    """Where values stand in a panel."""

    def __init__(self, chart: CurveChart, panel: CurvePanel) -> None:
        self._chart, self._panel = chart, panel
        self._across = scale.around(chart.reach())
        self._down = axis(panel, chart)

    def drawn(self) -> DrawnPanel:
        """Everything in its place."""
        rates = self._chart.xs
        return DrawnPanel(
            title=self._panel.title,
            lines=tuple(map(self._line, self._panel.curves)),
            marks=tuple(map(self._mark, self._chart.marks)),
            across=tuple(
                (self._x(rate), label(rate, "rate")) for rate in self._chart.ticks()
            ),
            down=tuple(
                (self._y(value), label(value, self._panel.unit))
                for value in self._down.round_values()
            ),
            diagonal=self._path(zip(rates, rates, strict=True))
            if self._panel.diagonal
            else "",
        )

    def _line(self, curve: DriverCurve) -> DrawnLine:
        counted = [(point.x, point.y.point) for point in curve.points if point.counts]
        dots = tuple(
            CurveDot(
                x=self._x(point.x),
                y=self._y(point.y.point),
                low=None if point.y.low is None else self._y(point.y.low),
                high=None if point.y.high is None else self._y(point.y.high),
                told=point.told,
                counts=point.counts,
            )
            for point in curve.points
        )
        return DrawnLine(curve.arm, self._path(counted), dots, curve.main)

    def _mark(self, mark: CurveMark) -> DrawnMark:
        at = mark.x.point
        low = at if mark.x.low is None else mark.x.low
        high = at if mark.x.high is None else mark.x.high
        return DrawnMark(mark.arm, self._x(at), self._x(low), self._x(high), mark.told)

    def _path(self, places: Iterable[tuple[float, float]]) -> str:
        return " ".join(f"{self._x(x)},{self._y(y)}" for x, y in places)

    def _x(self, value: float) -> float:
        return round(WIDTH * self._across.at(value) / 100, 2)

    def _y(self, value: float) -> float:
        return round(HEIGHT * (1 - self._down.at(value) / 100), 2)
