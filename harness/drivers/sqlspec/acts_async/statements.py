"""Acts of SQLSpec, async: statements, placeholders, batches."""

from __future__ import annotations

from typing import Any

Rows = list[tuple[Any, ...]]


async def execute(connection: Any, sql: str) -> None:
    """`session.execute`."""
    await connection.execute(sql)


async def fetch(connection: Any, sql: str) -> Rows:
    """`session.execute`; the driver's own rows, as a dict forgets columns of one name."""
    return _native(await connection.execute(sql))


def _native(result: Any) -> Rows:
    """psqlpy's own rows are dicts, those of others are not."""
    rows, _ = result.raw_data
    return [tuple(row.values() if isinstance(row, dict) else row) for row in rows]


async def fetch_val(connection: Any, sql: str) -> Any:
    """`session.select_value_or_none`."""
    return await connection.select_value_or_none(sql)


async def fetch_times(connection: Any, sql: str, times: int) -> Rows:
    """`session.execute`, again and again."""
    rows: Rows = []
    for _ in range(times):
        rows = _native(await connection.execute(sql))
    return rows


async def row_count(connection: Any, sql: str) -> int:
    """`result.rows_affected`."""
    result = await connection.execute(sql)
    return int(result.rows_affected)


async def execute_script(connection: Any, sql: str) -> None:
    """`session.execute_script`, which splits the text and sends one after another."""
    await connection.execute_script(sql)


async def identifier(connection: Any, name: str) -> str:
    """The query builder, and the name that comes back as a key."""
    from sqlspec import sql

    number: Any = sql.raw("1")
    (row,) = await connection.select(sql.select(number.as_(name)))
    return str(next(iter(row)))


async def style_numeric(connection: Any, first: Any, second: Any) -> Rows:
    """`$1`."""
    query = "select $2::int as c1, $1::int as c2, $2::int as c3"
    rows = await connection.select(query, first, second)
    return [tuple(row.values()) for row in rows]


async def style_tuple(connection: Any, first: Any, second: Any) -> Rows:
    """Parameters as one tuple."""
    query = "select $1::int as c1, $2::int as c2"
    rows = await connection.select(query, (first, second))
    return [tuple(row.values()) for row in rows]


async def literal_percent(connection: Any, value: Any) -> Rows:
    """A `%` is nothing special, whatever the driver below takes it for."""
    query = "select 5 % 3 as c1, 'banana' like '%a%' as c2, $1 as c3"
    return [tuple(row.values()) for row in await connection.select(query, value)]


async def insert_many(connection: Any, rows: list[tuple[int, str]]) -> None:
    """`session.execute_many`."""
    await connection.execute_many("insert into items (id, name) values ($1, $2)", rows)


async def insert_many_count(connection: Any, rows: list[tuple[int, str]]) -> int:
    """`session.execute_many` and `result.rows_affected`."""
    query = "insert into items (id, name) values ($1, $2)"
    result = await connection.execute_many(query, rows)
    return int(result.rows_affected)
