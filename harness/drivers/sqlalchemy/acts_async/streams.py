"""Acts of SQLAlchemy: results through a server-side cursor."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text


async def cursor_count(connection: Any, sql: str, itersize: int) -> int:
    """The option `yield_per`."""
    statement = text(sql.replace(":", r"\:"))
    options = {"stream_results": True, "yield_per": itersize}
    count = 0
    result = await connection.stream(statement, execution_options=options)
    async for _ in result:
        count += 1
    return count


async def cursor_open(
    connection: Any, sql: str, *, scrollable: bool = False, hold: bool = False
) -> Any:
    """The option `stream_results`."""
    if scrollable or hold:
        raise NotImplementedError("SQLAlchemy's results only go forward, and do not stay")
    statement = text(sql.replace(":", r"\:"))
    options = {"stream_results": True}
    return await connection.stream(statement, execution_options=options)


async def cursor_fetch(cursor: Any, count: int) -> list[tuple[Any, ...]]:
    """`result.fetchmany`."""
    return [tuple(row) for row in await cursor.fetchmany(count)]


async def cursor_close(cursor: Any) -> None:
    """`result.close`."""
    await cursor.close()
