"""Statements by `connection.cursor()`, and what an exception tells."""

from __future__ import annotations

from typing import Any

from django import db

Rows = list[tuple[Any, ...]]


def close(connection: Any) -> None:
    """`connection.close`."""
    connection.close()


def execute(connection: Any, sql: str) -> None:
    """`cursor.execute`."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def fetch(connection: Any, sql: str) -> Rows:
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


def fetch_times(connection: Any, sql: str, times: int) -> Rows:
    """`cursor.execute` again and again; nothing is prepared."""
    rows: Rows = []
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute(sql)
            rows = list(cursor.fetchall())
    return rows


def row_count(connection: Any, sql: str) -> int:
    """`cursor.rowcount`."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)


def execute_script(connection: Any, sql: str) -> None:
    """`cursor.execute` takes several statements where there are no parameters."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def style_positional(connection: Any, first: Any, second: Any) -> Rows:
    """`%s` and a list."""
    with connection.cursor() as cursor:
        cursor.execute("select %s::int, %s::int", [first, second])
        return list(cursor.fetchall())


def style_named(connection: Any, first: Any, second: Any) -> Rows:
    """`%(name)s` and a dict."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select %(b)s::int, %(a)s::int, %(b)s::int", {"a": first, "b": second}
        )
        return list(cursor.fetchall())


def style_tuple(connection: Any, first: Any, second: Any) -> Rows:
    """`%s` and a tuple."""
    with connection.cursor() as cursor:
        cursor.execute("select %s::int, %s::int", (first, second))
        return list(cursor.fetchall())


def literal_percent(connection: Any, value: Any) -> Rows:
    """`%%` beside a parameter."""
    with connection.cursor() as cursor:
        cursor.execute("select 5 %% 3, 'cab' like '%%a%%', %s", [value])
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
    """Django's exceptions have the classes of PEP 249; `__cause__` is the library's."""
    bases = (
        db.DataError,
        db.IntegrityError,
        db.InternalError,
        db.NotSupportedError,
        db.OperationalError,
        db.ProgrammingError,
        db.DatabaseError,
        db.InterfaceError,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    except db.Error as error:
        diag: Any = getattr(error.__cause__, "diag", None)
        told = {
            "class": f"{type(error).__module__}.{type(error).__qualname__}",
            "pep249": next((k.__name__ for k in bases if isinstance(error, k)), None),
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
