"""Acts of psycopg, async: statements, placeholders, batches."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.sql import SQL, Identifier

Rows = list[tuple[Any, ...]]


async def execute(connection: AsyncConnection, sql: str) -> None:
    """`connection.execute`."""
    await connection.execute(sql)


async def fetch(connection: AsyncConnection, sql: str) -> Rows:
    """`fetchall` of a new cursor."""
    cursor = await connection.execute(sql)
    return await cursor.fetchall()


async def fetch_val(connection: AsyncConnection, sql: str) -> Any:
    """`fetchone` of a new cursor."""
    cursor = await connection.execute(sql)
    row = await cursor.fetchone()
    return row[0] if row else None


async def fetch_times(connection: AsyncConnection, sql: str, times: int) -> Rows:
    """`connection.execute` prepares by itself, at the 5th time."""
    rows: Rows = []
    for _ in range(times):
        cursor = await connection.execute(sql)
        rows = await cursor.fetchall()
    return rows


async def row_count(connection: AsyncConnection, sql: str) -> int:
    """`cursor.rowcount`."""
    return (await connection.execute(sql)).rowcount


async def execute_script(connection: AsyncConnection, sql: str) -> None:
    """`connection.execute` takes several statements where there are no parameters."""
    await connection.execute(sql)


async def identifier(connection: AsyncConnection, name: str) -> str:
    """`psycopg.sql.Identifier`."""
    cursor = await connection.execute(SQL("select 1 as {}").format(Identifier(name)))
    assert cursor.description
    return cursor.description[0].name


async def style_positional(connection: AsyncConnection, first: Any, second: Any) -> Rows:
    """`%s`."""
    cursor = await connection.execute("select %s::int, %s::int", [first, second])
    return await cursor.fetchall()


async def style_numeric(connection: AsyncConnection, first: Any, second: Any) -> Rows:
    """`$1`, which only raw cursors take."""
    cursor = psycopg.AsyncRawCursor(connection)
    await cursor.execute("select $2::int, $1::int, $2::int", [first, second])
    return await cursor.fetchall()


async def style_named(connection: AsyncConnection, first: Any, second: Any) -> Rows:
    """`%(name)s`."""
    query = "select %(b)s::int, %(a)s::int, %(b)s::int"
    cursor = await connection.execute(query, {"a": first, "b": second})
    return await cursor.fetchall()


async def style_tuple(connection: AsyncConnection, first: Any, second: Any) -> Rows:
    """`%s` with a tuple."""
    cursor = await connection.execute("select %s::int, %s::int", (first, second))
    return await cursor.fetchall()


async def literal_percent(connection: AsyncConnection, value: Any) -> Rows:
    """`%%` where there are parameters."""
    query = "select 5 %% 3, 'banana' like '%%a%%', %s"
    cursor = await connection.execute(query, [value])
    return await cursor.fetchall()


# async only
async def execute_timeout(connection: AsyncConnection, sql: str, seconds: float) -> None:
    """`asyncio.wait_for`: psycopg cancels the statement of a task that is cancelled."""
    await asyncio.wait_for(connection.execute(sql), seconds)


async def fetch_prepared(connection: AsyncConnection, sql: str) -> Rows:
    """`connection.execute(…, prepare=True)`."""
    cursor = await connection.execute(sql, prepare=True)
    return await cursor.fetchall()


async def insert_many(connection: AsyncConnection, rows: list[tuple[int, str]]) -> None:
    """`cursor.executemany`."""
    async with connection.cursor() as cursor:
        await cursor.executemany("insert into items (id, name) values (%s, %s)", rows)


async def insert_many_count(
    connection: AsyncConnection, rows: list[tuple[int, str]]
) -> int:
    """`cursor.executemany` and `cursor.rowcount`."""
    async with connection.cursor() as cursor:
        await cursor.executemany("insert into items (id, name) values (%s, %s)", rows)
        return cursor.rowcount


async def insert_returning(
    connection: AsyncConnection, rows: list[tuple[int, str]]
) -> list[Rows]:
    """`cursor.executemany(…, returning=True)` and `cursor.nextset`."""
    query = "insert into items (id, name) values (%s, %s) returning id"
    returned = []
    async with connection.cursor() as cursor:
        await cursor.executemany(query, rows, returning=True)
        more = bool(rows)
        while more:
            returned.append(await cursor.fetchall())
            more = bool(cursor.nextset())
    return returned


async def pipeline(connection: AsyncConnection, statements: list[str]) -> list[Rows]:
    """`connection.pipeline`; a cursor for each statement keeps its result."""
    async with connection.pipeline():
        cursors = [await connection.execute(statement) for statement in statements]
    return [await _rows(cursor) for cursor in cursors]


async def _rows(cursor: AsyncCursor) -> Rows:
    return await cursor.fetchall() if cursor.description else []


async def pipeline_outcomes(
    connection: AsyncConnection, statements: list[str]
) -> list[Any]:
    """The block raises one exception: it stands for each statement without a result."""
    failure = ""
    cursors = [connection.cursor() for _ in statements]
    try:
        async with connection.pipeline():
            for cursor, statement in zip(cursors, statements, strict=True):
                await cursor.execute(statement)
    except psycopg.Error as error:
        failure = f"{type(error).__module__}.{type(error).__qualname__}"
    return [await _rows(cursor) if cursor.statusmessage else failure for cursor in cursors]
