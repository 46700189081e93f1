"""Where the wall time of a run goes: one clock, always in exactly one phase."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator

from harness.core.enums import StrEnum


class Phase(StrEnum):
    """What a run is busy with. The value is what a reader calls it."""

    SERVER = "starting and stopping the server"
    WORKERS = "starting workers"
    ORACLE = "asking the oracle"
    READY = "making arms ready"
    CALIBRATING = "calibrating and warming up alone"
    TIMED = "timed slices"
    LEAD_IN = "lead-ins and taking turns"
    RESETTING = "resetting and counting rows"
    AGAIN = "verifying again and closing"
    WIRE = "counting turns"
    REST = "everything else"


class PhaseClock:
    """Adds up wall nanoseconds by phase; a phase within another one stops the outer."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._spent: Counter[Phase] = Counter()
        self._phase = Phase.REST
        self._since = clock()

    @contextlib.contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Count what happens inside for `phase`. For use by one thread."""
        outer = self._phase
        self._turn(phase)
        try:
            yield
        finally:
            self._turn(outer)

    def move(self, ns: int, source: Phase, to: Phase) -> None:
        """Count `ns` of what one phase spent for another: who is asked tells it later."""
        self._spent[source] -= ns
        self._spent[to] += ns

    def spent_ns(self) -> dict[str, int]:
        """Nanoseconds by phase so far, the largest first; they add up to all time."""
        self._turn(self._phase)
        return {phase.value: ns for phase, ns in self._spent.most_common() if ns > 0}

    def _turn(self, phase: Phase) -> None:
        now = self._clock()
        self._spent[self._phase] += now - self._since
        self._phase, self._since = phase, now
