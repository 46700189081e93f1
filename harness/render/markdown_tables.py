"""Tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1
) -> Iterator[str]:
    """A table of escaped texts; the first `left` columns are flush left."""
    yield _line(head)
    yield _line(["---" if at < left else "--:" for at in range(len(head))])
    yield from map(_line, rows)
    yield ""


def _line(values: Iterable[str]) -> str:
    return "| " + " | ".join(values) + " |"
