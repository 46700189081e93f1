"""The report as one self-contained HTML file: no network, works without JavaScript.

Templates only place what is prepared here and in the view; Jinja escapes everything
that comes from a results file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from harness.claims.page import ClaimsPage
from harness.core.metrics import METRICS
from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.render import latency
from harness.report import format as fmt
from harness.report import matrix, scale
from harness.report.cells import CellView, Row
from harness.report.mixes import mix_of
from harness.report.view import Report

HUES = 8
_LONG = 600
_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report, claims: ClaimsPage | None = None) -> str:
    """The whole page, with a section about claims if there is one to show."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    environment.globals.update(
        SYMBOLS=fmt.SYMBOLS,
        MEANINGS=fmt.MEANINGS,
        Verdict=Verdict,
        HUES=HUES,
        METRICS=METRICS,
    )
    page = environment.get_template("report.html.j2").render(
        report=report,
        charts=_charts,
        heat=heat,
        anchor=anchor,
        claims=claims,
        link=partial(_row_of, report),
        mix_of=mix_of,
        network=latency.drawing,
        width=latency.WIDTH,
        height=latency.HEIGHT,
    )
    return visible(re.sub(r"\n\s*\n+", "\n", page)) + "\n"


# --- charts -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dots:
    """One row of a chart; all places in per cent of the width."""

    point: float
    low: float | None
    high: float | None
    rounds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The rows of a cell on one common axis."""

    ticks: tuple[scale.Tick, ...]
    dots: dict[str, Dots]


def _charts(cell: CellView) -> Chart | None:
    """The chart of a cell; None where nothing has a time."""
    floor = [cell.floor.row] if cell.floor else []
    timed = [row for row in (*cell.rows, *floor) if row.time]
    if not timed:
        return None
    axis = scale.around(value for row in timed for value in _shown_values(row))
    return Chart(axis.times(), {row.arm: _dots(axis, row) for row in timed})


def _shown_values(row: Row) -> list[float]:
    """What the axis must hold: a single wild round shall not flatten all the others."""
    assert row.time is not None
    ends = [value for value in (row.time.low, row.time.high) if value is not None]
    near = [value for value in row.rounds if 0.5 < value / row.time.point < 2]
    return [row.time.point, *ends, *near]


def _dots(axis: scale.Scale, row: Row) -> Dots:
    time = row.time
    assert time is not None
    low = None if time.low is None else axis.at(time.low)
    high = None if time.high is None else axis.at(time.high)
    return Dots(
        axis.at(time.point), low, high, tuple(axis.at(value) for value in row.rounds)
    )


# --- small answers to templates -----------------------------------------------------------


def heat(ratio: float) -> float:
    """How strongly a ratio is tinted: 0 at 1×, 1 from 4× on."""
    return round(min(1.0, max(0.0, math.log(ratio) / math.log(4))), 2)


def anchor(*parts: str) -> str:
    """An id for a link: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-") or "x"


def _row_of(report: Report, cell: str) -> str:
    """The anchor of a cell's row in the first matrix that has it; empty without one."""
    for number, run in enumerate(report.runs, 1):
        if run.matrix and any(row.cell == cell for row in run.matrix.rows):
            return f"r{number}-{anchor(cell)}"
    return ""


def _prose(text: str) -> Markup:
    """A scenario's text, escaped; only `code` becomes markup."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _verdict(value: str) -> Verdict:
    return Verdict(value)


def _per_op(value: float | None, unit: str) -> str:
    if value is None or unit == "ns/op":
        return fmt.duration(value)
    return f"{value:.2f}"


_FILTERS = {
    "change": fmt.change,
    "change_interval": fmt.change_interval,
    "concern": matrix.concern,
    "duration": fmt.duration,
    "interval": fmt.ratio_interval,
    "per_op": _per_op,
    "percentage": fmt.percentage,
    "plural": fmt.plural,
    "prose": _prose,
    "rate": fmt.rate,
    "shorten": lambda text: fmt.shorten(text, _LONG),
    "size": fmt.size,
    "time_interval": fmt.time_interval,
    "times": fmt.times,
    "verdict": _verdict,
}
