"""What passes between a client and a server: turns, and the messages of the client.

It reads the framing of PostgreSQL's protocol (versions 3.0 and 3.2, "Message Formats") and
nothing inside of a message. What is encrypted, and what it does not know, counts as turns
only.
"""

from __future__ import annotations

from collections import Counter

NAMES = {
    b"B": "Bind",
    b"C": "Close",
    b"D": "Describe",
    b"E": "Execute",
    b"F": "FunctionCall",
    b"H": "Flush",
    b"P": "Parse",
    b"Q": "Query",
    b"S": "Sync",
    b"X": "Terminate",
    b"c": "CopyDone",
    b"d": "CopyData",
    b"f": "CopyFail",
    b"p": "Password",
}
_ENCRYPTION = {(1234, 5679): "SSLRequest", (1234, 5680): "GSSENCRequest"}
_VERSION = 3


class Counts:
    """What was counted since somebody began to.

    A turn is a client that speaks and a server that answers: where a client sends on before
    it has read what came, that is the same turn as far as nothing came in between.
    """

    def __init__(self) -> None:
        self.turns = 0
        self.messages: Counter[str] = Counter()

    def begin(self) -> None:
        """Count from nothing."""
        self.turns = 0
        self.messages.clear()


class Tap:
    """One connection, as the proxy sees it pass."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._head = b""  # the beginning of a message, as far as it has come
        self._skip = 0  # bytes of a message that say nothing more
        self._started = False
        self._readable = True
        self._asked = False  # for encryption, and the server has not answered
        self._waits = False

    def from_client(self, data: bytes) -> None:
        """Take note of what the client sends."""
        self._waits = True
        place = 0
        while self._readable and place < len(data):
            passed = min(self._skip, len(data) - place)
            self._skip -= passed
            place += passed
            if self._skip:
                return
            wanted = self._head_size - len(self._head)
            self._head += data[place : place + wanted]
            place += wanted
            if len(self._head) == self._head_size:
                self._begin(self._head)
                self._head = b""

    def from_server(self, data: bytes) -> None:
        """Take note that the server answers."""
        if self._waits:
            self._counts.turns += 1
            self._waits = False
        if self._asked:
            self._readable = data[:1] not in (b"S", b"G")
            self._asked = False

    @property
    def _head_size(self) -> int:
        """A kind and a length; before the session, a length and a code."""
        return 5 if self._started else 8

    def _begin(self, head: bytes) -> None:
        """A message of which the head has come."""
        length = int.from_bytes(head[1:5] if self._started else head[:4])
        told = 4 if self._started else 8  # so much of the length is in the head
        if length < told:  # it is no message
            self._readable = False
            return
        self._skip = length - told
        if self._started:
            self._counts.messages[NAMES.get(head[:1], "unknown")] += 1
        else:
            self._first(head)

    def _first(self, head: bytes) -> None:
        """One of the messages that have no kind."""
        code = (int.from_bytes(head[4:6]), int.from_bytes(head[6:8]))
        self._asked = code in _ENCRYPTION
        self._started = code[0] == _VERSION
        kind = "Startup" if self._started else _ENCRYPTION.get(code, "CancelRequest")
        self._counts.messages[kind] += 1
