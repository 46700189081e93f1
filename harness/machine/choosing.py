"""On which core clients wait least, beside a server that was there already.

Asked once per run, for all arms alike, by round trips of this process itself: it moves from
core to core and reads how long it and its backend were ready to run and had no processor.
The backends of our sessions are ours: where the user may, they get a core of their own, or
that of the clients if others are busy elsewhere. Nothing else of the server is touched.
Where the user may not, they run where the system puts them, now here and now there.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.core.clocks import cpu_clock
from harness.core.waits import Waits
from harness.machine.host import Placement, available_cores
from harness.machine.screening import WAITING_LIMIT, Turn

PROBE_S = 0.2
"""How long each core is tried."""
MOST_CORES = 4
"""So many are tried: those that are least busy just now."""
LOOK_S = 0.2
SHARED = 0.5
"""With a share of its answers from the clients' own core, a backend counts as there."""
_LAST_CORE = 36  # field 39 of /proc/PID/stat, counted behind the program's name


@dataclass(frozen=True, slots=True)
class Probe:
    """What was seen while clients were on a core, and backends on `backends` (anywhere, if
    that is empty): the share of the time that this process and its backend waited for
    others, and the share of answers that came from a backend on the clients' core."""

    core: int
    backends: tuple[int, ...]
    waited: float
    beside: float

    @property
    def shared(self) -> bool:
        """Whether clients and backends take turns on one core."""
        return self.core in self.backends or self.beside >= SHARED

    @property
    def cost(self) -> float:
        """What it waited, and more where it is the second choice: on a core of its own only
        others make anybody wait, so more can be told."""
        return self.waited + (WAITING_LIMIT if self.shared else 0.0)


def chosen(ask: Callable[[], object], backend: int) -> Placement:
    """The placement of the clients, and of the backends of our sessions if the user may
    place them. `ask` makes one round trip; `backend` is the process that answers, 0 where
    it is on another machine."""
    cores = available_cores()
    if not cores:
        return Placement()
    waits = Waits()
    waits.watch([backend] if backend else [])
    tried = _idlest(cores)
    try:
        with _returning(0), _returning(backend) as before:
            allowed = before if _movable(backend, before) else set()
            probes = [
                _tried(core, backends, ask, backend, waits)
                for core, backends in _places(tried, allowed)
            ]
    finally:
        waits.forget()
    best = min(probes, key=lambda probe: (probe.cost, probe.beside, probe.core))
    return Placement((best.core,), best.backends, best.shared, chosen=_told(probes))


def _places(
    cores: Sequence[int], allowed: Collection[int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Each core for clients, with the next one and with itself for backends; with none
    where they may not be placed."""
    for core in cores:
        others = [other for other in cores if other in allowed and other != core]
        beside = [core] if core in allowed else []
        for place in others[:1] + beside:
            yield core, (place,)
        if not allowed:
            yield core, ()


@contextlib.contextmanager
def _returning(pid: int) -> Iterator[set[int]]:
    """On which cores a process may run, there and afterwards; 0 is this one."""
    before = set[int]()
    with contextlib.suppress(OSError):
        before = os.sched_getaffinity(pid)
    try:
        yield before
    finally:
        with contextlib.suppress(OSError):  # it is gone, or is not ours to move
            os.sched_setaffinity(pid, before)


def _told(probes: Sequence[Probe]) -> str:
    return "; ".join(
        f"clients on core {probe.core}{_where(probe)} waited {probe.waited:.1%} of the time"
        for probe in sorted(probes, key=lambda probe: (probe.core, probe.backends))
    )


def _where(probe: Probe) -> str:
    return f" and backends on core {probe.backends[0]}" if probe.backends else ""


def _idlest(cores: Sequence[int]) -> list[int]:
    """The cores with the least to do, the idlest first."""
    if len(cores) <= MOST_CORES:
        return list(cores)
    busy = psutil.cpu_percent(LOOK_S, percpu=True)
    known = [core for core in cores if core < len(busy)] or list(cores)
    return sorted(known, key=lambda core: busy[core] if core < len(busy) else 0.0)[
        :MOST_CORES
    ]


def _tried(
    core: int,
    backends: tuple[int, ...],
    ask: Callable[[], object],
    backend: int,
    waits: Waits,
) -> Probe:
    os.sched_setaffinity(0, {core})
    if backends:
        os.sched_setaffinity(backend, backends)
    waited, worked, begun = _waited(waits), _worked(backend), time.monotonic()
    beside = asked = 0
    while time.monotonic() - begun < PROBE_S:
        ask()
        asked += 1
        beside += bool(backend) and _last_core(backend) == core
    spent = (time.monotonic() - begun) * 1e9
    turn = Turn(round(spent), _waited(waits) - waited, _worked(backend) - worked)
    apart = bool(backends) and core not in backends
    return Probe(core, backends, turn.share if apart else turn.by_others, beside / asked)


def _movable(pid: int, cores: Collection[int]) -> bool:
    """Whether the user may say on which cores a process runs."""
    try:
        os.sched_setaffinity(pid, cores)
    except OSError:
        return False
    return bool(pid)


def _waited(waits: Waits) -> int:
    return (waits.client_ns() or 0) + (waits.server_ns() or 0)


def _worked(backend: int) -> int:
    """What this process and its backend used of processors so far, in ns."""
    used = time.process_time_ns()
    with contextlib.suppress(OSError):
        used += time.clock_gettime_ns(cpu_clock(backend)) if backend else 0
    return used


def _last_core(pid: int) -> int:
    """The core on which a process ran last; -1 where nobody tells."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        text = Path(f"/proc/{pid}/stat").read_text()
        return int(text.rpartition(")")[2].split()[_LAST_CORE])
    return -1
