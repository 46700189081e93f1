"""One connection, counted: messages by kind, bytes, and turns.

A turn is a client that speaks and then waits for the server: all that it says until an
answer to it arrives, and that answer. So a pipeline of ten statements is one turn, and so
are the rows of a COPY; a client that speaks on before the answer comes has not waited. What
a server says by itself (notices, notifications, parameters) answers nobody. A farewell is
no turn, nor is what flows both ways in a replication.

Protocol 3.0 and 3.2. What is encrypted, or no message, counts as bytes and turns.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Literal

from harness.servers.tap import kinds
from harness.servers.tap.framing import Form, Framer, Message

Direction = Literal["client", "server"]
Note = Callable[[Direction, str, Message, int], None]
"""Told of each message: who says it, its name, itself, and its turn; the first is 1."""

_WHOLE = 1 << 31
"""More than any body has, bytes."""


class Counts:
    """What was counted since somebody began to, of all connections together.

    `unsettled` are answers that had to be handed on while the client still worked: whether
    it would have spoken before is then not known.
    """

    def __init__(self, note: Note | None = None) -> None:
        self.note = note
        self.begin()

    def begin(self) -> None:
        """Count from nothing."""
        self.turns = 0
        self.sent: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.sent_bytes = 0
        self.received_bytes = 0
        self.connections = 0
        self.unsettled = 0

    def copy(self) -> Counts:
        """What was counted so far; it counts no further."""
        counts = Counts()
        vars(counts).update(
            vars(self), sent=self.sent.copy(), received=self.received.copy()
        )
        return counts


class Tap:
    """One connection, as the proxy sees it pass."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        kept = _WHOLE if counts.note else 0
        self._client = Framer(Form.FIRST, kept)
        self._server = Framer(Form.KIND, kept)
        self._cancels = False
        self._begun = False
        self.waits = False  # the client has spoken, and no answer to that has come
        self._fresh = False  # nothing of what it says in this turn is known yet
        self._ahead = 0  # requests of earlier turns that are answered first
        self._requests: deque[bytes] = deque()  # said, and not answered to the end
        self._copying = False
        self._streaming = False  # both ways at once

    @property
    def owed(self) -> bool:
        """Whether the server has still to answer something."""
        opaque = self._client.form is Form.OPAQUE
        return bool(self._requests) or self._cancels or (opaque and self.waits)

    def from_client(self, data: bytes) -> None:
        """Take note of what the client sends."""
        self.counts.sent_bytes += len(data)
        if not self._begun:
            self._begun = True
            self.counts.connections += 1
            if data[:1] == b"\x16":  # TLS without asking for it
                self._encrypt()
        if not self.waits and not self._streaming:
            self.waits = self._fresh = True
            self._ahead = len(self._requests)
        for message in self._client.feed(data):
            self._said(message)

    def from_server(self, data: bytes, *, waited: bool = True) -> None:
        """Take note of what reaches the client, which `waited` for it or had gone on."""
        self.counts.received_bytes += len(data)
        if self._server.form is Form.OPAQUE:
            self._answered(waited)
            return
        for message in self._server.feed(data):
            self._answer(message, waited)

    def ended(self) -> None:
        """The server has closed the connection: that is its answer to a cancellation."""
        if self._cancels and self.waits:
            self._answered(True)
        self.waits = self._cancels = False
        self._requests.clear()

    # --- the client ----------------------------------------------------------------------

    def _said(self, message: Message) -> None:
        if message.kind:
            name = kinds.CLIENT.get(message.kind, kinds.UNKNOWN)
            self._asked(message.kind)
        else:
            name = self._first(message)
        self._fresh = False
        self.counts.sent[name] += 1
        self._note("client", name, message)

    def _asked(self, kind: bytes) -> None:
        if self._fresh and (kind in kinds.COPIES or kind == b"p"):
            self._ahead = 0  # it goes on with the request that is being answered
        if kind == b"X" and self._fresh:
            self.waits = False
        if kind in (b"c", b"f"):
            self._copying = False
        if kind in kinds.ENDED_BY_READY and not (self._copying and kind == b"S"):
            self._requests.append(kind)

    def _first(self, message: Message) -> str:
        """One of the messages that have no kind."""
        code = int.from_bytes(message.body[:2]), int.from_bytes(message.body[2:4])
        if code[0] == 3:
            self._client.form = Form.KIND
            self._requests.append(b"")
            return kinds.STARTUP
        name = kinds.FIRST.get(code, kinds.UNKNOWN)
        self._cancels = name == kinds.CANCEL
        if name in (kinds.SSL_REQUEST, kinds.GSS_REQUEST):
            self._server.form = Form.ANSWER
        return name

    # --- the server ----------------------------------------------------------------------

    def _answer(self, message: Message, waited: bool) -> None:
        if self._server.form is Form.ANSWER:
            self._answered(waited)
            self._encryption(message)
            return
        name = kinds.SERVER.get(message.kind, kinds.UNKNOWN)
        if message.kind not in kinds.BY_ITSELF and not self._ahead:
            self._answered(waited)
        self.counts.received[name] += 1
        self._note("server", name, message)
        self._follow(message.kind)

    def _follow(self, kind: bytes) -> None:
        """What a message of the server changes."""
        if kind == b"Z":
            if self._requests:
                self._requests.popleft()
            self._ahead = max(0, self._ahead - 1)
            self._copying = self._streaming = False
        elif kind == b"G":
            self._copying = True
            if self._requests and self._requests[0] == b"S":
                self._requests.popleft()  # it came before the rows: the server ignores it
        elif kind == b"E":
            self._copying = False
        elif kind == b"W":
            self._streaming = True

    def _encryption(self, message: Message) -> None:
        self.counts.received[kinds.ENCRYPTION_ANSWER] += 1
        self._note("server", kinds.ENCRYPTION_ANSWER, message)
        self._server.form = Form.KIND
        if message.kind in (b"S", b"G"):
            self._encrypt()

    def _encrypt(self) -> None:
        self._client.form = self._server.form = Form.OPAQUE

    def _answered(self, waited: bool) -> None:
        if self.waits:
            self.counts.turns += waited
            self.waits = False

    def _note(self, who: Direction, name: str, message: Message) -> None:
        if self.counts.note:
            turn = self.counts.turns + (who == "client" or self.waits)
            self.counts.note(who, name, message, turn)
