"""Arrow's columns as Python's values, by numpy and straight from their buffers.

Arrow's own filters and conversions import pandas, which takes longer than a whole trend,
and make an object of its own for each value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask: TypeAlias = npt.NDArray[np.bool_]

_DTYPES = {pa.int32(): "<i4", pa.int64(): "<i8", pa.float64(): "<f8"}


def where(table: pa.Table, column: str, holds: Callable[[str], bool]) -> Mask:
    """For which rows a condition on a text holds; each different text is asked once."""
    values = table[column].combine_chunks()
    words = np.array([holds(word) for word in values.dictionary.to_pylist()], bool)
    found: Mask = words[_numbers(values.indices)]
    return found


def listed(column: pa.Array, keep: Mask) -> list[Any]:
    """The values of these rows; each different text is made once. Moments are in UTC."""
    if pa.types.is_dictionary(column.type):
        words = column.dictionary.to_pylist()
        return [words[code] for code in _numbers(column.indices)[keep].tolist()]
    values: list[Any] = _numbers(column)[keep].tolist()
    if not column.null_count:
        return values
    valid = _bits(column, 0)[keep].tolist()
    return [value if known else None for value, known in zip(values, valid, strict=True)]


def _numbers(column: pa.Array) -> npt.NDArray[Any]:
    if pa.types.is_boolean(column.type):
        return _bits(column, 1)
    moments = pa.types.is_timestamp(column.type)
    dtype = "<M8[us]" if moments else _DTYPES[column.type]
    start, end = column.offset, column.offset + len(column)
    return np.frombuffer(column.buffers()[1], dtype)[start:end]


def _bits(column: pa.Array, buffer: int) -> Mask:
    octets = np.frombuffer(column.buffers()[buffer], np.uint8)
    bits = np.unpackbits(octets, bitorder="little")
    return bits[column.offset : column.offset + len(column)].astype(bool)
