"""Charts of times over round-trip times as a picture: a panel per question."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from harness.render.png_parts import LINE, SOFT, TEXT, literal
from harness.report import format as fmt
from harness.report import scale
from harness.report.latency import LatencyChart, LatencyCurve
from harness.report.view import RunView

_WIDTH, _PANEL, _HEAD, _FOOT = 11.0, 2.9, 0.85, 0.75
_LEFT_OF = 2.2
"""No RTT stands so many times left of the nearest one: a logarithmic axis has no 0."""

Look = Callable[[str], tuple[str, str]]
"""The colour and the marker of an arm."""


def network(run: RunView, look: Look) -> Figure | None:
    """All questions over RTTs; None where no line was fitted."""
    charts = run.latency.charts if run.latency else ()
    if not charts:
        return None
    height = _HEAD + _PANEL * len(charts)
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    title = "Time per operation over round-trip times"
    figure.text(0.02, 1 - 0.3 / height, title, fontsize=14, color=TEXT, weight="bold")
    below = "points: medians and 95 % intervals; lines: t₀ + k · RTT, dashed if no line"
    figure.text(0.02, 1 - 0.58 / height, below, fontsize=9, color=SOFT)
    for number, chart in enumerate(charts):
        bottom = height - _HEAD - _PANEL * (number + 1) + _FOOT
        box = (0.09, bottom / height, 0.68, (_PANEL - 1.1) / height)
        _panel(figure.add_axes(box), chart, look)
    return figure


def _panel(axes: Axes, chart: LatencyChart, look: Look) -> None:
    zero = chart.nearest / _LEFT_OF
    for curve in chart.curves:
        _curve(axes, curve, zero, *look(curve.arm))
    for rtt, ns, _ in chart.marks:
        axes.plot([rtt], [ns], marker="o", markersize=9, color=TEXT, alpha=0.25,
                  markeredgewidth=0)  # fmt: skip
    point = f" ({chart.point})" if chart.point else ""
    axes.set_title(
        literal(f"{chart.title}{point}"), loc="left", fontsize=10.5, color=TEXT, pad=5
    )
    _axes(axes, chart, zero)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)


def _curve(axes: Axes, curve: LatencyCurve, zero: float, colour: str, marker: str) -> None:
    """A line with its band, and what was measured."""
    rtts = [rtt for rtt, _ in curve.samples]
    times = [time for _, time in curve.samples]
    axes.plot(rtts, [time.point for time in times], color=colour, linewidth=1.6,
              linestyle="-" if curve.straight else "--")  # fmt: skip
    if all(time.low is not None and time.high is not None for time in times):
        axes.fill_between(rtts, [time.low or 0 for time in times],
                          [time.high or 0 for time in times], color=colour, alpha=0.18,
                          linewidth=0)  # fmt: skip
    for rtt, time in curve.points:
        if time.low is not None and time.high is not None:
            axes.plot([rtt or zero] * 2, [time.low, time.high], color=colour, linewidth=2.5)
    axes.plot([rtt or zero for rtt, _ in curve.points],
              [time.point for _, time in curve.points], marker=marker, markersize=5.5,
              linestyle="none", color=colour, label=literal(curve.arm))  # fmt: skip


def _axes(axes: Axes, chart: LatencyChart, zero: float) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(zero / 1.3, chart.farthest * 1.3)
    rtts = sorted({rtt for curve in chart.curves for rtt, _ in curve.points})
    axes.xaxis.set_major_locator(FixedLocator([rtt or zero for rtt in rtts]))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{rtt:.3g} ms" for rtt in rtts]))
    axis = scale.around(time.point for curve in chart.curves for _, time in curve.points)
    axes.set_ylim(axis.low, axis.high)
    marks = axis.round_values()
    axes.yaxis.set_major_locator(FixedLocator(marks))
    axes.yaxis.set_major_formatter(
        FixedFormatter([fmt.round_duration(mark) for mark in marks])
    )
    for single in (axes.xaxis, axes.yaxis):
        single.set_minor_locator(NullLocator())
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(axis="both", length=0, labelsize=9, labelcolor=SOFT)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
