# Made from acts_psycopg_async/streams.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec over psycopg: COPY.

SQLSpec's documentation takes psycopg's own cursor for it, by `session.with_cursor`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_BLOCK_SIZE = 65_536


def copy_in_text(connection: Any, table: str, data: str) -> None:
    """`copy.write`."""
    query = f"copy {table} from stdin"
    with connection.with_cursor(connection.connection) as cursor:
        with cursor.copy(query) as copy:
            copy.write(data)


def copy_in_file(connection: Any, table: str, path: str) -> None:
    """`copy.write`, block by block."""
    query = f"copy {table} from stdin"
    with Path(path).open("rb") as file:
        with connection.with_cursor(connection.connection) as cursor:
            with cursor.copy(query) as copy:
                while data := file.read(_BLOCK_SIZE):
                    copy.write(data)


def copy_out_file(connection: Any, table: str, path: str) -> None:
    """Iterate over `copy`, block by block."""
    query = f"copy {table} to stdout"
    with Path(path).open("wb") as file:
        with connection.with_cursor(connection.connection) as cursor:
            with cursor.copy(query) as copy:
                for data in copy:
                    file.write(data)


def copy_abandoned(connection: Any, table: str) -> None:
    """An exception leaves the block of `copy`."""
    query = f"copy {table} (id, name) from stdin"
    with connection.with_cursor(connection.connection) as cursor:
        with cursor.copy(query) as copy:
            copy.write_row((1, "one"))
            raise ValueError("no more rows")


def copy_out_abandoned(connection: Any, sql: str) -> int:
    """`copy.read` once."""
    query = f"copy ({sql}) to stdout"
    with connection.with_cursor(connection.connection) as cursor:
        with cursor.copy(query) as copy:
            return len(copy.read())
