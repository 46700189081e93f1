"""The machine: what it is, and where work is placed on it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil

from harness.core.niceness import set_niceness
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


PRIORITY = -10
"""How nice clients and a managed server are, where the user may say so: a neighbour on the
same core then hardly makes them wait (docs/decisions/0029-a-priority-of-its-own.md)."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Which processors the clients and the managed server run on; empty: anywhere.

    `shared` says that clients and backends run on one core and take turns there;
    `priority` is the nice value of both; `chosen` says why the clients are where they are,
    where that had to be found out.
    """

    clients: tuple[int, ...] = ()
    server: tuple[int, ...] = ()
    shared: bool = False
    priority: int = 0
    chosen: str = ""
    free: tuple[int, ...] = ()  # all cores that may be used while nothing is timed

    @property
    def split(self) -> bool:
        """Whether client and backend have a core each: only others can make them wait."""
        return bool(self.clients and self.server) and not self.shared

    def describe(self) -> dict[str, str]:
        """For the results: part of what makes two runs comparable."""
        if not self.clients:
            return {"kind": "unpinned"}
        server = ",".join(map(str, self.server)) or "not ours to place"
        told = {
            "kind": "shared" if self.shared else "split",
            "clients": ",".join(map(str, self.clients)),
            "server": server,
        }
        return told | ({"priority": f"{self.priority:+d}"} if self.priority else {})


NOWHERE = Placement()
"""Nobody is placed."""


def place(*, server: bool) -> Placement:
    """Clients on one core and the server, if it is ours to place, on another; on the same
    where there is only one."""
    cores = available_cores()
    if not cores:
        return Placement()
    if len(cores) == 1:
        return Placement(cores, cores if server else (), shared=True)
    return Placement(clients=cores[:1], server=cores[1:2] if server else ())


def available_cores() -> tuple[int, ...]:
    """The processors that this process may use; none where the system does not tell."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


@contextlib.contextmanager
def placed(
    server: Server,
    borrowed: Callable[[], Placement] | None = None,
    priority: int = PRIORITY,
) -> Iterator[Placement]:
    """Place clients and server, and act on it: pin what is ours, keep off the others.

    `borrowed` finds a place for the clients of a server whose processes are its owner's.
    Afterwards this process may run where it could before: the next run in it has to find
    all cores again.
    """
    ours = server.pid if server.managed else 0
    found = borrowed if borrowed and not ours else partial(place, server=bool(ours))
    placement = found()
    if not placement.clients:
        yield placement
        return
    before = os.sched_getaffinity(0)
    pin_server(ours, placement.server)
    keep_off(placement.clients, placement.server)
    try:
        with _prioritised(ours, priority) as granted:
            yield replace(placement, priority=granted, free=tuple(sorted(before)))
    finally:
        with contextlib.suppress(OSError):  # a core may have been taken away meanwhile
            os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _prioritised(postmaster: int, nice: int) -> Iterator[int]:
    """Raise the priority of a managed server; that of all processes of a run, 0 where the
    user may not. Backends that are started later inherit it."""
    # What the server does by itself keeps its own, and stands back behind backends.
    raised = [postmaster] if postmaster and nice else []
    if not raised or not prioritise(raised, nice):
        yield 0
        return
    try:
        yield nice
    finally:
        prioritise(raised, 0)


def prioritise(pids: Sequence[int], nice: int) -> bool:
    """Set how nice processes are; whether that was allowed for all that are there."""
    allowed = True
    for pid in pids:
        try:
            set_niceness(pid, nice)
        except ProcessLookupError:
            continue
        except OSError:
            allowed = False
    return allowed


def pin_server(pid: int, cores: Sequence[int]) -> None:
    """Pin the postmaster and its helpers; backends started later inherit it."""
    if not pid or not cores:
        return
    with contextlib.suppress(psutil.Error, OSError):
        postmaster = psutil.Process(pid)
        for process in (postmaster, *postmaster.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):
                os.sched_setaffinity(process.pid, cores)


def keep_off(clients: Sequence[int], server: Sequence[int] = ()) -> None:
    """Keep this process away from what is timed, where cores are left; rather beside the
    server, which waits for it between slices, than beside the clients."""
    if not clients:
        return
    others = os.sched_getaffinity(0) - set(clients)
    if chosen := others - set(server) or others:
        os.sched_setaffinity(0, chosen)


def move(pid: int, cores: Sequence[int]) -> None:
    """Let all threads of a process run on these cores only, also those that begin
    meanwhile; nothing if it is gone."""
    moved: set[str] = set()
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task")
        while fresh := {thread.name for thread in tasks.iterdir()} - moved:
            for thread in fresh:
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(thread), cores)
            moved |= fresh


def pin_here(cores: Sequence[int]) -> None:
    """Pin this process; children that are started later inherit it."""
    if cores:
        os.sched_setaffinity(0, cores)
