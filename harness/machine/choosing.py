"""On which core clients wait least, beside a server that was there already.

Asked once per run, for all arms alike, by round trips of this process itself: it moves from
core to core and reads how long it and its backend were ready to run and had no processor.
The backends of our sessions are ours: where the user may, they get a core of their own, and
nothing else of the server is touched. Where they may not, they run where the system puts
them, now beside the clients and now with them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.core.waits import Waits
from harness.machine.host import Placement, available_cores

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
    """What was seen while clients were on a core, and their backends on `backends`, or
    anywhere: the share of the time that this process and its backend waited for a
    processor, and the share of answers that came from a backend on the clients' core."""

    core: int
    waited: float
    beside: float
    backends: tuple[int, ...] = ()


def chosen(ask: Callable[[], object], backend: int) -> Placement:
    """The placement of the clients. `ask` makes one round trip; `backend` is the process
    that answers, 0 where it is on another machine."""
    cores = available_cores()
    if not cores:
        return Placement()
    waits = Waits()
    waits.watch([backend] if backend else [])
    tried = _idlest(cores)
    try:
        with _returning(0), _returning(backend) as allowed:
            probes = []
            for core in tried:
                others = [other for other in tried if other in allowed - {core}]
                probes.append(_tried(core, others, ask, backend, waits))
    finally:
        waits.forget()
    best = min(probes, key=lambda probe: (probe.waited, probe.beside, probe.core))
    return Placement(
        (best.core,), best.backends, shared=best.beside >= SHARED, chosen=_told(probes)
    )


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
        f"core {probe.core}{_where(probe)}: clients and backends waited "
        f"{probe.waited:.1%} of the time"
        for probe in sorted(probes, key=lambda probe: probe.core)
    )


def _where(probe: Probe) -> str:
    return f", backends on core {probe.backends[0]}" if probe.backends else ""


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
    core: int, others: Sequence[int], ask: Callable[[], object], backend: int, waits: Waits
) -> Probe:
    os.sched_setaffinity(0, {core})
    backends = _moved(backend, others)
    before, begun, beside, asked = _waited(waits), time.monotonic(), 0, 0
    while time.monotonic() - begun < PROBE_S:
        ask()
        asked += 1
        beside += bool(backend) and _last_core(backend) == core
    spent = (time.monotonic() - begun) * 1e9
    return Probe(core, (_waited(waits) - before) / spent, beside / asked, backends)


def _moved(backend: int, cores: Sequence[int]) -> tuple[int, ...]:
    """The first core on which a backend may be put; none where it runs anywhere."""
    for core in cores if backend else ():
        with contextlib.suppress(OSError):  # it is another user's
            os.sched_setaffinity(backend, {core})
            return (core,)
    return ()


def _waited(waits: Waits) -> int:
    return (waits.client_ns() or 0) + (waits.server_ns() or 0)


def _last_core(pid: int) -> int:
    """The core on which a process ran last; -1 where nobody tells."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        text = Path(f"/proc/{pid}/stat").read_text()
        return int(text.rpartition(")")[2].split()[_LAST_CORE])
    return -1
