"""Statements, batches, pipelines and blocks of pyro-postgres, async."""

from __future__ import annotations

from typing import Any

from pyro_postgres.async_ import Conn

Rows = list[tuple[Any, ...]]


async def execute(connection: Conn, sql: str) -> None:
    """`connection.exec_drop`."""
    await connection.exec_drop(sql)


async def fetch(connection: Conn, sql: str) -> Rows:
    """`connection.exec`."""
    return list(await connection.exec(sql))


async def fetch_val(connection: Conn, sql: str) -> Any:
    """`connection.exec_first`."""
    row = await connection.exec_first(sql)
    return row[0] if row else None


async def fetch_times(connection: Conn, sql: str, times: int) -> Rows:
    """`connection.exec`, again and again."""
    rows: Rows = []
    for _ in range(times):
        rows = list(await connection.exec(sql))
    return rows


async def row_count(connection: Conn, sql: str) -> int:
    """What `connection.exec_drop` returns."""
    return await connection.exec_drop(sql)


async def execute_script(connection: Conn, sql: str) -> None:
    """`connection.query_drop`: the simple protocol."""
    await connection.query_drop(sql)


async def style_positional(connection: Conn, first: Any, second: Any) -> Rows:
    """`$1`, `$2` and a list."""
    return list(await connection.exec("select $1::int, $2::int", [first, second]))


async def style_numeric(connection: Conn, first: Any, second: Any) -> Rows:
    """`$n` in any order, as often as one likes."""
    rows = await connection.exec("select $2::int, $1::int, $2::int", (first, second))
    return list(rows)


async def style_tuple(connection: Conn, first: Any, second: Any) -> Rows:
    """A tuple of parameters."""
    return list(await connection.exec("select $1::int, $2::int", (first, second)))


async def literal_percent(connection: Conn, value: Any) -> Rows:
    """A `%` is nothing special."""
    rows = await connection.exec("select 5 % 3, 'bar' like '%a%', $1", (value,))
    return list(rows)


async def insert_many(connection: Conn, rows: list[tuple[int, str]]) -> None:
    """`connection.exec_batch`."""
    await connection.exec_batch("insert into items (id, name) values ($1, $2)", rows)


async def prepare(connection: Conn, sql: str) -> Any:
    """`connection.prepare`; its connection runs it."""
    return connection, await connection.prepare(sql)


async def run_prepared(statement: Any) -> Rows:
    """`connection.exec` of a prepared statement."""
    connection, prepared = statement
    return list(await connection.exec(prepared))


async def pipeline(connection: Any, statements: list[str]) -> list[Rows]:
    """`connection.pipeline`, and a ticket for each statement."""
    async with connection.pipeline() as pipeline:
        tickets = [pipeline.exec(sql) for sql in statements]
        await pipeline.sync()
        return [list(await pipeline.claim_collect(ticket)) for ticket in tickets]


async def pipeline_outcomes(connection: Conn, statements: list[str]) -> list[Any]:
    """The same; a ticket that is claimed raises what its statement raised."""
    outcomes: list[Any] = []
    async with connection.pipeline() as pipeline:
        tickets = [pipeline.exec(sql) for sql in statements]
        await pipeline.sync()
        for ticket in tickets:
            try:
                outcomes.append(list(await pipeline.claim_collect(ticket)))
            except Exception as error:
                outcomes.append(error)
    return outcomes


async def block(connection: Conn, statements: list[str], fails: bool = False) -> None:
    """`async with connection.tx()`."""
    async with connection.tx():
        for sql in statements:
            await connection.exec_drop(sql)
        if fails:
            raise ValueError("the block fails")


async def cursor_count(connection: Conn, sql: str, itersize: int) -> int:
    """`connection.exec_iter`, whose callback fetches from a portal."""

    def count(portal: Any) -> int:
        total, more = 0, True
        while more:
            rows, more = portal.fetch(itersize)
            total += len(rows)
        return total

    return await connection.exec_iter(sql, (), count)
