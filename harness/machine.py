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
    """Processor time of the machine's cores, in seconds since boot, at one moment."""

    at: float
    busy: float
    stolen: float


class Watch:
    """Tells how much of some cores somebody else used since the last look."""

    def __init__(self, cores: Sequence[int]) -> None:
        self._cores = tuple(cores)
        self._last = self._read()

    def _read(self) -> Usage:
        if not sys.platform.startswith("linux") or not self._cores:
            return Usage(time.monotonic(), 0.0, 0.0)
        times = psutil.cpu_times(percpu=True)
        chosen = [times[core] for core in self._cores if core < len(times)]
        busy = sum(
            one.user + one.nice + one.system + one.irq + one.softirq for one in chosen
        )
        return Usage(time.monotonic(), busy, sum(one.steal for one in chosen))

    def foreign(self, own_seconds: float) -> float:
        """The share of the cores' time that went to others or was stolen, 0 to 1.

        `own_seconds` is the processor time that our own processes used meanwhile.
        """
        now, last = self._read(), self._last
        self._last = now
        elapsed = (now.at - last.at) * max(1, len(self._cores))
        if not self._cores or elapsed <= 0:
            return 0.0
        others = max(0.0, now.busy - last.busy - own_seconds) + now.stolen - last.stolen
        return min(1.0, others / elapsed)  # ticks of 10 ms may be longer than a look


def own_seconds(pids: Sequence[int]) -> float:
    """Processor time that we, these processes and their children have used so far.

    Children that have ended are in their parent's account: a backend is gone as soon as
    its session is closed.
    """
    return sum(_spent(pid) for pid in (os.getpid(), *pids))


def _spent(pid: int) -> float:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        own = process.cpu_times()
        total = own.user + own.system
        if pid == os.getpid():
            return total  # its children are asked by themselves
        total += own.children_user + own.children_system
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
