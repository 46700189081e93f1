"""Curves of drivers over what was asked of them: a chart that every format can draw.

Both axes are logarithmic. A lane's view makes charts, of numbers and sentences only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.core.stats import Estimate
from harness.report import scale

_MOST_TICKS = 6

Unit = Literal["time", "rate"]
"""Of what stands on an axis: ns, or so many a second."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A measured value; one that does not count is drawn hollow, and no line leads to it.
    `told` is what a reader sees who points at it."""

    x: float
    y: Estimate
    told: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class DriverCurve:
    """One quantity of one arm. The `main` curve of a panel is the bold one."""

    arm: str
    points: tuple[CurvePoint, ...]
    main: bool = True


@dataclass(frozen=True, slots=True)
class CurveMark:
    """A place on the axis below, with its interval."""

    arm: str
    x: Estimate
    told: str


@dataclass(frozen=True, slots=True)
class CurvePanel:
    """Curves with common axes. With `diagonal`, where what is asked is what is there."""

    title: str
    unit: Unit
    curves: tuple[DriverCurve, ...]
    diagonal: bool = False


@dataclass(frozen=True, slots=True)
class CurveChart:
    """Panels with one axis below. `note` says how to read it."""

    title: str
    across: str
    note: str
    panels: tuple[CurvePanel, ...]
    marks: tuple[CurveMark, ...]

    @property
    def xs(self) -> list[float]:
        """Where anything was measured, from left to right."""
        found = {
            point.x for panel in self.panels for c in panel.curves for point in c.points
        }
        return sorted(found)

    def ticks(self) -> list[float]:
        """What stands on the axis below: where measured, or round values of many."""
        xs = self.xs
        if len(xs) <= _MOST_TICKS:
            return xs
        return scale.around(self.reach()).round_values()

    @property
    def arms(self) -> list[str]:
        """Who is in it, in the order of the curves."""
        return list(dict.fromkeys(c.arm for panel in self.panels for c in panel.curves))

    def reach(self) -> Iterator[float]:
        """All that the axis below must hold."""
        yield from self.xs
        for mark in self.marks:
            yield from ends(mark.x)


def ends(estimate: Estimate) -> tuple[float, ...]:
    """A point and its interval, as far as there is one."""
    if estimate.low is None or estimate.high is None:
        return (estimate.point,)
    return (estimate.low, estimate.point, estimate.high)


def reach(panel: CurvePanel) -> Iterator[float]:
    """All that a panel's own axis must hold."""
    for curve in panel.curves:
        for point in curve.points:
            yield from ends(point.y)
