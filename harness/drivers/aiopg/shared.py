"""What aiopg's sessions and pools share: parameters, rows, wrappers of psycopg2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any

from harness.plugin import RANGE, Call, Target, Wrapper, sql, wrapped

_RANGES = {
    "int4range": "NumericRange",
    "int8range": "NumericRange",
    "numrange": "NumericRange",
    "daterange": "DateRange",
    "tsrange": "DateTimeRange",
    "tstzrange": "DateTimeTZRange",
}

WRAPPERS = {
    "json": Wrapper("psycopg2.extras:Json"),
    "jsonb": Wrapper("psycopg2.extras:Json"),
    **{kind: Wrapper(f"psycopg2.extras:{name}", RANGE) for kind, name in _RANGES.items()},
}


def connect_arguments(target: Target) -> dict[str, Any]:
    """The arguments of `aiopg.connect`, which are psycopg2's."""
    return {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
        "options": target.options,
        "application_name": target.application_name,
        **target.libpq_tls,
    }


def bound(call: Call) -> tuple[str, Iterator[Any]]:
    """The statement with `%s`, and its parameters: None where it takes none."""
    if not any(call.params):
        return call.sql, repeat(None)
    query = sql.to_format(call.sql)
    params = tuple(map(query.arrange, call.params))
    return query.sql, replace(call, params=params).cycle()


def steps_of(call: Call) -> list[tuple[str, Any]]:
    """Statements with their parameters, None for those that take none."""
    steps: list[tuple[str, Any]] = []
    for statement in call.statements:
        if statement.params:
            query = sql.to_format(statement.sql)
            steps.append((query.sql, query.arrange(statement.params)))
        else:
            steps.append((statement.sql, None))
    return steps


class AiopgRows:
    """What sessions and pools have."""

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows are tuples already; `None` is a row that was not there."""
        return [row for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """psycopg2's `Json` for both JSON types, and a class for each range."""
        return wrapped("aiopg", WRAPPERS, kind, value)
