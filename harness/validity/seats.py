"""Workers for a test that asks them itself, without a runner."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from harness.bench.schedule import WARM_UP_OPS
from harness.core.arms import Arm
from harness.core.errors import DriverError
from harness.core.verdicts import Verdict
from harness.machine.host import Placement
from harness.play.seat import Deadlines, Seat
from harness.venue.stage import Playable
from harness.venue.venue import Venue


@contextlib.contextmanager
def seats_for(
    place: Venue, arms: Sequence[Arm], placement: Placement
) -> Iterator[list[Seat]]:
    """A fresh worker for each arm, all starting at once; gone when the body ends."""
    cores = list(placement.clients)
    seats = [
        Seat(arm, place.stage, place.control, place.folder, cores, Deadlines())
        for arm in arms
    ]
    try:
        for seat in seats:
            seat.spawn()
        yield seats
    finally:
        for seat in seats:
            seat.dismiss()


def ready(seat: Seat, play: Playable) -> None:
    """Open, verify and warm up; raises `DriverError` if the driver is not right."""
    judged = seat.open(play)
    if judged.verdict is Verdict.EXACT:
        judged = seat.verify(play)
    if judged.verdict is not Verdict.EXACT:
        raise DriverError(f"{seat.arm.id} is {judged.verdict} in {play.cell.id}")
    seat.ask("warm", seat.deadlines.verify, ops=WARM_UP_OPS)
