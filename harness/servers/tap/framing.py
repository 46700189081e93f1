"""A stream of bytes as messages: a kind and a length, whatever a packet holds of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

LONGEST_FIRST = 10_000
"""What a server takes as the first message, bytes; longer is none."""


@dataclass(frozen=True, slots=True)
class Message:
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


class Framer:
    """Parts one direction of a connection; `form` may change between two messages."""

    def __init__(self, form: Form, kept: int) -> None:
        """`kept` is how much of a body is wanted, bytes."""
        self.form = form
        self._kept = kept
        self._part = b""  # of a message that has not come as far as it is kept
        self._skip = 0  # bytes of a message that nobody wants

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages of which enough has come; ask for the next one only when what the
        last one changes is done."""
        place = 0
        while place < len(data) and self.form is not Form.OPAQUE:
            passed = min(self._skip, len(data) - place)
            self._skip -= passed
            if not passed:
                if self.form is Form.ANSWER and data[place : place + 1] == b"E":
                    self.form = Form.KIND  # it knows nothing of encryption: an error
                wanted = self._wanted()
                passed = min(wanted - len(self._part), len(data) - place)
                self._part += data[place : place + passed]
                if len(self._part) == wanted == self._wanted():
                    yield self._message()
            place += passed

    @property
    def _head(self) -> int:
        return {Form.FIRST: 4, Form.ANSWER: 1}.get(self.form, 5)

    def _wanted(self) -> int:
        """Bytes of this message that are needed; only the head's as long as that is not
        whole. What has no possible length is no message."""
        if len(self._part) < self._head or self.form is Form.ANSWER:
            return self._head
        size = self._size()
        too_long = self.form is Form.FIRST and size > LONGEST_FIRST
        if size < self._least() or too_long:
            self.form = Form.OPAQUE
            return 0
        return min(size, self._head + self._kept)

    def _least(self) -> int:
        return 8 if self.form is Form.FIRST else 5

    def _size(self) -> int:
        """All bytes of the message; the length counts itself, but not the kind."""
        if self.form is Form.ANSWER:
            return 1
        if self.form is Form.FIRST:
            return int.from_bytes(self._part[:4])
        return 1 + int.from_bytes(self._part[1:5])

    def _message(self) -> Message:
        part, head, size = self._part, self._head, self._size()
        kind = b"" if self.form is Form.FIRST else part[:1]
        self._skip = size - len(part)
        self._part = b""
        return Message(kind, size, part[head:])
