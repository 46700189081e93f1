# Made from acts_async/streams.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec: rows in parts, and loading."""

from __future__ import annotations

from typing import Any


def cursor_count(connection: Any, sql: str, itersize: int) -> int:
    """`session.select_stream`, over a server-side cursor, a chunk at a time."""
    count = 0
    with connection.select_stream(sql, chunk_size=itersize) as stream:
        for _ in stream:
            count += 1
    return count


def copy_in_rows(connection: Any, table: str, rows: list[Any]) -> None:
    """`session.load_from_records`; the data dictionary knows the columns."""
    found = connection.data_dictionary.get_columns(connection, table)
    columns = [column["column_name"] for column in found]
    connection.load_from_records(table, rows, columns=columns)


def copy_arrow(connection: Any, table: str, count: int) -> None:
    """`session.load_from_arrow`."""
    import pyarrow  # not everybody who uses this library has Arrow

    source = pyarrow.table(
        {
            "id": pyarrow.array(range(count), pyarrow.int32()),
            "name": pyarrow.array([f"name {i}" for i in range(count)]),
        }
    )
    connection.load_from_arrow(table, source)
