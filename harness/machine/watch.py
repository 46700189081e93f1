"""What the system tells of a block while it runs: who used the processors, who waited."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from harness.core.clocks import cpu_clock


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds of the watched cores and of this process, at one moment."""

    at: float
    idle: float
    stolen: float
    mine: float


class Watch:
    """Tells how much of some cores somebody else used, from its start to its end.

    Our own is this process, the processes `pids` and their children. To add those up
    takes a while, so it is done outside of the time that is watched.
    """

    def __init__(self, cores: Sequence[int], pids: Sequence[int]) -> None:
        linux = sys.platform.startswith("linux")
        known = len(psutil.cpu_times(percpu=True)) if linux else 0
        self._cores = tuple(core for core in cores if core < known)
        self._pids = tuple(pids)
        self._own = own_seconds(self._pids)
        self._start = self._read()

    def _read(self) -> Usage:
        times = psutil.cpu_times(percpu=True)
        chosen = [times[core] for core in self._cores]
        # The kernel times how long a core is idle, but only samples what it is busy with:
        # of a block of 0.1 s that is ten looks.
        idle = sum(core.idle + core.iowait for core in chosen)
        stolen = sum(core.steal for core in chosen)
        return Usage(time.monotonic(), idle, stolen, time.process_time())

    def foreign(self) -> float:
        """The share of the cores' time that went to others or was stolen, 0 to 1."""
        start, end = self._start, self._read()
        elapsed = (end.at - start.at) * len(self._cores)
        if elapsed <= 0:
            return 0.0
        ours = own_seconds(self._pids) - self._own + end.mine - start.mine
        stolen = end.stolen - start.stolen
        busy = elapsed - (end.idle - start.idle) - stolen
        others = max(0.0, busy - ours) + stolen
        return min(1.0, others / elapsed)  # ticks of 10 ms may be longer than a look


def own_seconds(pids: Sequence[int]) -> float:
    """Processor time that these processes and their children have used so far.

    Children that have ended are in their parent's account: a backend is gone as soon as
    its session is closed.
    """
    return sum(map(_spent_with_children, pids))


def _spent_with_children(pid: int) -> float:
    total = 0.0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        total += spent(process)
        ended = process.cpu_times()
        total += ended.children_user + ended.children_system
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += spent(child)
    return total


def spent(process: psutil.Process) -> float:
    """Processor seconds of a process, with threads that have ended: by its own clock where
    the system has one, else in ticks. Raises `psutil.Error` if it is gone."""
    with contextlib.suppress(OSError):
        return time.clock_gettime(cpu_clock(process.pid))
    times = process.cpu_times()
    return float(times.user + times.system)


def threads(pid: int) -> int:
    """How many threads a process has; 0 if it is gone."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).num_threads()
    return 0


class StealWatch:
    """Tells how much of some cores the host of a virtual machine took, look by look."""

    def __init__(self, cores: Sequence[int]) -> None:
        self._cores = tuple(cores)
        self._last = self._look()

    def since_last(self) -> float:
        """The share of the cores' time since the last look. It is counted in ticks of
        10 ms; 0 where nobody counts."""
        (at, stolen), self._last = self._last, self._look()
        now, more = self._last
        spent = (now - at) * len(self._cores)
        return (more - stolen) / spent if spent > 0 else 0.0

    def _look(self) -> tuple[float, float]:
        if not sys.platform.startswith("linux"):
            return time.monotonic(), 0.0
        times = psutil.cpu_times(percpu=True)
        known = [core for core in self._cores if core < len(times)]
        return time.monotonic(), math.fsum(times[core].steal for core in known)
