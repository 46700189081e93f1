"""Checks or derived numbers as Parquet, with the types that docs/api.md names."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from harness.render.json import fields, objects
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
    hints = get_type_hints(type(rows[0]))
    schema = pa.schema([(name, TYPES[hints[name]]) for name in fields(rows[0])])
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(objects(rows), schema), target)
    return target.getvalue()
