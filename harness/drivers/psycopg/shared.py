"""What the sync and the async sessions of psycopg share: all of it while binding."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

from harness.core import sql
from harness.core.calls import Call, Target
from harness.core.errors import Unsupported
from harness.plugin import vector

if TYPE_CHECKING:
    import psycopg


def bound(call: Call) -> tuple[str, Iterator[Any]]:
    """The statement as psycopg wants it, and its parameters: None where it takes none."""
    if not any(call.params):
        return call.sql, repeat(None)
    query, params = translated(call.sql, call.params)
    return query, replace(call, params=params).cycle()


def translated(text: str, rows: Sequence[tuple[Any, ...]]) -> tuple[str, tuple[Any, ...]]:
    """`%s` as most users write, but names where `$1` is used twice.

    Two `%s` would become two parameters of the server, whose types are inferred apart.
    """
    positional = sql.to_format(text)
    if len(set(positional.order)) == len(positional.order):
        return positional.sql, tuple(map(positional.arrange, rows))
    named = sql.to_pyformat(text)
    return named.sql, tuple(map(named.named, rows))


def steps_of(call: Call) -> list[tuple[str, Any]]:
    """Statements with their parameters, None for those that take none."""
    steps: list[tuple[str, Any]] = []
    for statement in call.statements:
        if statement.params:
            query, rows = translated(statement.sql, [statement.params])
            steps.append((query, rows[0]))
        else:
            steps.append((statement.sql, None))
    return steps


def connect_arguments(target: Target) -> dict[str, Any]:
    """The arguments of `connect`; the settings travel as startup options."""
    return {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
        "options": target.options,
        "application_name": target.application_name,
        "autocommit": True,
    }


def copy_types(connection: psycopg.BaseConnection[Any], call: Call) -> list[int]:
    """The types of a binary COPY; without them psycopg would guess, and be refused."""
    registry = connection.adapters.types
    try:
        return [registry.get_oid(_type_name(name)) for name in call.types]
    except KeyError as error:
        raise Unsupported(
            f"psycopg does not know the type {error}: binary COPY needs it registered"
        ) from None


def _type_name(typname: str) -> str:
    return f"{typname[1:]}[]" if typname.startswith("_") else typname


def copy_in_statement(call: Call) -> str:
    """`copy … from stdin`, if psycopg can write what is asked for."""
    if not call.data and call.format == "csv":
        raise Unsupported("psycopg encodes rows for text and binary COPY, not for CSV")
    return sql.copy_in_statement(call.table, call.columns, call.format)


def _register_vector(name: str) -> Any:
    """pgvector's registration for psycopg, or None where it is not installed."""
    try:
        import pgvector.psycopg
    except ModuleNotFoundError:
        return None
    return getattr(pgvector.psycopg, name)


def _register_jsonb(connection: psycopg.BaseConnection[Any]) -> None:
    from psycopg.types.json import JsonbDumper

    connection.adapters.register_dumper(dict, JsonbDumper)


def configure(connection: psycopg.Connection[Any]) -> None:
    """The documented registrations of the profile `configured`."""
    _register_jsonb(connection)
    register = _register_vector("register_vector")
    if register and vector.is_found(*connection.execute(vector.FIND).fetchone() or ()):
        register(connection)


async def configure_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """The same as `configure`."""
    _register_jsonb(connection)
    register = _register_vector("register_vector_async")
    if register:
        cursor = await connection.execute(vector.FIND)
        if vector.is_found(*await cursor.fetchone() or ()):
            await register(connection)


_RANGES = {
    "int4range": "Int4Range",
    "int8range": "Int8Range",
    "numrange": "NumericRange",
    "daterange": "DateRange",
    "tsrange": "TimestampRange",
    "tstzrange": "TimestamptzRange",
}
_VECTORS = {"vector": "Vector", "halfvec": "HalfVector", "sparsevec": "SparseVector"}


def _wrapper(kind: str, value: Any) -> Any:
    from psycopg.types.json import Json, Jsonb

    if kind == "json":
        return Json(value)
    if kind == "jsonb":
        return Jsonb(value)
    if kind in _RANGES:
        made = getattr(importlib.import_module("psycopg.types.range"), _RANGES[kind])
        return made(value.lower, value.upper, value.bounds, empty=value.isempty)
    if kind in _VECTORS and importlib.util.find_spec("pgvector"):
        return getattr(importlib.import_module("pgvector"), _VECTORS[kind])(value)
    raise Unsupported(f"psycopg has no wrapper for '{kind}' here")


class Rows:
    """What sessions and pools have in common, sync or async."""

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows are tuples already; `None` is a row that was not there."""
        return [row for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """`Json`, `Jsonb`, or one of pgvector's classes."""
        return _wrapper(kind, value)
