"""A TCP proxy before a server: for cases in which the network fails, and to count turns.

A frozen one takes nothing out of its sockets. Its kernel still answers for them, as long
as there is room: TCP's own timers (keepalives, user timeout) notice nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import replace
from types import TracebackType
from typing import Any, cast

from harness.core.calls import Target
from harness.servers.tap import Counts, Tap

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
_SOCKET_NAME = ".s.PGSQL.{}"


class Proxy:
    """Forwards connections for a `with` block, until it is told otherwise.

    Its event loop runs in a thread that ends with the block.
    """

    def __init__(self, behind: Target) -> None:
        self.behind = behind
        self.target = behind
        self.frozen = False
        self.ends: set[_End] = set()
        self.counts = Counts()
        self._dialling: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._listener: asyncio.Server | None = None

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
        return dict(sorted(self.counts.messages.items()))

    # --- connections -------------------------------------------------------------------

    async def _listen(self, port: int) -> int:
        server = await self._loop.create_server(
            lambda: _End(self), "127.0.0.1", port, reuse_address=True
        )
        self._listener = server
        return int(server.sockets[0].getsockname()[1])

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
        self._note = self._tap.from_client if other is None else self._tap.from_server
        self._full = False  # what came from the other end waits in our buffer

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
        self._note(data)
        self.other.transport.write(data)

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
        if isinstance(exc, ConnectionError):
            self.other.reset()
        else:
            self.other.transport.close()
