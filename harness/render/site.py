"""The pages of a site as HTML, its badges as SVG: no JavaScript, relative links only.

Templates only place what the room `site` says; Jinja escapes everything that comes from
a results file, and nothing invisible gets through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2

from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.render.claims import prose
from harness.render.html import MOST_CAUSES, tint
from harness.report import format as fmt
from harness.report.causes import GRAVE, CauseView
from harness.report.checked import KINDS
from harness.site import names
from harness.site.making import Site
from harness.site.pages import Badge

MOST_MOVES = 200
_LONG, _CLIP = 600, 120
_STYLES = ("report.css", "front.css", "site.css")
_TEMPLATES = Path(__file__).parent / "templates"


def files(site: Site) -> Iterator[tuple[str, bytes]]:
    """Every page, badge and style by its place in the site."""
    arms = {version.arm: version for version in site.numbers}
    draw = partial(_drawn, site=site, arms=arms)
    yield "style.css", _style().encode()
    yield "index.html", draw("site_index.html.j2", "")
    for driver in site.drivers():
        yield f"drivers/{driver.slug}.html", draw("site_driver.html.j2", page=driver)
    for version in site.versions:
        name = version.version.slug
        shown = _by_concern(version.card.counts)
        yield (
            f"versions/{name}.html",
            draw("site_version.html.j2", page=version, verdicts=shown),
        )
        yield f"badges/{name}.svg", _badge(version.badge).encode()
    for scenario in site.scenarios:
        yield (
            f"scenarios/{scenario.slug}.html",
            draw("site_scenario.html.j2", page=scenario),
        )


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    made.globals.update(
        driver_slug=names.driver,
        family_anchor=_family_anchor,
        SYMBOLS=fmt.SYMBOLS,
        MEANINGS=fmt.MEANINGS,
        GRAVE=GRAVE,
        MOST_CAUSES=MOST_CAUSES,
        MOST_MOVES=MOST_MOVES,
    )
    return made


def _drawn(name: str, root: str = "../", **shown: Any) -> bytes:
    page = _environment().get_template(name).render(root=root, **shown)
    return (visible(re.sub(r"\n\s*\n+", "\n", page)).strip() + "\n").encode()


def _style() -> str:
    """The style of reports, the signs of the verdicts, and what only a site has."""
    texts = [(_TEMPLATES / name).read_text("utf-8") for name in _STYLES]
    signs = [f'.v-{verdict} {{ --s: "{sign}" }}' for verdict, sign in fmt.SYMBOLS.items()]
    return "\n".join([*texts, *signs]) + "\n"


def _family_anchor(family: str) -> str:
    return f"family-{names.scenario(family)}"


def _by_concern(counts: Mapping[Verdict, int]) -> list[Verdict]:
    """The verdicts that occur, the worst first."""
    return [verdict for verdict in Verdict if counts.get(verdict)]


def _by_verdict(causes: Sequence[CauseView]) -> Iterator[tuple[str, list[CauseView]]]:
    """Causes under the words that a reader knows for their verdict."""
    groups: dict[Verdict, list[CauseView]] = {}
    for cause in sorted(causes, key=lambda cause: -cause.verdict.severity):
        groups.setdefault(cause.verdict, []).append(cause)
    for verdict, some in groups.items():
        named = KINDS.get(verdict, (verdict, f"{verdict} checks"))[1]
        yield named[0].upper() + named[1:], some


# --- badges -------------------------------------------------------------------------------

_WIDE, _NARROW = 7.0, 4.0
_NARROWS = " .,il1|'"


def _badge(badge: Badge) -> str:
    """The text is fitted to its place, whatever font a reader has."""
    template = _environment().get_template("site_badge.svg.j2")
    left, right = (_width(text) + 12 for text in (badge.label, badge.said))
    return visible(template.render(badge=badge, left=left, right=right)) + "\n"


def _width(text: str) -> int:
    return round(sum(_NARROW if char in _NARROWS else _WIDE for char in text))


_FILTERS = {
    "by_verdict": _by_verdict,
    "clip": lambda text: fmt.shorten(str(text), _CLIP),
    "plural": fmt.plural,
    "prose": prose,
    "shorten": lambda text: fmt.shorten(str(text), _LONG),
    "times": fmt.times,
    "tint": tint,
    "whole": fmt.whole,
}
