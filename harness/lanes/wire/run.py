"""Counts turns, messages and bytes: each cell of each arm, through a tap, never timed.

In each repeat an arm has a fresh worker for all cells. It verifies a cell, then plays it in
a fresh session: the first use of its op, then later uses one by one, so that a driver's
change of mind (it prepares, say) shows where it happens.

Nothing is timed, so arms are played side by side; an arm is alone with what counts the
server's sessions or changes its settings.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

from harness.bench.assignment import Assignment, Forecast
from harness.bench.schedule import Plan
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, WorkerGone
from harness.core.verdicts import Judgement
from harness.lanes.wire import counting
from harness.lanes.wire.beside import count as beside
from harness.lanes.wire.beside import without_network
from harness.lanes.wire.record import Wire
from harness.play.seat import Seat
from harness.results.records import changed
from harness.servers.proxy import Proxy
from harness.venue.stage import Playable
from harness.venue.venue import connections_needed

__all__ = ["beside", "forecast", "run"]

REPEATS = 2
_SECONDS = 0.35
"""What a cell of an arm takes, all repeats."""


def forecast(cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
    """How much a run would do: all that is asked, whatever the budget of its effort."""
    del plan
    played = sum(cell.played_by(arm) for cell in cells for arm in arms)
    return Forecast(
        rounds=f"{REPEATS}",
        connections=connections_needed(cells, arms),
        seconds=played * _SECONDS,
    )


def run(work: Assignment) -> None:
    """Every cell of every arm, by `REPEATS` fresh workers."""
    _WireLane(work).run()


class _WireLane:
    def __init__(self, work: Assignment) -> None:
        self.work = work
        self.out: set[tuple[str, str]] = set()  # cells × arms that get no number
        self.done = 0
        self.total = 0
        self.started = time.monotonic()
        self._telling = threading.Lock()

    def run(self) -> None:
        plays = list(self._playable())
        shared = [play for play in plays if not _is_alone(play.cell)]
        alone = [play for play in plays if _is_alone(play.cell)]
        seats = [seat for seat in self.work.crew.seats.values() if self._takes_part(seat)]
        self.total = len(plays) * len(seats) * REPEATS
        for repeat in range(REPEATS):
            if repeat:
                self.work.crew.each(seats, _restart, spread=True)
            self._repeat(repeat, shared, seats, together=True)
            self._repeat(repeat, alone, seats, together=False)

    def _takes_part(self, seat: Seat) -> bool:
        return seat.arm in self.work.arms and not seat.arm.reference

    def _repeat(
        self,
        repeat: int,
        plays: Sequence[Playable],
        seats: Sequence[Seat],
        *,
        together: bool,
    ) -> None:
        """These cells by all arms. What a worker does depends on what it did before (names
        of statements are counted up), so all repeats have one order."""
        if plays:
            act = partial(self._session, repeat, plays)
            self.work.crew.each(seats, act, together=together, spread=together)

    def _session(self, repeat: int, plays: Sequence[Playable], seat: Seat) -> None:
        with counting.tap_of(seat) as proxy:
            for play in plays:
                interrupt.check()
                self._tell(repeat, play.cell)
                pair = play.cell.id, seat.arm.id
                if pair not in self.out and play.cell.played_by(seat.arm):
                    record = self._counted(play, seat, proxy, repeat)
                    if seat.ended:  # with the run: that is no verdict
                        return
                    self.work.emit(record)
                    if not record.measured:
                        self.out.add(pair)

    def _playable(self) -> Iterator[Playable]:
        """Ask the oracle about every cell; cells that cannot be played are recorded."""
        for cell in self.work.cells:
            interrupt.check()
            self.work.progress.preparing(cell)
            play = self.work.place.stage.playable(cell)
            if isinstance(play, Playable):
                yield play
                continue
            for arm in self.work.arms:
                self.work.emit(_bare(cell, arm, play))

    def _tell(self, repeat: int, cell: Cell) -> None:
        """That an arm begins with a cell."""
        with self._telling:
            spent = time.monotonic() - self.started
            left = spent / self.done * (self.total - self.done) if self.done else 0.0
            self.work.progress.block(repeat, cell, self.done, self.total, left)
            self.done += 1

    def _counted(self, asked: Playable, seat: Seat, proxy: Proxy, repeat: int) -> Wire:
        """Without the network that the cell may ask for: it changes no count."""
        play = without_network(asked)
        with self.work.place.stage.server_settings(play.cell):
            judged = counting.verified(play, seat, calls=min(repeat, 1))
            if not judged.verdict.timeable:
                return _bare(asked.cell, seat.arm, judged, repeat)
            record = counting.wire(play, seat, proxy, judged, repeat)
            return changed(record, cell=asked.cell.id)


def _restart(seat: Seat) -> None:
    """A fresh worker. One that does not start is what its cells will tell."""
    seat.dismiss()
    with suppress(DriverError, WorkerGone):
        _ = seat.worker


def _is_alone(cell: Cell) -> bool:
    """Whether it would see another arm's sessions, or another arm its settings."""
    changes_server = bool(cell.bench and cell.bench.server_settings)
    return changes_server or cell.expect.sessions is not None


def _bare(cell: Cell, arm: Arm, judged: Judgement, repeat: int = 0) -> Wire:
    return Wire(cell=cell.id, arm=arm.id, repeat=repeat, judgement=judged)
