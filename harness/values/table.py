"""The one table: PostgreSQL type ⇄ Python value ⇄ canonical text.

The server's text was made with DateStyle ISO, IntervalStyle iso_8601, TimeZone UTC,
bytea_output hex and extra_float_digits 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from harness.core.tables import PgType
from harness.values import containers, jsons, numbers, texts, times, vectors
from harness.values.codec import Canonical, Codec, Habit, NotCanonical, UnknownForm, exactly

_UNSIGNED = 2**32 - 1
_JSON = ("json", "jsonb")
_NOT_ARRAYS = ("int2vector", "oidvector")  # though the catalogue calls them so

BASE: dict[str, Codec] = {
    "int2": numbers.integer("int2", -(2**15), 2**15 - 1),
    "int4": numbers.integer("int4", -(2**31), 2**31 - 1),
    "int8": numbers.integer("int8", -(2**63), 2**63 - 1),
    "oid": numbers.integer("oid", 0, _UNSIGNED),
    "xid": numbers.integer("xid", 0, _UNSIGNED),
    "xid8": numbers.integer("xid8", 0, 2**64 - 1),
    "numeric": numbers.NUMERIC,
    "float4": numbers.FLOAT4,
    "float8": numbers.FLOAT8,
    "bool": numbers.BOOL,
    "money": numbers.MONEY,
    "pg_lsn": numbers.PG_LSN,
    "text": texts.TEXT,
    "varchar": texts.TEXT,
    "bpchar": texts.TEXT,
    "name": texts.TEXT,
    "char": texts.CHAR,
    "xml": texts.TEXT,
    "tsvector": texts.TEXT,
    "tsquery": texts.TEXT,
    "regclass": texts.TEXT,
    "bytea": texts.BYTEA,
    "uuid": texts.UUIDS,
    "inet": texts.INET,
    "cidr": texts.CIDR,
    "macaddr": texts.mac(6),
    "macaddr8": texts.mac(8),
    "bit": texts.BIT,
    "varbit": texts.BIT,
    "void": texts.VOID,
    "hstore": texts.HSTORE,
    "date": times.DATE,
    "timestamp": times.TIMESTAMP,
    "timestamptz": times.TIMESTAMPTZ,
    "time": times.TIME,
    "timetz": times.TIMETZ,
    "interval": times.INTERVAL,
    "point": vectors.POINT,
    "vector": vectors.dense("vector", "f"),
    "halfvec": vectors.dense("halfvec", "e"),
    "sparsevec": vectors.SPARSE,
    "int2vector": vectors.SPACED,
    "oidvector": vectors.SPACED,
}

_SHOWN_AS: dict[type, str] = {
    bool: "bool",
    int: "int8",
    Decimal: "numeric",
    str: "text",
    bytes: "bytea",
    date: "date",
    time: "time",
    UUID: "uuid",
}


def _guess(value: Any) -> Canonical:
    """What a value of a record shows; the server does not say a record's types."""
    if isinstance(value, float):
        return repr(float(value)).removesuffix(".0")
    if isinstance(value, datetime):
        return BASE["timestamptz" if value.tzinfo else "timestamp"].value(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return containers.array(_UNKNOWN).value(value)
    if isinstance(value, tuple):
        return _RECORD.value(value)
    name = next((name for kind, name in _SHOWN_AS.items() if isinstance(value, kind)), None)
    return BASE[name].value(value) if name else str(value)


_UNKNOWN = Codec(str, _guess, Habit(("str",), lambda _: True))
_RECORD = containers.record(_guess)
_PSEUDO = {"record": _RECORD, "_record": containers.array(_RECORD)}


@lru_cache(maxsize=1024)
def codec(pg_type: PgType, *, decoded: bool = False) -> Codec:
    """The compiled row of the table; `decoded` chooses how a str in JSON is read.

    A type that the table does not know is compared as text, and only as text.
    """
    if pg_type.kind == "enum":
        return texts.ENUM
    if pg_type.kind == "composite" and pg_type.fields:
        parts = tuple(codec(part, decoded=decoded) for _, part in pg_type.fields)
        return containers.composite(tuple(name for name, _ in pg_type.fields), parts)
    if pg_type.element is not None and pg_type.name not in _NOT_ARRAYS:
        return _built(pg_type.kind, codec(pg_type.element, decoded=decoded))
    if pg_type.name in _JSON:
        return jsons.DECODED if decoded else jsons.UNDECODED
    return _PSEUDO.get(pg_type.name) or BASE.get(pg_type.name) or _foreign(pg_type.name)


def _foreign(name: str) -> Codec:
    def value(value: Any) -> Canonical:
        try:
            return texts.TEXT.value(value)
        except NotCanonical:
            shown = type(value).__qualname__
            raise UnknownForm(f"pgdyno does not know {name} as {shown}") from None

    return Codec(str, value, exactly(str))


_BUILDERS: dict[str, Callable[[Codec], Codec]] = {
    "array": containers.array,
    "range": containers.range_of,
    "multirange": lambda part: containers.multirange_of(part),
}


def _built(kind: str, part: Codec) -> Codec:
    return _BUILDERS[kind](part) if kind in _BUILDERS else part


@lru_cache(maxsize=1024)
def readings(pg_type: PgType) -> tuple[Codec, ...]:
    """The codecs in which a column may be right: one, or two where JSON is inside."""
    decoded = codec(pg_type, decoded=True)
    return (decoded, codec(pg_type)) if _has_json(pg_type) else (decoded,)


def _has_json(pg_type: PgType) -> bool:
    parts = [part for _, part in pg_type.fields]
    if pg_type.element is not None:
        parts.append(pg_type.element)
    return pg_type.name in _JSON or any(map(_has_json, parts))


_UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)


