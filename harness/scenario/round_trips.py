"""`[[value]]`: the round trips of a type, as cases that could have been written by hand.

| direction | what is asked | what must be |
|---|---|---|
| `read` | `select L::T` | the server's own text of it |
| `write` | `select $1::T::text`, with L as a Python object | the text the server gives L |
| `array-read` | `select array[L]` | as `read` |
| `array-write` | `select $1::T[]::text`, with a list that holds L | as `write` |
| `array-null` | `select array[L, null::T]`, for the first literal only | as `read` |
| `copy` `copy-text` | COPY of one row with L, binary or text | the table shows L |

A write needs no table: the server says in its own text what arrived. That text depends
on the session, so a write runs under the settings of the control connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.core.sql import literal
from harness.scenario.tables import LiteralTable, ValueTable

_NAME = re.compile(r"[A-Za-z0-9_.:+/-]{1,40}")
_TEXT_FORM = {"DateStyle": "ISO", "IntervalStyle": "iso_8601", "TimeZone": "UTC"}


def cases(value: ValueTable) -> Iterator[tuple[str, dict[str, Any]]]:
    """The value's name on its axis and the raw case table, for each cell."""
    for direction in value.directions:
        chosen = value.literals[:1] if direction == "array-null" else value.literals
        for number, given in enumerate(chosen, 1):
            name, sql = _literal(given, number, value.type)
            yield name, _CASES[direction](value.type, sql) | _common(value, direction)


def _common(value: ValueTable, direction: str) -> dict[str, Any]:
    prefix = f"{value.name}-" if value.name else ""
    return {
        "name": f"{prefix}{direction}",
        "as": [value.form] if value.form else [],
        "settings": _TEXT_FORM if direction in ("write", "array-write") else {},
        "requires": value.requires,
        "needs": value.needs,
        "accept": value.accept,
    }


def _literal(given: str | LiteralTable, number: int, pg_type: str) -> tuple[str, str]:
    """A literal's name and its SQL. One that cannot be its own name has a number."""
    if isinstance(given, LiteralTable):
        return given.name, f"({given.sql})::{pg_type}"
    name = given.replace(" ", "_")
    name = name if _NAME.fullmatch(name) else f"v{number}"
    return name, f"{literal(given)}::{pg_type}"


def _read(_: str, sql: str) -> dict[str, Any]:
    return {"op": "fetch_val", "sql": f"select {sql} as v"}


def _write(pg_type: str, sql: str) -> dict[str, Any]:
    return {
        "op": "fetch_val",
        "sql": f"select {_shown(pg_type, f'$1::{pg_type}')} as v",
        "params": f"select {sql}",
    }


# What PostgreSQL's text tells apart and a value does not: the blanks of a document, and
# minus one hour from minus one day plus 23 hours, which is Python's way to say it.
_COMPARABLE = {
    "json": "({})::jsonb",
    "json[]": "({})::jsonb[]",
    "interval": "justify_hours({})",
}


def _shown(pg_type: str, value: str) -> str:
    """The SQL that shows a value as text."""
    return f"({_COMPARABLE.get(pg_type, '{}').format(value)})::text"


def _array_read(_: str, sql: str) -> dict[str, Any]:
    return {"op": "fetch_val", "sql": f"select array[{sql}] as v"}


def _array_null(pg_type: str, sql: str) -> dict[str, Any]:
    # An untyped null would make an array of a domain one of its base type.
    return {"op": "fetch_val", "sql": f"select array[{sql}, null::{pg_type}] as v"}


def _array_write(pg_type: str, sql: str) -> dict[str, Any]:
    return {
        "op": "fetch_val",
        "sql": f"select {_shown(f'{pg_type}[]', f'$1::{pg_type}[]')} as v",
        "params": f"select array[{sql}]",
    }


def _copy(pg_type: str, sql: str) -> dict[str, Any]:
    return {
        "op": "copy_in",
        "format": "binary",
        "table": "v",
        "columns": ["v"],
        "rows": f"select {sql} as v",
        "expect": {"state": f"select {_shown(pg_type, 'v')} as v from v"},
    }


def _copy_text(pg_type: str, sql: str) -> dict[str, Any]:
    return _copy(pg_type, sql) | {"format": "text"}


_CASES = {
    "read": _read,
    "write": _write,
    "array-read": _array_read,
    "array-write": _array_write,
    "array-null": _array_null,
    "copy": _copy,
    "copy-text": _copy_text,
}
