"""What a message says, for people; what may be secret is left out.

A password, and the key with which a session can be cancelled, is never told. Values (of
parameters, of rows, in SQL, in the text of an error) are told only where somebody asks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from harness.core.sql import tokens
from harness.servers.tap.framing import Message
from harness.servers.tap.kinds import ENCRYPTION_ANSWER
from harness.servers.tap.tap import Direction

HIDDEN = "…"
_LONGEST = 60
"""Characters of one value."""
_NUMBER = re.compile(r"(?<![\w$])\.?\d[\w.]*")
_PASSWORD = re.compile(
    r"(?i)(\bpassword\s+)(?:e?'(?:[^']|'')*(?:'|\Z)|\$\$.*?(?:\$\$|\Z))", re.S
)
_CONSTANTS = ("true", "false", "null")
_STATUS = {b"I": "idle", b"T": "in transaction", b"E": "in failed transaction"}
_LOGIN = {
    0: "Ok", 2: "KerberosV5", 3: "CleartextPassword", 5: "MD5Password", 7: "GSS",
    8: "GSSContinue", 9: "SSPI", 10: "SASL", 11: "SASLContinue", 12: "SASLFinal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells messages. `known` are statements that somebody wrote into a file: nothing in
    them is secret. With `values` everything is told but passwords and keys."""

    known: Collection[str] = ()
    values: bool = False

    def told(self, who: Direction, name: str, message: Message) -> str:
        """A message in a few words, beginning with its name."""
        if name == ENCRYPTION_ANSWER:
            return f"{name} {'no' if message.kind == b'N' else 'yes'}"
        tell = (_CLIENT if who == "client" else _SERVER).get(name)
        try:
            said = tell(self, message.body) if tell else ""
        except (ValueError, IndexError, struct.error):  # no message of that kind
            said = "(malformed)"
        return f"{name} {said}".rstrip()

    def sql(self, text: str) -> str:
        """A statement, without the values that a client may have written into it."""
        if text.strip() in self.known:
            return _line(text)
        if self.values:
            return _line(_PASSWORD.sub(rf"\1'{HIDDEN}'", text))
        return _line(without_values(text))

    def value(self, value: bytes | None, binary: bool = False) -> str:
        """One value of a parameter or a row."""
        if value is None:
            return "NULL"
        text = f"\\x{value.hex()}" if binary else repr(value.decode("utf-8", "replace"))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}{HIDDEN}"

    def row(self, values: list[bytes | None], formats: list[int]) -> str:
        """Values, or how many there are."""
        if not self.values:
            return f"({_counted(len(values), 'value')})"
        shown = [
            self.value(value, bool(formats[min(at, len(formats) - 1)] if formats else 0))
            for at, value in enumerate(values)
        ]
        return f"({', '.join(shown)})"


def without_values(sql: str) -> str:
    """SQL with every literal and comment hidden. Where a string's end depends on a setting
    of the server, nothing that follows is told."""
    parts: list[str] = []
    for token in tokens(sql):
        text = token.text
        if token.kind == "comment":
            text = " "
        elif token.kind == "quoted" and not text.startswith('"'):
            text = f"'{HIDDEN}'"
            if "\\" in token.text and token.text[:1] == "'":
                return "".join([*parts, f"{text} {HIDDEN}"])
        elif token.kind == "word" and text.lower() in _CONSTANTS:
            text = HIDDEN
        elif token.kind != "quoted":
            text = _NUMBER.sub(HIDDEN, text) if token.kind != "parameter" else text
        parts.append(text)
    return "".join(parts)


def _line(text: str) -> str:
    return " ".join(text.split())


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# --- reading bodies -----------------------------------------------------------------------


