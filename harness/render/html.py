"""The report as one self-contained HTML file: no network, no library from elsewhere.

The answers, the drivers, the families and the causes are markup and need no JavaScript.
Every check and every time is compressed JSON in the page, which unfolds it when somebody
looks; `templates/app/` does that. Templates only place what is prepared here and in the
view; Jinja escapes everything that comes from a results file.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup, escape

from harness.claims.page import ClaimsPage
from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.render import curves, latency
from harness.render.forest import forest
from harness.report import format as fmt
from harness.report.causes import GRAVE, CauseView, worst_first
from harness.report.checked import KINDS
from harness.report.dots import plots
from harness.report.findings import folded
from harness.report.payload import payload
from harness.report.view import Report

HUES = 8
APP = ("data", "format", "dom", "state", "search", "matrix", "charts", "times",
       "overview", "sweeps", "dialog", "front", "main")  # fmt: skip
"""The parts of the page's own program, in the order in which they stand in it."""
MOST_CAUSES = 150
_LONG, _CLIP = 600, 220
_NEWS = "New: neither declared nor expected"
_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report, claims: ClaimsPage | None = None) -> str:
    """The whole page, with a section about claims if there is one to show."""
    environment = _environment()
    openable = _openable(report)
    environment.filters["placed"] = partial(_placed, report, openable)
    environment.globals.update(
        report=report,
        SYMBOLS=fmt.SYMBOLS,
        MEANINGS=fmt.MEANINGS,
        HUES=HUES,
        KINDS=KINDS,
        GRAVE=GRAVE,
        MOST_CAUSES=MOST_CAUSES,
        APP=APP,
        forest=forest,
    )
    page = environment.get_template("report.html.j2").render(
        anchor=anchor,
        claims=claims,
        link=partial(_place_of, openable),
        data=_packed(payload(report)),
        network=latency.drawing,
        width=latency.WIDTH,
        height=latency.HEIGHT,
        dot_plots=plots,
        curves_of=curves.drawn,
        curves_width=curves.WIDTH,
        curves_height=curves.HEIGHT,
    )
    return visible(re.sub(r"\n\s*\n+", "\n", page)) + "\n"


@cache
def _environment() -> jinja2.Environment:
    """Templates, compiled once: who makes many pages would wait for that longest."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    return made


def _packed(data: Mapping[str, object]) -> str:
    """JSON, compressed and in base64: nothing in it can be markup. The same data give the
    same text."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


# --- small answers to templates -----------------------------------------------------------


def tint(share: float) -> float:
    """How strongly a share is tinted: 0 at one half, 1 where all is right."""
    return round(max(0.0, 2 * share - 1), 2)


def _state(given: Mapping[str, str]) -> str:
    """A state of the page as its address has it."""
    return urlencode(given)


def _by_kind(
    causes: Sequence[CauseView],
) -> Iterator[tuple[str, list[CauseView]]]:
    """Causes under the heads that a reader knows: what is new, then by verdict."""
    groups: dict[str, list[CauseView]] = {}
    for cause in worst_first(causes):
        head = _NEWS if cause.news else _head(cause.verdict)
        groups.setdefault(head, []).append(cause)
    yield from groups.items()


def _head(verdict: Verdict) -> str:
    named = KINDS.get(verdict, (verdict, f"{verdict} checks"))[1]
    return named[0].upper() + named[1:]


def anchor(*parts: str) -> str:
    """An id for a link: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-") or "x"


def _openable(report: Report) -> frozenset[str]:
    """The cells that the page can open: what was checked or timed."""
    timed = (cell.facts.id for run in report.runs for cell in run.cells)
    return frozenset([*timed, *(check.cell for check in report.checks)])


def _place_of(cells: frozenset[str], cell: str) -> str:
    """The address that opens a cell, if the page has it."""
    return _state({"c": cell}) if cell in cells else ""


def _placed(report: Report, cells: frozenset[str], where: str) -> Iterator[tuple[str, str]]:
    """The parts of a finding's place, as a reader calls them, and the address that opens
    each: a cell, and of a driver its side of the cell before it."""
    cell = ""
    for part in where.split(", "):
        if part in cells:
            cell = part
            yield report.title_of(part), _state({"c": part})
        else:
            yield part, _state({"c": cell, "d": part}) if cell else ""


def _prose(text: str) -> Markup:
    """A scenario's text, escaped; only `code` becomes markup."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _verdict(value: str) -> Verdict:
    return Verdict(value)


_FILTERS = {
    "change": fmt.change,
    "change_interval": fmt.change_interval,
    "by_kind": _by_kind,
    "clip": lambda text: fmt.shorten(text, _CLIP),
    "duration": fmt.duration,
    "folded": folded,
    "interval": fmt.ratio_interval,
    "percentage": fmt.percentage,
    "plural": fmt.plural,
    "prose": _prose,
    "shorten": lambda text: fmt.shorten(text, _LONG),
    "state": _state,
    "time_interval": fmt.time_interval,
    "times": fmt.times,
    "tint": tint,
    "verdict": _verdict,
    "whole": fmt.whole,
}
