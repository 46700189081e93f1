"""Charts as PNG files, for slides and places that show no HTML.

Figures are objects of their own, never pyplot's global state, and the files carry no
date: the same run gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from harness.core.verdicts import Verdict
from harness.render import curves_png, latency_png, png_front, png_times
from harness.render.png_dark import darken
from harness.render.png_parts import COLOURS, LINE, SOFT, TEXT, literal
from harness.report import format as fmt
from harness.report import scale
from harness.report.cells import CellView, RankGroup, Row
from harness.report.view import Report, RunView

_DPI = 120
_ROW, _HEAD = 0.27, 0.78
_NAME, _WIDTH = 50, 11.0
_TALLEST = 200.0
"""So many inches a picture has at most: a PNG cannot be taller than 65,535 px, and nobody
looks at one that nearly is."""
_OVERVIEW, _LANE = 8.4, 0.085
"""The overview's width (inches), at which a type of 8 pt has 11 px on 800; and how far
apart the drivers of a question stand in it."""
_SIGNS = {"o": "●", "s": "■", "D": "◆", "^": "▲"}
"""The markers of arms, and the same as text for the legend."""
MARKERS = tuple(_SIGNS)
_FIRST = ("families", "causes", "overview")
"""What a README shows."""
_ONE_ROW, _BESIDE, _LEGEND_ROW = 7, 5, 0.22
"""So many arms have a legend of one row; others stand so many beside each other, in rows
of this height (inches)."""


def render(report: Report) -> dict[str, bytes]:
    """File name → PNG: an overview, a chart per family and one of what the network adds,
    for each run that measured; of checks how right each driver is in each family, and what
    is behind the rest. Those that stand first are there for dark pages, too."""
    files: dict[str, bytes] = {}
    for name, figure in _figures(report):
        files[f"{name}.png"] = _png(figure)
        if name in _FIRST:
            darken(figure)
            files[f"{name}-dark.png"] = _png(figure)
    return files


def _figures(report: Report) -> Iterator[tuple[str, Figure]]:
    """Name → figure."""
    yield from png_front.figures(report)
    measured = [run for run in report.runs if _timed(run.cells)]
    for number, run in enumerate(measured, 1):
        prefix = f"run{number}-" if len(measured) > 1 else ""
        if any(group.fastest for cell in run.cells for group in cell.groups):
            yield f"{prefix}overview", _overview(run)
        for family, cells in run.families:
            if _timed(cells):
                yield f"{prefix}family-{_file_name(family)}", _family(run, family, cells)
        yield from png_times.figures(run, prefix, partial(_look, run))
        if (over_rtts := latency_png.network(run, partial(_look, run))) is not None:
            yield f"{prefix}network", over_rtts
    yield from _of_lanes(report)


def _of_lanes(report: Report) -> Iterator[tuple[str, Figure]]:
    """The charts of lanes, a picture per run."""
    charted = [run for run in report.runs if run.charts]
    for number, run in enumerate(charted, 1):
        prefix = f"run{number}-" if len(charted) > 1 else ""
        yield f"{prefix}curves", curves_png.figure(run.charts, partial(_look, run))


def _timed(cells: Sequence[CellView]) -> bool:
    return any(row.time for cell in cells for row in cell.rows)


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(
        out, format="png", dpi=_DPI, metadata={"Software": None},
        facecolor=figure.get_facecolor(),
    )  # fmt: skip
    return out.getvalue()


def _file_name(family: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in family)


Look = tuple[str, str]
"""The colour of an arm, and the marker that tells it from others of that colour."""


def _look(run: RunView, arm: str) -> Look:
    turn, hue = divmod(run.hue(arm), len(COLOURS))
    return COLOURS[hue], MARKERS[turn % len(MARKERS)]


# --- overview -----------------------------------------------------------------------


def _overview(run: RunView) -> Figure:
    """Ratios to the fastest: a row per question, in it a lane per driver."""
    rows = [(cell, group) for cell in run.cells for group in cell.groups if group.fastest]
    lanes = {arm.id: place for place, arm in enumerate(run.competitors)}
    pitch = max(0.3, _LANE * len(lanes) + 0.1)
    asked, rows = len(rows), rows[: int(_TALLEST / pitch)]
    above = 1.0 + _LEGEND_ROW * (len(_legend_rows(run)) - 1)
    height = above + 0.7 + pitch * len(rows)
    figure = Figure(figsize=(_OVERVIEW, height), facecolor="white")
    inner = height - above - 0.62
    axes = figure.add_axes((0.4, 0.62 / height, 0.54, inner / height))
    for place, (_, group) in enumerate(rows):
        for row in group.rows:
            at = place + (lanes[row.arm] - (len(lanes) - 1) / 2) * _LANE / pitch
            if row.ratio:
                _ratio_dot(axes, at, row, _look(run, row.arm))
            elif row.verdict and not row.verdict.timeable:
                _missing(axes, at, row, _look(run, row.arm))
        if place:
            axes.axhline(place - 0.5, color=LINE, linewidth=0.6)
    _plain(axes)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks([])
    for place, (cell, group) in enumerate(rows):
        y = 1 - (above + (place + 0.6) * inner / (len(rows) + 0.2)) / height
        figure.text(0.02, y, _question(cell, group), color=TEXT, fontsize=8.2, va="center")
    _ratio_axis(axes, [ratio for _, group in rows for ratio in _ratios(group)])
    unranked = any(row.rank is None for _, group in rows for row in group.rows if row.ratio)
    note = "; open: timed, but not ranked" if unranked else ""
    axes.set_xlabel(f"times the fastest (logarithmic){note}", color=SOFT, fontsize=8.5)
    _title(
        figure,
        height,
        "Time per operation, relative to the fastest driver",
        _cut(len(rows), asked) + run.sureness,
    )
    _legend(figure, run, height)
    return figure


def _cut(shown: int, of: int) -> str:
    """What a picture that would be too tall says."""
    return f"The first {shown} of {of}; the page has all. " if shown < of else ""


def _missing(axes: Axes, at: float, row: Row, look: Look) -> None:
    """Why a driver has no time, at the edge: it does not offer the question, or errs."""
    assert row.verdict is not None
    axes.text(1.01, at, fmt.SYMBOLS[row.verdict], color=look[0], fontsize=7,
              transform=axes.get_yaxis_transform(), va="center")  # fmt: skip


def _ratio_dot(axes: Axes, place: float, row: Row, look: Look) -> None:
    ratio = row.ratio
    assert ratio is not None
    if ratio.low is not None and ratio.high is not None:
        axes.plot([ratio.low, ratio.high], [place, place], color=look[0], linewidth=2,
                  alpha=0.7, solid_capstyle="round")  # fmt: skip
    _dot(axes, ratio.point, place, row, look, size=5)


def _dot(
    axes: Axes, x: float, y: float, row: Row, look: Look, *, size: float = 6.5
) -> None:
    """Filled if ranked, open if it has a time but no rank."""
    ranked, (colour, marker) = row.rank is not None, look
    axes.plot([x], [y], marker=marker, markersize=size, linestyle="none", zorder=3,
              markerfacecolor=colour if ranked else "white",
              markeredgecolor="white" if ranked else colour,
              markeredgewidth=0.8 if ranked else 1.4)  # fmt: skip


def _ratios(group: RankGroup) -> Iterator[float]:
    """All that a row shows: its dots, and how far their intervals reach."""
    for ratio in filter(None, (row.ratio for row in group.rows)):
        ends = (ratio.low, ratio.point, ratio.high)
        yield from (end for end in ends if end is not None)


def _ratio_axis(axes: Axes, ratios: Sequence[float]) -> None:
    # A dot is as wide as 2 % of the axis, so its middle stays away from the edge.
    low, high = min(1.0, *ratios), max(1.2, *ratios)
    edge = (high / low) ** 0.02
    known = (0.5, 1, 2, 5, 10, 20, 50, 100) if high > 20 else (0.5, 1, 1.5, 2, 3, 5, 10)
    marks = [mark for mark in known if low <= mark <= high]
    axes.set_xscale("log")
    axes.set_xlim(low / edge, high * edge)
    _marks(axes, marks, [f"{mark:g}×" for mark in marks])


def _question(cell: CellView, group: RankGroup) -> str:
    """The title, shortened so that what tells it from its neighbours stays."""
    extra = ", ".join(filter(None, (cell.point, group.label)))
    extra = f" ({fmt.shorten(extra, _NAME - 12)})" if extra else ""
    return literal(fmt.shorten_title(cell.facts.title, _NAME - len(extra)) + extra)


# --- one family ---------------------------------------------------------------------


def _family(run: RunView, family: str, cells: Sequence[CellView]) -> Figure:
    """Times per op: a panel per cell, a row per driver, a dot per round."""
    asked, most = len(cells), max(_HEAD + _ROW * len(_lines(cell)) for cell in cells)
    cells = cells[: max(1, int(_TALLEST / most))]
    heights = [_HEAD + _ROW * len(_lines(cell)) for cell in cells]
    height = 1.05 + sum(heights)
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    top = height - 0.95
    for cell, own in zip(cells, heights, strict=True):
        inner = _ROW * len(_lines(cell))
        box = (0.2, (top - own + 0.42) / height, 0.56, inner / height)
        _panel(figure.add_axes(box), run, cell)
        top -= own
    below = _cut(len(cells), asked) + run.sureness
    _title(figure, height, f"{fmt.shorten(family, 60)}: time per operation", below)
    return figure


def _panel(axes: Axes, run: RunView, cell: CellView) -> None:
    _plain(axes)
    title = cell.facts.title + (f" ({cell.point})" if cell.point else "")
    axes.set_title(literal(title), loc="left", fontsize=10.5, color=TEXT, pad=5)
    lines = _lines(cell)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(lines)), [literal(label) for label, _ in lines])
    timed = [row for _, row in lines if row.time]
    if not timed:
        axes.set_xticks([])
    else:
        _time_axis(axes, timed)
    for place, (_, row) in enumerate(lines):
        floor = place >= len(cell.rows)
        look = (SOFT, "o") if floor else _look(run, row.arm)
        _time_row(axes, place, cell, row, look)
    if cell.floor:
        axes.axhline(len(cell.rows) - 0.5, color=LINE, linewidth=0.8)
        axes.set_xlabel(literal(cell.harness_sentence), color=SOFT, fontsize=8, loc="left")


def _lines(cell: CellView) -> list[tuple[str, Row]]:
    """The drivers, and below them the floor: what the harness costs is off the scale."""
    lines = [(_arm(group.label, row), row) for group in cell.groups for row in group.rows]
    return [*lines, (cell.floor.label, cell.floor.row)] if cell.floor else lines


def _arm(label: str, row: Row) -> str:
    return f"{row.arm} ({label})" if label else row.arm


def _time_axis(axes: Axes, timed: Sequence[Row]) -> None:
    axis = scale.around(value for row in timed for value in row.rounds)
    axes.set_xscale("log")
    axes.set_xlim(axis.low, axis.high)
    marks = axis.round_values()
    _marks(axes, marks, [fmt.round_duration(mark) for mark in marks])


def _time_row(axes: Axes, place: int, cell: CellView, row: Row, look: Look) -> None:
    side: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    time = row.time
    if time is None:
        reason = f"{row.status}: {row.detail}".rstrip(": ")
        axes.text(
            0.01, place, literal(fmt.shorten(reason, 100)), color=SOFT, fontsize=9, **side
        )
        return
    axes.plot(row.rounds, [place] * len(row.rounds), marker="o", markersize=3.2, alpha=0.3,
              color=look[0], linestyle="none", markeredgewidth=0)  # fmt: skip
    if time.low is not None and time.high is not None:
        axes.plot([time.low, time.high], [place, place], color=look[0], linewidth=2.5,
                  solid_capstyle="round")  # fmt: skip
    _dot(axes, time.point, place, row, look)
    weight = "bold" if row.rank == 1 else "normal"
    number = literal(_number(cell, row))
    axes.text(1.02, place, number, color=TEXT, fontsize=9, weight=weight, **side)


def _number(cell: CellView, row: Row) -> str:
    assert row.time is not None
    rate = f"{fmt.rate(cell.rate(row) or 0)} {cell.facts.unit}/s"
    mark = f"{fmt.SYMBOLS[Verdict.DIFFERS]} " if row.verdict is Verdict.DIFFERS else ""
    over = f"   {fmt.times(row.over_floor.point)} floor" if row.over_floor else ""
    return f"{mark}{fmt.duration(row.time.point)}   {rate}{over}"


# --- shared -------------------------------------------------------------------------


def _plain(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(axis="both", length=0, labelsize=9, labelcolor=TEXT)
    axes.tick_params(axis="x", labelcolor=SOFT)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)


def _marks(axes: Axes, places: Sequence[float], labels: Sequence[str]) -> None:
    axes.xaxis.set_major_locator(FixedLocator(list(places)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(labels)))
    axes.xaxis.set_minor_locator(NullLocator())


def _title(figure: Figure, height: float, title: str, below: str) -> None:
    y = 1 - 0.32 / height
    figure.text(
        0.02, y, literal(title), fontsize=14, color=TEXT, weight="bold", va="center"
    )
    figure.text(0.02, 1 - 0.6 / height, literal(below), fontsize=9, color=SOFT, va="center")


def _legend_rows(run: RunView) -> list[list[str]]:
    """The drivers' ids, all in one row or in rows of a few."""
    ids = [arm.id for arm in run.competitors]
    if len(ids) <= _ONE_ROW:
        return [ids]
    return [ids[start : start + _BESIDE] for start in range(0, len(ids), _BESIDE)]


