"""A proxy before a server: for cases in which the network fails, and to count turns.

A frozen one takes nothing out of its sockets. Its kernel still answers for them, as long
as there is room: TCP's own timers (keepalives, user timeout) notice nothing.

One that knows its client hands an answer on when the client waits for it, so that counts
do not depend on who is faster (`tap.patience`).
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Coroutine
from dataclasses import replace
from types import TracebackType
from typing import Any, cast

from harness.core.calls import Target
from harness.servers.tap import Counts, Note, Tap
from harness.servers.tap.patience import LATER_S, LONGEST_S, Client, Doing

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
_SOCKET_NAME = ".s.PGSQL.{}"
_SETTLED_S = 0.5
"""How long client and server may have something to say after an op."""
_SOON = 20
"""Looks at a client without a pause in between: it falls asleep within some 50 µs."""
_LOOK_S = 0.001


class Proxy:
    """Forwards connections for a `with` block, until it is told otherwise.

    Its event loop runs in a thread that ends with the block.
    """

    def __init__(
        self, behind: Target, client: Client | None = None, note: Note | None = None
    ) -> None:
        """Answers are held until `client` waits for them; without one they are handed on
        at once. `note` is told of each message."""
        self.behind = behind
        self.target = behind
        self.client = client
        self.frozen = False
        self.ends: set[_End] = set()
        self.counts = Counts(note)
        self._dialling: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._listener: asyncio.Server | None = None
        self._unix_listener: asyncio.Server | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Proxy:
        self._thread.start()
        try:
            port = self._within(self._listen(0))
        except BaseException:
            self._stop()
            raise
        self.target = replace(self.behind, host="127.0.0.1", port=port)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._within(self._end())
        finally:
            self._stop()

    def before(self, target: Target) -> Target:
        """Stand before this one from now on; how a client gets to it through here.

        Before a Unix socket it is one: what a library says first depends on that.
        """
        self.behind = target
        if not target.host.startswith("/"):
            return replace(target, host="127.0.0.1", port=self.target.port)
        folder = self._within(self._listen_on_path(target.port))
        return replace(target, host=folder)

    def do(self, op: str) -> Any:
        """Freeze, thaw, cut, refuse or accept; count, and tell what was counted."""
        return self._within(getattr(self, f"_{op}")())

    # --- what may be done, in the loop -------------------------------------------------

    async def _freeze(self) -> None:
        """Forward nothing more, and say nothing about it."""
        self.frozen = True
        for end in self.ends:
            end.transport.pause_reading()

    async def _thaw(self) -> None:
        """Go on where it was."""
        self.frozen = False
        for end in self.ends:
            end.resume()

    async def _cut(self) -> None:
        """Reset all connections, on both sides."""
        for end in list(self.ends):
            end.reset()

    async def _refuse(self) -> None:
        """Let nobody in; those who are in stay."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accept(self) -> None:
        """Let everybody in again, on the same port."""
        if self._listener is None:
            await self._listen(self.target.port)

    async def _count(self) -> None:
        """Count from nothing."""
        self.counts.begin()

    async def _turns(self) -> int:
        """How often a client spoke and waited for the server."""
        return self.counts.turns

    async def _messages(self) -> dict[str, int]:
        """How many messages of each kind the clients sent."""
        return dict(sorted(self.counts.sent.items()))

    async def _counted(self) -> Counts:
        """All that was counted, when client and server have nothing more to say."""
        deadline = self._loop.time() + _SETTLED_S
        while self._unsettled() and self._loop.time() < deadline:
            await asyncio.sleep(0.0005)
        return self.counts.copy()

    def _unsettled(self) -> bool:
        if self.client and self.client.does(0.0) is Doing.WORKS:
            return True
        return any(end.unsettled for end in self.ends)

    # --- connections -------------------------------------------------------------------

    async def _listen(self, port: int) -> int:
        server = await self._loop.create_server(
            lambda: _End(self), "127.0.0.1", port, reuse_address=True
        )
        self._listener = server
        return int(server.sockets[0].getsockname()[1])

    async def _listen_on_path(self, port: int) -> str:
        """A Unix socket besides; the folder in which it is."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="pgdyno-tap-")
            path = f"{self._folder.name}/{_SOCKET_NAME.format(port)}"
            self._unix_listener = await self._loop.create_unix_server(
                lambda: _End(self), path
            )
        return self._folder.name

    def dial(self, client: _End) -> None:
        """Connect somebody who came in to the server."""
        task = self._loop.create_task(self._connect(client))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _connect(self, client: _End) -> None:
        host, port = self.behind.host, self.behind.port
        try:
            if host.startswith("/"):
                path = f"{host}/{_SOCKET_NAME.format(port)}"
                await self._loop.create_unix_connection(lambda: _End(self, client), path)
            else:
                await self._loop.create_connection(lambda: _End(self, client), host, port)
        except OSError:  # the server is gone: so is the client
            client.transport.abort()

    # --- the loop ----------------------------------------------------------------------

    async def _end(self) -> None:
        await self._refuse()
        if self._unix_listener is not None and self._folder is not None:
            self._unix_listener.close()
            self._folder.cleanup()
        tasks = list(self._dialling)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for end in list(self.ends):
            end.transport.abort()
        while self.ends:
            await asyncio.sleep(0)

    def _within(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _End(asyncio.Protocol):
    """One of the two sockets of a forwarded connection."""

    transport: asyncio.Transport

    def __init__(self, proxy: Proxy, other: _End | None = None) -> None:
        self.proxy = proxy
        self.other = other
        # Both ends of a connection share what the client's began.
        self._tap: Tap = Tap(proxy.counts) if other is None else other._tap
        self._server = other is not None
        self._full = False  # what came from the other end waits in our buffer
        self._spoke = 0.0  # when something came last
        self._held = bytearray()  # of a server: what its client may not have yet
        self._held_since = 0.0
        self._looks = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.proxy.ends.add(self)
        if self.other is None:  # a client: it waits until there is a server
            self.transport.pause_reading()
            self.proxy.dial(self)
            return
        self.other.other = self
        if self.other not in self.proxy.ends:  # it left meanwhile
            self.transport.abort()
        if self.proxy.frozen:
            self.transport.pause_reading()
        self.other.resume()

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        self._spoke = time.monotonic()
        if not self._server:
            self._tap.from_client(data)
            self.other.transport.write(data)
        elif self._held or (self.proxy.client and self._tap.waits):
            self._hold(data)
        else:
            self._hand_on(data)

    # --- patience ------------------------------------------------------------------------

    @property
    def unsettled(self) -> bool:
        """Whether something is still to come, or to be handed on."""
        return bool(self._held) or self._tap.owed or self._readable

    @property
    def _readable(self) -> bool:
        """Whether something came that was not taken yet."""
        number = self.transport.get_extra_info("socket").fileno()
        if number < 0:
            return False
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))

    def _hold(self, data: bytes) -> None:
        if not self._held:
            self._held_since, self._looks = time.monotonic(), 0
            asyncio.get_running_loop().call_soon(self._look)
        self._held += data

    def _look(self) -> None:
        """Hand on what is held, if the client waits for it."""
        if not self._held:
            return
        doing = self._client_does()
        if doing is Doing.WORKS and not self._held_too_long():
            self._looks += 1
            pause_s = 0 if self._looks < _SOON else _LOOK_S
            asyncio.get_running_loop().call_later(pause_s, self._look)
            return
        self.proxy.counts.unsettled += doing is Doing.WORKS
        self._hand_on_held(waited=doing is not Doing.DONE)

    def _client_does(self) -> Doing:
        """What the client does. Asleep, it may have said something before."""
        assert self.other is not None
        assert self.proxy.client is not None
        doing = self.proxy.client.does(time.monotonic() - self.other._spoke)
        return Doing.WORKS if self.other._readable else doing

    def _held_too_long(self) -> bool:
        limit_s = LATER_S if self.proxy.counts.unsettled else LONGEST_S
        return time.monotonic() - self._held_since > limit_s

    def _hand_on_held(self, *, waited: bool) -> None:
        data, self._held = bytes(self._held), bytearray()
        if data:
            self._hand_on(data, waited=waited)

    def _hand_on(self, data: bytes, *, waited: bool = True) -> None:
        assert self.other is not None
        self._tap.from_server(data, waited=waited)
        self.other.transport.write(data)

    # --- the way through -----------------------------------------------------------------

    def pause_writing(self) -> None:
        self._full = True
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        if self.other is not None:
            self.other.resume()

    def resume(self) -> None:
        """Read on, unless there is a reason not to."""
        if self.other is not None and not self.other._full and not self.proxy.frozen:
            self.transport.resume_reading()

    def reset(self) -> None:
        """End it with an RST instead of a FIN."""
        held: socket.socket = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # a Unix socket has no RST
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.proxy.ends.discard(self)
        if self.other is None:
            return
        if self._server:
            self._hand_on_held(waited=True)
            self._tap.ended()
        if isinstance(exc, ConnectionError):
            self.other.reset()
        else:
            self.other.transport.close()
