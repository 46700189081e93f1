"""json and jsonb: compared by structure, with exact numbers.

A `str` from a driver is ambiguous: the document as text, or a JSON string already
decoded. So there are two readings; a column is right if it is right in one of them, and
only the decoded one is the field's habit. None in the decoded reading is both JSON null
and SQL NULL, as it is for every user of `json.loads`.
"""

from __future__ import annotations

import json
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import Any

from harness.values.codec import Canonical, Codec, Habit, NotCanonical, exactly, refuse

quoted = encode_basestring_ascii
_LONG_INT = 4_300  # digits; Python refuses to read more


def _number(number: Decimal) -> str:
    """One text per numeric value: 1.10 and 1.1 are equal, as in jsonb."""
    if not number.is_finite():
        raise NotCanonical(f"{number} is not a JSON number")
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    shorter = text.rstrip("0")
    if not shorter:
        return "0"
    exponent += len(text) - len(shorter)
    return f"{'-' if sign else ''}{shorter}{f'e{exponent}' if exponent else ''}"


def _whole(number: int) -> str:
    if number % 10 and -(10**18) < number < 10**18:
        return str(number)
    return _number(Decimal(number))


def _object(value: dict[Any, Any]) -> str:
    if not all(isinstance(key, str) for key in value):
        raise NotCanonical("a JSON object has str keys only")
    return "{" + ",".join(f"{quoted(k)}:{write(v)}" for k, v in sorted(value.items())) + "}"


def _other(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, str):
        return quoted(str.__str__(value))
    if isinstance(value, float):
        return _number(Decimal(float.__repr__(value)))
    if isinstance(value, int):
        return _whole(int(value))
    raise refuse(value, "JSON")


def write(value: Any) -> str:
    """The canonical text of a decoded document: keys sorted, numbers exact."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is str:
        return quoted(value)
    if type(value) is Decimal:
        return _number(value)
    return _other(value)


def _no_constant(name: str) -> Any:
    raise NotCanonical(f"{name} is not a JSON number")


# Made once: json.loads with options builds a decoder for every document.
_EXACT = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)
_EXACT_LONG = json.JSONDecoder(
    parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant
)


def _exact(text: str) -> Any:
    try:
        return _EXACT.decode(text)
    except (json.JSONDecodeError, NotCanonical):
        raise
    except ValueError:
        return _EXACT_LONG.decode(text)


def _safely(value: Any) -> str:
    try:
        return write(value)
    except RecursionError:
        raise NotCanonical("JSON nested too deep") from None


def _document(text: str) -> str:
    try:
        return _safely(_exact(text))
    except RecursionError:
        raise NotCanonical("JSON nested too deep") from None


def _decoded_text(text: str) -> Canonical:
    found = _document(text)
    return None if found == "null" else found


def _float_or_decimal(text: str) -> float | Decimal:
    # What json.loads gives, unless that would already change the number.
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else Decimal(text)


def _int_or_decimal(text: str) -> int | Decimal:
    return int(text) if len(text) < _LONG_INT else Decimal(text)


_parse = json.JSONDecoder(parse_float=_float_or_decimal, parse_int=_int_or_decimal).decode


def _undecoded(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _document(bytes(value).decode())
    return _document(value) if isinstance(value, str) else _safely(value)


def _decoded(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _document(bytes(value).decode())
    return _safely(value)


_ANY_DECODED = exactly(dict, list, str, int, float, Decimal, bool, type(None)).fits
_NAMES = ("decoded JSON",)


def _fits_undecoded(value: Any) -> bool:
    return type(value) is not str and _ANY_DECODED(value)


UNDECODED = Codec(
    _parse, _undecoded, Habit(_NAMES, _fits_undecoded), _document, sequences=True
)
DECODED = Codec(
    _parse, _decoded, Habit(_NAMES, _ANY_DECODED), _decoded_text, sequences=True
)
