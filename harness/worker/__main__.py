"""The worker process: `python -m harness.worker FD SPEC`, a synchronous command loop.

FD is a socket to the parent, and SPEC says which arm to load, and on which core and how
nice to run. The driver is imported on as many cores as it will have, because a library may
size its thread pool by them; perhaps on others, which have nothing to do at that moment,
and no nicer than anybody, so that the next worker can start meanwhile.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core import offspring, wire
from harness.core.errors import DriverError, LibraryMissingError, PgdynoError
from harness.core.interpreter import describe, gil_enabled
from harness.core.niceness import set_niceness
from harness.worker.allocator import warm_allocator

if TYPE_CHECKING:
    from harness.worker.trial import Worker


def serve(channel: socket.socket, spec: dict[str, Any]) -> None:
    """Answer commands until the parent closes the channel."""
    warm_allocator()
    gil_before = gil_enabled()
    try:
        _take_place(spec["loads_on"])
        worker = _loaded(spec)
        _take_place(spec["cores"], spec["priority"])
    except PgdynoError as error:
        absent = isinstance(error, LibraryMissingError)
        wire.send(channel, {"error": str(error), "hint": error.hint, "absent": absent})
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


def _loaded(spec: dict[str, Any]) -> Worker:
    """The driver, and what serves it: both are imported on the core that was chosen.

    What imports make stays. To look for garbage in it, again and again while it grows and
    once more when the first op is warm, would take a tenth of the time of a start.
    """
    gc.disable()
    try:
        from harness.core.arms import Arm
        from harness.plugin import contract
        from harness.worker.trial import Worker

        contract.learn(spec["places"])
        options = tuple(spec["options"])
        arm = Arm(spec["driver"], options, spec["profile"], spec["copy"])
        return Worker(arm, spec["plugin"])
    finally:
        gc.freeze()
        gc.enable()


def _take_place(cores: list[int], priority: int = 0) -> None:
    """Go to these cores, as nice as all clients are, with the threads that there are.

    Raises:
        DriverError: the system does not let it.
    """
    try:
        if cores:
            for thread in _threads():
                os.sched_setaffinity(thread, cores)
        if priority:
            for thread in _threads():
                set_niceness(thread, priority)
    except ProcessLookupError:  # a thread has just ended, and another may have begun
        _take_place(cores, priority)
    except OSError as error:
        where = f"core {', '.join(map(str, cores))} with priority {priority:+d}"
        raise DriverError(
            f"a worker may not run on {where}: {error.strerror}",
            hint="was the core taken away from this process while it ran?",
        ) from None


def _threads() -> list[int]:
    """The threads of this process that the system can tell apart, else itself."""
    tasks = Path("/proc/self/task")
    return [int(task.name) for task in tasks.iterdir()] if tasks.exists() else [0]


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
