"""Statements of psycopg2: queries, parameters, batches, errors and notices."""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import sql as composed

_PEP_249 = (
    psycopg2.DataError,
    psycopg2.IntegrityError,
    psycopg2.InternalError,
    psycopg2.NotSupportedError,
    psycopg2.OperationalError,
    psycopg2.ProgrammingError,
    psycopg2.DatabaseError,
)


def execute(connection: Any, sql: str) -> None:
    """`cursor.execute`."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def fetch(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    """`cursor.fetchall`."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def fetch_val(connection: Any, sql: str) -> Any:
    """`cursor.fetchone`."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
        return row[0] if row else None


def fetch_times(connection: Any, sql: str, times: int) -> list[tuple[Any, ...]]:
    """`cursor.execute` again and again; nothing is prepared."""
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute(sql)
            rows = cursor.fetchall()
    return rows


def row_count(connection: Any, sql: str) -> int:
    """`cursor.rowcount`."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)


def execute_script(connection: Any, sql: str) -> None:
    """`cursor.execute` takes several statements, too."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def identifier(connection: Any, name: str) -> str:
    """`sql.Identifier`."""
    query = composed.SQL("select 1 as {}").format(composed.Identifier(name))
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.description[0].name)


def style_positional(connection: Any, first: Any, second: Any) -> list[tuple[Any, ...]]:
    """`%s` and a list."""
    with connection.cursor() as cursor:
        cursor.execute("select %s::int, %s::int", [first, second])
        return list(cursor.fetchall())


def style_named(connection: Any, first: Any, second: Any) -> list[tuple[Any, ...]]:
    """`%(name)s` and a dict."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select %(b)s::int, %(a)s::int, %(b)s::int", {"a": first, "b": second}
        )
        return list(cursor.fetchall())


def style_tuple(connection: Any, first: Any, second: Any) -> list[tuple[Any, ...]]:
    """`%s` and a tuple, as most of its documentation has it."""
    with connection.cursor() as cursor:
        cursor.execute("select %s::int, %s::int", (first, second))
        return list(cursor.fetchall())


def literal_percent(connection: Any, value: Any) -> list[tuple[Any, ...]]:
    """`%%` beside a parameter."""
    with connection.cursor() as cursor:
        cursor.execute("select 5 %% 3, 'cab' like '%%a%%', %s", (value,))
        return list(cursor.fetchall())


def insert_many(connection: Any, rows: list[tuple[int, str]]) -> None:
    """`cursor.executemany`."""
    with connection.cursor() as cursor:
        cursor.executemany("insert into items (id, name) values (%s, %s)", rows)


def insert_many_count(connection: Any, rows: list[tuple[int, str]]) -> int:
    """`cursor.rowcount` after `executemany`."""
    with connection.cursor() as cursor:
        cursor.executemany("insert into items (id, name) values (%s, %s)", rows)
        return int(cursor.rowcount)


def diagnose(connection: Any, sql: str) -> dict[str, Any]:
    """`error.diag`."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    except psycopg2.Error as error:
        diag = error.diag
        told = {
            "class": f"{type(error).__module__}.{type(error).__qualname__}",
            "pep249": next((k.__name__ for k in _PEP_249 if isinstance(error, k)), None),
            "sqlstate": diag.sqlstate,
            "severity": diag.severity,
            "message": diag.message_primary,
            "detail": diag.message_detail,
            "hint": diag.message_hint,
            "position": diag.statement_position,
            "schema": diag.schema_name,
            "table": diag.table_name,
            "column": diag.column_name,
            "datatype": diag.datatype_name,
            "constraint": diag.constraint_name,
            "context": diag.context,
        }
        return {name: value for name, value in told.items() if value is not None}
    return {}


def notices(connection: Any, sql: str) -> list[str]:
    """`connection.notices`: what libpq would print, `SEVERITY:  message` and a newline."""
    connection.notices.clear()
    with connection.cursor() as cursor:
        cursor.execute(sql)
    told = (notice.partition(":") for notice in connection.notices)
    return [f"{severity}: {message.strip()}" for severity, _, message in told]
