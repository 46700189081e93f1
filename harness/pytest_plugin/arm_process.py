"""One side of a comparison: a process in which a function of the user's is timed.

`python -m harness.pytest_plugin.arm_process FD PARENT`, in the environment of a commit or
of the working tree. It imports the standard library, `core` and the loops; the function
comes as source and imports what it needs by itself.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import socket
import sys
import traceback
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

from harness.core import offspring, wire
from harness.worker import loops

FLAGS = annotations.compiler_flag
"""A function's annotations are of the module that it was taken from."""


class TimedFunction:
    """What a function gave to be timed; sync or async, as its first call shows."""

    def __init__(self, source: str, name: str, target: dict[str, Any]) -> None:
        self._loop = asyncio.new_event_loop()
        space: dict[str, Any] = {}
        exec(compile(source, f"<{name}>", "exec", FLAGS, dont_inherit=True), space)
        given = [SimpleNamespace(**target)] if target else []
        self._op = self._settled(space[name](*given))
        first = self._op()
        self._async = inspect.isawaitable(first)
        self._settled(first)

    def _settled(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            return self._loop.run_until_complete(_awaited(value))
        return value

    def slice_ns(self, lead: int, ops: int) -> int:
        """Wall time of so many calls, after so many untimed ones."""
        if self._async:
            timing = self._loop.run_until_complete(
                loops.async_slice(self._op, lead, ops, tuple)
            )
        else:
            timing = loops.sync_slice(self._op, lead, ops, tuple)
        return timing[0]


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def serve(channel: socket.socket) -> None:
    """Take the function, then time slices until the parent closes the channel."""
    try:
        timed = TimedFunction(**wire.receive(channel))
        wire.send(channel, {})
        while True:
            request = wire.receive(channel)
            if request.pop("collect", False):
                gc.collect()
                gc.freeze()
            wire.send(channel, {"wall_ns": timed.slice_ns(**request)})
    except wire.ChannelClosed:
        return
    except BaseException as error:
        wire.send(channel, {"failed": _told(error)})


def _told(error: BaseException) -> str:
    """What a user's function raised, from its own first line on."""
    trace = error.__traceback__
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def main() -> None:
    """Entry of the process."""
    offspring.end_with_parent(signal.SIGKILL, int(sys.argv[2]))
    channel = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(channel.fileno(), False)
    serve(channel)
    os._exit(0)  # threads of a library must not keep it alive


if __name__ == "__main__":
    main()
