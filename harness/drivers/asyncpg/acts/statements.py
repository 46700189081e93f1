"""Statements of asyncpg: queries, parameters, batches, errors and notices."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

_ATTRIBUTES = {
    "sqlstate": "sqlstate",
    "severity": "severity",
    "message": "message",
    "detail": "detail",
    "hint": "hint",
    "position": "position",
    "schema": "schema_name",
    "table": "table_name",
    "column": "column_name",
    "datatype": "data_type_name",
    "constraint": "constraint_name",
    "context": "context",
}


async def execute(connection: Any, sql: str) -> None:
    """`connection.execute`."""
    await connection.execute(sql)


async def fetch(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    """`connection.fetch`."""
    return [tuple(record) for record in await connection.fetch(sql)]


async def fetch_val(connection: Any, sql: str) -> Any:
    """`connection.fetchval`."""
    return await connection.fetchval(sql)


async def fetch_times(connection: Any, sql: str, times: int) -> list[tuple[Any, ...]]:
    """`connection.fetch`, which prepares the statement and keeps it."""
    records: list[Any] = []
    for _ in range(times):
        records = await connection.fetch(sql)
    return [tuple(record) for record in records]


async def row_count(connection: Any, sql: str) -> int:
    """The end of the status that `connection.execute` returns: `INSERT 0 2`."""
    status = await connection.execute(sql)
    count = status.rpartition(" ")[2]
    if not count.isdigit():
        raise NotImplementedError(f"asyncpg's status {status} has no number of rows")
    return int(count)


async def execute_script(connection: Any, sql: str) -> None:
    """`connection.execute` without arguments takes several statements."""
    await connection.execute(sql)


async def execute_timeout(connection: Any, sql: str, seconds: float) -> None:
    """`timeout` of `connection.execute`."""
    await connection.execute(sql, timeout=seconds)


async def style_numeric(connection: Any, first: Any, second: Any) -> list[tuple[Any, ...]]:
    """`$1`, as the server has it."""
    query = "select $2::int, $1::int, $2::int"
    return [tuple(record) for record in await connection.fetch(query, first, second)]


async def literal_percent(connection: Any, value: Any) -> list[tuple[Any, ...]]:
    """A `%` means nothing to asyncpg."""
    query = "select 5 % 3, 'cab' like '%a%', $1"
    return [tuple(record) for record in await connection.fetch(query, value)]


async def insert_many(connection: Any, rows: list[tuple[int, str]]) -> None:
    """`connection.executemany`, which is one transaction."""
    await connection.executemany("insert into items (id, name) values ($1, $2)", rows)


async def prepare(connection: Any, sql: str) -> Any:
    """`connection.prepare`."""
    return await connection.prepare(sql)


async def run_prepared(statement: Any) -> list[tuple[Any, ...]]:
    """`statement.fetch`."""
    return [tuple(record) for record in await statement.fetch()]


async def diagnose(connection: Any, sql: str) -> dict[str, Any]:
    """The attributes of `PostgresError`."""
    try:
        await connection.execute(sql)
    except asyncpg.PostgresError as error:
        told = {"class": f"{type(error).__module__}.{type(error).__qualname__}"}
        for name, attribute in _ATTRIBUTES.items():
            if (value := getattr(error, attribute)) is not None:
                told[name] = value
        return told
    return {}


async def notices(connection: Any, sql: str) -> list[str]:
    """`connection.add_log_listener`."""
    told: list[str] = []

    def hear(_connection: Any, message: Any) -> None:
        told.append(f"{message.severity}: {message.message}")

    connection.add_log_listener(hear)
    try:
        await connection.execute(sql)
        await asyncio.sleep(0)  # listeners are called when the loop has its next turn
    finally:
        connection.remove_log_listener(hear)
    return told
