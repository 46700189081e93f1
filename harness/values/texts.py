"""Strings, bytes and the types that are short strings: uuid, addresses, bits, hstore."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import UUID

from harness.values.codec import Codec, Habit, NotCanonical, exactly, family, refuse
from harness.values.jsons import quoted


def _text(value: Any) -> str:
    if isinstance(value, str):
        # str.__str__ gives the characters even where an Enum prints its name.
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise NotCanonical("bytes that are no UTF-8") from None
    raise refuse(value, "text")


def _same(column: Sequence[str]) -> Iterable[str]:
    return column


TEXT = Codec(str, _text, exactly(str), quick={str: _same})


_OCTAL = re.compile(r"\\[0-3][0-7]{2}")


def _single_char(value: Any) -> str:
    # On the wire it is one byte, and some libraries give the byte.
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value).decode("latin-1")
    if type(value) is int and 0 <= value < 256:
        value = chr(value)
    return _single_char_text(_text(value))


def _single_char_text(text: str) -> str:
    # A byte outside ASCII is shown as an octal escape, the zero byte as nothing.
    text = chr(int(text[1:], 8)) if _OCTAL.fullmatch(text) else text
    return "" if text == "\0" else text


CHAR = Codec(str, _single_char, exactly(str), _single_char_text)


def _enum(value: Any) -> str:
    if isinstance(value, Enum):
        return _text(value.value) if isinstance(value.value, str) else value.name
    return _text(value)


def _enum_fits(value: Any) -> bool:
    return type(value) is str or isinstance(value, Enum)


ENUM = Codec(str, _enum, Habit(("str", "Enum"), _enum_fits), quick={str: _same})

_ESCAPED = re.compile(rb"\\(\\|[0-3][0-7][0-7])")


def _unescape(match: re.Match[bytes]) -> bytes:
    return b"\\" if match[1] == b"\\" else bytes([int(match[1], 8)])


def read_bytea(text: str) -> bytes:
    """Bytes from the server's hex form, or from its older escape form."""
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    return _ESCAPED.sub(_unescape, text.encode())


def _bytea(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, str):
        return "\\x" + read_bytea(value).hex()
    if isinstance(value, (list, tuple)) and all(type(item) is int for item in value):
        return "\\x" + bytes(value).hex()
    raise refuse(value, "bytea")


BYTEA = Codec(read_bytea, _bytea, exactly(bytes))


def _uuid(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str):
        return str(UUID(value))
    if isinstance(value, bytes) and len(value) == 16:
        return str(UUID(bytes=value))
    raise refuse(value, "uuid")


UUIDS = Codec(UUID, _uuid, family(UUID))


def _address(value: Any) -> str:
    # Through ipaddress on both sides: PostgreSQL and Python write IPv6 differently.
    text = str(getattr(value, "addr", value))
    if isinstance(value, (bool, int, bytes)):
        raise refuse(value, "inet")
    interface = ipaddress.ip_interface(text)
    if interface.network.prefixlen == interface.max_prefixlen:
        return str(interface.ip)
    return str(interface)


def _inet_text(text: str) -> str:
    return _address(text) if ":" in text else text


def _parse_inet(text: str) -> Any:
    return ipaddress.ip_interface(text) if "/" in text else ipaddress.ip_address(text)


_HOSTS = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)
INET = Codec(_parse_inet, _address, exactly(*_HOSTS), _inet_text)


def _network(value: Any) -> str:
    if isinstance(value, (bool, int, bytes)):
        raise refuse(value, "cidr")
    return str(ipaddress.ip_network(str(value)))


CIDR = Codec(
    ipaddress.ip_network,
    _network,
    exactly(ipaddress.IPv4Network, ipaddress.IPv6Network),
    lambda text: _network(text) if ":" in text else text,
)

_NOT_HEX = re.compile(r"[:.-]")


def mac(octets: int) -> Codec:
    """A MAC address of 6 or 8 octets."""

    def value(value: Any) -> str:
        digits = bytes.fromhex(_NOT_HEX.sub("", _text(value)))
        if len(digits) != octets:
            raise NotCanonical(f"{len(digits)} octets instead of {octets}")
        return digits.hex(":")

    return Codec(str, value, exactly(str))


_BITS = re.compile("[01]*")


def _bits(value: Any) -> str:
    for method in ("as_string", "to_text"):
        if callable(convert := getattr(value, method, None)):
            value = convert().replace(" ", "")
    if isinstance(value, str) and _BITS.fullmatch(value):
        return value
    raise refuse(value, "bit")


def _bits_fit(value: Any) -> bool:
    return type(value) is str or type(value).__name__ in ("BitString", "Bit")


BIT = Codec(str, _bits, Habit(("str", "BitString", "Bit"), _bits_fit))

# What `void` gives is nothing: drivers say None or ''.
VOID = Codec(
    lambda _: None,
    lambda value: _text(value) or None,
    exactly(str),
    lambda _: None,
)

_PAIR = re.compile(
    r'\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*=>\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|(NULL))\s*(?:,|$)',
    re.DOTALL,
)
_BACKSLASHED = re.compile(r"\\(.)", re.DOTALL)


def _read_hstore(text: str) -> dict[str, str | None]:
    result: dict[str, str | None] = {}
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise NotCanonical(f"no hstore: {text!r:.60}")
        found = None if match[3] else _BACKSLASHED.sub(r"\1", match[2])
        result[_BACKSLASHED.sub(r"\1", match[1])] = found
        position = match.end()
    return result


def _hstore(value: Any) -> str:
    pairs = _read_hstore(value) if isinstance(value, str) else value
    if not isinstance(pairs, Mapping):
        raise refuse(value, "hstore")
    if not all(isinstance(item, str | None) for pair in pairs.items() for item in pair):
        raise NotCanonical("hstore holds str or None only")
    shown = (
        f"{quoted(k)}:{'null' if v is None else quoted(v)}"
        for k, v in sorted(pairs.items())
    )
    return "{" + ",".join(shown) + "}"


HSTORE = Codec(_read_hstore, _hstore, exactly(dict), _hstore)
