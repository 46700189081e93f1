"""Checks or derived numbers as Parquet, with the types that docs/api.md names."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from harness.render.json import fields, flat
from harness.report.numbers import Number
from harness.results.records import Check

TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    float | None: pa.float64(),
    int | None: pa.int64(),
}


def render(rows: Sequence[Check] | Sequence[Number]) -> bytes:
    """One row group; the same rows give the same bytes."""
    schema = pa.schema([(name, _type(rows[0], name)) for name in fields(rows[0])])
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(flat(rows), schema), target)
    return target.getvalue()


def _type(row: Check | Number, name: str) -> pa.DataType:
    """A check has texts only, and shows most of them through its judgement."""
    return pa.string() if isinstance(row, Check) else TYPES[get_type_hints(Number)[name]]
