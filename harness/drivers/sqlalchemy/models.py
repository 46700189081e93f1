"""Mapped classes for the ORM, made from the columns of a result or of a table. Pure.

A user has classes; scenarios have SQL. A class is made where rows are entities: where the
first column is `id`, as the key is called in the fixtures. All other results are rows of
columns, as the ORM's documentation selects them. The columns of a class have the types that
a user would declare, so values pass through SQLAlchemy's types; those of `text()` do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Column, MetaData, Table, TextClause, select, text
from sqlalchemy.orm import registry

from harness.drivers.sqlalchemy.statements import type_of
from harness.plugin import sql

KEY = "id"

TYPE_NAMES = "select typname::text, oid::bigint from pg_type where oid = any(:oids)"


class Entity:
    """A row as an object; each result has a subclass of its own, with its attributes."""

    attributes: tuple[str, ...]

    def values(self) -> tuple[Any, ...]:
        """The attributes in the order of the columns."""
        return tuple(getattr(self, name) for name in self.attributes)


def mapped(table: Table) -> type[Entity]:
    """A class for a table, mapped imperatively; its key is its own, or the first column."""
    names = tuple(column.key for column in table.columns)
    made = type("Mapped", (Entity,), {"attributes": names})
    key = list(table.primary_key) or [table.columns[names[0]]]
    registry().map_imperatively(made, table, primary_key=key)
    return made


_READS = {"select", "with", "values", "table"}
_WRITES = {"insert", "update", "delete", "merge", "into"}


def can_be_described(statement: TextClause) -> bool:
    """Whether a statement can stand in a subquery: it reads, and writes nothing."""
    found = (token for token in sql.tokens(statement.text) if token.kind == "word")
    words = [token.text.lower() for token in found]
    return words[:1] != [] and words[0] in _READS and _WRITES.isdisjoint(words)


def description(statement: TextClause) -> TextClause:
    """A query for the columns of a statement, which runs nothing of it."""
    inner = statement.text.rstrip("; ")
    binds = [
        child for child in statement.get_children() if isinstance(child, BindParameter)
    ]
    return text(f"select * from ({inner}\n) as described limit 0").bindparams(*binds)


def entities(
    statement: TextClause, columns: Sequence[tuple[str, int]], types: Mapping[int, str]
) -> Any:
    """`select(Model).from_statement(…)` for the columns (name, type oid) of a result."""
    made = [
        Column(name, type_of(types.get(oid, "")), primary_key=name == KEY)
        for name, oid in columns
    ]
    table = Table("result", MetaData(), *made)
    return select(mapped(table)).from_statement(statement.columns(*table.columns))


def are_entities(columns: Sequence[tuple[str, int]]) -> bool:
    """Whether the rows of a result have a key, and names of their own."""
    names = [name for name, _ in columns]
    return names[:1] == [KEY] and len(set(names)) == len(names)
