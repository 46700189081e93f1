"""Point, int2vector and oidvector, and pgvector's vector, halfvec and sparsevec."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

from harness.values.codec import Codec, Habit, NotCanonical, as_list, exactly, refuse
from harness.values.numbers import exact_float, packer

_DENSE_LIMIT = 100_000
_VECTORS = ("Vector", "HalfVector", "SparseVector", "ndarray")


def _fits(value: Any) -> bool:
    return type(value) in (list, tuple) or type(value).__name__ in _VECTORS


HABIT = Habit(("list", "ndarray", "Vector"), _fits)


def _read(text: str) -> list[float]:
    if not text.startswith("[") or not text.endswith("]"):
        raise NotCanonical(f"no vector: {text!r:.60}")
    return list(map(float, text[1:-1].split(","))) if len(text) > 2 else []


def _numbers(value: Any, name: str) -> list[Any]:
    items = _read(value) if isinstance(value, str) else as_list(value)
    if items is None or not set(map(type, items)).isdisjoint((bool, list, str)):
        raise refuse(value, name)
    return items


def dense(name: str, letter: str) -> Codec:
    """A dense vector with elements of one struct letter's precision."""
    pack = packer(letter, name)

    def value(value: Any) -> str:
        items = _numbers(value, name)
        # Hex of the packed floats: a repr of each would cost ten times as much.
        return f"{len(items)}:{pack(items).hex()}"

    return Codec(_read, value, HABIT, value, sequences=True)


_SPARSE = re.compile(r"\{([^}]*)\}/(\d+)")


def _read_sparse(text: str) -> tuple[int, dict[int, float]]:
    match = _SPARSE.fullmatch(text)
    if match is None:
        raise NotCanonical(f"no sparsevec: {text!r:.60}")
    pairs = (pair.split(":") for pair in match[1].split(",") if pair)
    return int(match[2]), {int(index): float(number) for index, number in pairs}


def _sparse_parts(value: Any) -> tuple[int, dict[int, float]]:
    if isinstance(value, str):
        return _read_sparse(value)
    if callable(getattr(value, "indices", None)):
        indices = (index + 1 for index in value.indices())
        return value.dimensions(), dict(zip(indices, value.values(), strict=True))
    items = _numbers(value, "sparsevec")
    return len(items), {index: number for index, number in enumerate(items, 1) if number}


_PACK = packer("f", "sparsevec")


def _sparse(value: Any) -> str:
    size, parts = _sparse_parts(value)
    packed = _PACK(list(parts.values()))
    numbers = dict(zip(parts, struct.unpack(f"<{len(parts)}f", packed), strict=True))
    shown = (f"{index}:{numbers[index]!r}" for index in sorted(numbers) if numbers[index])
    return "{" + ",".join(shown) + f"}}/{size}"


def _parse_sparse(text: str) -> list[float] | str:
    size, parts = _read_sparse(text)
    if size > _DENSE_LIMIT:
        return text
    return [parts.get(index, 0.0) for index in range(1, size + 1)]


SPARSE = Codec(_parse_sparse, _sparse, HABIT, _sparse, sequences=True)


def _read_point(text: str) -> tuple[float, float]:
    x, y = text.strip("()").split(",")
    return float(x), float(y)


def _coordinates(value: Any) -> Sequence[Any]:
    if isinstance(value, str):
        return _read_point(value)
    if isinstance(value, (tuple, list)):
        return value
    return (value.x, value.y) if hasattr(value, "x") and hasattr(value, "y") else ()


def _point(value: Any) -> str:
    found = _coordinates(value)
    if len(found) != 2:
        raise refuse(value, "point")
    return "({!r},{!r})".format(*(exact_float(number, "point") for number in found))


def _point_fits(value: Any) -> bool:
    return isinstance(value, tuple) or hasattr(value, "x")


_read_any: Callable[[str], Any] = _read_point
POINT = Codec(
    _read_any, _point, Habit(("tuple", "Point"), _point_fits), _point, sequences=True
)


def _spaced(value: Any) -> str:
    items = value.split() if isinstance(value, str) else as_list(value)
    if items is None:
        raise refuse(value, "a vector of integers")
    return " ".join(map(str, items))


# The catalogue's own vectors: the server calls them arrays and writes `1 2 3`.
SPACED = Codec(lambda text: list(map(int, text.split())), _spaced, exactly(list))
