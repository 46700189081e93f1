"""The worker process: `python -m harness.worker FD SPEC`, a synchronous command loop.

FD is a socket to the parent, and SPEC says which arm to load, and on which core and how
nice to run. Both are set before the driver is imported, because a library may size its
thread pool by its cores, and threads inherit how nice their maker is. It may be imported on
as many other cores, which have nothing to do at that moment.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from harness.core import offspring, wire
from harness.core.arms import Arm
from harness.core.errors import DriverError, PgdynoError
from harness.core.interpreter import describe, gil_enabled
from harness.core.niceness import set_niceness
from harness.worker.allocator import warm_allocator
from harness.worker.trial import Worker


def serve(channel: socket.socket, spec: dict[str, Any]) -> None:
    """Answer commands until the parent closes the channel."""
    warm_allocator()
    gil_before = gil_enabled()
    try:
        _take_place(spec["loads_on"], spec["priority"])
        worker = Worker(
            Arm(spec["driver"], tuple(spec["options"]), spec["profile"], spec["copy"]),
            spec["plugin"],
        )
        if spec["loads_on"] != spec["cores"]:
            _move(spec["cores"])
    except PgdynoError as error:
        wire.send(channel, {"error": str(error), "hint": error.hint})
        return
    wire.send(channel, worker.hello() | describe(gil_before))
    while True:
        try:
            request = wire.receive(channel)
        except wire.ChannelClosed:
            return
        command = request.pop("do")
        try:
            answer = getattr(worker, command)(**request)
        except BaseException as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        wire.send(channel, answer)


def _move(cores: list[int]) -> None:
    """Go to the cores of the clients, with the threads that the library has by now."""
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)


def _take_place(cores: list[int], priority: int) -> None:
    """Go to these cores, as nice as all clients are.

    Raises:
        DriverError: the system does not let it.
    """
    try:
        if cores:
            os.sched_setaffinity(0, cores)
        if priority:
            set_niceness(0, priority)
    except OSError as error:
        where = f"core {', '.join(map(str, cores))} with priority {priority:+d}"
        raise DriverError(
            f"a worker may not run on {where}: {error.strerror}",
            hint="was the core taken away from this process while it ran?",
        ) from None


def main() -> None:
    """Entry of the process: `python -m harness.worker FD SPEC`."""
    spec = json.loads(sys.argv[2])
    if spec["parent"]:
        offspring.end_with_parent(signal.SIGKILL, spec["parent"])
    channel = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(channel.fileno(), False)
    serve(channel, spec)
    # Native threads and half-closed sessions must not keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main()
