"""Which Arrow type is the usual one for a PostgreSQL type, by the names that Arrow gives.

An Arrow column has one type for all of its values, so a table tells by its schema what a
row of Python objects tells by each of them. The usual type holds every finite value of the
PostgreSQL type, says what it is, and is no wider: an int4 as int64 is the same number and
another column.
"""

from __future__ import annotations

import re

from harness.core.tables import PgType

_TEXT = ("string", "large_string", "string_view")
_USUAL: dict[str, tuple[str, ...]] = {
    "bool": ("bool",),
    "int2": ("int16",),
    "int4": ("int32",),
    "int8": ("int64",),
    "oid": ("uint32",),
    "float4": ("float",),
    "float8": ("double",),
    "numeric": ("decimal32", "decimal64", "decimal128", "decimal256"),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "char", "xml"), _TEXT),
    "bytea": ("binary", "large_binary", "binary_view"),
    "date": ("date32[day]",),
    "time": ("time64[us]",),
    "timestamp": ("timestamp[us]",),
    "timestamptz": ("timestamp[us, tz]",),
    "interval": ("month_day_nano_interval",),
    "uuid": ("extension<arrow.uuid>",),
    "json": ("extension<arrow.json>",),
    "jsonb": ("extension<arrow.json>",),
}
_LIST = re.compile(r"(?:large_)?list(?:_view)?<\w+: (?P<item>.*?)(?: not null)?>")
_DETAILS = (
    (re.compile(r"(decimal\d+)\(-?\d+, ?-?\d+\)"), r"\1"),  # any precision and scale
    (re.compile(r"(timestamp\[\w+), tz=[^]]+\]"), r"\1, tz]"),  # any zone: one instant
)


def usual_arrow(pg_type: PgType) -> tuple[str, ...]:
    """The Arrow types that are usual for a type; empty where Arrow has none for it."""
    if pg_type.kind == "enum":
        return _TEXT
    if pg_type.kind in ("array", "domain") and pg_type.element is not None:
        inner = usual_arrow(pg_type.element)
        listed = tuple(f"list<{name}>" for name in inner)
        return listed if pg_type.kind == "array" else inner
    return _USUAL.get(pg_type.name, ()) if pg_type.kind == "base" else ()


def plain_arrow(name: str) -> str:
    """An Arrow type as `usual_arrow` spells it: without precision, zone and item's name."""
    if found := _LIST.fullmatch(name):
        return f"list<{plain_arrow(found['item'])}>"
    for pattern, plain in _DETAILS:
        name = pattern.sub(plain, name)
    return name
