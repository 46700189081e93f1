"""Measures beginnings: each cell of each arm in fresh processes, from its first op on.

Nothing may be verified in such a process before it is measured: that would be the first
use. So every pair is verified in another process beforehand, and in its own afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from harness.bench.assignment import Assignment, Forecast
from harness.bench.repeats import CellTurn, Repeats
from harness.bench.schedule import Plan
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import EXACT, Judgement, Verdict, failed, stopped
from harness.judge.verify import worst
from harness.lanes.start.imports import imported, libraries
from harness.lanes.start.record import Start
from harness.play.seat import Seat
from harness.results.records import Note
from harness.venue.stage import Playable
from harness.venue.venue import connections_needed

REPEATS = 10
USES = 16
"""Five plans of its own, five more for a driver that prepares at its sixth use (psycopg),
and as many again as tell a step from a slow op."""
_SECONDS = 0.5
"""What a repeat of one cell and arm takes."""


def forecast(cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
    """How much a run would do: all that is asked, whatever the budget of its effort."""
    del plan
    played = [cell for cell in cells if not left_out(cell)]
    return Forecast(
        rounds=f"{REPEATS}",
        connections=connections_needed(played, arms),
        seconds=REPEATS * (len(played) + 1) * len(arms) * _SECONDS,
    )


def left_out(cell: Cell) -> str:
    """Why a cell has no first uses; empty if it has."""
    if cell.clients or cell.pool or cell.arrivals or cell.mix:
        return (
            "clients, pools, arrivals and mixes are left out: use after use is told of one "
            "op in one session"
        )
    return ""


def run(work: Assignment) -> None:
    """Imports and first uses, `REPEATS` times."""
    _Lane(work).run()


class _Lane:
    def __init__(self, work: Assignment) -> None:
        self.work = work
        self.repeats = Repeats(work, REPEATS)

    def run(self) -> None:
        plays = self.repeats.plays(left_out, _record)
        self._import_all()
        for play in plays:
            self._verify_elsewhere(play)
        self.work.dismiss()
        for turn in self.repeats.turns(plays):
            self.repeats.record(self._started(turn))

    def _verify_elsewhere(self, play: Playable) -> None:
        """Right in the workers that said what the drivers are, or not measured at all."""
        judged: dict[str, Judgement] = {}

        def verify(seat: Seat) -> None:
            try:
                judged[seat.arm.id] = _verified(play, seat)
            except (WorkerGone, DriverError, OracleError) as error:
                judged[seat.arm.id] = stopped(error)

        self.work.progress.preparing(play.cell)
        seats = [self.work.crew.seats[arm.id] for arm in self.work.arms]
        with self.work.place.stage.server_settings(play.cell):
            # Whose sessions the server counts, nobody can tell of two at once.
            self.work.crew.each(seats, verify, together=play.cell.expect.sessions is None)
        for arm in self.work.arms:
            if not judged[arm.id].verdict.timeable:
                self.repeats.record(_record(play.cell, arm, judged[arm.id]))

    def _import_all(self) -> None:
        """Before anybody opens a session. What cannot be told of one arm costs no other."""
        modules = {arm.id: self._libraries(arm) for arm in self.work.arms}
        arms = [arm for arm in self.work.arms if modules[arm.id]]
        cores = self.work.placement.clients
        for repeat in range(REPEATS):
            self.work.progress.step("imports", repeat, REPEATS)
            for arm in self.repeats.random.sample(arms, len(arms)):
                interrupt.check()
                seat = self.work.crew.seats[arm.id]
                self.work.emit(imported(seat, modules[arm.id], cores, repeat))

    def _libraries(self, arm: Arm) -> list[str]:
        try:
            return libraries(self.work.crew.seats[arm.id])
        except (WorkerGone, DriverError) as error:
            self.work.emit(Note(kind="left-out", arm=arm.id, text=str(error)))
            return []

    # --- first uses -----------------------------------------------------------------------

    def _started(self, turn: CellTurn) -> Start:
        cell, arm = turn.play.cell, turn.arm
        record = partial(_record, cell, arm, repeat=turn.repeat)
        try:
            with (
                self.work.place.stage.server_settings(cell),
                self.repeats.fresh(arm) as seat,
            ):
                return record(*_uses(turn.play, seat))
        except (WorkerGone, DriverError, OracleError) as error:
            return record(stopped(error))


def _record(
    cell: Cell,
    arm: Arm,
    judged: Judgement,
    times: dict[str, list[int]] | None = None,
    open_ns: int = 0,
    repeat: int = 0,
) -> Start:
    given = times if times and judged.verdict.timeable else {}
    return Start(
        cell=cell.id,
        arm=arm.id,
        repeat=repeat,
        judgement=judged,
        open_ns=open_ns if given else 0,
        **given,
    )


def _verified(play: Playable, seat: Seat) -> Judgement:
    judged = seat.open(play)
    if judged.verdict is Verdict.EXACT:
        judged = seat.verify(play)
    seat.close()
    return judged


def _uses(play: Playable, seat: Seat) -> tuple[Judgement, dict[str, list[int]], int]:
    """Open, use so often, and only then verify."""
    opened = seat.open(play)
    if opened.verdict is not Verdict.EXACT:
        return opened, {}, 0
    open_ns = seat.open_ns
    seat.ask("watch", seat.deadlines.open, pids=seat.server_pids())
    times = seat.ask("first_uses", seat.deadlines.measure, ops=USES)
    if "failed" in times:
        return failed(times["failed"]).during("at one of its first uses"), {}, 0
    judged = EXACT
    if play.prepared.before is not None:
        judged = seat.stage.check_state(seat.control, play, seat.schema, USES)
        seat.stage.renew(seat.control, play.cell, seat.schema)
    return worst((judged, seat.verify(play))), times, open_ns
