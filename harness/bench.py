"""A bench run from its order to its file, on a venue that is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import machine
from harness.errors import DriverError, WorkerGone
from harness.lane import Deadlines, Lane
from harness.machine import Placement
from harness.model import Arm, Cell, Effort
from harness.recording import Recording
from harness.runner import Progress, Runner
from harness.scenario import Scenario
from harness.schedule import Plan
from harness.venue import Venue


@dataclass(frozen=True, slots=True)
class Order:
    """What is measured, with whom, how much."""

    scenarios: Sequence[Scenario]
    cells: Sequence[Cell]
    arms: Sequence[Arm]
    plan: Plan
    effort: Effort
    seed: int


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
    # A borrowed server may run here too, but where it runs is its owner's choice.
    ours = place.server.pid if place.server.managed else 0
    placement = machine.place(server=bool(ours))
    machine.pin_server(ours, placement.server)
    machine.keep_off(placement.clients)
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
        placement=placement,
    )
    with recording:
        recording.begin(usable)
        Runner(
            place.stage,
            place.control,
            [arm for arm, hello in usable if "problem" not in hello],
            order.cells,
            order.plan,
            seed=order.seed,
            placement=placement,
            server_pid=place.server.pid,
            folder=place.folder,
            emit=recording.write,
            progress=progress,
        ).run()


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
        lane = Lane(arm, place.stage, place.control, place.folder, cores, Deadlines())
        try:
            greeted.append((arm, lane.worker.hello))
        except (DriverError, WorkerGone) as error:
            complain(str(error))
            greeted.append((arm, {"problem": str(error)}))
        finally:
            lane.dismiss()
    return greeted
