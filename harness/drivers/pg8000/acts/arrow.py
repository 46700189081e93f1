"""COPY of an Arrow table, encoded by pgpq."""

from __future__ import annotations

import io
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


def copy_arrow(connection: Any, table: str, count: int) -> None:
    """`connection.run` of the encoder's bytes."""
    query = f"copy {table} from stdin (format binary)"
    connection.run(query, stream=io.BytesIO(_stream(count)))
