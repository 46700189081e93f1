"""A stream of bytes as messages: a kind and a length, whatever a packet holds of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

LONGEST_FIRST = 10_000
"""What a server takes as the first message, bytes; longer is none."""


class Message(NamedTuple):
    """One message: `size` is all of it on the wire, `body` what follows kind and length, as
    far as it was kept."""

    kind: bytes
    size: int
    body: bytes


class Form(Enum):
    """What the next bytes are."""

    FIRST = auto()  # of a client: a length and a code
    ANSWER = auto()  # of a server: one byte about encryption
    KIND = auto()
    OPAQUE = auto()  # encrypted, or no protocol of ours


_HEAD = 5
"""A kind and a length, bytes."""
_FIRST_HEAD = 4
_CODE = 4


class Framer:
    """Parts one direction of a connection; `form` may change between two messages."""

    def __init__(self, form: Form, kept: int) -> None:
        """`kept` is how much of a body is wanted, bytes; of a first message its code at
        least."""
        self.form = form
        self._kept = kept
        self._part = b""  # of a message that has not come as far as it is kept
        self._skip = 0  # bytes of a message that nobody wants

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages of which enough has come; ask for the next one only when what the
        last one changes is done."""
        place = 0
        while place < len(data) and self.form is not Form.OPAQUE:
            if self._skip:
                passed = min(self._skip, len(data) - place)
                self._skip -= passed
                place += passed
                continue
            if self.form is Form.ANSWER and data[place : place + 1] != b"E":
                yield Message(data[place : place + 1], 1, b"")
                place += 1
                continue
            if self.form is Form.ANSWER:  # a server that knows no encryption: an error
                self.form = Form.KIND
            wanted = self._wanted(data, place)
            end = place + wanted - len(self._part)
            if not wanted or end > len(data):
                self._part += data[place:]
                return
            part, self._part = self._part + data[place:end], b""
            place = end
            self._skip = self._size(part) - wanted
            yield self._message(part)

    def _wanted(self, data: bytes, place: int) -> int:
        """How much of the message that begins, or goes on, at `place` is to be kept; 0 if
        its head is not whole, or it can be no message."""
        head = _FIRST_HEAD if self.form is Form.FIRST else _HEAD
        start = self._part + data[place : place + head] if self._part else data
        offset = 0 if self._part else place
        if len(start) - offset < head:
            return 0
        size = self._size(start, offset)
        least, most = (8, LONGEST_FIRST) if self.form is Form.FIRST else (_HEAD, 1 << 31)
        if not least <= size <= most:
            self.form = Form.OPAQUE
            return 0
        kept = max(_CODE, self._kept) if self.form is Form.FIRST else self._kept
        return min(size, head + kept)

    def _size(self, start: bytes, offset: int = 0) -> int:
        """All bytes of a message; its length counts itself, but not the kind."""
        if self.form is Form.FIRST:
            return int.from_bytes(start[offset : offset + 4])
        return 1 + int.from_bytes(start[offset + 1 : offset + 5])

    def _message(self, part: bytes) -> Message:
        if self.form is Form.FIRST:
            return Message(b"", len(part) + self._skip, part[_FIRST_HEAD:])
        return Message(part[:1], len(part) + self._skip, part[_HEAD:])
