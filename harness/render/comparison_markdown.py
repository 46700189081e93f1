"""A comparison as a comment on a merge request: what changed, and never too long to post.

A forge refuses long comments (GitHub those beyond 65,536 characters), so this one has at
most `LIMIT` bytes, whatever was compared, and no table where nothing changed. Whatever
came from a file is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.core.visible import visible
from harness.render.comparison import columns, trimmed
from harness.report import format as fmt
from harness.report.commands import one_line
from harness.report.comparison import (
    comparing,
    controlled,
    differs,
    doubts,
    headline,
    method,
    told,
    undecided,
)
from harness.report.next_steps import next_steps

if TYPE_CHECKING:
    from harness.analysis.changes import CellChange, Comparison

LIMIT = 60_000
"""Bytes of the whole comment."""
_ROOM = 2_000
"""Bytes that are left for what follows the table."""
_NAME, _SENTENCE, _DOUBTS = 160, 1_000, 12
"""The most characters of a name and of a sentence, the most doubts."""


def render(comparison: Comparison) -> str:
    """The comment."""
    lines = [*_head(comparison)]
    rows = told(comparison)
    if rows:
        room = LIMIT - _ROOM - len("\n".join(lines).encode())
        lines += _table(comparison, rows, room)
    lines += _foot(comparison)
    return visible("\n".join(lines)) + "\n"


def _head(comparison: Comparison) -> Iterator[str]:
    """The answer; what is not alike comes before what makes it doubtful."""
    yield f"### {headline(comparison)}"
    yield ""
    yield f"{_name(comparison.base)} → {_name(comparison.candidate)}"
    for name, sentence in (
        ("differs", differs(comparison)),
        ("controls", controlled(comparison)),
    ):
        if sentence:
            yield ""
            yield f"**{name}**: {_sentence(sentence)}"
    found = doubts(comparison)
    if found:
        yield ""
        yield from (f"> {_sentence(line)}" for line in found[:_DOUBTS])
    if len(found) > _DOUBTS:
        yield f"> … and {len(found) - _DOUBTS:,} more"


def _table(comparison: Comparison, rows: Sequence[CellChange], room: int) -> Iterator[str]:
    words = comparing(comparison.lane).WORDS
    names = ["was", "ratio − 1", words.interval, words.trimmed, words.last]
    numbers = [name for name in names if name]
    yield ""
    yield f"| {' | '.join(['change', 'cell', 'arm', *numbers, 'why'])} |"
    yield f"|---|---|---|{'--:|' * len(numbers)}---|"
    for shown, row in enumerate(rows):
        line = _row(row, comparison.lane)
        room -= len(line.encode()) + 1
        if room < 0:
            yield ""
            yield f"… and {len(rows) - shown:,} more; `pgdyno compare --all` lists them."
            return
        yield line


def _row(row: CellChange, lane: str) -> str:
    was, change, interval, last = columns(row, lane)
    yuen = [trimmed(row)] if comparing(lane).WORDS.trimmed else []
    numbers = (was, change, interval, *yuen, last)
    values = (str(row.change), row.cell, row.arm, *numbers, row.reason)
    return "| " + " | ".join(map(_name, values)) + " |"


def _foot(comparison: Comparison) -> Iterator[str]:
    sentences = [_sentence(undecided(comparison))]
    if comparison.changes:
        note = comparing(comparison.lane).WORDS.note
        sentences += [_command(words) for words in next_steps(comparison)]
        sentences.append(_sentence(f"{method(comparison)}. {note}"))
    for sentence in filter(None, sentences):
        yield ""
        yield sentence


def _command(words: Sequence[str]) -> str:
    """A command to copy; none where it could end the code that it is set as."""
    text = one_line(*words)
    return "" if "`" in text or len(text) > _SENTENCE else f"next: `{text}`"


def _name(text: str) -> str:
    return fmt.markdown_cell(fmt.shorten(text, _NAME))


def _sentence(text: str) -> str:
    return fmt.markdown_cell(fmt.shorten(text, _SENTENCE))
