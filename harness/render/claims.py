"""A page of claims for a terminal, as Markdown, as JSON, and as one HTML file."""

from __future__ import annotations

import json as encoding
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.claims.outcomes import ClaimOutcome, DecidedClaim
from harness.claims.page import ClaimsPage, SourcePage
from harness.core.visible import visible
from harness.report import format as fmt
from harness.report.format import markdown_cell as esc

if TYPE_CHECKING:
    import jinja2

TITLE = "What is claimed of PostgreSQL drivers, and whether it holds"
INTRO = (
    "Sentences of documents in our own words, decided by what runs: a claim holds where "
    "all of its conditions do, for the versions that are named."
)
WIDTH = 80
SYMBOLS = {
    ClaimOutcome.DOES_NOT_HOLD: "✗",
    ClaimOutcome.DEPENDS: "±",
    ClaimOutcome.HOLDS: "✓",
    ClaimOutcome.INCONCLUSIVE: "?",
    ClaimOutcome.NOT_TRIED: "–",
}
_QUIET = (ClaimOutcome.HOLDS, ClaimOutcome.NOT_TRIED)
_LONG = 600
_TEMPLATES = Path(__file__).parent / "templates"


# --- terminal -----------------------------------------------------------------------------


def text(page: ClaimsPage, *, details: bool = False, code: int = 0) -> str:
    """80 columns, the conclusion last; what holds is told with `details` only."""
    lines: list[str] = []
    for shown in page.sources:
        lines += [*_source_text(shown, details), ""]
    if page.drifted:
        lines += [f"DRIFT ({len(page.drifted)})"]
        for decided in page.drifted:
            lines += _indented(f"{decided.claim.id}  {decided.drift}", " ✗ ")
        lines.append("")
    if page.remembered:
        told = f"{fmt.plural(page.remembered, 'outcome')} of the baseline: nothing of "
        told += f"{'it' if page.remembered == 1 else 'them'} was run here. --run does."
        lines += fmt.wrapped(told, WIDTH)
    return visible("\n".join([*lines, _conclusion(page, code)])) + "\n"


def _source_text(shown: SourcePage, details: bool) -> Iterator[str]:
    yield fmt.shorten(f"{shown.source.id}  {shown.source.title}", WIDTH)
    yield from fmt.wrapped(shown.tally, WIDTH, first="    ", rest="    ")
    for decided in shown.claims:
        if details or decided.outcome not in _QUIET or decided.drift or decided.reasons:
            yield from _claim_text(decided)


def _claim_text(decided: DecidedClaim) -> Iterator[str]:
    mark = f" {SYMBOLS[decided.outcome]} {decided.claim.id}  "
    yield from _indented(decided.claim.claim, mark)
    told = "" if decided.seen.startswith(str(decided.outcome)) else f"{decided.outcome}: "
    yield from _indented(fmt.shorten(f"{told}{decided.seen}", _LONG))
    for reason in decided.reasons:
        yield from _indented(f"also because: {reason}")
    if decided.versions:
        yield from _indented(decided.versions)
    yield from (f"          {command}" for command in decided.commands[:1])


def _indented(words: str, first: str = "          ") -> list[str]:
    return fmt.wrapped(words, WIDTH, first=first, rest="          ")


def _conclusion(page: ClaimsPage, code: int) -> str:
    told = page.tally
    if page.drifted:
        told = f"{fmt.plural(len(page.drifted), 'outcome')} drifted; {told}"
    return "\n".join(fmt.wrapped(f"exit {code}: {told}", WIDTH))


# --- Markdown -----------------------------------------------------------------------------


def markdown(page: ClaimsPage, level: int = 1) -> str:
    """The page as Markdown; its title is a heading of this level."""
    lines = [f"{'#' * level} {TITLE}", "", INTRO, ""]
    lines += [_counts_row(page), ""] if page.claims else []
    for shown in page.sources:
        lines += _source_markdown(shown, "#" * (level + 1))
    return visible("\n".join(lines).rstrip()) + "\n"


