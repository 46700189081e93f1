"""Charts of times over round-trip times: lines on logarithmic axes, in places of a drawing.

No RTT has no place on a logarithmic axis; it stands apart, left of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import format as fmt
from harness.report import scale
from harness.report.latency import LatencyChart, LatencyCurve
from harness.report.view import RunView

if TYPE_CHECKING:
    from harness.core.stats import Estimate

WIDTH, HEIGHT = 1000, 320
_NONE = 40.0
"""Where no RTT stands, and the axis begins so much to the right of it."""
_FIRST = 110.0


@dataclass(frozen=True, slots=True)
class LatencyDot:
    """A measured time with its interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    told: str


@dataclass(frozen=True, slots=True)
class DrawnCurve:
    """A driver: its line, the band around it, what was measured."""

    arm: str
    path: str
    band: str
    dots: tuple[LatencyDot, ...]
    straight: bool


@dataclass(frozen=True, slots=True)
class DrawnCrossing:
    """Where two lines cross."""

    x: float
    y: float
    told: str


@dataclass(frozen=True, slots=True)
class LatencyDrawing:
    """A chart in places: `across` are the RTTs below it, `down` the times beside it."""

    cell: str
    curves: tuple[DrawnCurve, ...]
    crossings: tuple[DrawnCrossing, ...]
    across: tuple[tuple[float, str], ...]
    down: tuple[tuple[float, str], ...]


def drawing(run: RunView, section: str, cell: str) -> LatencyDrawing | None:
    """The chart that belongs to a table of a section, if there is one."""
    if run.latency is None or section != run.latency.sections[0].key:
        return None
    chart = run.latency.chart(cell)
    return _Axes(chart).drawing() if chart else None


class _Axes:
    """Where RTTs and times stand in a chart."""

    def __init__(self, chart: LatencyChart) -> None:
        self._chart = chart
        points = [point for curve in chart.curves for point in curve.points]
        self._rtts = sorted({rtt for rtt, _ in points})
        self._across = scale.around((chart.nearest, chart.farthest))
        self._down = scale.around(time.point for _, time in points)

    def drawing(self) -> LatencyDrawing:
        """Everything in its place."""
        crossings = (
            DrawnCrossing(self._x(rtt), self._y(ns), told)
            for rtt, ns, told in self._chart.marks
        )
        return LatencyDrawing(
            cell=self._chart.cell,
            curves=tuple(map(self._curve, self._chart.curves)),
            crossings=tuple(crossings),
            across=tuple((self._x(rtt), f"{rtt:.3g} ms") for rtt in self._rtts),
            down=tuple(
                (self._y(value), fmt.round_duration(value))
                for value in self._down.round_values()
            ),
        )

    def _curve(self, curve: LatencyCurve) -> DrawnCurve:
        above = [(rtt, _end(time.high, time)) for rtt, time in curve.samples]
        below = [(rtt, _end(time.low, time)) for rtt, time in reversed(curve.samples)]
        return DrawnCurve(
            arm=curve.arm,
            path=self._path([(rtt, time.point) for rtt, time in curve.samples]),
            band=self._path([*above, *below]),
            dots=tuple(self._dot(curve.arm, rtt, time) for rtt, time in curve.points),
            straight=curve.straight,
        )

    def _dot(self, arm: str, rtt: float, time: Estimate) -> LatencyDot:
        interval = "" if time.low is None else f" ({fmt.time_interval(time)})"
        return LatencyDot(
            x=self._x(rtt),
            y=self._y(time.point),
            low=None if time.low is None else self._y(time.low),
            high=None if time.high is None else self._y(time.high),
            told=f"{arm}, {rtt:.3g} ms: {fmt.duration(time.point)}{interval}",
        )

    def _path(self, places: list[tuple[float, float]]) -> str:
        return " ".join(f"{self._x(rtt)},{self._y(ns)}" for rtt, ns in places)

    def _x(self, rtt: float) -> float:
        if not rtt:
            return _NONE
        return round(_FIRST + (WIDTH - _FIRST) * self._across.at(rtt) / 100, 2)

    def _y(self, ns: float) -> float:
        return round(HEIGHT * (1 - self._down.at(ns) / 100), 2)


def _end(value: float | None, time: Estimate) -> float:
    return time.point if value is None else value
