"""What a lane is asked to do, what it forecasts, and where its `run` is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness import lanes
from harness.bench.crew import Crew
from harness.bench.runner import Progress
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.phases import PhaseClock
from harness.machine.host import Placement
from harness.results.records import AnyRecord
from harness.venue.venue import Venue


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a lane is given: the cells and the arms that can take part, and where to put
    what it finds. `emit` writes a record to the results file at once. The `crew` has the
    workers that said what the drivers are: a lane uses them, or starts its own."""

    place: Venue
    cells: Sequence[Cell]
    arms: Sequence[Arm]
    plan: Plan
    seed: int
    placement: Placement
    emit: Callable[[AnyRecord], None]
    progress: Progress
    crew: Crew
    phases: PhaseClock

    def dismiss(self) -> None:
        """End the workers that wait: this lane starts each of its own."""
        for seat in self.crew.seats.values():
            seat.dismiss()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would do, before anything was measured: a rough guess.

    `at_most` is the budget in seconds, 0 without one.
    """

    rounds: str
    connections: int
    seconds: float
    at_most: float = 0.0


class Runnable(Protocol):
    """The module `run` of a lane."""

    def forecast(self, cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
        """How much `run` would do, and how many connections it needs at once."""

    def run(self, work: Assignment) -> None:
        """Ask every cell of every arm; record each answer as it comes."""


def runnable(lane: str) -> Runnable:
    """What measures this lane."""
    found: Runnable = lanes.get(lane).part("run")
    return found
