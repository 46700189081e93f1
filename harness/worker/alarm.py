"""Wakes a task of an event loop at a moment of the monotonic clock. Standard library only.

A timer of asyncio or of uvloop comes up to a millisecond late, and a thread that sleeps for
it would take the GIL from the driver. Linux has a file that becomes readable at a moment.
"""

from __future__ import annotations

import ctypes
import os
import struct
from asyncio import AbstractEventLoop, Future, sleep
from time import perf_counter_ns

_CLOCK_MONOTONIC = 1
_NONBLOCK = os.O_NONBLOCK
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_ABSOLUTE = 1
_EARLY_NS = 2_000_000
"""How much earlier a loop's own timer is asked for: it may be so late."""


class Alarm:
    """One alarm clock for one task; `close` it when the last moment has passed."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._library = ctypes.CDLL(None, use_errno=True)
        self._file = self._opened()
        self._rung: Future[None] | None = None
        if self._file >= 0:
            loop.add_reader(self._file, self._ring)

    def _opened(self) -> int:
        """-1 where the system has none."""
        create = getattr(self._library, "timerfd_create", None)
        return create(_CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC) if create else -1

    async def until(self, moment_ns: int) -> None:
        """Sleep until a moment of `perf_counter_ns`; without the file, a little less."""
        if self._file < 0:
            await sleep(max(0, moment_ns - _EARLY_NS - perf_counter_ns()) / 1e9)
            return
        self._rung = self._loop.create_future()
        moment = struct.pack("4q", 0, 0, *divmod(moment_ns, 1_000_000_000))
        self._library.timerfd_settime(self._file, _ABSOLUTE, moment, None)
        await self._rung

    def _ring(self) -> None:
        os.read(self._file, 8)
        if self._rung and not self._rung.done():
            self._rung.set_result(None)

    def close(self) -> None:
        """Give the file back."""
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
