"""Statements of adbc: queries, parameters, batches, prepared ones, errors."""

from __future__ import annotations

from typing import Any

from adbc_driver_postgresql import dbapi

_PEP_249 = (
    dbapi.DataError,
    dbapi.IntegrityError,
    dbapi.InternalError,
    dbapi.NotSupportedError,
    dbapi.OperationalError,
    dbapi.ProgrammingError,
    dbapi.DatabaseError,
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
    """`cursor.execute` again and again: a cursor prepares one text once."""
    rows: list[tuple[Any, ...]] = []
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
    """`cursor.executescript`."""
    with connection.cursor() as cursor:
        cursor.executescript(sql)


def stream_count(connection: Any, sql: str) -> int:
    """Iteration over the cursor, which reads a batch when the one before is used up."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return sum(1 for _ in cursor)


def style_numeric(connection: Any, first: Any, second: Any) -> list[tuple[Any, ...]]:
    """`$1` and a list."""
    with connection.cursor() as cursor:
        cursor.execute("select $2::int, $1::int, $2::int", [first, second])
        return list(cursor.fetchall())


def style_tuple(connection: Any, first: Any, second: Any) -> list[tuple[Any, ...]]:
    """`$1` and a tuple, as most of its documentation has it."""
    with connection.cursor() as cursor:
        cursor.execute("select $1::int, $2::int", (first, second))
        return list(cursor.fetchall())


def literal_percent(connection: Any, value: Any) -> list[tuple[Any, ...]]:
    """`%` means nothing to the library."""
    with connection.cursor() as cursor:
        cursor.execute("select 5 % 3, 'cab' like '%a%', $1", (value,))
        return list(cursor.fetchall())


def insert_many(connection: Any, rows: list[tuple[int, str]]) -> None:
    """`cursor.executemany`."""
    with connection.cursor() as cursor:
        cursor.executemany("insert into items (id, name) values ($1, $2)", rows)


def insert_many_count(connection: Any, rows: list[tuple[int, str]]) -> int:
    """`cursor.rowcount` after `executemany`."""
    with connection.cursor() as cursor:
        cursor.executemany("insert into items (id, name) values ($1, $2)", rows)
        return int(cursor.rowcount)


def prepare(connection: Any, sql: str) -> Any:
    """`cursor.adbc_prepare`; the cursor is executed with the same text afterwards."""
    cursor = connection.cursor()
    cursor.adbc_prepare(sql)
    return cursor, sql


def run_prepared(statement: Any) -> list[tuple[Any, ...]]:
    """`cursor.execute` of the text that was prepared."""
    cursor, sql = statement
    cursor.execute(sql)
    return list(cursor.fetchall())


def diagnose(connection: Any, sql: str) -> dict[str, Any]:
    """`error.sqlstate` and `error.details`; some errors come when rows are fetched."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.fetchall()
    except dbapi.Error as error:
        details = dict(error.details)
        fields = {
            "severity": b"PG_DIAG_SEVERITY_NONLOCALIZED",
            "message": b"PG_DIAG_MESSAGE_PRIMARY",
            "detail": b"PG_DIAG_MESSAGE_DETAIL",
            "hint": b"PG_DIAG_MESSAGE_HINT",
            "position": b"PG_DIAG_STATEMENT_POSITION",
            "schema": b"PG_DIAG_SCHEMA_NAME",
            "table": b"PG_DIAG_TABLE_NAME",
            "column": b"PG_DIAG_COLUMN_NAME",
            "datatype": b"PG_DIAG_DATATYPE_NAME",
            "constraint": b"PG_DIAG_CONSTRAINT_NAME",
            "context": b"PG_DIAG_CONTEXT",
        }
        told = {
            "class": f"{type(error).__module__}.{type(error).__qualname__}",
            "pep249": next((k.__name__ for k in _PEP_249 if isinstance(error, k)), None),
            "sqlstate": error.sqlstate,
        }
        told |= {
            name: details[field].decode()
            for name, field in fields.items()
            if field in details
        }
        return {name: value for name, value in told.items() if value is not None}
    return {}
