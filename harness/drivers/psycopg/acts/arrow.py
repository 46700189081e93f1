# Made from acts_async/arrow.py by tools/psycopg_sync.py: change that, not this.
"""COPY of an Arrow table, encoded by pgpq."""

from __future__ import annotations

from typing import Any

from psycopg import Connection


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


def copy_arrow(connection: Connection[Any], table: str, count: int) -> None:
    """`copy.write` of the encoder's bytes."""
    query = f"copy {table} from stdin (format binary)"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.write(_stream(count))
