"""Acts of SQLSpec, async: rows in parts, and loading."""

from __future__ import annotations

from typing import Any


async def cursor_count(connection: Any, sql: str, itersize: int) -> int:
    """`session.select_stream`, over a server-side cursor, a chunk at a time."""
    count = 0
    async with connection.select_stream(sql, chunk_size=itersize) as stream:
        async for _ in stream:
            count += 1
    return count


async def copy_in_rows(connection: Any, table: str, rows: list[Any]) -> None:
    """`session.load_from_records`; the data dictionary knows the columns."""
    found = await connection.data_dictionary.get_columns(connection, table)
    columns = [column["column_name"] for column in found]
    await connection.load_from_records(table, rows, columns=columns)


async def copy_arrow(connection: Any, table: str, count: int) -> None:
    """`session.load_from_arrow`."""
    import pyarrow  # not everybody who uses this library has Arrow

    source = pyarrow.table(
        {
            "id": pyarrow.array(range(count), pyarrow.int32()),
            "name": pyarrow.array([f"name {i}" for i in range(count)]),
        }
    )
    await connection.load_from_arrow(table, source)
