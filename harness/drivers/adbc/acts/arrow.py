"""Arrow data into a table: `adbc_ingest`, which is a binary COPY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow

_ITEMS = pyarrow.schema([("id", pyarrow.int32()), ("name", pyarrow.string())])


def copy_in_rows(connection: Any, table: str, rows: list[Any]) -> None:
    """The rows as an Arrow table of the schema that `adbc_get_table_schema` tells."""
    schema = connection.adbc_get_table_schema(table)
    records = [dict(zip(schema.names, row, strict=True)) for row in rows]
    with connection.cursor() as cursor:
        data = pyarrow.Table.from_pylist(records, schema=schema)
        cursor.adbc_ingest(table, data, mode="append")


def copy_arrow(connection: Any, table: str, count: int) -> None:
    """`cursor.adbc_ingest` of a record batch."""
    batch = pyarrow.record_batch(
        {
            "id": pyarrow.array(range(count), pyarrow.int32()),
            "name": pyarrow.array([f"name {i}" for i in range(count)]),
        }
    )
    with connection.cursor() as cursor:
        cursor.adbc_ingest(table, batch, mode="append")


def copy_abandoned(connection: Any, table: str) -> None:
    """`cursor.adbc_ingest` of a reader that breaks."""
    reader = pyarrow.RecordBatchReader.from_batches(_ITEMS, _broken())
    with connection.cursor() as cursor:
        cursor.adbc_ingest(table, reader, mode="append")


def _broken() -> Iterator[Any]:
    yield pyarrow.record_batch([[1], ["one"]], schema=_ITEMS)
    raise ValueError("in the middle")
