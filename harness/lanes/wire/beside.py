"""Counts turns for a run of times, when all of them are taken: what stands beside a time.

Each cell and arm that has a time is played once more, in a short session of its own through
a tap. A network that a cell asks for is left out: it changes no count, and would take long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.bench.assignment import Assignment
from harness.bench.runner import Timed
from harness.core import interrupt
from harness.core.conditions import Condition
from harness.core.phases import Phase
from harness.core.verdicts import Judgement
from harness.lanes.wire import counting
from harness.lanes.wire.record import Wire
from harness.play.seat import Seat
from harness.results.records import changed
from harness.servers.proxy import Proxy
from harness.venue.stage import Playable

LATER = 8
"""Later uses: when psycopg has prepared a statement, and two more."""


def count(work: Assignment, timed: Timed) -> None:
    """One record for each cell and arm that has a time; arms side by side."""

    def counted(seat: Seat) -> None:
        plays = [(play, seats[seat]) for play, seats in timed if seat in seats]
        with counting.tap_of(seat) as proxy:
            for record in _counted(plays, seat, proxy):
                if seat.ended:  # with the run: that is no verdict
                    return
                work.emit(record)

    playing = {seat for _, seats in timed for seat in seats}
    seats = [
        seat
        for seat in work.crew.seats.values()
        if seat in playing and not (seat.arm.reference or seat.arm.copy)
    ]
    with work.phases.phase(Phase.WIRE):
        work.crew.each(seats, counted, spread=True)


def _counted(
    plays: Sequence[tuple[Playable, Judgement]], seat: Seat, proxy: Proxy
) -> Iterator[Wire]:
    known: dict[str, Wire] = {}  # by cell without its network
    for play, judged in plays:
        interrupt.check()
        near = without_network(play)
        if near.cell.id not in known:
            known[near.cell.id] = counting.wire(near, seat, proxy, judged, later=LATER)
        yield changed(known[near.cell.id], cell=play.cell.id)


def without_network(play: Playable) -> Playable:
    """The same, reached over the same way without a delay."""
    cell = play.prepared.cell
    near = replace(cell, condition=Condition(cell.condition.via))
    return replace(play, prepared=replace(play.prepared, cell=near))