def converter(pg_type: PgType) -> Callable[[Any], Canonical]:
    """A function from any Python value of one column to its canonical text.

    None stays None. It raises NotCanonical where the value cannot be such a value. A
    str for json is taken as the document where it can be read as one.
    """
    found = list(reversed(readings(pg_type)))
    last = found.pop()

    def convert(value: Any) -> Canonical:
        if value is None:
            return None
        for reading in found:
            try:
                return reading.value(value)
            except _UNREADABLE:
                continue
        try:
            return last.value(value)
        except NotCanonical:
            raise
        except _UNREADABLE as error:
            raise NotCanonical(f"{type(error).__name__}: {error}") from error

    return convert


def parse(pg_type: PgType, text: str) -> Any:
    """Server text → the Python value that a user would hold and send.

    Where no usual Python object can hold the value (infinity, BC, an interval with
    months, array bounds), the server's text itself.
    """
    return codec(pg_type).parse(text)


def canonical(pg_type: PgType, value: Any) -> Canonical:
    """Any plausible Python value → canonical text; raises NotCanonical."""
    return converter(pg_type)(value)


def canonical_text(pg_type: PgType, text: str) -> Canonical:
    """Server text → the same canonical text as `canonical` gives."""
    return codec(pg_type).text(text)


def habit(pg_type: PgType) -> Habit:
    """Which Python types are the field's habit for a type (JSON: decoded)."""
    return readings(pg_type)[0].habit


def text_column(found: Codec, column: Sequence[str | None]) -> list[Canonical]:
    """A whole column of server text, canonical."""
    if found.text is str:
        return list(column)
    convert = found.text
    return [None if text is None else convert(text) for text in column]


def value_column(found: Codec, column: Sequence[Any]) -> list[Canonical]:
    """A whole column of Python values, canonical; raises what its values raise."""
    kinds = set(map(type, column))
    quick = found.quick.get(next(iter(kinds))) if len(kinds) == 1 else None
    if quick is not None:
        return list(quick(column))
    convert = found.value
    return [None if value is None else convert(value) for value in column]


def describe_type(value: Any) -> str:
    """A value's Python type for people: `list[Decimal]`, `dict`, `memoryview`."""
    name = type(value).__qualname__
    if type(value) not in (list, tuple, set, frozenset):
        return name
    samples = {type(item): item for item in value if item is not None}
    inner = sorted({describe_type(item) for item in samples.values()})
    return f"{name}[{' | '.join(inner)}]" if inner else name
