"""What all sessions of SQLAlchemy share: statements, bind parameters, rows. Pure.

Scenarios give SQL, so a statement is `text()`, made once while binding as a program has its
statements in its modules. `$1` becomes `:p1`, and every colon of the SQL itself is escaped
as the documentation says: `text()` would take `':b'` for a parameter, and would leave
`:p1::int` alone.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from sqlalchemy import JSON, Column, MetaData, Table, TextClause, bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import ischema_names

from harness.plugin import Call, Profile, Unsupported, Wrapper, sql, wrapped

Params = dict[str, Any]
Step = tuple[TextClause, Params]

_VECTORS = ("vector", "halfvec", "sparsevec")
_RANGES = ("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange")
_RANGE = ("lower", "upper", "bounds=bounds", "empty=isempty")

WRAPPERS = {
    "vector": Wrapper("pgvector:Vector"),
    "halfvec": Wrapper("pgvector:HalfVector"),
    "sparsevec": Wrapper("pgvector:SparseVector"),
    **{kind: Wrapper("sqlalchemy.dialects.postgresql:Range", _RANGE) for kind in _RANGES},
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A value whose bind parameter gets a type: what a wrapper is to other libraries."""

    kind: str
    value: Any


def typed(kind: str, value: Any) -> Typed:
    """A value for `bindparam(…, type_=…)`; json needs no object around it, but for null."""
    if kind in ("json", "jsonb"):
        return Typed(kind, JSON.NULL if value is None else value)
    return Typed(kind, wrapped("SQLAlchemy", WRAPPERS, kind, value))


def type_of(kind: str) -> Any:
    """The SQLAlchemy type of a PostgreSQL type's name; None if there is none.

    pgvector has its own; `_int4` is an array of integers.
    """
    if kind.startswith("_"):
        member = type_of(kind[1:])
        return None if member is None else postgresql.ARRAY(member)
    if kind in _VECTORS:
        if importlib.util.find_spec("pgvector") is None:
            return None
        return getattr(importlib.import_module("pgvector.sqlalchemy"), kind.upper())()
    known = _ALIASES.get(kind) or ischema_names.get(kind)
    return known() if isinstance(known, type) else known


_ALIASES: Mapping[str, Any] = {
    "json": postgresql.JSON(none_as_null=True),
    "jsonb": postgresql.JSONB(none_as_null=True),
    "int2": postgresql.SMALLINT,
    "int4": postgresql.INTEGER,
    "int8": postgresql.BIGINT,
    "float4": postgresql.REAL,
    "float8": postgresql.DOUBLE_PRECISION,
    "bool": postgresql.BOOLEAN,
    "varchar": postgresql.VARCHAR,
    "bpchar": postgresql.CHAR,
    "timestamptz": postgresql.TIMESTAMP(timezone=True),
    "timetz": postgresql.TIME(timezone=True),
    "varbit": postgresql.BIT(varying=True),
}


def translated(query: str) -> str:
    """SQL with `$n` as `text()` wants it."""
    return sql.to_colon(query.replace(":", r"\:")).sql


def statement(
    query: str, rows: Sequence[Sequence[Any]], profile: Profile
) -> tuple[TextClause, list[Params]]:
    """`text()` with types for the parameters that need one, and the parameters as dicts.

    As the documentation has it: `text(…).bindparams(bindparam("p1", type_=JSONB))`.
    """
    made = text(translated(query))
    types = {
        f"p{number}": kind
        for number, column in enumerate(zip(*rows, strict=False), 1)
        if (kind := _kind(column, profile))
    }
    used = {f"p{index + 1}" for index in sql.parameters(query)}
    binds = [bindparam(name, type_=type_of(types[name])) for name in types if name in used]
    plain = [
        {f"p{number}": _plain(value) for number, value in enumerate(row, 1)} for row in rows
    ]
    return made.bindparams(*binds) if binds else made, plain


def _kind(column: Iterable[Any], profile: Profile) -> str:
    """The type that a parameter is given by what it is called with; mostly none."""
    for value in column:
        if isinstance(value, Typed):
            return value.kind
        if profile == "configured" and isinstance(value, dict):
            return "jsonb"
        if profile == "configured" and _has_dicts(value):
            return "_jsonb"
    return ""


def _has_dicts(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(member, dict) for member in value)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Typed) else value


def bound(call: Call, profile: Profile) -> tuple[TextClause, Iterator[Params]]:
    """The statement of a call and its endless parameters."""
    made, rows = statement(call.sql, call.params, profile)
    if not any(rows):
        return made, repeat({})
    given: Any = tuple(rows)
    return made, replace(call, params=given).cycle()  # type: ignore[return-value]


def many(call: Call, profile: Profile) -> tuple[TextClause, list[Params]]:
    """The statement of a call and all its rows: an "executemany"."""
    return statement(call.sql, call.rows, profile)


def steps_of(call: Call, profile: Profile) -> list[Step]:
    """Statements with their parameters."""
    steps: list[Step] = []
    for given in call.statements:
        made, rows = statement(given.sql, [given.params], profile)
        steps.append((made, rows[0]))
    return steps


def table_of(call: Call) -> Table:
    """The table of a bulk insert, with the types of its columns."""
    schema, name = sql.split_table(call.table)
    types = call.types or ("",) * len(call.columns)
    columns = [
        Column(column, type_of(kind))
        for column, kind in zip(call.columns, types, strict=True)
    ]
    return Table(name, MetaData(), *columns, schema=schema)


def rows_of(call: Call) -> list[dict[str, Any]]:
    """The rows of a bulk insert: a dict each."""
    return [dict(zip(call.columns, map(_plain, row), strict=True)) for row in call.rows]


class NativeRows:
    """What sessions and pools have in common, sync or async.

    `unregistered` has types that the profile should have registered, and why it did not.
    """

    unregistered: Mapping[str, str] = {}

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """`Row`s as tuples; `None` is a row that was not there."""
        return [tuple(row) for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """What a bind parameter of that type takes."""
        if type_of(kind) is None:
            raise Unsupported(f"SQLAlchemy has no type for '{kind}' here")
        return typed(kind, value)
