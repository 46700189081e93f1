"""The machine: what it is, where work is placed, and whether somebody else is using it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.results.records import Machine

# Another process may use this share of the processors that a block runs on before the
# block counts as disturbed. One kernel tick is 10 ms, so shorter blocks see steps.
FOREIGN_LIMIT = 0.10


def describe() -> Machine:
    """The machine at hand; the host's name only as a hash."""
    return Machine(
        system=platform.system(),
        release=platform.release(),
        cpu=_cpu_name(),
        cores=psutil.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        hostname_hash=hashlib.sha256(socket.gethostname().encode()).hexdigest()[:12],
        virtual=_hypervisor(),
    )


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _hypervisor() -> str:
    with contextlib.suppress(OSError):
        if " hypervisor " in Path("/proc/cpuinfo").read_text().replace("\n", " "):
            return "yes"
    return ""


@dataclass(frozen=True, slots=True)
class Placement:
    """Which processors the clients and the managed server run on; empty: anywhere."""

    clients: tuple[int, ...] = ()
    server: tuple[int, ...] = ()

    def describe(self) -> dict[str, str]:
        """For the results: part of what makes two runs comparable."""
        if not self.clients:
            return {"kind": "unpinned"}
        server = ",".join(map(str, self.server)) or "not ours to place"
        return {
            "kind": "split",
            "clients": ",".join(map(str, self.clients)),
            "server": server,
        }


def place(*, server: bool) -> Placement:
    """Clients on one core and the server, if it is ours to place, on another."""
    if not hasattr(os, "sched_getaffinity"):
        return Placement()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return Placement()
    return Placement(clients=(cores[0],), server=(cores[1],) if server else ())


def pin_server(pid: int, cores: Sequence[int]) -> None:
    """Pin the postmaster and its helpers; backends started later inherit it."""
    if not pid or not cores:
        return
    with contextlib.suppress(psutil.Error, OSError):
        postmaster = psutil.Process(pid)
        for process in (postmaster, *postmaster.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):
                os.sched_setaffinity(process.pid, cores)


def keep_off(cores: Sequence[int]) -> None:
    """Keep this process away from the clients' processors, where others are left."""
    if not cores:
        return
    others = os.sched_getaffinity(0) - set(cores)
    if others:
        os.sched_setaffinity(0, others)


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds of the watched cores and of this process, at one moment."""

    at: float
    busy: float
    stolen: float
    mine: float


class Watch:
    """Tells how much of some cores somebody else used, from its start to its end.

    Our own is this process, the processes `pids` and their children. To add those up
    takes a while, so it is done outside of the time that is watched.
    """

    def __init__(self, cores: Sequence[int], pids: Sequence[int]) -> None:
        self._cores = tuple(cores)
        self._pids = tuple(pids)
        self._own = own_seconds(self._pids)
        self._start = self._read()

    def _read(self) -> Usage:
        mine = time.process_time()
        if not sys.platform.startswith("linux") or not self._cores:
            return Usage(time.monotonic(), 0.0, 0.0, mine)
        times = psutil.cpu_times(percpu=True)
        chosen = [times[core] for core in self._cores if core < len(times)]
        # Interrupts are left out: on loopback they are our own packets, charged to nobody.
        busy = sum(one.user + one.nice + one.system for one in chosen)
        return Usage(time.monotonic(), busy, sum(one.steal for one in chosen), mine)

    def foreign(self) -> float:
        """The share of the cores' time that went to others or was stolen, 0 to 1."""
        start, end = self._start, self._read()
        elapsed = (end.at - start.at) * max(1, len(self._cores))
        if not self._cores or elapsed <= 0:
            return 0.0
        ours = own_seconds(self._pids) - self._own + end.mine - start.mine
        others = max(0.0, end.busy - start.busy - ours) + end.stolen - start.stolen
        return min(1.0, others / elapsed)  # ticks of 10 ms may be longer than a look


def own_seconds(pids: Sequence[int]) -> float:
    """Processor time that these processes and their children have used so far.

    Children that have ended are in their parent's account: a backend is gone as soon as
    its session is closed.
    """
    return sum(map(_spent, pids))


def _spent(pid: int) -> float:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        own = process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                times = child.cpu_times()
                total += times.user + times.system
        return total
    return 0.0


def pin_here(cores: Sequence[int]) -> None:
    """Pin this process; children that are started later inherit it."""
    if cores:
        os.sched_setaffinity(0, cores)
