"""A trend as one self-contained HTML file: no network, works without JavaScript.

The template only places what is prepared here; Jinja escapes what comes from files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from harness.core.visible import visible
from harness.history import words
from harness.history.panels import Panel, panels
from harness.report import format as fmt

if TYPE_CHECKING:
    from harness.history.points import Point
    from harness.history.trend import Trend, TrendSeries

HUES = 8
WIDTH, HEIGHT = 1000, 230
_EDGE, _TOP = 14, 22
_MOST_LABELS = 10
_DOTS = 60
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in the drawing: its place, its interval, and what a pointer is told."""

    x: float
    y: float
    low: float | None
    high: float | None
    told: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A series in the drawing. `levels` are x1, x2 and y of each, `steps` x and a text."""

    arm: str
    hue: int
    dots: Sequence[Dot]
    levels: Sequence[tuple[float, float, float]]
    steps: Sequence[tuple[float, str]]
    small: bool

    @property
    def path(self) -> str:
        """The dots as the points of a polyline."""
        return " ".join(f"{dot.x:g},{dot.y:g}" for dot in self.dots)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A panel: its lines, the marks of its axes, and where the control arm lies."""

    panel: Panel
    lines: Sequence[Curve]
    ratios: Sequence[tuple[float, str]]
    labels: Sequence[tuple[float, str]]
    control: float | None


def render(trend: Trend) -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        times=fmt.times, interval=fmt.ratio_interval, shift=words.shift, plural=fmt.plural
    )
    arms = dict.fromkeys(series.arm for series in trend.series)
    hues = {arm: number % HUES for number, arm in enumerate(arms)}
    page = environment.get_template("trend.html.j2").render(
        trend=trend,
        words=words,
        drawings=[_drawing(panel, hues) for panel in panels(trend)],
        hues=hues,
        width=WIDTH,
        height=HEIGHT,
    )
    return visible(re.sub(r"\n\s*\n+", "\n", page)) + "\n"


def _drawing(panel: Panel, hues: dict[str, int]) -> Drawing:
    places = {
        label: _across(at, len(panel.labels)) for at, label in enumerate(panel.labels)
    }
    axis = panel.axis
    every = -(-len(panel.labels) // _MOST_LABELS)
    return Drawing(
        panel=panel,
        lines=[_line(panel, series, places, hues[series.arm]) for series in panel.series],
        ratios=[(_down(panel, mark), f"{mark:.3g}×") for mark in axis.round_values()],
        labels=[(places[label], label) for label in panel.labels[::every]],
        control=_down(panel, 1) if axis.low < 1 < axis.high else None,
    )


def _line(panel: Panel, series: TrendSeries, places: dict[str, float], hue: int) -> Curve:
    half = (WIDTH - 2 * _EDGE) / len(places) / 2
    dots = [_dot(panel, point, places[point.label]) for point in series.points]
    return Curve(
        arm=series.arm,
        hue=hue,
        dots=dots,
        levels=[
            (
                dots[level.start].x - 0.6 * half,
                dots[level.end - 1].x + 0.6 * half,
                _down(panel, exp(level.estimate.point)),
            )
            for level in (series.levels if series.enough else ())
        ],
        steps=[
            (dots[change.step.at].x - half, fmt.change(change.step.shift.point))
            for change in series.changes
        ],
        small=len(places) > _DOTS,
    )


def _dot(panel: Panel, point: Point, x: float) -> Dot:
    times = point.ratio.exp()
    interval = f" ({fmt.ratio_interval(times)})" if times.low is not None else ""
    runs = fmt.plural(len(point.runs), "run")
    return Dot(
        x=x,
        y=_down(panel, times.point),
        low=None if times.low is None else _down(panel, times.low),
        high=None if times.high is None else _down(panel, times.high),
        told=f"{point.label}: {fmt.times(times.point)}{interval}, {runs}",
    )


def _across(at: int, count: int) -> float:
    """The middle of a place's share of the width."""
    return round(_EDGE + (WIDTH - 2 * _EDGE) * (at + 0.5) / count, 2)


def _down(panel: Panel, ratio: float) -> float:
    return round(_TOP + (HEIGHT - _TOP) * (1 - panel.axis.at(ratio) / 100), 2)
