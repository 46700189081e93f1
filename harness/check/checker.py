"""Conformance: every cell, every driver, every profile; a verdict for each.

Seats work side by side; each has a worker, a control connection and schemas of its own.
The main thread prepares cells and hands them out. Cells that count the server's sessions
run when the seats are done, one at a time, because another seat's connections would count
too.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.check.order import (
    SeatQueue,
    Work,
    prepared_in_turns,
    queues,
    shares_session,
)
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import Judgement, Verdict, stopped
from harness.play.director import Director
from harness.play.process import WorkerProcess
from harness.play.seat import LEAVING_S, Deadlines, Seat
from harness.play.sessions import SharedSessions
from harness.results.records import Check
from harness.venue.control import connected
from harness.venue.limits import sessions_of
from harness.venue.stage import Playable, Stage

Report = Callable[[Check], None]
Hellos = list[tuple[Arm, dict[str, Any]]]
"""What every arm's driver said of itself."""
DEADLINES = Deadlines(open=15.0, verify=20.0)

_SPOILS = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG, Verdict.INVALID)
"""After these a session is not one that another cell should have."""


class Checker:
    """Checks cells against arms on a stage; reports each cell as it is judged."""

    def __init__(
        self,
        stage: Stage,
        arms: Sequence[Arm],
        folder: Path,
        report: Report,
        workers: Mapping[Arm, WorkerProcess] | None = None,
    ) -> None:
        """`workers` are those that were started already; they end with their seats."""
        self.stage = stage
        self.arms = arms
        self.folder = folder
        self._report = report
        self._reporting = threading.Lock()
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        self._seats: list[Seat] = []
        self._own = {arm: self._new_seat(arm) for arm in arms}
        for arm, worker in (workers or {}).items():
            self._own[arm].adopt(worker)
        self._hellos: dict[Arm, dict[str, Any]] = {}
        self._met = threading.Event()  # all drivers have said what they are
        self._sessions = SharedSessions(stage.room, len(arms), [])
        self._parting = threading.Barrier(1)  # where seats wait for each other
        self._alone = threading.Lock()

    def run(
        self, cells: Sequence[Cell], greeted: Callable[[Hellos], None] = lambda _: None
    ) -> None:
        """Judge every cell for every arm.

        `greeted` gets what the drivers said of themselves as soon as all have: a driver
        that cannot be used says so as its `problem`.
        """
        seats = queues(cells, self.arms)
        fitting = [cell for cell in cells if not self.stage.lacks(cell)]
        self._sessions = SharedSessions(self.stage.room, len(seats), fitting)
        self._parting = threading.Barrier(max(1, len(seats)))
        for seat in self._own.values():
            seat.spawn()
        threads = [
            threading.Thread(target=self._seat_thread, args=(queue, greeted))
            for queue in seats
        ]
        for thread in threads:
            thread.start()
        try:
            self._hand_out(cells, seats)
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.5)
                    interrupt.check()
        except BaseException:
            self._stop()
            raise
        finally:
            for queue in seats:
                queue.work.put(None)
            for thread in threads:
                thread.join()
        if self._failures:
            raise self._failures[0]

    def terms(self, driver: str, profile: str) -> dict[str, str]:
        """What a driver said of itself; nothing if none of its workers ever started."""
        seats = [seat for seat in self._seats if seat.terms]
        found = [
            seat for seat in seats if (seat.arm.name, seat.arm.profile) == (driver, profile)
        ]
        return found[0].terms if found else {}

    def _hand_out(self, cells: Sequence[Cell], seats: Sequence[SeatQueue]) -> None:
        """Prepare cells, and queue each for the seats that play it."""
        for work in self._prepared(prepared_in_turns(cells)):
            for queue in seats:
                queue.put(work)
        for queue in seats:
            queue.work.put(None)

    def _stop(self) -> None:
        """End all seats now: a worker may be in the middle of something long."""
        self._stopping.set()
        self._met.set()
        self._parting.abort()
        for seat in self._seats:
            seat.kill()
            if seat.control is not self.stage.control:
                seat.control.abandon()

    def _prepared(self, cells: Iterable[Cell]) -> Iterable[Work]:
        for cell in cells:
            interrupt.check()
            if self._stopping.is_set():
                return
            yield cell, self.stage.playable(cell)

    # --- seats -------------------------------------------------------------------------

    def _seat_thread(self, queue: SeatQueue, greeted: Callable[[Hellos], None]) -> None:
        """One seat, from its driver's first word to its worker's end."""
        try:
            seat = self._taken(queue, greeted)
            with self._sessions.seat():
                self._play(seat, iter(queue.work.get, None))
            self._parting.wait()
            with self._alone:
                self._play(seat, queue.alone)
            seat.dismiss()
        except threading.BrokenBarrierError:
            return
        except BaseException as error:
            if not self._stopping.is_set():
                self._failures.append(error)
            self._stop()

    def _taken(self, queue: SeatQueue, greeted: Callable[[Hellos], None]) -> Seat:
        """The seat of a queue, whose driver was greeted. A further one comes last: the
        first verdicts need its processor more."""
        if queue.number:
            self._met.wait()
            return self._new_seat(queue.arm, queue.number)
        seat = self._own[queue.arm]
        hello = _hello(seat)
        with self._reporting:
            self._hellos[queue.arm] = hello
            if len(self._hellos) == len(self.arms):
                greeted([(arm, self._hellos[arm]) for arm in self.arms])
                self._met.set()
        return seat

    def _new_seat(self, arm: Arm, number: int = 0) -> Seat:
        folder = self.folder / f"{number}" if number else self.folder
        folder.mkdir(exist_ok=True)
        control = self.stage.control  # until it has its own
        seat = Seat(arm, self.stage, control, folder, [], DEADLINES, number=number)
        self._seats.append(seat)
        if self._stopping.is_set():
            seat.kill()
        return seat

    def _play(self, seat: Seat, works: Iterable[Work]) -> None:
        """Judge cells in a seat, which has a control connection of its own meanwhile."""
        with contextlib.ExitStack() as stack:
            for cell, play in works:
                if self._stopping.is_set():
                    return
                begun = time.perf_counter_ns()
                if isinstance(play, Playable):
                    self._furnish(seat, stack)
                    judged = self._judge(seat, play)
                else:
                    judged = play
                if self._stopping.is_set():
                    return  # what it looked like then is no verdict
                self._tell(seat.arm, cell, judged, time.perf_counter_ns() - begun)

    def _furnish(self, seat: Seat, stack: contextlib.ExitStack) -> None:
        """Give a seat its control connection until the end of the stack."""
        if seat.control is not self.stage.control:
            return
        target = self.stage.server.target
        seat.control = stack.enter_context(connected(target, LEAVING_S))
        stack.callback(self._strip, seat)

    def _strip(self, seat: Seat) -> None:
        """Nobody's session may be left when others count theirs."""
        seat.retire()
        seat.control = self.stage.control

    def _judge(self, seat: Seat, play: Playable) -> Judgement:
        with self._sessions.for_cell(play.cell):
            return self._played(seat, play)

    def _played(self, seat: Seat, play: Playable) -> Judgement:
        try:
            if play.cell.steps:
                return self._direct(seat, play)
            shares = shares_session(play.cell)
            if play.cell.expect.sessions is not None:
                self.stage.await_others(seat.control)
            judged = seat.open(play, reuse=shares)
            if judged.verdict is Verdict.EXACT:
                judged = seat.verify(play)
            if shares and judged.verdict not in _SPOILS:
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


def _hello(seat: Seat) -> dict[str, Any]:
    try:
        return seat.worker.hello
    except (DriverError, WorkerGone) as error:
        return {"problem": str(error)}