def _counts_row(page: ClaimsPage) -> str:
    return " · ".join(f"**{count}** {outcome}" for outcome, count in page.counts.items())


def _source_markdown(shown: SourcePage, heading: str) -> Iterator[str]:
    yield f"{heading} {esc(shown.source.title)}"
    yield ""
    about = _prose_markdown(shown.source.about)
    yield f"{about} {esc(shown.source.date)}. {esc(shown.tally)}."
    yield ""
    for group in shown.groups:
        yield f"{heading}# {str(group.outcome).capitalize()}"
        yield ""
        for decided in group.claims:
            yield from _claim_markdown(decided)
        yield ""


def _claim_markdown(decided: DecidedClaim) -> Iterator[str]:
    yield f"- **{decided.claim.id}** {_prose_markdown(decided.claim.claim)}"
    known = " (as the baseline has it)" if decided.remembered else ""
    yield f"  - seen: {esc(fmt.shorten(decided.seen, _LONG))}{known}"
    if decided.drift:
        yield f"  - **drift**: {esc(decided.drift)}"
    yield from (
        f"  - also because: {_prose_markdown(reason)}" for reason in decided.reasons
    )
    if decided.claim.note:
        yield f"  - note: {_prose_markdown(decided.claim.note)}"
    if decided.versions:
        server = f", PostgreSQL {decided.server}" if decided.server else ""
        yield f"  - seen with {esc(decided.versions)}{server}"
    yield from (f"  - `{command}`" for command in decided.commands[:1])


def _prose_markdown(words: str) -> str:
    """A text, escaped; what stands between backticks stays code."""
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return esc(words)
    told = (f"`{part}`" if at % 2 else _escaped(part) for at, part in enumerate(parts))
    return "".join(told)


def _escaped(part: str) -> str:
    """Escaped, with the blanks at its ends, which `esc` takes away."""
    before, after = part[: part[:1].isspace()], part[len(part) - part[-1:].isspace() :]
    return f"{before}{esc(part)}{after}" if part.strip() else part


# --- JSON ---------------------------------------------------------------------------------


def json(page: ClaimsPage) -> str:
    """The page for programs."""
    found = {
        "counts": {str(outcome): count for outcome, count in page.counts.items()},
        "sources": [_source_json(shown) for shown in page.sources],
    }
    return encoding.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _source_json(shown: SourcePage) -> dict[str, Any]:
    source = shown.source
    return {
        "id": source.id,
        "title": source.title,
        "date": source.date,
        "about": source.about,
        "link": source.link,
        "claims": [_claim_json(decided) for decided in shown.claims],
    }


def _claim_json(decided: DecidedClaim) -> dict[str, Any]:
    return {
        "id": decided.claim.id,
        "claim": decided.claim.claim,
        "outcome": str(decided.outcome),
        "seen": decided.seen,
        "reasons": list(decided.reasons),
        "versions": decided.versions,
        "server": decided.server,
        "cells": list(decided.cells),
        "commands": list(decided.commands),
        "remembered": decided.remembered,
        "drift": decided.drift,
        "parts": [
            {"part": part.label, "outcome": str(part.outcome), "seen": part.seen}
            for part in decided.parts
        ],
    }


# --- HTML ---------------------------------------------------------------------------------


def html(page: ClaimsPage) -> str:
    """The page as one file: no network, no JavaScript."""
    drawn = (
        environment()
        .get_template("claims.html.j2")
        .render(page=page, title=TITLE, intro=INTRO, link=_no_link)
    )
    return visible(re.sub(r"\n\s*\n+", "\n", drawn)) + "\n"


def _no_link(_: str) -> str:
    """Alone, the page has no cells to lead to."""
    return ""


def environment() -> jinja2.Environment:
    """Templates with the words that a page of claims needs."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(prose=prose, shorten=lambda told: fmt.shorten(told, _LONG))
    return made


def prose(words: str) -> str:
    """A text, escaped; only `code` becomes markup."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(words))))
