"""Much data with asyncpg: server-side cursors and COPY."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any


async def cursor_count(connection: Any, sql: str, itersize: int) -> int:
    """`async for` over `connection.cursor`, inside the transaction that is open."""
    count = 0
    async for _ in connection.cursor(sql, prefetch=itersize):
        count += 1
    return count


async def cursor_open(
    connection: Any, sql: str, *, scrollable: bool = False, hold: bool = False
) -> Any:
    """`await connection.cursor`."""
    if scrollable or hold:
        raise NotImplementedError("asyncpg's cursors go forwards, in one transaction")
    return await connection.cursor(sql)


async def cursor_fetch(cursor: Any, count: int) -> list[tuple[Any, ...]]:
    """`cursor.fetch`."""
    return [tuple(record) for record in await cursor.fetch(count)]


async def cursor_scroll(cursor: Any, offset: int, absolute: bool = False) -> None:
    """`cursor.forward`."""
    if absolute or offset < 0:
        raise NotImplementedError("asyncpg's cursors only go forwards")
    await cursor.forward(offset)


async def copy_in_text(connection: Any, table: str, data: str) -> None:
    """`connection.copy_to_table`."""
    await connection.copy_to_table(table, source=BytesIO(data.encode()))


async def copy_in_rows(connection: Any, table: str, rows: list[Any]) -> None:
    """`connection.copy_records_to_table`, in the binary format."""
    await connection.copy_records_to_table(table, records=rows)


async def copy_in_file(connection: Any, table: str, path: str) -> None:
    """`connection.copy_to_table` from a path."""
    await connection.copy_to_table(table, source=path)


async def copy_out_file(connection: Any, table: str, path: str) -> None:
    """`connection.copy_from_table` into a path."""
    await connection.copy_from_table(table, output=path)


async def copy_abandoned(connection: Any, table: str) -> None:
    """`connection.copy_records_to_table` of records that break."""
    await connection.copy_records_to_table(table, records=_broken())


def _broken() -> Iterator[tuple[int, str]]:
    yield (1, "one")
    yield (2, "two")
    raise ValueError("in the middle")


async def copy_out_abandoned(connection: Any, sql: str) -> int:
    """`connection.copy_from_query` into a coroutine that takes one block and no more."""
    sizes: list[int] = []

    async def take(data: bytes) -> None:
        if sizes:
            raise BufferError("one block is enough")
        sizes.append(len(data))

    with contextlib.suppress(BufferError):
        await connection.copy_from_query(sql, output=take)
    return sizes[0]
