"""Charts of curves as a picture: the panels of a chart side by side, a row per question."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from harness.render.curves import axis, label
from harness.render.png_parts import LINE, SOFT, TEXT, literal
from harness.report import format as fmt
from harness.report import scale
from harness.report.curves import CurveChart, CurveMark, CurvePanel, DriverCurve

_WIDTH, _ROW, _HEAD = 11.0, 4.3, 0.75
"""The picture's width, a question's height, and what stands above it, inches."""
_LEFT, _GAP, _BELOW = 0.75, 0.75, 0.8

Look = Callable[[str], tuple[str, str]]
"""The colour and the marker of an arm."""


def figure(charts: Sequence[CurveChart], look: Look) -> Figure:
    """All charts, one below the other."""
    height = _ROW * len(charts) + 0.2
    made = Figure(figsize=(_WIDTH, height), facecolor="white")
    for number, chart in enumerate(charts):
        top = height - 0.1 - _ROW * number
        made.text(0.02, (top - 0.25) / height, literal(chart.title), fontsize=13,
                  color=TEXT, weight="bold")  # fmt: skip
        _legend(made, chart, (top - 0.5) / height, look)
        width = (_WIDTH - 0.25 - (_LEFT + _GAP * (len(chart.panels) - 1))) / len(
            chart.panels
        )
        for place, panel in enumerate(chart.panels):
            left = _LEFT + place * (width + _GAP)
            box = (left / _WIDTH, (top - _ROW + _BELOW) / height, width / _WIDTH,
                   (_ROW - _BELOW - _HEAD - 0.3) / height)  # fmt: skip
            _panel(made.add_axes(box), chart, panel, look)
        made.text(0.02, (top - _ROW + 0.18) / height, literal(chart.note), fontsize=8.5,
                  color=SOFT)  # fmt: skip
    return made


def _legend(made: Figure, chart: CurveChart, y: float, look: Look) -> None:
    """The look of each arm, in one line."""
    handles = [
        Line2D([], [], color=look(arm)[0], marker=look(arm)[1], markersize=6,
               label=literal(fmt.shorten_arm(arm, 24)))
        for arm in chart.arms
    ]  # fmt: skip
    made.legend(handles=handles, loc="center left", bbox_to_anchor=(0.012, y), ncols=7,
                frameon=False, fontsize=9, labelcolor=TEXT)  # fmt: skip


def _panel(axes: Axes, chart: CurveChart, panel: CurvePanel, look: Look) -> None:
    for mark in chart.marks:
        _mark(axes, mark, look(mark.arm)[0])
    if panel.diagonal:
        axes.plot(chart.xs, chart.xs, color=SOFT, linewidth=1, linestyle=(0, (1, 4)))
    for curve in panel.curves:
        _curve(axes, curve, *look(curve.arm))
    axes.set_title(literal(panel.title), loc="left", fontsize=10, color=TEXT, pad=6)
    _axes(axes, chart, panel)


def _mark(axes: Axes, mark: CurveMark, colour: str) -> None:
    """A place below with its interval."""
    if mark.x.low is not None and mark.x.high is not None:
        axes.axvspan(mark.x.low, mark.x.high, color=colour, alpha=0.15, linewidth=0)
    axes.axvline(mark.x.point, color=colour, linewidth=1.2, linestyle="--")


def _curve(axes: Axes, curve: DriverCurve, colour: str, marker: str) -> None:
    """A line through what counts; what does not is hollow."""
    size, width = (6.0, 1.8) if curve.main else (4.0, 0.9)
    counted = [point for point in curve.points if point.counts]
    axes.plot([point.x for point in counted], [point.y.point for point in counted],
              color=colour, linewidth=width)  # fmt: skip
    for point in curve.points:
        if point.counts and point.y.low is not None and point.y.high is not None:
            axes.plot([point.x] * 2, [point.y.low, point.y.high], color=colour,
                      linewidth=2.2, alpha=0.5)  # fmt: skip
        axes.plot([point.x], [point.y.point], marker=marker, markersize=size, zorder=3,
                  markerfacecolor=colour if point.counts else "white",
                  markeredgecolor="white" if point.counts else colour,
                  markeredgewidth=0.6 if point.counts else 1.3)  # fmt: skip


def _axes(axes: Axes, chart: CurveChart, panel: CurvePanel) -> None:
    across, down = scale.around(chart.reach()), axis(panel, chart)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(across.low, across.high)
    axes.set_ylim(down.low, down.high)
    axes.set_xlabel(literal(chart.across), color=SOFT, fontsize=9)
    marks = down.round_values()
    for single, values, unit in (
        (axes.xaxis, chart.ticks(), "rate"),
        (axes.yaxis, marks, panel.unit),
    ):
        single.set_major_locator(FixedLocator(values))
        single.set_major_formatter(
            FixedFormatter([label(value, unit) for value in values])  # type: ignore[arg-type]
        )
        single.set_minor_locator(NullLocator())
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(axis="both", length=0, labelsize=8.5, labelcolor=SOFT)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
