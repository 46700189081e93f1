"""Acts of psycopg, async: server-side cursors, streams, COPY."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection, AsyncServerCursor

Rows = list[tuple[Any, ...]]
_BLOCK_SIZE = 65_536


async def cursor_count(connection: AsyncConnection, sql: str, itersize: int) -> int:
    """A cursor with a name, in a transaction; `itersize` rows in each round trip."""
    async with connection.transaction(), connection.cursor(name="counted") as cursor:
        cursor.itersize = itersize
        await cursor.execute(sql)
        count = 0
        async for _ in cursor:
            count += 1
        return count


async def cursor_open(
    connection: AsyncConnection, sql: str, *, scrollable: bool = False, hold: bool = False
) -> AsyncServerCursor:
    """A cursor with a name; whether it scrolls is the server's choice by default."""
    name = f"cursor_{uuid4().hex}"
    cursor = connection.cursor(name, scrollable=scrollable or None, withhold=hold)
    return await cursor.execute(sql)


async def cursor_fetch(cursor: AsyncServerCursor, count: int) -> Rows:
    """`cursor.fetchmany`."""
    return await cursor.fetchmany(count)


async def cursor_scroll(
    cursor: AsyncServerCursor, offset: int, absolute: bool = False
) -> None:
    """`cursor.scroll`."""
    await cursor.scroll(offset, mode="absolute" if absolute else "relative")


async def cursor_close(cursor: AsyncServerCursor) -> None:
    """`cursor.close`."""
    await cursor.close()


async def stream_count(connection: AsyncConnection, sql: str) -> int:
    """`cursor.stream`."""
    async with connection.cursor() as cursor:
        count = 0
        async for _ in cursor.stream(sql):
            count += 1
        return count


async def copy_in_text(connection: AsyncConnection, table: str, data: str) -> None:
    """`copy.write`."""
    query = f"copy {table} from stdin"
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        await copy.write(data)


async def copy_in_rows(connection: AsyncConnection, table: str, rows: list[Any]) -> None:
    """`copy.write_row`."""
    query = f"copy {table} from stdin"
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        for row in rows:
            await copy.write_row(row)


async def copy_in_file(connection: AsyncConnection, table: str, path: str) -> None:
    """`copy.write`, block by block."""
    query = f"copy {table} from stdin"
    with Path(path).open("rb") as file:
        async with connection.cursor() as cursor, cursor.copy(query) as copy:
            while data := file.read(_BLOCK_SIZE):
                await copy.write(data)


async def copy_out_file(connection: AsyncConnection, table: str, path: str) -> None:
    """Iterate over `copy`, block by block."""
    query = f"copy {table} to stdout"
    with Path(path).open("wb") as file:
        async with connection.cursor() as cursor, cursor.copy(query) as copy:
            async for data in copy:
                file.write(data)


async def copy_abandoned(connection: AsyncConnection, table: str) -> None:
    """An exception leaves the block of `copy`."""
    query = f"copy {table} (id, name) from stdin"
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        await copy.write_row((1, "one"))
        raise ValueError("no more rows")


async def copy_out_abandoned(connection: AsyncConnection, sql: str) -> int:
    """`copy.read` once."""
    query = f"copy ({sql}) to stdout"
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        return len(await copy.read())
