"""Counts the threads of a worker that was asked once."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from harness.bench.assignment import Assignment, Forecast
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.verdicts import Judgement
from harness.play.seat import Deadlines, Seat
from harness.venue.stage import Playable
from threads_lane.record import Threads


def forecast(cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
    """Each cell of each arm in a process of its own."""
    del plan
    return Forecast(rounds="1", connections=4, seconds=0.3 * len(cells) * len(arms))


def run(work: Assignment) -> None:
    """Every cell of every arm, once."""
    work.dismiss()
    for cell in work.cells:
        play = work.place.stage.playable(cell)
        for arm in work.arms:
            if isinstance(play, Judgement):
                work.emit(Threads(cell=cell.id, arm=arm.id, repeat=0, judgement=play))
            else:
                work.emit(_counted(work, play, arm))


def _counted(work: Assignment, play: Playable, arm: Arm) -> Threads:
    place = work.place
    seat = Seat(arm, place.stage, place.control, place.folder, [], Deadlines())
    try:
        seat.open(play)
        judged = seat.verify(play)
        threads = psutil.Process(seat.pid).num_threads() if judged.verdict.timeable else 0
    finally:
        seat.dismiss()
    cell = play.cell.id
    return Threads(cell=cell, arm=arm.id, repeat=0, judgement=judged, threads=threads)