class _Body:
    """A body, read from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def text(self) -> str:
        end = self._data.index(b"\0", self._place)
        raw, self._place = self._data[self._place : end], end + 1
        return raw.decode("utf-8", "replace")

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._place)
        self._place += struct.calcsize(form)
        return int(value)

    def numbers(self, form: str = "!h") -> list[int]:
        return [self.number(form) for _ in range(self.number("!h"))]

    def values(self) -> list[bytes | None]:
        return [self._value() for _ in range(self.number("!h"))]

    def _value(self) -> bytes | None:
        size = self.number("!i")
        if size < 0:
            return None
        self._place += size
        return self._data[self._place - size : self._place]


Tell = Callable[[Teller, bytes], str]


def _name(text: str) -> str:
    return f'"{text}"' if text else ""


def _secret(_: Teller, __: bytes) -> str:
    return "(never shown)"


def _startup(teller: Teller, data: bytes) -> str:
    version = f"{data[0] * 256 + data[1]}.{data[2] * 256 + data[3]}"
    parts = data[4:].decode("utf-8", "replace").strip("\0").split("\0")
    pairs = zip(parts[::2], parts[1::2], strict=False)
    named = [f"{key}={value}" if teller.values else key for key, value in pairs]
    return f"{version} ({', '.join(named)})"


def _parse(teller: Teller, data: bytes) -> str:
    body = _Body(data)
    name, sql, types = body.text(), body.text(), body.number("!h")
    typed = f" ({_counted(types, 'type')})" if types else ""
    return f"{_name(name)} {teller.sql(sql)}{typed}".strip()


def _bind(teller: Teller, data: bytes) -> str:
    body = _Body(data)
    portal, statement, formats = body.text(), body.text(), body.numbers()
    row = teller.row(body.values(), formats)
    into = f" into {_name(portal)}" if portal else ""
    return f"{_name(statement)}{into} {row}".strip()


def _described(_: Teller, data: bytes) -> str:
    what = {b"S": "statement", b"P": "portal"}.get(data[:1], "?")
    return f"{what} {_name(_Body(data[1:]).text())}".rstrip()


def _execute(_: Teller, data: bytes) -> str:
    body = _Body(data)
    name, limit = body.text(), body.number("!i")
    most = f"(at most {_counted(limit, 'row')})" if limit else ""
    return f"{_name(name)} {most}".strip()


def _copied(_: Teller, data: bytes) -> str:
    return f"({_counted(len(data), 'byte')})"


def _login(_: Teller, data: bytes) -> str:
    code = int.from_bytes(data[:4])
    return _LOGIN.get(code, str(code))


def _parameter(teller: Teller, data: bytes) -> str:
    body = _Body(data)
    name, value = body.text(), body.text()
    return f"{name}={value}" if teller.values else ""


def _columns(_: Teller, data: bytes) -> str:
    return f"({_counted(_Body(data).number('!h'), 'column')})"


def _types(_: Teller, data: bytes) -> str:
    return f"({_counted(_Body(data).number('!h'), 'parameter')})"


def _row(teller: Teller, data: bytes) -> str:
    return teller.row(_Body(data).values(), [])


def _complete(_: Teller, data: bytes) -> str:
    return f'"{_Body(data).text()}"'


def _ready(_: Teller, data: bytes) -> str:
    return _STATUS.get(data[:1], "?")


def _fields(teller: Teller, data: bytes) -> str:
    """Of an error or a notice. Its message may quote a value."""
    parts = data.decode("utf-8", "replace").split("\0")
    told = {part[0]: part[1:] for part in parts if part}
    message = told.get("M", "") if teller.values else ""
    severity = told.get("V", told.get("S", ""))
    return " ".join(filter(None, (severity, told.get("C", ""), message)))


def _notified(teller: Teller, data: bytes) -> str:
    body = _Body(data)
    body.number("!i")
    channel, payload = body.text(), body.text()
    return f"{channel} {repr(payload) if teller.values else ''}".rstrip()


def _negotiated(_: Teller, data: bytes) -> str:
    newest = int.from_bytes(data[:4])
    return f"newest is 3.{newest & 0xFFFF}"


_CLIENT: Mapping[str, Tell] = {
    "Startup": _startup,
    "Password": _secret,
    "Parse": _parse,
    "Bind": _bind,
    "Describe": _described,
    "Close": _described,
    "Execute": _execute,
    "Query": lambda teller, data: teller.sql(_Body(data).text()),
    "CopyData": _copied,
}
_SERVER: Mapping[str, Tell] = {
    "Authentication": _login,
    "ParameterStatus": _parameter,
    "BackendKeyData": _secret,
    "RowDescription": _columns,
    "ParameterDescription": _types,
    "DataRow": _row,
    "CopyData": _copied,
    "CommandComplete": _complete,
    "ReadyForQuery": _ready,
    "ErrorResponse": _fields,
    "NoticeResponse": _fields,
    "NotificationResponse": _notified,
    "NegotiateProtocolVersion": _negotiated,
}
