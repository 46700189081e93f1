"""Tables and functions as the server knows them; each is asked for once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from harness.core.errors import UsageError
from harness.core.sql import array_literal
from harness.venue.control import Control
from harness.venue.lasting import lasting

_KINDS = {"r": "table", "p": "table", "m": "table", "v": "view", "f": "foreign table"}
_CATALOGS = ("pg_catalog", "information_schema", "pg_toast")


@dataclass(frozen=True, eq=False)
class Relation:
    """A table or view: its columns with their types, and its size in pages."""

    schema: str
    name: str
    kind: str
    temporary: bool
    pages: int
    columns: Mapping[str, str]
    key: str

    @property
    def sampled(self) -> bool:
        """Whether it is too large to be read as a whole."""
        return self.kind == "table" and self.pages > SMALL_PAGES

    @property
    def of_catalog(self) -> bool:
        """Whether it tells about the server and not about anybody's data."""
        return self.schema in _CATALOGS


SMALL_PAGES = 2_000
"""A table of so many pages (16 MB) is read as a whole to draw from it."""

_RELATION = """
select n.nspname, c.relname, c.relkind, c.relpersistence = 't',
       (case c.relkind when 'p' then (select sum(pg_relation_size(relid))
          from pg_partition_tree(c.oid)) else pg_relation_size(c.oid) end
        / current_setting('block_size')::int)::int8,
       quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.oid::int8
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(concat_ws('.', quote_ident(nullif($1, '')), quote_ident($2)))
"""
_COLUMNS = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = $1::int8::oid and attnum > 0 and not attisdropped order by attnum
"""
_FUNCTIONS = """
select distinct proname from pg_proc where proname = any($1::text[])
  and provolatile = 'v' and pg_function_is_visible(oid)
"""


class Relations:
    """What names mean on a server, in the search path of its user."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.find = cache(self._find)

    def _find(self, schema: str, name: str) -> Relation | None:
        """The relation that a name means; None if it is none that rows can be read of."""
        found = self._control.table(_RELATION, [schema, name])
        if not found or not found.rows:
            return None
        space, table, kind, temporary, pages, key, oid = map(str, found.rows[0])
        if kind not in _KINDS:
            return None
        columns = self._control.table(_COLUMNS, [oid])
        pairs = {str(name): str(kind) for name, kind in columns.rows} if columns else {}
        return Relation(
            space, table, _KINDS[kind], temporary == "t", int(pages), pairs, key
        )

    def volatile(self, names: Iterable[str]) -> list[str]:
        """Which of these functions may answer anew each time, or write."""
        wanted = sorted(set(names))
        called = [array_literal(wanted)]
        found = self._control.table(_FUNCTIONS, called) if wanted else None
        return sorted(str(row[0]) for row in found.rows) if found else []

    def lasting(self, names: Iterable[str]) -> tuple[str, str] | None:
        """Which of these functions and views reaches a function whose effect outlasts a
        session that only reads, and that function."""
        return lasting(self._control, names)


@dataclass(frozen=True)
class Hidden:
    """Columns whose values must not be seen: by the relation's key and their names."""

    columns: frozenset[tuple[str, str]] = frozenset()

    def has(self, relation: Relation, column: str) -> bool:
        """Whether this column is one of them."""
        return (relation.key, column) in self.columns

    def of(self, relation: Relation) -> list[str]:
        """All of them that a relation has."""
        return [name for name in relation.columns if self.has(relation, name)]


def hidden(names: Iterable[str], relations: Relations) -> Hidden:
    """The columns of `--hide TABLE.COLUMN` or `SCHEMA.TABLE.COLUMN`.

    Raises:
        UsageError: one of them does not exist.
    """
    return Hidden(frozenset(_hidden(name, relations) for name in names))


def _hidden(text: str, relations: Relations) -> tuple[str, str]:
    *path, column = text.split(".")
    if len(path) not in (1, 2) or not all([*path, column]):
        raise UsageError(
            f"--hide {text!r} names no column",
            hint="write TABLE.COLUMN, such as users.email",
        )
    relation = relations.find(path[0] if path[1:] else "", path[-1])
    if relation is None:
        raise UsageError(
            f"--hide {text}: there is no table '{'.'.join(path)}' on the server"
        )
    if column not in relation.columns:
        near = difflib.get_close_matches(column, list(relation.columns), 1)
        known = ", ".join(relation.columns)
        raise UsageError(
            f"--hide {text}: {relation.key} has no column '{column}'",
            hint=f"did you mean {'.'.join([*path, near[0]])}?"
            if near
            else f"it has: {known}",
        )
    return relation.key, column
