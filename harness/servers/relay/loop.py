"""The loop that passes bytes on, each chunk a fixed time after it came, in its order.

A chunk that came at t is sent at t + hold. When it came is what the kernel says, so that a
loop which was woken late, or had others to serve, makes up for it. A connection costs its
client a round trip before its first bytes leave, as it does on a network: `connect` itself
returns at once, because it is the kernel that accepts. What is on the way is bounded, so
that who writes faster than the other reads has to wait.

Sleeping: `select` takes microseconds, where epoll as Python has it takes milliseconds, and
an epoll can itself be waited for. The kernel wakes late by a time that depends on the
machine; the loop keeps learning its median, sleeps so much shorter, and looks at the clock
for the rest.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import heapq
import itertools
import os
import select
import selectors
import socket
import ssl
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from harness.servers.relay.gate import TlsGate

WINDOW_BYTES = 16 << 20
"""So much may be on the way in one direction, as in the window of a TCP connection."""

_BUFFER = bytearray(256 << 10)
_BUFFERS, _VIEW = [_BUFFER], memoryview(_BUFFER)
_TOLD_BYTES = 64
_SO_TIMESTAMPNS = 35  # of Linux; Python has no name for it
_OLDEST_NS = 1_000_000_000
_BACKLOG = 1024
_RESET = None  # instead of a chunk: the connection was lost
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_PR_SET_TIMERSLACK = 29
_STEP_NS = 500
_MOST_EARLY_NS = 100_000
_now_ns = time.monotonic_ns


class End:
    """One of the two sockets of a connection, and what is on the way to it."""

    def __init__(self, relay: Relay, sock: socket.socket, *, connecting: bool) -> None:
        self.relay, self.sock = relay, sock
        self.gate: TlsGate | None = None  # of the server's end, where TLS ends
        self.other = self
        self.connecting = connecting
        self.reading = not connecting
        self.heard = False  # its last word was read
        self.told = False  # the other's last word was passed on to it
        self.closed = False
        self.queue: deque[bytes] = deque()  # due, but not sent
        self.on_the_way = 0
        self.not_before_ns = 0
        self._mask = 0
        self.watch()

    def watch(self) -> None:
        """Be told of what can be done next."""
        reads = self.reading and not self.heard
        writes = self.connecting or bool(self.queue)
        mask = (_READ if reads else 0) | (_WRITE if writes else 0)
        if mask != self._mask and not self.closed:
            self.relay.watch(self, self._mask, mask)
            self._mask = mask

    def act(self, events: int, now_ns: int) -> None:
        """Do what the selector says can be done."""
        if self.closed:  # by what another socket of the same look brought
            return
        if events & _WRITE:
            if self.connecting and not self._connected(now_ns):
                return
            self.flush()
        if events & _READ and not self.closed:
            self._read(now_ns)

    def _connected(self, now_ns: int) -> bool:
        self.connecting = False
        if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.lost(now_ns)
            return False
        self.reading = True
        self.watch()
        return True

    def _read(self, now_ns: int) -> None:
        try:
            size, told, _, _ = self.sock.recvmsg_into(_BUFFERS, _TOLD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.lost(now_ns)
            return
        self.heard = not size
        self.relay.take(self, bytes(_VIEW[:size]), _came_ns(told))
        self.reading = self.other.on_the_way < WINDOW_BYTES
        self.watch()

    def put(self, chunk: bytes) -> None:
        """What is due now: sent, or kept until there is room."""
        if self.closed or self.told:
            return
        self.queue.append(chunk)
        if not self.connecting and len(self.queue) == 1:
            self.flush()

    def flush(self) -> None:
        """Send what there is room for."""
        while self.queue:
            chunk = self.queue.popleft()
            try:
                sent = self.sock.send(chunk) if chunk else self._tell_end()
            except BlockingIOError:
                sent = 0
            except OSError:
                self.lost(_now_ns())
                return
            self.on_the_way -= sent
            if sent < len(chunk):
                self.queue.appendleft(chunk[sent:])
                break
        self.watch()
        other = self.other
        if not other.reading and not other.connecting and self.on_the_way < WINDOW_BYTES:
            other.reading = True
            other.watch()

    def _tell_end(self) -> int:
        """Pass on that the other says no more; when both have said it all is over."""
        self.told = True
        if self.other.told:
            self.close()
            self.other.close()
        else:
            self.sock.shutdown(socket.SHUT_WR)
        return 0

    def lost(self, now_ns: int) -> None:
        """It is gone: so is the other, when the news has reached it."""
        self.close()
        self.relay.post(self.other, _RESET, now_ns)

    def reset(self) -> None:
        """End it with an RST instead of a FIN."""
        if not self.closed:
            with contextlib.suppress(OSError):  # a Unix socket has no RST
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.close()

    def close(self) -> None:
        """Let go of the socket; harmless when called twice."""
        if not self.closed:
            if self._mask:
                self.relay.watch(self, self._mask, 0)
            self.closed = True
            self.queue.clear()
            self.sock.close()


class Relay:
    """Every connection of a route. `hold_ns` may change while it works."""

    def __init__(
        self,
        listener: socket.socket,
        dial: Callable[[], tuple[socket.socket, bool]],
        rtt_ns: int,
        hold_ns: int,
        secure: ssl.SSLContext | None,
    ) -> None:
        self.listener, self.dial = listener, dial
        self.rtt_ns, self.hold_ns = rtt_ns, hold_ns
        self.secure = secure
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[int, int, End, bytes | None]] = []
        self._numbers = itertools.count()
        self._early_ns = 50_000
        listener.setblocking(False)
        self.listen(listener.fileno(), self._accept)

    def listen(self, descriptor: int, act: Callable[[int, int], None]) -> None:
        """Call `act` whenever something can be read."""
        self._selector.register(descriptor, _READ, act)

    def watch(self, end: End, before: int, mask: int) -> None:
        """Be told of other things about an end than before."""
        if not mask:
            self._selector.unregister(end.sock)
        elif before:
            self._selector.modify(end.sock, mask, end.act)
        else:
            self._selector.register(end.sock, mask, end.act)

    def run(self) -> None:
        """Pass on for ever."""
        _wake_precisely()
        while True:
            ready = self._awaited()
            now_ns = _now_ns()
            self._deliver()
            for key, events in ready:
                key.data(events, now_ns)
                self._deliver()

    # --- one chunk ---------------------------------------------------------------------

    def take(self, end: End, data: bytes, now_ns: int) -> None:
        """What came from an end is on its way to the other from here on."""
        if end.gate is None:
            self.post(end.other, data, now_ns)
            return
        if shown := end.gate.from_server(data):
            self.post(end.other, shown, now_ns)
        if not data:
            self.post(end.other, b"", now_ns)

    def post(self, end: End, chunk: bytes | None, now_ns: int) -> None:
        """Let a chunk reach an end when it is due."""
        if end.closed:
            return
        end.on_the_way += len(chunk or b"")
        if not self.rtt_ns:
            self._arrive(end, chunk)
            return
        due_ns = max(now_ns + self.hold_ns, end.not_before_ns)
        end.not_before_ns = due_ns
        heapq.heappush(self._due, (due_ns, next(self._numbers), end, chunk))

    def _deliver(self) -> None:
        """Let arrive whatever is due."""
        while self._due and self._due[0][0] <= _now_ns():
            _, _, end, chunk = heapq.heappop(self._due)
            self._arrive(end, chunk)

    def _arrive(self, end: End, chunk: bytes | None) -> None:
        if end.closed:
            return
        if chunk is None:
            end.reset()
            return
        if end.gate is None:
            end.put(chunk)
            return
        end.on_the_way -= len(chunk)
        passed = end.gate.from_client(chunk)
        self._pass(end, passed.to_server)
        if passed.to_client:
            self.post(end.other, passed.to_client, _now_ns())
        if passed.ends:
            self._pass(end, b"", ends=True)
            if chunk:  # it is we who end it
                self.post(end.other, b"", _now_ns())

    def _pass(self, end: End, data: bytes, *, ends: bool = False) -> None:
        if data or ends:
            end.on_the_way += len(data)
            end.put(data)

    # --- connections -------------------------------------------------------------------

    def _accept(self, _events: int, now_ns: int) -> None:
        try:
            sock, _ = self.listener.accept()
        except OSError:  # it left, or there are too many
            return
        try:
            dialled, connecting = self.dial()
        except OSError:
            sock.close()
            return
        client = End(self, _prepared(sock), connecting=False)
        server = End(self, dialled, connecting=connecting)
        client.other, server.other = server, client
        if self.secure is not None:
            server.gate = TlsGate(self.secure)
        if self.rtt_ns:  # its SYN went to the server and back
            server.not_before_ns = now_ns + self.rtt_ns + self.hold_ns

    # --- time --------------------------------------------------------------------------

    def _awaited(self) -> list[tuple[selectors.SelectorKey, int]]:
        """The sockets that can do something, once there are any or a chunk is due."""
        if not self._due:
            return self._selector.select()
        due_ns = self._due[0][0]
        wanted_ns = due_ns - self._early_ns - _now_ns()
        if wanted_ns > 0:
            ready, _, _ = select.select([self._selector], [], [], wanted_ns / 1e9)
            if not ready:
                step = _STEP_NS if _now_ns() > due_ns else -_STEP_NS
                self._early_ns = min(_MOST_EARLY_NS, max(0, self._early_ns + step))
                return []
        return self._selector.select(0)


def _came_ns(told: list[tuple[int, int, bytes]]) -> int:
    """When the bytes came that were just read: by the kernel, else now."""
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, ns = struct.unpack("qq", data)
            age_ns = time.time_ns() - int(seconds) * 1_000_000_000 - int(ns)
            if 0 < age_ns < _OLDEST_NS:  # else somebody has set the clock
                return _now_ns() - age_ns
    return _now_ns()


def _prepared(sock: socket.socket) -> socket.socket:
    """A socket that waits for nobody, and is told by the kernel when bytes came."""
    sock.setblocking(False)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform.startswith("linux"):
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return sock


def dialler(host: str, port: int) -> Callable[[], tuple[socket.socket, bool]]:
    """How to begin a connection to a server: a socket, and whether it still connects.

    Raises:
        OSError: nobody takes connections there.
    """
    family, address = _found(host, port)

    def dial() -> tuple[socket.socket, bool]:
        sock = _prepared(socket.socket(family, socket.SOCK_STREAM))
        failed = sock.connect_ex(address)
        if failed not in (0, errno.EINPROGRESS):
            sock.close()
            raise OSError(failed, os.strerror(failed))
        return sock, failed == errno.EINPROGRESS

    return dial


def _found(host: str, port: int) -> tuple[int, Any]:
    """The first address of a server that takes connections."""
    if host.startswith(("/", "@")):
        path = f"{host}/.s.PGSQL.{port}"
        return socket.AF_UNIX, path if host.startswith("/") else f"\0{path[1:]}"
    failed = OSError(f"{host} has no address")
    for family, kind, _, _, address in socket.getaddrinfo(
        host, port, 0, socket.SOCK_STREAM
    ):
        try:
            with socket.socket(family, kind) as sock:
                sock.settimeout(10)
                sock.connect(address)
        except OSError as error:
            failed = error
        else:
            return family, address
    raise failed


def _wake_precisely() -> None:
    """Ask the kernel not to put off our timers for the sake of others."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
