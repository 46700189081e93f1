# Made from acts_async/statements.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: statements, placeholders, batches."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection, Cursor
from psycopg.sql import SQL, Identifier

Rows = list[tuple[Any, ...]]


def execute(connection: Connection, sql: str) -> None:
    """`connection.execute`."""
    connection.execute(sql)


def fetch(connection: Connection, sql: str) -> Rows:
    """`fetchall` of a new cursor."""
    cursor = connection.execute(sql)
    return cursor.fetchall()


def fetch_val(connection: Connection, sql: str) -> Any:
    """`fetchone` of a new cursor."""
    cursor = connection.execute(sql)
    row = cursor.fetchone()
    return row[0] if row else None


def fetch_times(connection: Connection, sql: str, times: int) -> Rows:
    """`connection.execute` prepares by itself, at the 5th time."""
    rows: Rows = []
    for _ in range(times):
        cursor = connection.execute(sql)
        rows = cursor.fetchall()
    return rows


def row_count(connection: Connection, sql: str) -> int:
    """`cursor.rowcount`."""
    return connection.execute(sql).rowcount


def execute_script(connection: Connection, sql: str) -> None:
    """`connection.execute` takes several statements where there are no parameters."""
    connection.execute(sql)


def identifier(connection: Connection, name: str) -> str:
    """`psycopg.sql.Identifier`."""
    cursor = connection.execute(SQL("select 1 as {}").format(Identifier(name)))
    assert cursor.description
    return cursor.description[0].name


def style_positional(connection: Connection, first: Any, second: Any) -> Rows:
    """`%s`."""
    cursor = connection.execute("select %s::int, %s::int", [first, second])
    return cursor.fetchall()


def style_numeric(connection: Connection, first: Any, second: Any) -> Rows:
    """`$1`, which only raw cursors take."""
    cursor = psycopg.RawCursor(connection)
    cursor.execute("select $2::int, $1::int, $2::int", [first, second])
    return cursor.fetchall()


def style_named(connection: Connection, first: Any, second: Any) -> Rows:
    """`%(name)s`."""
    query = "select %(b)s::int, %(a)s::int, %(b)s::int"
    cursor = connection.execute(query, {"a": first, "b": second})
    return cursor.fetchall()


def style_tuple(connection: Connection, first: Any, second: Any) -> Rows:
    """`%s` with a tuple."""
    cursor = connection.execute("select %s::int, %s::int", (first, second))
    return cursor.fetchall()


def literal_percent(connection: Connection, value: Any) -> Rows:
    """`%%` where there are parameters."""
    query = "select 5 %% 3, 'banana' like '%%a%%', %s"
    cursor = connection.execute(query, [value])
    return cursor.fetchall()


def fetch_prepared(connection: Connection, sql: str) -> Rows:
    """`connection.execute(…, prepare=True)`."""
    cursor = connection.execute(sql, prepare=True)
    return cursor.fetchall()


def insert_many(connection: Connection, rows: list[tuple[int, str]]) -> None:
    """`cursor.executemany`."""
    with connection.cursor() as cursor:
        cursor.executemany("insert into items (id, name) values (%s, %s)", rows)


def insert_many_count(connection: Connection, rows: list[tuple[int, str]]) -> int:
    """`cursor.executemany` and `cursor.rowcount`."""
    with connection.cursor() as cursor:
        cursor.executemany("insert into items (id, name) values (%s, %s)", rows)
        return cursor.rowcount


def insert_returning(connection: Connection, rows: list[tuple[int, str]]) -> list[Rows]:
    """`cursor.executemany(…, returning=True)` and `cursor.nextset`."""
    query = "insert into items (id, name) values (%s, %s) returning id"
    returned = []
    with connection.cursor() as cursor:
        cursor.executemany(query, rows, returning=True)
        more = bool(rows)
        while more:
            returned.append(cursor.fetchall())
            more = bool(cursor.nextset())
    return returned


def pipeline(connection: Connection, statements: list[str]) -> list[Rows]:
    """`connection.pipeline`; a cursor for each statement keeps its result."""
    with connection.pipeline():
        cursors = [connection.execute(statement) for statement in statements]
    return [_rows(cursor) for cursor in cursors]


def _rows(cursor: Cursor) -> Rows:
    return cursor.fetchall() if cursor.description else []


def pipeline_outcomes(connection: Connection, statements: list[str]) -> list[Any]:
    """The block raises one exception: it stands for each statement without a result."""
    failure = ""
    cursors = [connection.cursor() for _ in statements]
    try:
        with connection.pipeline():
            for cursor, statement in zip(cursors, statements, strict=True):
                cursor.execute(statement)
    except psycopg.Error as error:
        failure = f"{type(error).__module__}.{type(error).__qualname__}"
    return [_rows(cursor) if cursor.statusmessage else failure for cursor in cursors]
