"""The worker process: `python -m harness.worker FD SPEC`, a synchronous command loop.

FD is a socket to the parent, and SPEC says which arm to load and on which core to run.
Affinity is set before the driver is imported, because a library may size its thread pool
by it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

from harness.core import wire
from harness.core.arms import Arm
from harness.core.errors import PgdynoError
from harness.core.interpreter import describe, gil_enabled
from harness.worker.allocator import warm_allocator
from harness.worker.trial import Worker


def serve(channel: socket.socket, spec: dict[str, Any]) -> None:
    """Answer commands until the parent closes the channel."""
    if spec["cores"]:
        os.sched_setaffinity(0, spec["cores"])
    warm_allocator()
    gil_before = gil_enabled()
    try:
        worker = Worker(
            Arm(spec["driver"], tuple(spec["options"]), spec["profile"], spec["copy"]),
            spec["plugin"],
        )
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


def main() -> None:
    """Entry of the process: `python -m harness.worker FD SPEC`."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(channel.fileno(), False)
    serve(channel, json.loads(sys.argv[2]))
    # Native threads and half-closed sessions must not keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main()
