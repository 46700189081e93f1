"""A comparison as a picture: a forest plot, with the band in which nothing has changed."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from harness.core.verdicts import Change
from harness.render.png_parts import ACCENT, BAD, COLOURS, GOOD, LINE, SOFT, TEXT, literal
from harness.report import format as fmt
from harness.report.comparison import score

if TYPE_CHECKING:
    from harness.analysis.changes import CellChange, Comparison

_COLOURS = {
    Change.REGRESSED: BAD,
    Change.IMPROVED: GOOD,
    Change.SAME: COLOURS[0],
}
_WIDTH, _ROW, _NAME, _MOST = 8.4, 0.24, 52, 120


def render(comparison: Comparison) -> bytes:
    """The changes with an interval, worst first: a PNG file."""
    rows = [row for row in comparison.changes if row.shift is not None][:_MOST]
    height = 1.5 + _ROW * max(1, len(rows))
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    axes = figure.add_axes((0.4, 0.6 / height, 0.38, 1 - 1.5 / height))
    band = math.log1p(comparison.threshold)
    axes.axvspan(-band, band, color=ACCENT, alpha=0.08)
    axes.axvline(0, color=SOFT, linewidth=0.8)
    for place, row in enumerate(rows):
        _draw(axes, place, row, same_arm=len({row.arm for row in rows}) == 1)
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(length=0, labelsize=8, labelcolor=SOFT)
    axes.grid(axis="x", color=LINE, linewidth=0.7)
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda shift, _: fmt.change(shift, decimals=0))
    )
    for spine in axes.spines.values():
        spine.set_visible(False)
    _heading(figure, comparison)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120, metadata={"Software": None})
    return out.getvalue()


def _draw(axes: Axes, place: int, row: CellChange, *, same_arm: bool) -> None:
    """One change: its dot, its interval, its name and its number."""
    assert row.shift is not None
    colour = _COLOURS.get(row.change, SOFT)
    if row.shift.low is not None and row.shift.high is not None:
        ends = [row.shift.low, row.shift.high]
        axes.plot(ends, [place, place], color=colour, linewidth=2, alpha=0.75,
                  solid_capstyle="round")  # fmt: skip
    axes.plot([row.shift.point], [place], marker="o", markersize=5, color=colour)
    side: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": 8,
    }
    name = fmt.shorten(row.cell if same_arm else f"{row.cell}  {row.arm}", _NAME)
    axes.text(-0.02, place, literal(name), ha="right", color=TEXT, **side)
    said = f"{fmt.change(row.shift.point)}  {fmt.change_interval(row.shift)}"
    axes.text(1.02, place, said, color=colour, **side)


def _heading(figure: Figure, comparison: Comparison) -> None:
    height = figure.get_figheight()
    title = fmt.shorten(f"{comparison.base} → {comparison.candidate}", 80)
    figure.text(0.02, 1 - 0.32 / height, literal(title), fontsize=11, weight="bold",
                color=TEXT, va="center")  # fmt: skip
    drawn = sum(row.shift is not None for row in comparison.changes)
    more = f"; the worst {_MOST} of {drawn} are drawn" if drawn > _MOST else ""
    below = fmt.shorten(score(comparison), 110 - len(more)) + more
    figure.text(0.02, 1 - 0.6 / height, literal(below), fontsize=8.5, color=SOFT,
                va="center")  # fmt: skip
