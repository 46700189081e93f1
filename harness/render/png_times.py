"""Sweeps over an axis, and how single ops are distributed, as pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator

from harness.render.png_parts import LINE, SOFT, TEXT, literal
from harness.report import format as fmt
from harness.report import scale
from harness.report.cells import CURVE, CellView, Row
from harness.report.view import RunView

Look = Callable[[str], tuple[str, str]]
"""An arm → its colour and its marker."""
_WIDTH, _PANEL, _MOST, _NAME = 8.4, 3.1, 12, 24
_FEWEST = 3
"""So many points make a sweep."""


def figures(run: RunView, prefix: str, look: Look) -> Iterator[tuple[str, Figure]]:
    """Name → figure: sweeps, then distributions, where a run has any."""
    if found := list(_sweeps(run.cells))[:_MOST]:
        yield f"{prefix}sweeps", _sheet([
            (title, partial(_sweep, cells=cells, axis=axis, look=look))
            for title, axis, cells in found
        ])  # fmt: skip
    curved = [cell for cell in run.cells if any(row.curve for row in cell.rows)][:_MOST]
    if curved:
        yield f"{prefix}distributions", _sheet([
            (_title(cell), partial(_steps, cell=cell, look=look)) for cell in curved
        ])  # fmt: skip


def _sheet(panels: Sequence[tuple[str, Callable[[Axes], None]]]) -> Figure:
    """Panels in two columns, each drawn by its function."""
    lines = -(-len(panels) // 2)
    figure = Figure(figsize=(_WIDTH, _PANEL * lines + 0.2), facecolor="white",
                    layout="constrained")  # fmt: skip
    places = figure.subplots(lines, 2, squeeze=False)
    for axes in places.flat:
        axes.set_axis_off()
    for axes, (title, draw) in zip(places.flat, panels, strict=False):
        axes.set_axis_on()
        axes.set_title(
            literal(fmt.shorten(title, 52)), loc="left", fontsize=8.5, color=TEXT
        )
        axes.tick_params(length=0, labelsize=8, labelcolor=SOFT)
        axes.grid(color=LINE, linewidth=0.7)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_visible(False)
        draw(axes)
        axes.legend(fontsize=7.8, frameon=False, labelcolor=TEXT)
    return figure


# --- sweeps ---------------------------------------------------------------------------


def _sweeps(cells: Sequence[CellView]) -> Iterator[tuple[str, str, list[CellView]]]:
    """The title, the axis, and the cells that differ in nothing but that axis."""
    groups: dict[tuple[str, ...], list[CellView]] = defaultdict(list)
    for cell in filter(_timed, cells):
        for axis, value in cell.facts.point.items():
            rest = ", ".join(
                f"{name} = {other}"
                for name, other in cell.facts.point.items()
                if name != axis
            )
            if _on_a_logarithmic_axis(value):
                case = cell.facts.id.partition("@")[0]
                groups[cell.facts.title, rest, axis, case].append(cell)
    for (title, rest, axis, _), found in groups.items():
        if len(found) >= _FEWEST:
            yield f"{title}{f' ({rest})' if rest else ''}", axis, found


def _timed(cell: CellView) -> bool:
    return any(row.time for row in cell.rows)


def _on_a_logarithmic_axis(value: int | str) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _sweep(axes: Axes, cells: Sequence[CellView], axis: str, look: Look) -> None:
    """The time of a unit over the axis, both logarithmic; a band is the interval."""
    shown: list[float] = []
    for arm in dict.fromkeys(row.arm for cell in cells for row in cell.rows if row.time):
        points = sorted(_points(cells, axis, arm))
        across = [x for x, *_ in points]
        colour, marker = look(arm)
        axes.plot(across, [y for _, y, *_ in points], color=colour, marker=marker,
                  markersize=4, linewidth=1.6,
                  label=literal(fmt.shorten_arm(arm, _NAME)))  # fmt: skip
        lows, highs = [low for *_, low, _ in points], [high for *_, high in points]
        shown += lows + highs
        axes.fill_between(across, lows, highs, color=colour, alpha=0.15)
    axes.set_xscale("log")
    axes.set_xlabel(literal(fmt.shorten(axis, _NAME)), fontsize=8, color=SOFT)
    _times(axes, "y", shown)


def _points(
    cells: Sequence[CellView], axis: str, arm: str
) -> Iterator[tuple[float, float, float, float]]:
    for cell in cells:
        for row in cell.rows:
            if row.arm == arm and row.time:
                ends = (row.time.point, row.time.low, row.time.high)
                units = cell.facts.units_per_op
                point, low, high = ((end or row.time.point) / units for end in ends)
                yield float(cell.facts.point[axis]), point, low, high


# --- distributions --------------------------------------------------------------------


def _steps(axes: Axes, cell: CellView, look: Look) -> None:
    """The share of single ops that took no longer than a time."""
    for row in cell.rows:
        if row.curve:
            _step(axes, row, look(row.arm)[0])
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share * 100:.0f} %"))
    ends = (value for row in cell.rows for value in row.curve[:-2])
    _times(axes, "x", (value for value in ends if value > 0))


def _step(axes: Axes, row: Row, colour: str) -> None:
    axes.step(row.curve[:-1], CURVE[:-1], where="post", color=colour, linewidth=1.6,
              label=literal(fmt.shorten_arm(row.arm, _NAME)))  # fmt: skip


# --- both -----------------------------------------------------------------------------


def _times(axes: Axes, which: Literal["x", "y"], values: Iterable[float]) -> None:
    """An axis of times: logarithmic, around these values, with round ticks."""
    around = scale.around(values)
    axis, limit = (
        (axes.xaxis, axes.set_xlim) if which == "x" else (axes.yaxis, axes.set_ylim)
    )
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    limit(around.low, around.high)
    marks = around.round_values()
    axis.set_major_locator(FixedLocator(marks))
    axis.set_major_formatter(FixedFormatter([fmt.round_duration(mark) for mark in marks]))
    axis.set_minor_locator(NullLocator())


def _title(cell: CellView) -> str:
    return f"{cell.facts.title} ({cell.point})" if cell.point else cell.facts.title
