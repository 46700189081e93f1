"""Rows and types as the server writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TEXT_FORM = (
    ("DateStyle", "ISO"),
    ("IntervalStyle", "iso_8601"),
    ("TimeZone", "UTC"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
)
"""Session settings under which the oracle's texts are written."""


@dataclass(frozen=True, slots=True)
class PgType:
    """A PostgreSQL type as the server describes it.

    `name` is `pg_type.typname`; `element` is set for arrays, domains, ranges and
    multiranges; `fields` for composites.
    """

    name: str
    kind: Literal["base", "array", "enum", "composite", "domain", "range", "multirange"] = (
        "base"
    )
    element: PgType | None = None
    fields: tuple[tuple[str, PgType], ...] = ()

    def names(self) -> Iterator[str]:
        """Its name, and those of the types inside it."""
        yield self.name
        inner = [kind for _, kind in self.fields]
        for kind in [*inner, self.element] if self.element else inner:
            yield from kind.names()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as the server wrote them: text form or None, column by column typed."""

    columns: tuple[str, ...]
    types: tuple[PgType, ...]
    rows: tuple[tuple[str | None, ...], ...]
