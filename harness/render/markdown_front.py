"""What stands first in the report as Markdown: answers, drivers, causes."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.report.cards import Card, Rightness
from harness.report.causes import CauseView
from harness.report.format import markdown_cell as esc
from harness.report.view import Report

_MOST_CAUSES = 40
_REASON = 200


def answers(report: Report) -> Iterator[str]:
    """A line for each task."""
    for answer in report.answers:
        yield f"- **{answer.task}**: {esc(answer.sentence)}"
        for catch in answer.catches:
            yield f"  - Catch: {esc(str(catch))}"
        for example in answer.examples:
            yield f"  - {esc(str(example))}"
    if report.answers:
        yield ""


def cards(report: Report) -> Iterator[list[str]]:
    """The rows of a table with a line for each driver; the first is its head."""
    if report.cards:
        yield ["driver", "what", "right", "silent", "broken", "hung", "fastest", "best at",
               "worst at"]  # fmt: skip
    yield from map(_card, report.cards)


def _card(card: Card) -> list[str]:
    broken = card.counts.get(Verdict.BROKEN, 0) + card.counts.get(Verdict.CRASHED, 0)
    counts = (card.counts.get(Verdict.LOSSY, 0), broken, card.counts.get(Verdict.HUNG, 0))
    return [
        esc(card.name),
        esc(" · ".join(card.traits)),
        fmt.whole(card.right.value) if card.right else fmt.NONE,
        *(str(count) if card.right else fmt.NONE for count in counts),
        f"{card.wins} of {card.ranked}" if card.ranked else fmt.NONE,
        _family(card.best),
        _family(card.worst),
    ]


def _family(share: Rightness | None) -> str:
    return f"{esc(share.family)} {fmt.whole(share.value)}" if share else fmt.NONE


def causes(report: Report) -> Iterator[list[str]]:
    """The rows of a table of what is behind wrong checks; the first is its head."""
    if report.causes:
        yield ["", "driver", "cause", "questions", "example"]
    for cause in report.causes[:_MOST_CAUSES]:
        yield _cause(cause)
    if len(report.causes) > _MOST_CAUSES:
        yield ["", "", f"and {len(report.causes) - _MOST_CAUSES} more", "", ""]


def _cause(cause: CauseView) -> list[str]:
    example = cause.example
    shown = esc(fmt.shorten(example.sql or example.cell, _REASON // 2))
    if example.observed:
        shown += f" → {esc(example.observed)}"
    if example.expected:
        shown += f" instead of {esc(example.expected)}"
    new = "new: " if cause.new else ""
    return [
        f"{fmt.SYMBOLS[cause.verdict]} {cause.verdict}",
        esc(cause.who),
        new + esc(fmt.shorten(cause.reason, _REASON)),
        str(len(cause.cells)),
        shown,
    ]
