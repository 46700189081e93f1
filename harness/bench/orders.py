"""A bench run from its order to its file, on a venue that is open."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bench.assignment import Assignment, runnable
from harness.bench.runner import DEADLINES, Progress
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell, Effort
from harness.core.errors import DriverError, WorkerGone
from harness.machine import host
from harness.machine.host import Placement
from harness.play.recording import Recording
from harness.play.seat import Seat
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
    place.stage.share(len(order.arms))
    with contextlib.ExitStack() as stack:
        placement = stack.enter_context(host.placed(place.server))
        seats = [_seat(place, arm, placement) for arm in order.arms]
        for seat in seats:
            stack.callback(seat.dismiss)
        greeted = _greet(seats, complain)
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
            )
        )
        recording.begin(greeted)
        usable = [arm for arm, hello in greeted if "problem" not in hello]
        runnable(order.lane).run(
            Assignment(
                place=place,
                cells=order.cells,
                arms=usable,
                plan=order.plan,
                seed=order.seed,
                placement=placement,
                emit=recording.write,
                progress=progress,
                seats=[seat for seat in seats if seat.arm in usable],
            )
        )


def _seat(place: Venue, arm: Arm, placement: Placement) -> Seat:
    cores = list(placement.clients)
    return Seat(arm, place.stage, place.control, place.folder, cores, DEADLINES)


def _greet(
    seats: Sequence[Seat], complain: Callable[[str], None]
) -> list[tuple[Arm, dict[str, Any]]]:
    """Every arm with its terms, or with the problem that keeps it out of the run.

    The workers stay: the first round needs them.
    """
    greeted: list[tuple[Arm, dict[str, Any]]] = []
    for seat in seats:
        with contextlib.suppress(DriverError):  # said when its worker is asked for
            seat.spawn()
    for seat in seats:
        try:
            greeted.append((seat.arm, seat.worker.hello))
        except (DriverError, WorkerGone) as error:
            complain(str(error))
            greeted.append((seat.arm, {"problem": str(error)}))
    return greeted
