"""Rows that may come in any order, brought into the server's. Pure; runs in the worker.

Rows are told apart by the columns in which driver and server have the same values, so that
a column that a driver gets wrong hides no row, and is found in the row it stands in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from harness.core.tables import PgType, Table
from harness.values import canonical_text, converter

_Row = tuple[Any, ...]


def in_order(table: Table, rows: Sequence[Sequence[Any]]) -> list[_Row]:
    """The rows in the order of the table; those without a like fill what is left."""
    found = [tuple(row) for row in rows]
    width = len(table.types)
    if len(found) != len(table.rows) or any(len(row) != width for row in found):
        return found  # whoever judges them says so
    alike = []
    for index, kind in enumerate(table.types):
        got = _shown(kind, (row[index] for row in found))
        wanted = _wanted(kind, (row[index] for row in table.rows))
        if Counter(got) == Counter(wanted):
            alike.append((got, wanted))
    got_keys = list(zip(*(got for got, _ in alike), strict=True)) or [()] * len(found)
    wanted_keys = list(zip(*(texts for _, texts in alike), strict=True))
    return _matched(found, got_keys, wanted_keys or [()] * len(found))


def _matched(
    rows: list[_Row], keys: Sequence[tuple[Any, ...]], wanted: Sequence[tuple[Any, ...]]
) -> list[_Row]:
    """Each row where its key is wanted; those whose key nobody wants, in their order."""
    waiting: dict[tuple[Any, ...], list[_Row]] = defaultdict(list)
    for key, row in zip(reversed(keys), reversed(rows), strict=True):
        waiting[key].append(row)
    placed = [waiting[key].pop() if waiting.get(key) else None for key in wanted]
    rest = iter([row for left in waiting.values() for row in reversed(left)])
    return [next(rest) if row is None else row for row in placed]


def _shown(kind: PgType, values: Iterable[Any]) -> list[object]:
    """The canonical texts of Python values; what has none is like nothing."""
    convert = converter(kind)
    found: list[object] = []
    for value in values:
        try:
            found.append(convert(value))
        except Exception:  # a value that cannot be read is judged, not sorted
            found.append(object())
    return found


def _wanted(kind: PgType, texts: Iterable[str | None]) -> list[object]:
    """The same of the server's texts."""
    try:
        return [None if text is None else canonical_text(kind, text) for text in texts]
    except Exception:  # a type that pgdyno cannot read: said when it is judged
        return []
