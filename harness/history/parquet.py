"""Tables of a store as Parquet files: written to a temporary name, then renamed.

The same rows give the same content, so to write them again changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq

from harness.core.errors import ResultsError
from harness.history.tables import MOMENT, Row, StoreTable
from harness.report.columns import COUNT, FLAG, NUMBER, TEXT, WORD

FORM = "1"
"""Of the store; files of another form are not read."""

BATCH = 20_000
"""Rows in memory at a time: a run may have millions of slices."""

_TYPES: Mapping[str, pa.DataType] = {
    WORD: pa.string(),
    TEXT: pa.string(),
    COUNT: pa.int64(),
    NUMBER: pa.float64(),
    FLAG: pa.bool_(),
    MOMENT: pa.timestamp("us", tz="UTC"),
}


def schema(table: StoreTable, **facts: str) -> pa.Schema:
    """The columns, and in the metadata what tells a file of a store from a foreign one."""
    told = {"form": FORM, "table": table.name, **facts}
    return pa.schema(
        [(name, type_of(table, name)) for name in table.columns],
        {f"pgdyno.{name}": value for name, value in told.items()},
    )


def type_of(table: StoreTable, column: str) -> pa.DataType:
    """How a column is stored."""
    return _TYPES[table.columns[column]]


def facts_of(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    """What a file was told to say of itself; nothing of a foreign one."""
    told = {key.decode(errors="replace"): value for key, value in (metadata or {}).items()}
    return {
        key.removeprefix("pgdyno."): value.decode(errors="replace")
        for key, value in told.items()
        if key.startswith("pgdyno.")
    }


def tables(rows: Iterable[Row], columns: pa.Schema) -> Iterator[pa.Table]:
    """Rows as tables of a bounded size."""
    left = iter(rows)
    while some := list(islice(left, BATCH)):
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(zip(*some, strict=True), columns, strict=True)
        ]
        yield pa.Table.from_arrays(arrays, schema=columns)


def write(
    path: Path,
    columns: pa.Schema,
    parts: Iterable[pa.Table],
    *,
    group: int = BATCH,
    facts: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a file that is there as a whole or not at all, in groups of so many rows.

    Raises:
        ResultsError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(temporary, columns, compression="zstd") as writer:
            for part in parts:
                writer.write_table(part, row_group_size=group)
            told = {f"pgdyno.{name}": value for name, value in facts.items()}
            writer.add_key_value_metadata(told)
        temporary.replace(path)
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="name another --store",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
