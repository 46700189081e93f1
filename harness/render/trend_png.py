"""A trend as a PNG: a panel for each question and machine, a line for each arm."""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from harness.history import words
from harness.history.panels import Panel, panels
from harness.render.png_parts import COLOURS, LINE, SOFT, TEXT, literal
from harness.report import format as fmt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from harness.history.trend import Trend, TrendSeries

_DPI = 120
_WIDTH, _PANEL, _HEAD, _FOOT = 11.0, 3.0, 1.05, 0.0
_MOST_PANELS = 40
_MOST_LABELS = 10
_DOTS = 60
"""Of more points a dot is only a speck of its line."""


def render(trend: Trend) -> bytes:
    """The whole picture; the same trend gives the same bytes."""
    found = panels(trend)
    shown = found[:_MOST_PANELS]
    height = _HEAD + _PANEL * max(1, len(shown)) + _FOOT
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    left_out = len(found) - len(shown)
    _title(figure, height, trend, left_out)
    colours = _colours(trend)
    for number, panel in enumerate(shown):
        bottom = height - _HEAD - _PANEL * (number + 1) + 0.45
        axes = figure.add_axes((0.075, bottom / height, 0.745, (_PANEL - 0.95) / height))
        _panel(axes, panel, colours, several=len(trend.machines) > 1)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=_DPI, metadata={"Software": None})
    return out.getvalue()


def _title(figure: Figure, height: float, trend: Trend, left_out: int) -> None:
    told = [words.headline(trend), *list(words.conclusions(trend))[:1]]
    below = fmt.shorten(": ".join(told), 125)
    if left_out:
        below = f"{below} ({left_out} more questions are not drawn)"
    rows = (
        (0.34, words.subject(trend), 14, TEXT, "bold"),
        (0.62, below, 9.5, TEXT, "normal"),
        (0.84, "lower is faster; bars are 95 % intervals within runs; "
         f"control: {trend.control.name}, {trend.control.reason}", 8.5, SOFT, "normal"),
    )  # fmt: skip
    for down, text, size, colour, weight in rows:
        figure.text(0.02, 1 - down / height, literal(text), fontsize=size, color=colour,
                    weight=weight, va="center")  # fmt: skip


def _colours(trend: Trend) -> dict[str, str]:
    arms = dict.fromkeys(series.arm for series in trend.series)
    return {arm: COLOURS[number % len(COLOURS)] for number, arm in enumerate(arms)}


def _panel(axes: Axes, panel: Panel, colours: dict[str, str], *, several: bool) -> None:
    labels = {label: place for place, label in enumerate(panel.labels)}
    title = f"{panel.cell}  on  {panel.machine.about}" if several else panel.cell
    axes.set_title(literal(fmt.shorten(title, 110)), loc="left", fontsize=10.5,
                   color=TEXT, pad=7)  # fmt: skip
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(axis="both", length=0, labelsize=8.5, labelcolor=SOFT)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    _ratio_axis(axes, panel)
    _label_axis(axes, panel.labels)
    for series in panel.series:
        _series(axes, series, labels, colours[series.arm])
    _names(axes, panel, colours)


def _ratio_axis(axes: Axes, panel: Panel) -> None:
    axis = panel.axis
    marks = axis.round_values()
    axes.set_yscale("log")
    axes.set_ylim(axis.low, axis.high)
    axes.yaxis.set_major_locator(FixedLocator(marks))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{mark:.3g}×" for mark in marks]))
    axes.yaxis.set_minor_locator(NullLocator())
    if axis.low < 1 < axis.high:
        axes.axhline(1, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))


def _label_axis(axes: Axes, labels: Sequence[str]) -> None:
    step = -(-len(labels) // _MOST_LABELS)
    shown = range(0, len(labels), step)
    axes.set_xlim(-0.4, len(labels) - 0.6)
    texts = [literal(fmt.shorten(labels[place], 12)) for place in shown]
    axes.set_xticks(list(shown), texts)


def _series(axes: Axes, series: TrendSeries, labels: dict[str, int], colour: str) -> None:
    places = [labels[point.label] for point in series.points]
    ratios = [point.ratio.exp() for point in series.points]
    many = len(places) > _DOTS
    axes.plot(places, [ratio.point for ratio in ratios], color=colour, alpha=0.35,
              linewidth=1, marker="o", markersize=1.8 if many else 5.5,
              markeredgewidth=0)  # fmt: skip
    for place, ratio in zip(places, ratios, strict=True):
        if ratio.low is not None and ratio.high is not None and not many:
            axes.plot([place, place], [ratio.low, ratio.high], color=colour,
                      linewidth=2.2, solid_capstyle="round", alpha=0.8)  # fmt: skip
    if not many:
        axes.plot(places, [ratio.point for ratio in ratios], color=colour, marker="o",
                  markersize=6, linestyle="none", markeredgecolor="white",
                  markeredgewidth=0.8, zorder=4)  # fmt: skip
    _levels(axes, series, places, colour)


def _levels(axes: Axes, series: TrendSeries, places: Sequence[int], colour: str) -> None:
    """The levels as steps, with the size of each step above it."""
    for level in series.levels if series.enough else ():
        ends = (places[level.start] - 0.3, places[level.end - 1] + 0.3)
        height = exp(level.estimate.point)
        axes.plot(ends, (height, height), color=colour, linewidth=2.4, alpha=0.55,
                  solid_capstyle="butt", zorder=3)  # fmt: skip
    for change in series.changes:
        place = places[change.step.at] - 0.5
        axes.axvline(place, color=colour, linewidth=1, linestyle=(0, (2, 2)))
        axes.annotate(
            fmt.change(change.step.shift.point),
            (place, 1.0), (4, -3), xycoords=("data", "axes fraction"),
            textcoords="offset points", color=colour, fontsize=9, weight="bold", va="top",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none",
                  "alpha": 0.85}, zorder=6,
        )  # fmt: skip


def _names(axes: Axes, panel: Panel, colours: dict[str, str]) -> None:
    """The arms at the right, beside where their lines end, one above the other."""
    last = ((series.arm, series.points[-1].ratio.exp().point) for series in panel.series)
    ends = sorted((panel.axis.at(ratio) / 100, arm, ratio) for arm, ratio in last)
    gap, floor = 0.085, 0.0
    room = 1 - gap * (len(ends) - 1)
    for number, (height, arm, ratio) in enumerate(ends):
        floor = max(floor, min(height, room + gap * number))
        text = f"{fmt.shorten(arm, 18)}  {fmt.times(ratio)}"
        axes.text(1.015, floor, literal(text), color=colours[arm], fontsize=9.5,
                  va="center", transform=axes.transAxes)  # fmt: skip
        floor += gap
