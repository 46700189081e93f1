"""A bench run from its order to its file, on a venue that is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bench.assignment import Assignment, runnable
from harness.bench.runner import Progress
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell, Effort
from harness.core.errors import DriverError, WorkerGone
from harness.machine import host
from harness.machine.host import Placement
from harness.play.recording import Recording
from harness.play.seat import Deadlines, Seat
from harness.scenario import Scenario
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
) -> None:
    """Place everybody, run, and stream what is measured into a file.

    Whatever ends it, the file is left readable. `complain` is told of arms that cannot
    take part.
    """
    with host.placed(place.server) as placement:
        usable = _greet(place, order.arms, placement, complain)
        recording = Recording(
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
        )
        with recording:
            recording.begin(usable)
            runnable(order.lane).run(
                Assignment(
                    place=place,
                    cells=order.cells,
                    arms=[arm for arm, hello in usable if "problem" not in hello],
                    plan=order.plan,
                    seed=order.seed,
                    placement=placement,
                    emit=recording.write,
                    progress=progress,
                )
            )


def _greet(
    place: Venue,
    arms: Sequence[Arm],
    placement: Placement,
    complain: Callable[[str], None],
) -> list[tuple[Arm, dict[str, Any]]]:
    """Every arm with its terms, or with the problem that keeps it out of the run."""
    greeted: list[tuple[Arm, dict[str, Any]]] = []
    for arm in arms:
        cores = list(placement.clients)
        seat = Seat(arm, place.stage, place.control, place.folder, cores, Deadlines())
        try:
            greeted.append((arm, seat.worker.hello))
        except (DriverError, WorkerGone) as error:
            complain(str(error))
            greeted.append((arm, {"problem": str(error)}))
        finally:
            seat.dismiss()
    return greeted
