"""Which loop times an op, and what is read before and after it. Standard library only.

The loops themselves are in `harness.worker.loops`, each on its own; here one of them is
chosen, outside of what is timed.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from harness.core.arms import Kind
from harness.core.clocks import cpu_clock
from harness.core.metrics import READINGS
from harness.core.waits import Waits
from harness.worker import loops
from harness.worker.burden import Spent
from harness.worker.loops import Reading, Timing

_PR_SET_TIMERSLACK = 29

Ops = Sequence[Callable[..., Any]]


class Stopwatch:
    """Times the ops of one driver, by its kind. `loop` is an async driver's event loop;
    `clocks` are CPU clocks of server processes, read around each slice; so is `burden`,
    where ops are slowed on purpose."""

    def __init__(self, kind: Kind, loop: Any) -> None:
        self._program = kind == "program"
        self._loop = loop
        self._waits = Waits()
        self.clocks: tuple[int, ...] = ()
        self.burden: Spent | None = None

    def watch(self, pids: Sequence[int]) -> bool:
        """Read the CPU clocks of these processes from now on, and how long they wait;
        whether their clocks can be read."""
        self._waits.watch(pids)
        self.clocks = tuple(map(cpu_clock, pids))
        try:
            self._read()
        except OSError:
            self.clocks = ()
        return bool(self.clocks)

    def forget(self) -> None:
        """Watch no other process any more, and slow nothing."""
        self._waits.forget()
        self.clocks = ()
        self.burden = None

    def slice(self, ops: Ops, lead: int, each: int, *, together: bool) -> dict[str, Any]:
        """One slice of the first op, or of all of them at the same time."""
        if self._program:
            return _by_itself(loops.program_slice(ops[0], lead, each))
        client, server = self._waits.client_ns(), self._waits.server_ns()
        wall, before, after = self._timed(ops, lead, each, together)
        spent = [end - start for start, end in zip(before, after, strict=True)]
        return {
            "wall_ns": wall,
            "cpu_ns": spent[0],
            "voluntary_switches": spent[1],
            "involuntary_switches": spent[2],
            "client_wait_ns": _since(client, self._waits.client_ns()),
            "server_wait_ns": _since(server, self._waits.server_ns()),
            "burden_ns": spent[3] if self.burden else None,
            "server_cpu_ns": sum(spent[4:]) if self.clocks else None,
        }

    def _timed(self, ops: Ops, lead: int, each: int, together: bool) -> Timing:
        meter = self._read
        timing: Timing
        if together and self._loop:
            timing = self._await(loops.tasks_slice(ops, lead, each, meter))
        elif together:
            timing = loops.threads_slice(ops, lead, each, meter)
        elif self._loop:
            timing = self._await(loops.async_slice(ops[0], lead, each, meter))
        else:
            timing = loops.sync_slice(ops[0], lead, each, meter)
        return timing

    def latencies(self, ops: Ops, each: int, *, together: bool) -> dict[str, Any]:
        """Service times of single ops, ns; of all clients with their common wall time."""
        if together and self._loop:
            wall, times = self._await(loops.tasks_latencies(ops, each))
            return {"ns": times, "wall_ns": wall}
        if together:
            wall, times = loops.threads_latencies(ops, each)
            return {"ns": times, "wall_ns": wall}
        if self._loop:
            return {"ns": self._await(loops.async_latencies(ops[0], each))}
        return {"ns": loops.sync_latencies(ops[0], each)}

    def uses(self, op: Callable[..., Any], ops: int) -> dict[str, list[int]]:
        """Single ops, each with what it took of the clock and of the processors."""
        if self._loop:
            uses = self._await(loops.async_uses(op, ops, self._read))
        else:
            uses = loops.sync_uses(op, ops, self._read)
        watched = bool(self.clocks)
        return {
            "wall_ns": [wall for wall, _, _ in uses],
            "cpu_ns": [after[0] - before[0] for _, before, after in uses],
            "server_cpu_ns": [sum(after[4:]) - sum(before[4:]) for _, before, after in uses]
            if watched
            else [],
        }

    def arrivals(self, op: Callable[..., Any], due: Sequence[int]) -> dict[str, Any]:
        """An open loop: one op at each of these moments, ns from now."""
        punctual_timers()
        before = time.process_time_ns()
        if self._loop:
            arrivals = self._await(loops.async_arrivals(op, due))
        else:
            arrivals = loops.sync_arrivals(op, due)
        return {
            "cpu_ns": time.process_time_ns() - before,
            "lag_ns": [lag for lag, _ in arrivals],
            "response_ns": [response for _, response in arrivals],
        }

    def _await(self, awaitable: Any) -> Any:
        return self._loop.run_until_complete(awaitable)

    def _read(self) -> Reading:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return (
            time.process_time_ns(),
            usage.ru_nvcsw,
            usage.ru_nivcsw,
            self.burden.ns if self.burden else 0,
            *(time.clock_gettime_ns(clock) for clock in self.clocks),
        )


def _since(before: int | None, now: int | None) -> int | None:
    """How much was added; a thread that ended in between took its own part along."""
    return None if before is None or now is None else max(0, now - before)


def _by_itself(wall_ns: int) -> dict[str, Any]:
    """A slice of a program: its own processor time cannot be told from its start's."""
    return {"wall_ns": wall_ns, **dict.fromkeys(READINGS)}


def punctual_timers() -> None:
    """Ask Linux not to lengthen this thread's sleeps by its usual 50 µs."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
