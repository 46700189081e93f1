"""A bench run from its order to its file, on a venue that is open."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.bench.assignment import Assignment, runnable
from harness.bench.crew import Crew, assembled
from harness.bench.runner import Progress
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell, Effort
from harness.core.errors import DriverError, WorkerGone
from harness.core.phases import Phase, PhaseClock
from harness.machine import choosing, host
from harness.machine.host import Placement
from harness.play import absent
from harness.play.recording import Recording
from harness.play.seat import Seat
from harness.results.records import Note
from harness.scenario import Scenario
from harness.venue import routes
from harness.venue.limits import sessions_of
from harness.venue.venue import Venue


@dataclass(frozen=True, slots=True)
class Order:
    """What is measured, with whom, how much; `lane` says what is counted."""

    scenarios: Sequence[Scenario]
    cells: Sequence[Cell]
    arms: Sequence[Arm]
    plan: Plan
    effort: Effort
    seed: int
    lane: str = "time"


def measure(
    place: Venue,
    order: Order,
    out: Path,
    progress: Progress,
    complain: Callable[[str], None],
    phases: PhaseClock | None = None,
) -> None:
    """Place everybody, run, and stream what is measured into a file.

    Whatever ends it, the file is left readable. `complain` is told of arms that cannot
    take part.
    """
    phases = phases or PhaseClock()
    most = max(map(sessions_of, order.cells), default=1)
    together = place.stage.share(len(order.arms), most)
    with contextlib.ExitStack() as stack:
        placement = stack.enter_context(
            host.placed(place.server, partial(_beside_others, place))
        )
        crew = stack.enter_context(
            assembled(place, order.arms, placement, together=together)
        )
        with phases.phase(Phase.WORKERS):
            greeted = _greet(crew, complain)
        recording = stack.enter_context(
            Recording(
                out,
                "bench",
                place,
                order.scenarios,
                order.cells,
                order.arms,
                seed=order.seed,
                effort=order.effort,
                lane=order.lane,
                placement=placement,
                phases=phases,
            )
        )
        recording.begin(greeted)
        if placement.chosen:
            recording.write(Note(kind="placement", text=placement.chosen))
        place.stage.routes.settle(placement.server, placement.clients, placement.priority)
        for record in routes.opened(place.stage, order.cells):
            recording.write(record)
        runnable(order.lane).run(
            Assignment(
                place=place,
                cells=order.cells,
                arms=[arm for arm, hello in greeted if "problem" not in hello],
                plan=order.plan,
                seed=order.seed,
                placement=placement,
                emit=recording.write,
                progress=progress,
                crew=crew,
                phases=phases,
            )
        )


def _beside_others(place: Venue) -> Placement:
    """Where clients wait least, beside a server that is not ours to place."""
    backend = place.control.backend_pid if place.server.pid else 0
    return choosing.chosen(lambda: place.control.value("select 1"), backend)


def _greet(crew: Crew, complain: Callable[[str], None]) -> list[tuple[Arm, dict[str, Any]]]:
    """Every arm with its terms, or with the problem that keeps it out of the run.

    The workers stay: the first round needs them.
    """
    hellos: dict[str, dict[str, Any]] = {}

    def greet(seat: Seat) -> None:
        try:
            hellos[seat.arm.id] = seat.worker.hello
        except (DriverError, WorkerGone) as error:
            hellos[seat.arm.id] = {"problem": str(error), "hint": error.hint}

    seats = list(crew.seats.values())
    crew.each(seats, greet, spread=True)
    greeted = [(seat.arm, hellos[seat.arm.id]) for seat in seats]
    for sentence in absent.told(greeted):
        complain(sentence)
    return greeted
