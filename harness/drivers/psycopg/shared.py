"""What the sync and the async sessions of psycopg share: all of it while binding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

from harness.plugin import RANGE, Call, Target, Unsupported, Wrapper, sql, wrapped

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


def connect_arguments(target: Target, prepare: bool = True) -> dict[str, Any]:
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
        **target.libpq_tls,
        **({} if prepare else {"prepare_threshold": None}),
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


_RANGES = {
    "int4range": "Int4Range",
    "int8range": "Int8Range",
    "numrange": "NumericRange",
    "daterange": "DateRange",
    "tsrange": "TimestampRange",
    "tstzrange": "TimestamptzRange",
}

WRAPPERS = {
    "json": Wrapper("psycopg.types.json:Json"),
    "jsonb": Wrapper("psycopg.types.json:Jsonb"),
    "vector": Wrapper("pgvector:Vector"),
    "halfvec": Wrapper("pgvector:HalfVector"),
    "sparsevec": Wrapper("pgvector:SparseVector"),
    **{
        kind: Wrapper(f"psycopg.types.range:{name}", RANGE)
        for kind, name in _RANGES.items()
    },
}


class Rows:
    """What sessions and pools have in common, sync or async.

    `unregistered` has types that the profile should have registered, and why it did not.
    """

    unregistered: Mapping[str, str] = {}

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows are tuples already; `None` is a row that was not there."""
        return [row for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """`Json`, `Jsonb`, a class for each range, or one of pgvector's."""
        return wrapped("psycopg", WRAPPERS, kind, value)
