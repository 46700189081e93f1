"""Conformance: every cell, every driver, every profile; a verdict for each.

Seats (one per driver and profile) run side by side; each has a worker, a control
connection and schemas of its own. The main thread prepares cells and hands them out.
Cells that count the server's sessions run when the seats are done, one at a time,
because another seat's connections would count too.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import Judgement, Verdict, stopped
from harness.play.director import Director
from harness.play.seat import LEAVING_S, Deadlines, Seat
from harness.play.sessions import SharedSessions
from harness.results.records import Check
from harness.venue.control import Control, connected
from harness.venue.limits import sessions_of
from harness.venue.stage import Playable, Stage

Report = Callable[[Check], None]
DEADLINES = Deadlines(open=15.0, verify=20.0)

_SPOILS = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG, Verdict.INVALID)
"""After these a session is not one that another cell should have."""

# What a seat works on: a cell to play, or a cell that cannot be played, with the reason.
Work = tuple[Cell, Playable | Judgement]


class Checker:
    """Checks cells against arms on a stage; reports each cell as it is judged."""

    def __init__(
        self, stage: Stage, arms: Sequence[Arm], folder: Path, report: Report
    ) -> None:
        self.stage = stage
        self.arms = arms
        self.folder = folder
        self._report = report
        self._reporting = threading.Lock()
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        self._seats: list[Seat] = []
        self._greeted: dict[str, Seat] = {}  # by the arm and its profile
        self._sessions = SharedSessions(stage.room, len(arms), [])

    def greet(self) -> list[tuple[Arm, dict[str, Any]]]:
        """What every driver says of itself; their workers stay for the first cell.

        A driver that cannot be used says so as its `problem`.
        """
        for arm in self.arms:
            seat = self._greeted[_name(arm)] = self._new_seat(arm, self.stage.control)
            with contextlib.suppress(DriverError):  # said when its worker is asked for
                seat.spawn()
        return [(arm, self._hello(self._greeted[_name(arm)])) for arm in self.arms]

    def _hello(self, seat: Seat) -> dict[str, Any]:
        interrupt.check()
        try:
            return seat.worker.hello
        except (DriverError, WorkerGone) as error:
            return {"problem": str(error)}

    def run(self, cells: Sequence[Cell]) -> None:
        """Judge every cell for every arm."""
        fitting = [cell for cell in cells if not self.stage.lacks(cell)]
        self._sessions = SharedSessions(self.stage.room, len(self.arms), fitting)
        queues: list[queue.SimpleQueue[Work | None]] = [
            queue.SimpleQueue() for _ in self.arms
        ]
        threads = [
            threading.Thread(target=self._seat_thread, args=(arm, work), name=arm.id)
            for arm, work in zip(self.arms, queues, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            alone = self._hand_out(in_groups(cells), queues)
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.5)
                    interrupt.check()
        except BaseException:
            self._stop()
            raise
        finally:
            for seat_queue in queues:
                seat_queue.put(None)
            for thread in threads:
                thread.join()
        if self._failures:
            raise self._failures[0]
        for arm in self.arms:
            self._seat(arm, [work for work in alone if plays(arm, work[0], self.arms)])

    def terms(self, driver: str, profile: str) -> dict[str, str]:
        """What a driver said of itself; nothing if none of its workers ever started."""
        seats = [seat for seat in self._seats if seat.terms]
        found = [
            seat for seat in seats if (seat.arm.name, seat.arm.profile) == (driver, profile)
        ]
        return found[0].terms if found else {}

    def _hand_out(
        self, cells: Sequence[Cell], queues: Sequence[queue.SimpleQueue[Work | None]]
    ) -> list[Work]:
        """Prepare cells and queue them; returns those that have to run alone."""
        alone: list[Work] = []
        for work in self._prepared(cells):
            if work[0].expect.sessions is not None:
                alone.append(work)
                continue
            for arm, seat_queue in zip(self.arms, queues, strict=True):
                if plays(arm, work[0], self.arms):
                    seat_queue.put(work)
        for seat_queue in queues:
            seat_queue.put(None)
        return alone

    def _stop(self) -> None:
        """End all seats now: a worker may be in the middle of something long."""
        self._stopping.set()
        for seat in self._seats:
            seat.kill()
            seat.control.abandon()

    def _prepared(self, cells: Iterable[Cell]) -> Iterable[Work]:
        for cell in cells:
            interrupt.check()
            if self._stopping.is_set():
                return
            yield cell, self.stage.playable(cell)

    # --- seats -------------------------------------------------------------------------

    def _seat_thread(self, arm: Arm, work: queue.SimpleQueue[Work | None]) -> None:
        try:
            with self._sessions.seat():
                self._seat(arm, iter(work.get, None))
        except BaseException as error:
            if not self._stopping.is_set():
                self._failures.append(error)
            self._stop()

    def _seat(self, arm: Arm, work: Iterable[Work]) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._dismiss_unused, arm)
            seat = None
            for cell, play in work:
                if self._stopping.is_set():
                    return
                begun = time.perf_counter_ns()
                if isinstance(play, Playable):
                    seat = seat or self._seated(arm, stack)
                    judged = self._judge(seat, play)
                else:
                    judged = play
                if self._stopping.is_set():
                    return  # what it looked like then is no verdict
                self._tell(arm, cell, judged, time.perf_counter_ns() - begun)

    def _new_seat(self, arm: Arm, control: Control) -> Seat:
        seat = Seat(arm, self.stage, control, self.folder, [], DEADLINES)
        self._seats.append(seat)
        return seat

    def _seated(self, arm: Arm, stack: contextlib.ExitStack) -> Seat:
        """A seat with a control connection of its own, until the end of the stack."""
        target = self.stage.server.target
        control = stack.enter_context(connected(target, LEAVING_S))
        seat = self._greeted.pop(_name(arm), None) or self._new_seat(arm, control)
        seat.control = control
        stack.callback(seat.dismiss)
        return seat

    def _dismiss_unused(self, arm: Arm) -> None:
        """A worker that was greeted and never got a cell."""
        if seat := self._greeted.pop(_name(arm), None):
            seat.dismiss()

    def _judge(self, seat: Seat, play: Playable) -> Judgement:
        with self._sessions.for_cell(play.cell):
            return self._played(seat, play)

    def _played(self, seat: Seat, play: Playable) -> Judgement:
        try:
            if play.cell.steps:
                return self._direct(seat, play)
            judged = seat.open(play, reuse=play.cell.round_trip)
            if judged.verdict is Verdict.EXACT:
                judged = seat.verify(play)
            if play.cell.round_trip and judged.verdict not in _SPOILS:
                seat.keep()
            else:
                seat.close()
        except (DriverError, WorkerGone) as error:
            return stopped(error)
        return judged

    def _direct(self, seat: Seat, play: Playable) -> Judgement:
        try:
            judged = Director(seat, play, seat.set(play)).run()
            return seat.blamed(judged, sessions_of(play.cell))
        except OracleError as error:
            return stopped(error)

    def _tell(self, arm: Arm, cell: Cell, judged: Judgement, elapsed_ns: int) -> None:
        check = Check(
            scenario=cell.scenario,
            case=cell.id.partition("#")[2],
            cell=cell.id,
            driver=arm.name,
            profile=arm.profile,
            judgement=judged,
            elapsed_ns=elapsed_ns,
        )
        with self._reporting:
            self._report(check)


def _name(arm: Arm) -> str:
    return f"{arm.id}, {arm.profile}"


def plays(arm: Arm, cell: Cell, arms: Sequence[Arm]) -> bool:
    """Whether an arm plays a cell: those for which a profile makes no difference, such
    as steps, are played once for each driver."""
    first = next(other for other in arms if other.name == arm.name)
    return not cell.once or arm is first


def number_of_checks(cells: Sequence[Cell], arms: Sequence[Arm]) -> int:
    """How many checks a run of these cells and arms is."""
    return sum(plays(arm, cell, arms) for cell in cells for arm in arms)


def in_groups(cells: Sequence[Cell]) -> list[Cell]:
    """Cells of one scenario, one fixture and the same settings in a row: the next one of
    its kind may have the session."""
    rank: dict[object, int] = {}
    for cell in cells:
        rank.setdefault(cell.scenario, len(rank))
        rank.setdefault(_group(cell), len(rank))
    return sorted(cells, key=lambda cell: (rank[cell.scenario], rank[_group(cell)]))


def _group(cell: Cell) -> tuple[object, ...]:
    return cell.scenario, cell.fixture, cell.settings, cell.round_trip


def in_order(
    checks: Iterable[Check], cells: Sequence[Cell], arms: Sequence[Arm]
) -> list[Check]:
    """Checks in the order of the scenario files and arms, whatever finished first."""
    cell_rank = {cell.id: rank for rank, cell in enumerate(cells)}
    arm_rank = {(arm.name, str(arm.profile)): rank for rank, arm in enumerate(arms)}
    return sorted(checks, key=lambda c: (cell_rank[c.cell], arm_rank[c.driver, c.profile]))
