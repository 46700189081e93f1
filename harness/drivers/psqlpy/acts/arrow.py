"""COPY of an Arrow table, encoded by pgpq."""

from __future__ import annotations

from typing import Any


def _stream(count: int) -> bytes:
    """The table in PostgreSQL's binary format."""
    import pgpq  # not everybody who uses this library has Arrow
    import pyarrow

    batch = pyarrow.record_batch(
        {
            "id": pyarrow.array(range(count), pyarrow.int32()),
            "name": pyarrow.array([f"name {i}" for i in range(count)]),
        }
    )
    encoder = pgpq.ArrowToPostgresBinaryEncoder(batch.schema)
    return encoder.write_header() + encoder.write_batch(batch) + encoder.finish()


async def copy_arrow(connection: Any, table: str, count: int) -> None:
    """`connection.binary_copy_to_table` of the encoder's bytes."""
    await connection.binary_copy_to_table(_stream(count), table)