def _legend(figure: Figure, run: RunView, height: float) -> None:
    """The look of each driver, above the dots; in one row each as wide as its name."""
    rows = _legend_rows(run)
    if len(rows) > 1:
        for number, row in enumerate(rows):
            y = 1 - (0.85 + _LEGEND_ROW * number) / height
            for place, arm in enumerate(row):
                _legend_entry(figure, run, arm, 0.02 + 0.96 / _BESIDE * place, y, 30)
        return
    names = [fmt.shorten_arm(arm, 18) for arm in rows[0]]
    width = figure.get_figwidth()
    step = min(0.0935 / width, 0.61 / max(1, sum(len(name) + 4 for name in names)))
    x, y = 0.36, 1 - 0.85 / height
    for arm, name in zip(rows[0], names, strict=True):
        _legend_entry(figure, run, arm, x, y, 18)
        x += step * (len(name) + 4)


def _legend_entry(
    figure: Figure, run: RunView, arm: str, x: float, y: float, limit: int
) -> None:
    colour, marker = _look(run, arm)
    sign, name = _SIGNS[marker], literal(fmt.shorten_arm(arm, limit))
    figure.text(x, y, sign, color=colour, fontsize=8.5, va="center")
    figure.text(
        x + 0.143 / figure.get_figwidth(), y, name, color=TEXT, fontsize=8.5, va="center"
    )
