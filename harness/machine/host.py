"""The machine: what it is, and where work is placed on it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.results.records import Machine
from harness.servers import Server


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


@contextlib.contextmanager
def placed(server: Server) -> Iterator[Placement]:
    """Place clients and server, and act on it: pin what is ours, keep off the clients.

    Afterwards this process may run where it could before: the next run in it has to find
    all cores again.
    """
    # A borrowed server may run here too, but where it runs is its owner's choice.
    ours = server.pid if server.managed else 0
    placement = place(server=bool(ours))
    if not placement.clients:
        yield placement
        return
    before = os.sched_getaffinity(0)
    pin_server(ours, placement.server)
    keep_off(placement.clients)
    try:
        yield placement
    finally:
        os.sched_setaffinity(0, before)


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


def pin_here(cores: Sequence[int]) -> None:
    """Pin this process; children that are started later inherit it."""
    if cores:
        os.sched_setaffinity(0, cores)
