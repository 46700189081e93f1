"""Where TLS ends: what a client sends, without it, and what a server sends, within it.

No socket here, only bytes that come and bytes that go. The server behind the gate knows
nothing of TLS.
"""

from __future__ import annotations

import ssl
from typing import NamedTuple

ALPN = "postgresql"
"""By which PostgreSQL knows a client that begins with TLS at once (`sslnegotiation`)."""

_HANDSHAKE = b"\x16"  # the first byte of TLS, which no length of a first message has
_SSL_REQUEST = 80877103
_GSS_REQUEST = 80877104
_CANCEL_REQUEST = 80877102
_HEAD_BYTES = 8
_LONGEST = 10_000  # of a first message, as PostgreSQL has it
_BLOCK = 65_536


class Passed(NamedTuple):
    """What follows from some bytes of a client; `ends` says that no more will."""

    to_server: bytes = b""
    to_client: bytes = b""
    ends: bool = False


class TlsGate:
    """One connection. Encryption is asked for first, as PostgreSQL's protocol has it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._received = ssl.MemoryBIO()
        self._sent = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._sent, server_side=True)
        self._head = b""  # of what came before TLS
        self._asks = True  # no TLS yet
        self._plain = False  # a request to cancel, which may come without TLS
        self._greeted = False  # the handshake is done

    def from_client(self, data: bytes) -> Passed:
        """Some bytes of a client; none when it says no more."""
        if self._plain or not data:
            return Passed(data, ends=not data)
        if not self._asks:
            return self._decrypted(data)
        self._head += data
        return self._first()

    def from_server(self, data: bytes) -> bytes:
        """Some bytes of the server, as the client is to get them."""
        if self._plain or not self._greeted:
            return data if self._plain else b""
        try:
            if data:
                self._tls.write(data)
            else:
                self._tls.unwrap()
        except ssl.SSLError:  # of an end that nobody answers
            pass
        return self._sent.read()

    def _first(self) -> Passed:
        """What a client says before there is TLS."""
        if self._head.startswith(_HANDSHAKE):
            return self._begin()
        if len(self._head) < _HEAD_BYTES:
            return Passed()
        length, code = (int.from_bytes(self._head[at : at + 4]) for at in (0, 4))
        if code in (_SSL_REQUEST, _GSS_REQUEST) and length == _HEAD_BYTES:
            self._head = self._head[_HEAD_BYTES:]
            return self._answered(code)
        if code == _CANCEL_REQUEST and length <= _LONGEST:
            self._plain = True
            return Passed(self._head)
        return Passed(to_client=_REFUSAL if code >> 16 == 3 else b"", ends=True)

    def _answered(self, code: int) -> Passed:
        """The answer to a request for encryption, and what follows from the rest."""
        if code == _GSS_REQUEST:
            more = self._first() if self._head else Passed()
            return more._replace(to_client=b"N" + more.to_client)
        if (
            self._head
        ):  # it speaks before it is answered: what is not encrypted is not its own
            return Passed(ends=True)
        self._asks = False
        return Passed(to_client=b"S")

    def _begin(self) -> Passed:
        """TLS at once, without a request."""
        self._asks = False
        data, self._head = self._head, b""
        return self._decrypted(data)

    def _decrypted(self, data: bytes) -> Passed:
        self._received.write(data)
        found: list[bytes] = []
        ends = False
        try:
            if not self._greeted:
                self._tls.do_handshake()
                self._greeted = True
            while block := self._tls.read(_BLOCK):
                found.append(block)
            ends = True
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except ssl.SSLError:  # not TLS, or a client that does not believe us
            ends = True
        return Passed(b"".join(found), self._sent.read(), ends)


def context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS as a server speaks it, with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.set_alpn_protocols([ALPN])
    return made


def _error(sqlstate: str, message: str) -> bytes:
    """An ErrorResponse that ends a connection."""
    fields = ("SFATAL", "VFATAL", f"C{sqlstate}", f"M{message}")
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


_REFUSAL = _error(
    "28000", "this way to the server takes TLS only: connect with sslmode=require or more"
)
