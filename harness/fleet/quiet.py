"""Keeps Dask out of the measurement: what it does now and then on a machine with a job.

Its worker profiles itself 100 times a second and looks 50 times a second how late it is.
The profiler is stopped, everything else happens once in a few seconds. Its threads are as
nice as can be, and stay on the cores on which pgdyno's own process is: never on those of
the clients.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import psutil
from distributed import NannyPlugin, WorkerPlugin
from tornado.ioloop import PeriodicCallback

from harness.fleet.machines import RESOURCE

CONFIG = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.worker.memory.monitor-interval": "5s",
}
"""The same for workers that are started with it."""

STOPPED = ("profile", "profile-cycle", "heartbeat")
SLOWED_MS = {
    "tick": 1_000,  # Dask complains where it is later than 3 s
    "ticks": 60_000,
    "monitor": 10_000,
    "find-missing": 10_000,
    "shift_counters": 60_000,
    "memory_monitor": 5_000,
}
HEARTBEAT_MS = 10_000
"""A scheduler gives up a worker after 5 minutes; its own pace is twice a second."""


class QuietWorker(WorkerPlugin):
    """Makes a worker quiet that offers the resource; it stays so."""

    name = "pgdyno-quiet-worker"
    idempotent = True

    def setup(self, worker: Any) -> None:
        """Once for each worker, also for those that come later."""
        if worker.state.total_resources.get(RESOURCE, 0) < 1:
            return
        quieten(worker)
        own = PeriodicCallback(worker.heartbeat, HEARTBEAT_MS)
        worker.periodic_callbacks["pgdyno-heartbeat"] = own
        own.start()


class Cores(WorkerPlugin):
    """Gives each worker of a host a part of its cores, by name; jobs inherit it."""

    name = "pgdyno-cores"

    def __init__(self, parts: dict[str, tuple[int, ...]]) -> None:
        self.parts = parts

    def setup(self, worker: Any) -> None:
        """Once for each worker, and again when it was started again."""
        confine(self.parts[str(worker.name)])


class QuietNanny(NannyPlugin):
    """The same for the process that starts a worker again."""

    name = "pgdyno-quiet-nanny"
    idempotent = True

    def setup(self, nanny: Any) -> None:
        """Once for each nanny."""
        quieten(nanny)


def quieten(server: Any) -> None:
    """Stop or slow what a worker or a nanny does periodically."""
    for name, callback in server.periodic_callbacks.items():
        if name in STOPPED:
            callback.stop()
        elif name in SLOWED_MS:
            callback.callback_time = max(callback.callback_time, SLOWED_MS[name])


def has_dashboard() -> bool:
    """Whether a scheduler of this Python shows anything: that takes bokeh."""
    return importlib.util.find_spec("bokeh") is not None


# --- cores and priority ---------------------------------------------------------------


def parts(cores: Collection[int], workers: int) -> list[tuple[int, ...]]:
    """As many parts of the cores as there are workers, as equal as can be; workers share
    cores where there are fewer of these."""
    ordered = sorted(cores)
    if len(ordered) < workers:
        return [(ordered[k % len(ordered)],) for k in range(workers)]
    size, more = divmod(len(ordered), workers)
    starts = [k * size + min(k, more) for k in range(workers + 1)]
    return [tuple(ordered[a:b]) for a, b in itertools.pairwise(starts)]


def confine(cores: Collection[int]) -> None:
    """All threads of this process, and what they start, run on these cores only."""
    for thread in _threads():
        with contextlib.suppress(OSError):
            os.sched_setaffinity(thread, cores)


@contextlib.contextmanager
def beside(pid: int) -> Iterator[Callable[[], None]]:
    """Make the other threads of this process nice, and let all be where the children of
    `pid` are, whenever what is yielded is called; afterwards they may be anywhere again.

    The thread that calls this stays as it was: what it starts next inherits that.
    """
    before = os.sched_getaffinity(0)
    me = threading.get_native_id()
    now = before
    for thread in _threads() - {me}:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, 19)

    def follow() -> None:
        nonlocal now
        there = _cores_of_child(pid)
        if there and there != now:
            confine(there)
            now = there

    try:
        yield follow
    finally:
        confine(before)


def _cores_of_child(pid: int) -> set[int]:
    """Where pgdyno's own process is; it chooses its cores while it runs."""
    with contextlib.suppress(psutil.Error, OSError, IndexError):
        return set(os.sched_getaffinity(psutil.Process(pid).children()[0].pid))
    return set()


def _threads() -> set[int]:
    return {int(task.name) for task in Path("/proc/self/task").iterdir()}
