# Made from acts_async/streams.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: server-side cursors, streams, COPY."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from psycopg import Connection, ServerCursor

Rows = list[tuple[Any, ...]]
_BLOCK_SIZE = 65_536


def cursor_count(connection: Connection, sql: str, itersize: int) -> int:
    """A cursor with a name, in a transaction; `itersize` rows in each round trip."""
    with connection.transaction(), connection.cursor(name="counted") as cursor:
        cursor.itersize = itersize
        cursor.execute(sql)
        count = 0
        for _ in cursor:
            count += 1
        return count


def cursor_open(
    connection: Connection, sql: str, *, scrollable: bool = False, hold: bool = False
) -> ServerCursor:
    """A cursor with a name; whether it scrolls is the server's choice by default."""
    name = f"cursor_{uuid4().hex}"
    cursor = connection.cursor(name, scrollable=scrollable or None, withhold=hold)
    return cursor.execute(sql)


def cursor_fetch(cursor: ServerCursor, count: int) -> Rows:
    """`cursor.fetchmany`."""
    return cursor.fetchmany(count)


def cursor_scroll(cursor: ServerCursor, offset: int, absolute: bool = False) -> None:
    """`cursor.scroll`."""
    cursor.scroll(offset, mode="absolute" if absolute else "relative")


def cursor_close(cursor: ServerCursor) -> None:
    """`cursor.close`."""
    cursor.close()


def stream_count(connection: Connection, sql: str) -> int:
    """`cursor.stream`."""
    with connection.cursor() as cursor:
        count = 0
        for _ in cursor.stream(sql):
            count += 1
        return count


def copy_in_text(connection: Connection, table: str, data: str) -> None:
    """`copy.write`."""
    query = f"copy {table} from stdin"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.write(data)


def copy_in_rows(connection: Connection, table: str, rows: list[Any]) -> None:
    """`copy.write_row`."""
    query = f"copy {table} from stdin"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for row in rows:
            copy.write_row(row)


def copy_in_file(connection: Connection, table: str, path: str) -> None:
    """`copy.write`, block by block."""
    query = f"copy {table} from stdin"
    with Path(path).open("rb") as file:
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            while data := file.read(_BLOCK_SIZE):
                copy.write(data)


def copy_out_file(connection: Connection, table: str, path: str) -> None:
    """Iterate over `copy`, block by block."""
    query = f"copy {table} to stdout"
    with Path(path).open("wb") as file:
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for data in copy:
                file.write(data)


def copy_abandoned(connection: Connection, table: str) -> None:
    """An exception leaves the block of `copy`."""
    query = f"copy {table} (id, name) from stdin"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.write_row((1, "one"))
        raise ValueError("no more rows")


def copy_out_abandoned(connection: Connection, sql: str) -> int:
    """`copy.read` once."""
    query = f"copy ({sql}) to stdout"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        return len(copy.read())
