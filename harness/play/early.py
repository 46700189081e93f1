"""Workers that load their drivers while something else, such as a server, starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from harness.core.arms import Arm
from harness.core.errors import DriverError
from harness.play.process import WorkerProcess
from harness.servers.folder import scratch


@contextlib.contextmanager
def started(arms: Sequence[Arm]) -> Iterator[dict[Arm, WorkerProcess]]:
    """A worker for each of the first arms, one per processor: more would delay the server.

    A reference gets none, because it may need the server's own programs. Whoever takes a
    worker ends it; what nobody took ends with the block.
    """
    with scratch() as folder, contextlib.ExitStack() as stack:
        workers: dict[Arm, WorkerProcess] = {}
        for arm in [arm for arm in arms if not arm.reference][: os.cpu_count()]:
            with contextlib.suppress(DriverError):  # said when its seat asks for a worker
                workers[arm] = WorkerProcess(arm, folder, [])
                stack.callback(_end, workers[arm])
        yield workers


def _end(worker: WorkerProcess) -> None:
    if worker.alive:
        worker.kill()
