"""Integers, numeric, floats, bool, money, pg_lsn: exact, never by `==`."""

from __future__ import annotations

import math
import operator
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from harness.values.codec import Codec, NotCanonical, exactly, refuse

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMERIC = re.compile(
    r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|nan|[+-]?inf(inity)?", re.I
)
_NUMERIC_DIGITS = 131_072 + 16_383


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool):
        raise refuse(value, name)
    if hasattr(value, "__index__"):
        return operator.index(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, (float, Decimal)) and value == value // 1:
        return int(value)
    raise refuse(value, f"an {name}: {value!r:.60}")


def integer(name: str, lowest: int, highest: int) -> Codec:
    """An integer type with its range."""

    def value(value: Any) -> str:
        number = value if type(value) is int else _whole(value, name)
        if lowest <= number <= highest:
            return str(number)
        shown = number if abs(number) < 10**30 else "an integer of over 30 digits"
        raise NotCanonical(f"{shown} is out of the range of {name}")

    return Codec(int, value, exactly(int), quick={int: _strings})


def _strings(column: Sequence[int]) -> Iterable[str]:
    return map(str, column)


def plain_digits(number: Decimal) -> str:
    """A Decimal without exponent, its scale kept; numeric has no negative zero."""
    if not number.is_finite():
        return "NaN" if number.is_nan() else str(number)
    if number and abs(number.adjusted()) > _NUMERIC_DIGITS:
        raise NotCanonical("a number outside of what numeric can hold")
    text = format(number, "f")
    return text if number or text[0] != "-" else text[1:]


def as_decimal(value: Any, name: str) -> Decimal:
    """The number that a float, int, Decimal or str shows; a bool is none."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str):
        if _NUMERIC.fullmatch(value):
            return Decimal(value)
        raise NotCanonical(f"{value!r:.60} is no {name}")
    if isinstance(value, bool):
        raise refuse(value, name)
    if hasattr(value, "__index__"):
        return Decimal(operator.index(value))
    if hasattr(value, "__float__"):
        # A float has no scale, so it shows the fewest digits: 5.0 is 5, never 5.0.
        return Decimal(repr(float(value)).removesuffix(".0"))
    raise refuse(value, name)


def _numeric(value: Any) -> str:
    return plain_digits(value if type(value) is Decimal else as_decimal(value, "numeric"))


def _written_alike(value: Decimal) -> bool:
    """Whether a Decimal is the one that Python reads from the server's text.

    The server writes no exponent and no negative zero: `Decimal('1E+4')` is the number
    10000, but its text, and what JSON or a log has of it, are another's.
    """
    sign, _, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return str(value) in ("NaN", "Infinity", "-Infinity")
    return exponent <= 0 and not (sign and not value)


NUMERIC = Codec(Decimal, _numeric, replace(exactly(Decimal), written=_written_alike))


def exact_float(value: Any, name: str) -> float:
    """The float that a value is; a number that no float shows is refused."""
    if isinstance(value, float):
        return float(value)
    if not isinstance(value, (int, Decimal, str)) and hasattr(value, "__float__"):
        return float(value)
    number = as_decimal(value, name)
    result = float(number)
    if math.isinf(result) and number.is_finite():
        raise NotCanonical(f"a number too large for {name}")
    if isinstance(value, str) or math.isnan(result) or Decimal(repr(result)) == number:
        return result
    raise NotCanonical(f"{number} is no {name}")


def _float8(value: Any) -> str:
    return repr(value if type(value) is float else exact_float(value, "float8"))


def _reprs(column: Sequence[float]) -> Iterable[str]:
    return map(repr, column)


FLOAT8 = Codec(
    float, _float8, exactly(float), lambda text: repr(float(text)), {float: _reprs}
)

_SINGLE = struct.Struct("<f")


def _float4(value: Any) -> str:
    # 0.1 from the text and 0.10000000149011612 from the wire are one float4.
    number = value if type(value) is float else exact_float(value, "float4")
    try:
        return repr(_SINGLE.unpack(_SINGLE.pack(number))[0])
    except OverflowError:
        raise NotCanonical(f"{number!r} is out of the range of float4") from None


def _float4s(column: Sequence[float]) -> Iterable[str]:
    try:
        packed = struct.pack(f"<{len(column)}f", *column)
    except OverflowError:
        return map(_float4, column)
    return map(repr, struct.unpack(f"<{len(column)}f", packed))


FLOAT4 = Codec(
    float, _float4, exactly(float), lambda text: _float4(float(text)), {float: _float4s}
)

_BOOLS = {"t": "t", "true": "t", "f": "f", "false": "f"}


def _bool(value: Any) -> str:
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, str) and value.lower() in _BOOLS:
        return _BOOLS[value.lower()]
    # 1 is not True: a flag that became a number is another value.
    raise refuse(value, "bool")


BOOL = Codec(lambda text: text == "t", _bool, exactly(bool))

_NOT_MONEY = re.compile(r"[^0-9.()-]")


def _money(value: Any) -> str:
    text = value
    if isinstance(value, str):
        text = _NOT_MONEY.sub("", value)
        if text.startswith("(") and text.endswith(")"):
            text = f"-{text[1:-1]}"
    number = as_decimal(text, "money")
    if not number.is_finite():
        raise refuse(value, "money")
    # The scale is the server's: a Decimal of 1.1 is the same amount as $1.10.
    whole, _, fraction = plain_digits(number).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


MONEY = Codec(str, _money, exactly(str), _money)

_LSN = re.compile(r"([0-9A-F]{1,8})/([0-9A-F]{1,8})", re.I)


def _lsn(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return f"{value >> 32:X}/{value & 0xFFFFFFFF:X}"
    if isinstance(value, str) and (match := _LSN.fullmatch(value)):
        return f"{int(match[1], 16):X}/{int(match[2], 16):X}"
    raise refuse(value, "pg_lsn")


# Servers from version 19 on print leading zeros, older ones do not.
PG_LSN = Codec(str, _lsn, exactly(str), _lsn)


def packer(letter: str, name: str) -> Callable[[Sequence[Any]], bytes]:
    """Numbers as IEEE floats of the struct letter: `f` single, `e` half precision."""

    def pack(numbers: Sequence[Any]) -> bytes:
        try:
            return struct.pack(f"<{len(numbers)}{letter}", *numbers)
        except (struct.error, OverflowError, TypeError) as error:
            raise NotCanonical(f"not a {name}: {error}") from None

    return pack
