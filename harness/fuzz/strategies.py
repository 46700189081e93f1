"""How a value of each PostgreSQL type is written: one strategy of server text per type.

A strategy may write what the server refuses (the 30th of February): such a literal is
skipped, because the oracle cannot read it. Simple values come first in every choice,
for Hypothesis shrinks towards them.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Literals = SearchStrategy[str]

_MAX_TEXT = 24
_NAMEDATALEN = 63


def of(pg_type: str) -> Literals:
    """The literals of a type; `T[]` is made from those of T.

    Raises:
        KeyError: nobody has said how a value of this type is written.
    """
    if pg_type.endswith("[]"):
        return arrays(of(pg_type.removesuffix("[]")))
    return LITERALS[pg_type]


# --- numbers ------------------------------------------------------------------------


def _integers(low: int, high: int) -> Literals:
    edges = st.sampled_from((0, 1, -1, low, high, low + 1, high - 1))
    inside = edges.filter(lambda number: low <= number <= high)
    return (st.integers(low, high) | inside).map(str)


_DIGITS = st.text("0123456789", min_size=1, max_size=40)
_SIGN = st.sampled_from(("", "-"))
_FRACTION = st.just("") | st.text("0123456789", min_size=1, max_size=30).map(".{}".format)
_EXPONENT = st.just("") | st.integers(-150, 150).map("e{}".format)
_DECIMALS = st.tuples(_SIGN, _DIGITS, _FRACTION, _EXPONENT).map("".join)
_NUMERIC = _DECIMALS | st.sampled_from(
    ("0", "-0", "0.00", "1.10", "NaN", "Infinity", "-Infinity", "1e100", "1e-100")
)


def _float(value: float) -> str:
    text = repr(value)
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(text, text)


def _floats(width: Literal[32, 64]) -> Literals:
    numbers = st.floats(width=width)
    edges = st.sampled_from(("0", "-0", "NaN", "Infinity", "-Infinity", "0.1"))
    return numbers.map(_float) | edges


_MONEY = st.tuples(_SIGN, st.integers(0, 9 * 10**14), st.integers(0, 99)).map(
    lambda part: f"{part[0]}{part[1]}.{part[2]:02d}"
)
_LSN = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)).map(
    lambda part: f"{part[0]:X}/{part[1]:X}"
)

# --- text and bytes -----------------------------------------------------------------

_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_NASTY = st.sampled_from(
    ("", " ", "'", '"', "\\", "\\\\", "\\N", "NULL", "{}", "{,}", "%s", "%%", "$1", "\n",
     "\r\n", "\t", "\x01", "\x7f", "é", "e\u0301", "ß", "\u200b", "\ufeff", "\U0001f600",
     "\U0010ffff", "a\\'b", "\\x41", ":name", "?", "--", "/*")
)  # fmt: skip


def _texts(most: int = _MAX_TEXT) -> Literals:
    return st.text(_CHARACTERS, max_size=most) | _NASTY.filter(
        lambda text: len(text) <= most
    )


def _fits_name(text: str) -> bool:
    """The server cuts longer names; then the literal is not what is stored."""
    return len(text.encode()) <= _NAMEDATALEN


_BYTES = st.binary(max_size=_MAX_TEXT).map(lambda data: "\\x" + data.hex())
_BITS = st.text("01", max_size=40)
_UUIDS = st.uuids().map(str) | st.just("00000000-0000-0000-0000-000000000000")

# --- moments ------------------------------------------------------------------------

_INFINITE = st.sampled_from(("infinity", "-infinity"))
_YEARS = (
    st.integers(1900, 2100).map("{:04d}".format)
    | st.integers(1, 9999).map("{:04d}".format)
    | st.integers(10_000, 200_000).map(str)
)
_BEFORE_CHRIST = st.integers(1, 4700).map("{:04d}".format)
_MONTHS_DAYS = st.tuples(st.integers(1, 12), st.integers(1, 31)).map(
    lambda part: f"-{part[0]:02d}-{part[1]:02d}"
)
_CLOCK = st.tuples(
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.sampled_from(("", ".5", ".000001", ".999999"))
    | st.integers(0, 999_999).map(".{:06d}".format),
).map(lambda part: f"{part[0]:02d}:{part[1]:02d}:{part[2]:02d}{part[3]}")
_LAST_CLOCK = st.just("24:00:00")
_ZONES = st.sampled_from(("+00", "+05:45", "-08", "-03:30:52", "+15:59", "-15:59"))


def _days(clock: Literals) -> Literals:
    """Dates, with what a clock adds between the day and its era."""
    ours = st.tuples(_YEARS, _MONTHS_DAYS, clock).map("".join)
    before = st.tuples(_BEFORE_CHRIST, _MONTHS_DAYS, clock, st.just(" BC")).map("".join)
    edges = st.sampled_from(("0001-01-01", "1970-01-01", "9999-12-31", "10000-01-01"))
    return ours | st.tuples(edges, clock).map("".join) | before | _INFINITE


_AT = _CLOCK.map(" {}".format)
_AT_ZONED = st.tuples(_AT, _ZONES).map("".join)
_INTERVALS = (
    st.tuples(
        st.just("") | st.integers(-200, 200).map("{} years ".format),
        st.just("") | st.integers(-30, 30).map("{} mons ".format),
        st.just("") | st.integers(-4000, 4000).map("{} days ".format),
        _SIGN,
        _CLOCK,
    ).map("".join)
    | st.sampled_from(("0", "1 mon", "1 year", "-1 day", "-00:00:00.000001"))
    | _INFINITE
)

# --- networks -----------------------------------------------------------------------

_ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6)


@st.composite
def _hosts(draw: st.DrawFn) -> str:
    address = draw(_ADDRESSES)
    prefix = draw(st.none() | st.integers(0, address.max_prefixlen))
    return str(address) if prefix is None else f"{address}/{prefix}"


@st.composite
def _networks(draw: st.DrawFn) -> str:
    address = draw(_ADDRESSES)
    prefix = draw(st.integers(0, address.max_prefixlen))
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _macs(octets: int) -> Literals:
    return st.binary(min_size=octets, max_size=octets).map(lambda data: data.hex(":"))


# --- documents ----------------------------------------------------------------------

_JSON_STRINGS = (st.text(_CHARACTERS, max_size=8) | _NASTY).map(
    lambda text: json.dumps(text, ensure_ascii=False)
)
_JSON_NUMBERS = (
    st.integers(-(2**70), 2**70).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.tuples(_SIGN, st.integers(0, 10**20).map(str), _FRACTION).map("".join)
)
_JSON_LEAVES = st.sampled_from(("null", "true", "false")) | _JSON_NUMBERS | _JSON_STRINGS


def _json_list(parts: Literals) -> Literals:
    return st.lists(parts, max_size=4).map(lambda items: f"[{', '.join(items)}]")


def _json_object(parts: Literals) -> Literals:
    """Keys once each: which of two equal keys wins is no question to a driver."""
    return st.dictionaries(_JSON_STRINGS, parts, max_size=4).map(
        lambda items: f"{{{', '.join(f'{key}: {value}' for key, value in items.items())}}}"
    )


_JSON = st.recursive(
    _JSON_LEAVES, lambda parts: _json_list(parts) | _json_object(parts), max_leaves=8
)


def sayable(document: str) -> bool:
    """Whether Python's objects can say a document, so that a driver can be blamed.

    None is SQL's NULL as well, and a float keeps neither more digits than its own nor
    zeros at the end; what a program wants to write is not lost by the driver.
    """
    numbers: list[str] = []
    json.loads(document, parse_float=numbers.append)
    return document != "null" and all(map(_is_a_float, numbers))


def _is_a_float(text: str) -> bool:
    return Decimal(repr(float(text))).as_tuple() == Decimal(text).as_tuple()


# --- what holds other values --------------------------------------------------------


def _quoted(text: str | None) -> str:
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def arrays(parts: Literals) -> Literals:
    """Arrays of one dimension and of two, with NULLs."""
    row = st.lists(st.none() | parts, max_size=4)
    flat = row.map(lambda items: f"{{{','.join(map(_quoted, items))}}}")
    pairs = st.lists(st.tuples(st.none() | parts, parts), min_size=1, max_size=3)
    nested = pairs.map(
        lambda rows: f"{{{','.join(f'{{{_quoted(a)},{_quoted(b)}}}' for a, b in rows)}}}"
    )
    return flat | nested


@st.composite
def _ranges(draw: st.DrawFn, parts: SearchStrategy[tuple[str, str]]) -> str:
    low, high = draw(parts)
    opening, closing = draw(st.sampled_from("[(")), draw(st.sampled_from(")]"))
    open_low, open_high = draw(st.booleans()), draw(st.booleans())
    lower = "" if open_low else _quoted(low)
    upper = "" if open_high else _quoted(high)
    return f"{opening}{lower},{upper}{closing}"


def _sorted_numbers(low: int, high: int) -> SearchStrategy[tuple[str, str]]:
    numbers = st.integers(low, high)
    return st.tuples(numbers, numbers).map(lambda pair: (str(min(pair)), str(max(pair))))


def _sorted_decimals() -> SearchStrategy[tuple[str, str]]:
    """Ends with digits behind the point; the point moves both ends alike."""
    return st.tuples(_sorted_numbers(-(10**15), 10**15), st.integers(0, 99)).map(
        lambda both: (f"{both[0][0]}.{both[1]:02d}", f"{both[0][1]}.{both[1]:02d}")
    )


def _sorted_days(suffix: str) -> SearchStrategy[tuple[str, str]]:
    days = st.tuples(st.integers(1, 9999), st.integers(1, 12), st.integers(1, 28))
    return st.tuples(days, days).map(
        lambda pair: (_day(min(pair), suffix), _day(max(pair), suffix))
    )


def _day(part: tuple[int, int, int], suffix: str) -> str:
    return f"{part[0]:04d}-{part[1]:02d}-{part[2]:02d}{suffix}"


def _range_of(parts: SearchStrategy[tuple[str, str]]) -> Literals:
    return _ranges(parts) | st.just("empty")


_INT4_RANGES = _range_of(_sorted_numbers(-(2**31), 2**31 - 2))
_MULTIRANGES = st.lists(_INT4_RANGES, max_size=3).map(
    lambda items: f"{{{','.join(items)}}}"
)
_COORDINATES = st.tuples(_floats(64), _floats(64)).map(lambda xy: f"({xy[0]},{xy[1]})")

LITERALS: Mapping[str, Literals] = {
    "bool": st.sampled_from(("false", "true")),
    "int2": _integers(-(2**15), 2**15 - 1),
    "int4": _integers(-(2**31), 2**31 - 1),
    "int8": _integers(-(2**63), 2**63 - 1),
    "oid": _integers(0, 2**32 - 1),
    "numeric": _NUMERIC,
    "float4": _floats(32),
    "float8": _floats(64),
    "money": _MONEY,
    "pg_lsn": _LSN,
    "text": _texts(),
    "varchar": _texts(),
    "char(8)": _texts(8),
    "name": _texts().filter(_fits_name),
    "bytea": _BYTES,
    "bit(8)": st.text("01", min_size=8, max_size=8),
    "varbit": _BITS,
    "uuid": _UUIDS,
    "date": _days(st.just("")),
    "time": _CLOCK | _LAST_CLOCK,
    "timetz": st.tuples(_CLOCK | _LAST_CLOCK, _ZONES).map("".join),
    "timestamp": _days(_AT),
    "timestamptz": _days(_AT_ZONED),
    "interval": _INTERVALS,
    "inet": _hosts(),
    "cidr": _networks(),
    "macaddr": _macs(6),
    "macaddr8": _macs(8),
    "json": _JSON,
    "jsonb": _JSON,
    "int4range": _INT4_RANGES,
    "int8range": _range_of(_sorted_numbers(-(2**63), 2**63 - 2)),
    "numrange": _range_of(_sorted_decimals()),
    "daterange": _range_of(_sorted_days("")),
    "tsrange": _range_of(_sorted_days(" 12:30:00.5")),
    "tstzrange": _range_of(_sorted_days(" 12:30:00.5+00")),
    "int4multirange": _MULTIRANGES,
    "point": _COORDINATES,
}
TYPES: tuple[str, ...] = (*LITERALS, "int4[]", "text[]", "numeric[]")
