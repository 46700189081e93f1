"""COPY TO streams in text, CSV and binary, read back into rows."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from harness.core.tables import PgType
from harness.values.codec import NotCanonical

Stream = (
    bytes | bytearray | memoryview | str | Iterable[bytes | bytearray | memoryview | str]
)
Row = tuple[Any, ...]

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_OLD_OIDS = 1 << 16


def read_stream(
    stream: Stream, format: str, types: Sequence[PgType]
) -> tuple[list[Row], frozenset[int]]:
    """The rows of a stream, and the columns whose binary form is not known.

    Text and CSV give server text, binary gives Python values. A malformed stream is
    NotCanonical.
    """
    data = _joined(stream)
    if format == "binary":
        return _read_binary(data, types)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotCanonical(f"no UTF-8: {error}") from None
    read = read_csv if format == "csv" else read_text
    return list(read(text, len(types))), frozenset()


def _joined(stream: Stream) -> bytes:
    if isinstance(stream, str):
        return stream.encode()
    if isinstance(stream, (bytes, bytearray, memoryview)):
        return bytes(stream)
    return b"".join(p.encode() if isinstance(p, str) else bytes(p) for p in stream)


# -- text ----------------------------------------------------------------------------

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _CONTROL.get(code, code)


def _field(raw: str) -> str | None:
    if "\\" not in raw:
        return raw
    return None if raw == r"\N" else _ESCAPE.sub(_unescape, raw)


def read_text(text: str, width: int) -> Iterator[Row]:
    """Rows of the text format: tabs between fields, backslash escapes, \\N for NULL."""
    if text and not text.endswith("\n"):
        raise NotCanonical("the last line has no end")
    for line in text.split("\n")[:-1]:
        if line == r"\.":
            return
        if width == 0 and not line:
            yield ()
            continue
        yield tuple(map(_field, line.split("\t")))


# -- CSV -----------------------------------------------------------------------------

_CSV = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n)')


def read_csv(text: str, width: int) -> Iterator[Row]:
    """Rows of the CSV format: an unquoted empty field is NULL, a quoted one is not."""
    row: list[str | None] = []
    position = 0
    while position < len(text):
        match = _CSV.match(text, position)
        if match is None:
            raise NotCanonical(f"no CSV at {text[position : position + 40]!r}")
        position = match.end()
        quoted, bare, end = match.groups()
        row.append(bare or None if quoted is None else quoted.replace('""', '"'))
        if end != ",":
            yield () if width == 0 and row == [None] else tuple(row)
            row = []
    if row:
        raise NotCanonical("the last line has no end")


# -- binary --------------------------------------------------------------------------


def _read_binary(data: bytes, types: Sequence[PgType]) -> tuple[list[Row], frozenset[int]]:
    decoders = [DECODERS.get(t.name) if t.kind == "base" else None for t in types]
    unknown = frozenset(i for i, decode in enumerate(decoders) if decode is None)
    raw_rows = list(_tuples(data, _header(data)))
    try:
        rows = [
            tuple(_decode(*pair) for pair in _paired(decoders, raw)) for raw in raw_rows
        ]
    except (struct.error, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise NotCanonical(f"a field cannot be decoded: {error}") from error
    return rows, unknown


def _paired(decoders: list[_Decoder | None], raw: Row) -> Iterable[tuple[Any, Any]]:
    # A wrong number of fields is judged by the caller, not here.
    if len(raw) != len(decoders):
        return [(None, field) for field in raw]
    return zip(decoders, raw, strict=True)


def _decode(decode: _Decoder | None, raw: bytes | None) -> Any:
    return raw if raw is None or decode is None else decode(raw)


def _header(data: bytes) -> int:
    if not data.startswith(SIGNATURE):
        raise NotCanonical(f"no COPY signature but {data[:11]!r}")
    if len(data) < len(SIGNATURE) + 8:
        raise NotCanonical("the header is cut off")
    flags, extension = struct.unpack_from("!II", data, len(SIGNATURE))
    if flags & _OLD_OIDS:
        raise NotCanonical("rows with OIDs")
    return len(SIGNATURE) + 8 + int(extension)


def _tuples(data: bytes, position: int) -> Iterator[Row]:
    while True:
        if position + 2 > len(data):
            raise NotCanonical("the stream has no trailer")
        count = int.from_bytes(data[position : position + 2], "big", signed=True)
        position += 2
        if count == -1:
            break
        row, position = _fields(data, position, count)
        yield row
    if position != len(data):
        raise NotCanonical(f"{len(data) - position} bytes after the trailer")


def _fields(data: bytes, position: int, count: int) -> tuple[Row, int]:
    row: list[bytes | None] = []
    for _ in range(count):
        size = int.from_bytes(data[position : position + 4], "big", signed=True)
        position += 4
        if size < -1 or position + max(size, 0) > len(data):
            raise NotCanonical("a field is cut off")
        row.append(None if size == -1 else data[position : position + size])
        position += max(size, 0)
    return tuple(row), position


_Decoder = Callable[[bytes], Any]
_EPOCH = datetime(2000, 1, 1)
_DAY_US = 86_400_000_000
_DAYS_IN_400_YEARS = 146_097
_INFINITE_64 = {2**63 - 1: "infinity", -(2**63): "-infinity"}
_INFINITE_32 = {2**31 - 1: "infinity", -(2**31): "-infinity"}


def _unpack(form: str) -> _Decoder:
    packed = struct.Struct(form)
    return lambda raw: packed.unpack(raw)[0]


def _bool(raw: bytes) -> bool:
    if raw not in (b"\0", b"\1"):
        raise NotCanonical(f"no bool: {raw!r}")
    return raw == b"\1"


def _timestamp(raw: bytes) -> Any:
    (offset_us,) = struct.unpack("!q", raw)
    if offset_us in _INFINITE_64:
        return _INFINITE_64[offset_us]
    days, clock_us = divmod(offset_us, _DAY_US)
    clock = (_EPOCH + timedelta(microseconds=clock_us)).time().isoformat()
    return _calendar(days, f" {clock}")


def _timestamptz(raw: bytes) -> str:
    text: str = _timestamp(raw)
    if text in _INFINITE_64.values():
        return text
    return f"{text[:-3]}+00 BC" if text.endswith(" BC") else f"{text}+00"


def _date(raw: bytes) -> str:
    (days,) = struct.unpack("!i", raw)
    return _INFINITE_32.get(days) or _calendar(days)


def _calendar(days: int, clock: str = "") -> str:
    """Days since 2000 as server text; Python's calendar ends where PostgreSQL's goes on."""
    cycles, rest = divmod(days, _DAYS_IN_400_YEARS)
    day = _EPOCH + timedelta(days=rest)
    year = day.year + 400 * cycles
    shown = f"{year if year > 0 else 1 - year:04}-{day:%m-%d}{clock}"
    return shown if year > 0 else f"{shown} BC"


def _jsonb(raw: bytes) -> str:
    if raw[:1] != b"\1":
        raise NotCanonical(f"jsonb version {raw[:1]!r}")
    return raw[1:].decode()


_NUMERIC_SPECIAL = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}


def _numeric(raw: bytes) -> Decimal:
    count, weight, sign, scale = struct.unpack_from("!HhHH", raw)
    if sign in _NUMERIC_SPECIAL:
        return Decimal(_NUMERIC_SPECIAL[sign])
    number = 0
    for group in struct.unpack_from(f"!{count}H", raw, 8):
        number = number * 10_000 + group
    shift = (weight - count + 1) * 4 + scale
    number = number * 10**shift if shift >= 0 else number // 10**-shift
    return Decimal(f"{'-' if sign else ''}{Decimal(number)}E{-scale}")


DECODERS: dict[str, _Decoder] = {
    "int2": _unpack("!h"),
    "int4": _unpack("!i"),
    "int8": _unpack("!q"),
    "oid": _unpack("!I"),
    "float4": _unpack("!f"),
    "float8": _unpack("!d"),
    "bool": _bool,
    "numeric": _numeric,
    "bytea": bytes,
    "uuid": lambda raw: UUID(bytes=raw),
    "date": _date,
    "timestamp": _timestamp,
    "timestamptz": _timestamptz,
    "jsonb": _jsonb,
    **dict.fromkeys(
        ("text", "varchar", "bpchar", "name", "char", "xml", "json"), bytes.decode
    ),
}
