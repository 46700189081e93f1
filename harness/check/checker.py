"""Conformance: every cell, every driver, every profile; a verdict for each.

Seats work side by side; each has a worker, a control connection and schemas of its own.
The main thread prepares cells and hands them out. Cells that count the server's sessions
run when the seats are done, one at a time, because another seat's connections would count
too.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.check.order import Plays, SeatQueue, Work, batches, queues
from harness.check.playing import check_of, judged_in
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, WorkerGone
from harness.core.verdicts import Judgement
from harness.play.admission import LEAVING_S
from harness.play.process import WorkerProcess
from harness.play.seat import Deadlines, Seat
from harness.play.sessions import SharedSessions
from harness.results.records import Check
from harness.venue.control import Control, connected
from harness.venue.stage import Playable, Stage

Report = Callable[[Check], None]
Hellos = list[tuple[Arm, dict[str, Any]]]
"""What every arm's driver said of itself."""
DEADLINES = Deadlines(open=15.0, verify=20.0)
HELPERS = 2
"""So many prepare cells beside the main thread."""


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
        self._queueing = threading.Lock()
        self._helping: list[Control] = []

    def run(
        self,
        cells: Sequence[Cell],
        greeted: Callable[[Hellos], None] = lambda _: None,
        wanted: Plays | None = None,
    ) -> None:
        """Judge every cell for every arm; of the cells only those `wanted` if it is given.

        `greeted` gets what the drivers said of themselves as soon as all have: a driver
        that cannot be used says so as its `problem`.
        """
        seats = queues(cells, self.arms, wanted)
        fitting = [cell for cell in cells if not self.stage.lacks(cell)]
        self._sessions = SharedSessions(self.stage.room, len(seats), fitting)
        self._parting = threading.Barrier(max(1, len(seats)))
        for own in self._own.values():
            with contextlib.suppress(DriverError):  # said when its worker is asked for
                own.spawn()
        threads = [
            threading.Thread(target=self._seat_thread, args=(seat, greeted))
            for seat in seats
        ]
        for thread in threads:
            thread.start()
        try:
            self._hand_out(cells, seats)
            _join(threads)
        except BaseException:
            self._stop()
            raise
        finally:
            for seat in seats:
                seat.work.put(None)
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
        """Prepare cells, and queue each for the seats that play it.

        On a server of our own others help, because each waits for answers most of the time.
        """
        waiting = queue.SimpleQueue[list[Cell]]()
        for batch in batches(cells):
            waiting.put(batch)
        count = HELPERS if self.stage.server.managed else 0
        helpers = [
            threading.Thread(target=self._help, args=(waiting, seats)) for _ in range(count)
        ]
        for helper in helpers:
            helper.start()
        try:
            self._prepare(self.stage.control, waiting, seats)
            _join(helpers)
        except BaseException:
            self._stop()
            raise
        finally:
            for helper in helpers:
                helper.join()
        for seat in seats:
            seat.work.put(None)

    def _help(
        self, waiting: queue.SimpleQueue[list[Cell]], seats: Sequence[SeatQueue]
    ) -> None:
        """Prepare cells over another control connection."""
        try:
            with connected(self.stage.server.target) as control:
                self._helping.append(control)
                self._prepare(control, waiting, seats)
        except BaseException as error:
            self._fail(error)

    def _prepare(
        self,
        control: Control,
        waiting: queue.SimpleQueue[list[Cell]],
        seats: Sequence[SeatQueue],
    ) -> None:
        """Prepare batch after batch, and queue each as a whole: so sessions are shared."""
        with contextlib.suppress(queue.Empty):
            while True:
                works: list[Work] = []
                for cell in waiting.get_nowait():
                    if control is self.stage.control:
                        interrupt.check()
                    if self._stopping.is_set():
                        return
                    works.append((cell, self.stage.playable(cell, control)))
                with self._queueing:
                    for work, seat in itertools.product(works, seats):
                        seat.put(work)

    def _fail(self, error: BaseException) -> None:
        """The run ends with the first failure, and not with what follows of it."""
        if not self._stopping.is_set():
            self._failures.append(error)
        self._stop()

    def _stop(self) -> None:
        """End all seats now: a worker may be in the middle of something long."""
        self._stopping.set()
        self._met.set()
        self._parting.abort()
        for seat in self._seats:
            seat.kill()
            if seat.control is not self.stage.control:
                seat.control.abandon()
        for control in self._helping:
            control.abandon()

    # --- seats -------------------------------------------------------------------------

    def _seat_thread(self, todo: SeatQueue, greeted: Callable[[Hellos], None]) -> None:
        """One seat, from its driver's first word to its worker's end."""
        try:
            seat = self._taken(todo, greeted)
            with self._sessions.seat():
                self._play(seat, iter(todo.work.get, None))
            self._parting.wait()
            with self._alone:
                self._play(seat, todo.alone)
            seat.dismiss()
        except threading.BrokenBarrierError:
            return
        except BaseException as error:
            self._fail(error)

    def _taken(self, todo: SeatQueue, greeted: Callable[[Hellos], None]) -> Seat:
        """The seat of a queue, whose driver was greeted. A further one comes last: the
        first verdicts need its processor more."""
        if todo.number:
            self._met.wait()
            return self._new_seat(todo.arm, todo.number)
        seat = self._own[todo.arm]
        hello = _hello(seat)
        with self._reporting:
            self._hellos[todo.arm] = hello
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
            return judged_in(seat, play)

    def _tell(self, arm: Arm, cell: Cell, judged: Judgement, elapsed_ns: int) -> None:
        check = check_of(arm, cell, judged, elapsed_ns)
        with self._reporting:
            self._report(check)


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
            interrupt.check()


def _hello(seat: Seat) -> dict[str, Any]:
    try:
        return seat.worker.hello
    except (DriverError, WorkerGone) as error:
        return {"problem": str(error), "hint": error.hint}
