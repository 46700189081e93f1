"""Acts of SQLSpec over psycopg, async: COPY.

SQLSpec's documentation takes psycopg's own cursor for it, by `session.with_cursor`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_BLOCK_SIZE = 65_536


async def copy_in_text(connection: Any, table: str, data: str) -> None:
    """`copy.write`."""
    query = f"copy {table} from stdin"
    async with connection.with_cursor(connection.connection) as cursor:
        async with cursor.copy(query) as copy:
            await copy.write(data)


async def copy_in_file(connection: Any, table: str, path: str) -> None:
    """`copy.write`, block by block."""
    query = f"copy {table} from stdin"
    with Path(path).open("rb") as file:
        async with connection.with_cursor(connection.connection) as cursor:
            async with cursor.copy(query) as copy:
                while data := file.read(_BLOCK_SIZE):
                    await copy.write(data)


async def copy_out_file(connection: Any, table: str, path: str) -> None:
    """Iterate over `copy`, block by block."""
    query = f"copy {table} to stdout"
    with Path(path).open("wb") as file:
        async with connection.with_cursor(connection.connection) as cursor:
            async with cursor.copy(query) as copy:
                async for data in copy:
                    file.write(data)


async def copy_abandoned(connection: Any, table: str) -> None:
    """An exception leaves the block of `copy`."""
    query = f"copy {table} (id, name) from stdin"
    async with connection.with_cursor(connection.connection) as cursor:
        async with cursor.copy(query) as copy:
            await copy.write_row((1, "one"))
            raise ValueError("no more rows")


async def copy_out_abandoned(connection: Any, sql: str) -> int:
    """`copy.read` once."""
    query = f"copy ({sql}) to stdout"
    async with connection.with_cursor(connection.connection) as cursor:
        async with cursor.copy(query) as copy:
            return len(await copy.read())
