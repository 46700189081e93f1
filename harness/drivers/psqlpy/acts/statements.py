"""Statements, batches, prepared statements, cursors and COPY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Rows = list[tuple[Any, ...]]


async def execute(connection: Any, sql: str) -> None:
    """`connection.execute`."""
    await connection.execute(sql)


async def fetch(connection: Any, sql: str) -> Rows:
    """`connection.fetch`, decoded as tuples: a dict forgets columns of one name."""
    result = await connection.fetch(sql)
    return list(result.result(as_tuple=True))


async def fetch_val(connection: Any, sql: str) -> Any:
    """`connection.fetch_val`, which raises where there is no row."""
    return await connection.fetch_val(sql)


async def fetch_times(connection: Any, sql: str, times: int) -> Rows:
    """`connection.fetch`, again and again."""
    rows: Rows = []
    for _ in range(times):
        rows = (await connection.fetch(sql)).result(as_tuple=True)
    return rows


async def execute_script(connection: Any, sql: str) -> None:
    """`connection.execute_batch`."""
    await connection.execute_batch(sql)


async def style_positional(connection: Any, first: Any, second: Any) -> Rows:
    """`$1`, `$2`."""
    result = await connection.fetch("select $1::int, $2::int", [first, second])
    return list(result.result(as_tuple=True))


async def style_numeric(connection: Any, first: Any, second: Any) -> Rows:
    """`$n` in any order, as often as one likes."""
    result = await connection.fetch("select $2::int, $1::int, $2::int", [first, second])
    return list(result.result(as_tuple=True))


async def style_named(connection: Any, first: Any, second: Any) -> Rows:
    """`$(name)p` and a dict."""
    result = await connection.fetch(
        "select $(b)p::int, $(a)p::int, $(b)p::int", {"a": first, "b": second}
    )
    return list(result.result(as_tuple=True))


async def style_tuple(connection: Any, first: Any, second: Any) -> Rows:
    """A tuple of parameters."""
    result = await connection.fetch("select $1::int, $2::int", (first, second))
    return list(result.result(as_tuple=True))


async def literal_percent(connection: Any, value: Any) -> Rows:
    """A `%` is nothing special."""
    result = await connection.fetch("select 5 % 3, 'bar' like '%a%', $1", [value])
    return list(result.result(as_tuple=True))


async def insert_many(connection: Any, rows: list[tuple[int, str]]) -> None:
    """`connection.execute_many`."""
    await connection.execute_many("insert into items (id, name) values ($1, $2)", rows)


async def prepare(connection: Any, sql: str) -> Any:
    """`connection.prepare`."""
    return await connection.prepare(sql)


async def run_prepared(statement: Any) -> Rows:
    """`statement.execute`."""
    result = await statement.execute()
    return list(result.result(as_tuple=True))


async def fetch_prepared(connection: Any, sql: str) -> Rows:
    """`prepared=True`, which is the default, too."""
    result = await connection.fetch(sql, prepared=True)
    return list(result.result(as_tuple=True))


async def cursor_count(connection: Any, sql: str, itersize: int) -> int:
    """A cursor in an `async for`, so many rows at a time."""
    count = 0
    async with (
        connection.transaction() as transaction,
        transaction.cursor(sql, array_size=itersize) as cursor,
    ):
        async for result in cursor:
            count += len(result.result())
    return count


async def cursor_open(
    connection: Any, sql: str, *, scrollable: bool = False, hold: bool = False
) -> Any:
    """`connection.cursor` and `start`."""
    if scrollable or hold:
        raise NotImplementedError("psqlpy's cursor goes forward, inside a transaction")
    cursor = connection.cursor(sql)
    await cursor.start()
    return cursor


async def cursor_fetch(cursor: Any, count: int) -> Rows:
    """`cursor.fetchmany`."""
    result = await cursor.fetchmany(count)
    return list(result.result(as_tuple=True))


async def cursor_close(cursor: Any) -> None:
    """`cursor.close`, which is no coroutine."""
    cursor.close()


async def copy_in_rows(connection: Any, table: str, rows: list[Any]) -> None:
    """`connection.copy_records_to_table`."""
    await connection.copy_records_to_table(table, rows)


async def copy_abandoned(connection: Any, table: str) -> None:
    """A generator of records that raises."""

    def records() -> Iterator[tuple[int, str]]:
        yield 1, "one"
        raise ValueError("the source of the rows is broken")

    await connection.copy_records_to_table(table, records())
