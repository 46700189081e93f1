"""Statements of pg8000's native API: queries, parameters, prepared ones, errors."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pg8000.exceptions import DatabaseError, Error, InterfaceError
from pg8000.native import Connection, PreparedStatement
from pg8000.native import identifier as quoted

Rows = list[tuple[Any, ...]]


def execute(connection: Connection, sql: str) -> None:
    """`connection.run`."""
    connection.run(sql)


def fetch(connection: Connection, sql: str) -> Rows:
    """`connection.run`, whose rows are lists."""
    return [tuple(row) for row in connection.run(sql) or ()]


def fetch_val(connection: Connection, sql: str) -> Any:
    """The first value of the first row."""
    rows = connection.run(sql)
    return rows[0][0] if rows else None


def fetch_times(connection: Connection, sql: str, times: int) -> Rows:
    """`connection.run` again and again; nothing is prepared."""
    rows: Rows = []
    for _ in range(times):
        rows = [tuple(row) for row in connection.run(sql)]
    return rows


def row_count(connection: Connection, sql: str) -> int:
    """`connection.row_count`."""
    connection.run(sql)
    return int(connection.row_count)


def execute_script(connection: Connection, sql: str) -> None:
    """`connection.run` takes several statements where there are no parameters."""
    connection.run(sql)


def identifier(connection: Connection, name: str) -> str:
    """`native.identifier`."""
    connection.run(f"select 1 as {quoted(name)}")
    return str(connection.columns[0]["name"])


def style_numeric(connection: Connection, first: Any, second: Any) -> Rows:
    """`$n` stands for the n-th keyword argument, whatever its name."""
    rows = connection.run("select $2::int, $1::int, $2::int", a=first, b=second)
    return [tuple(row) for row in rows]


def style_named(connection: Connection, first: Any, second: Any) -> Rows:
    """`:name` and keyword arguments."""
    rows = connection.run("select :b::int, :a::int, :b::int", a=first, b=second)
    return [tuple(row) for row in rows]


def literal_percent(connection: Connection, value: Any) -> Rows:
    """A `%` is nothing special."""
    rows = connection.run("select 5 % 3, 'cab' like '%a%', :value", value=value)
    return [tuple(row) for row in rows]


def register_enum(connection: Connection, name: str) -> None:
    """`register_in_adapter` with a Python Enum, `register_out_adapter` back."""
    rows = connection.run(
        "select enumlabel from pg_enum where enumtypid = :name::regtype order by 1",
        name=name,
    )
    members = Enum(name, [(label, label) for (label,) in rows])  # type: ignore[misc]
    [[oid]] = connection.run("select :name::regtype::oid", name=name)
    connection.register_in_adapter(oid, members)
    connection.register_out_adapter(members, lambda member: member.value)


def register_text(connection: Connection, name: str) -> None:
    """`register_in_adapter` with `str`."""
    [[oid]] = connection.run("select :name::regtype::oid", name=name)
    connection.register_in_adapter(oid, str)


def prepare(connection: Connection, sql: str) -> PreparedStatement:
    """`connection.prepare`."""
    return connection.prepare(sql)


def run_prepared(statement: PreparedStatement) -> Rows:
    """`statement.run`."""
    return [tuple(row) for row in statement.run()]


def diagnose(connection: Connection, sql: str) -> dict[str, Any]:
    """The dict of the server's fields, which is the exception's argument."""
    try:
        connection.run(sql)
    except Error as error:
        bases = (InterfaceError, DatabaseError)
        told = {
            "class": f"{type(error).__module__}.{type(error).__qualname__}",
            "pep249": next((k.__name__ for k in bases if isinstance(error, k)), None),
        }
        fields = error.args[0] if isinstance(error.args[0], dict) else {}
        keys = {
            "sqlstate": "C",
            "severity": "V",
            "message": "M",
            "detail": "D",
            "hint": "H",
            "position": "P",
            "schema": "s",
            "table": "t",
            "column": "c",
            "datatype": "d",
            "constraint": "n",
            "context": "W",
        }
        return told | {name: fields[key] for name, key in keys.items() if key in fields}
    return {}
