"""Counts the instructions of the client per op, by callgrind.

Each repeat is a fresh worker under callgrind, with a fixed hash seed. It is opened and
verified like any other, runs a slice of few ops and one of many, and is verified again.
How busy the machine is does not matter, so as many workers count side by side as there
are processors. A repeat is its own A/A: such a run needs no A/A arm.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.bench import schedule
from harness.bench.assignment import Assignment, Forecast
from harness.bench.schedule import Plan
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import Code, Judgement, Verdict, failed, stopped
from harness.judge.verify import worst
from harness.lanes.instructions import callgrind
from harness.lanes.instructions.callgrind import SliceCount
from harness.lanes.instructions.record import Count
from harness.play.seat import Deadlines, Seat
from harness.venue.control import Control
from harness.venue.stage import Playable
from harness.venue.venue import SPARE_CONNECTIONS

BUDGET = 64_000_000
"""Instructions that the larger slice may have, about: two seconds under callgrind."""
LOW_SHARE = 4
"""The larger slice has so many times the ops of the smaller one, where it can."""
LEAD = 1
MOST_SIDE_BY_SIDE = 8
DEADLINES = Deadlines(open=300.0, verify=600.0, measure=900.0)
"""Seconds; callgrind makes a worker 50 times slower, and others may use the machine."""
SECONDS_PER_REPEAT = 12.0
"""Processor time of a repeat of small ops; most of it is the start of the worker."""
PROBE_TURNS = 2_000
SLOW_OP_NS = 2_000_000_000
"""Under callgrind, at its slowest during verification."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One repeat: a cell of an arm in a process of its own."""

    play: Playable
    arm: Arm
    repeat: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """Ops of the two slices."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class SlicePair:
    """The two slices, and what each of them took."""

    size: Sizes
    low: SliceCount
    high: SliceCount

    def fields(self) -> dict[str, int]:
        """As a `Count` has them."""
        return {
            "low_ops": self.size.low,
            "high_ops": self.size.high,
            "low_instructions": self.low.instructions,
            "high_instructions": self.high.instructions,
            "low_syscalls": self.low.syscalls,
            "high_syscalls": self.high.syscalls,
        }


def run(work: Assignment) -> None:
    """Count every cell of every arm, `plan.repeats` times."""
    work.dismiss()
    Counting(work).run()


def forecast(cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
    """How much a run would do: all that is asked, whatever the budget of its effort."""
    counted = [cell for cell in cells if not why_not(cell)]
    largest_pool = max((cell.pool for cell in counted), default=0)
    seconds = plan.repeats * len(counted) * len(arms) * SECONDS_PER_REPEAT
    return Forecast(
        rounds=f"{plan.repeats} repeats",
        connections=_side_by_side() * (max(1, largest_pool) + 2) + SPARE_CONNECTIONS,
        seconds=seconds / _side_by_side(),
    )


def why_not(cell: Cell) -> str:
    """Why a cell is not counted; empty if it is."""
    if cell.clients:
        return (
            "many clients at once: chance decides how they interleave and what is counted"
        )
    if cell.arrivals:
        return "a rate of arrivals says when an op begins, not how many instructions it has"
    return ""


def sizes(cycle: int, instructions: int) -> Sizes:
    """The slices for a cell of which one cycle of parameters costs so much.

    Powers of two, so that a small change of what an op costs hardly ever changes them.
    """
    cycles = 2
    while 2 * cycles * instructions <= BUDGET:
        cycles *= 2
    return Sizes(max(1, cycles // LOW_SHARE) * cycle, cycles * cycle)


def _side_by_side() -> int:
    return min(os.cpu_count() or 1, MOST_SIDE_BY_SIDE)


class Counting:
    """The repeats of one run, side by side."""

    def __init__(self, work: Assignment) -> None:
        self.work = work
        self.stage = work.place.stage
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        self._seats: dict[int, Seat] = {}  # by the number of their place
        self._out: set[tuple[str, str]] = set()  # cell, arm: got a verdict, no number
        self._turns: dict[tuple[str, str], int] = {}  # of burdens, by cell and arm id
        self._begun = time.monotonic()
        self._started = 0
        self._done = 0
        self._total = 0
        self._counter = ""

    # --- the run -----------------------------------------------------------------------

    def run(self) -> None:
        """Prepare all cells, then count; those that must be alone come last."""
        if reason := callgrind.why_not():
            for cell in self.work.cells:
                self._for_all(cell, _not_counted(reason))
            return
        self._counter = callgrind.version()
        plays = list(self._playable())
        tasks = list(self._tasks(plays))
        self._total = len(tasks)
        self._weigh_burdens(plays)
        self._together([task for task in tasks if not _alone(task.play.cell)])
        self._one_by_one([task for task in tasks if _alone(task.play.cell)])

    def _playable(self) -> Iterator[Playable]:
        for cell in self.work.cells:
            interrupt.check()
            self.work.progress.preparing(cell)
            if reason := why_not(cell):
                self._for_all(cell, _not_counted(reason))
                continue
            play = self.stage.playable(cell)
            if isinstance(play, Judgement):
                self._for_all(cell, play)
            else:
                yield play

    def _tasks(self, plays: Iterable[Playable]) -> Iterator[Repeat]:
        for play in plays:
            for repeat in range(self.work.plan.repeats):
                for arm in self.work.arms:
                    # Each in a process of its own: the arm that came second in one was
                    # seen to cost 0.35 % less, or more, than when it came first.
                    yield Repeat(play, arm, repeat)

    def _for_all(self, cell: Cell, judged: Judgement) -> None:
        for arm in self.work.arms:
            self.work.emit(_count(cell, arm, 0, judged))

    def _together(self, tasks: Sequence[Repeat]) -> None:
        waiting: queue.SimpleQueue[Repeat] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        places = self._places()[: len(tasks)]
        threads = [
            threading.Thread(target=self._place, args=(number, cores, waiting))
            for number, cores in enumerate(places, 1)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
                    interrupt.check()
        except BaseException:
            self._stop()
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._failures:
            raise self._failures[0]

    def _places(self) -> list[list[int]]:
        """The processors of each worker: one of its own, as where it is timed."""
        if not self.work.placement.clients:
            return [[] for _ in range(_side_by_side())]
        cores = os.sched_getaffinity(0) | set(self.work.placement.clients)
        return [[core] for core in sorted(cores)[:MOST_SIDE_BY_SIDE]]

    def _place(
        self, number: int, cores: list[int], waiting: queue.SimpleQueue[Repeat]
    ) -> None:
        try:
            with Control(self.stage.server.target) as control:
                while not self._stopping.is_set():
                    self._play(waiting.get_nowait(), number, cores, control)
        except queue.Empty:
            return
        except BaseException as error:
            if not self._stopping.is_set():
                self._failures.append(error)
            self._stop()

    def _one_by_one(self, tasks: Sequence[Repeat]) -> None:
        cores = list(self.work.placement.clients)
        try:
            for task in tasks:
                interrupt.check()
                with self.stage.server_settings(task.play.cell):
                    self._play(task, 0, cores, self.work.place.control)
        except BaseException:
            self._stop()
            raise

    def _stop(self) -> None:
        """End all workers now: one may be in the middle of something long."""
        self._stopping.set()
        with self._lock:
            for seat in self._seats.values():
                seat.kill()

    # --- one repeat --------------------------------------------------------------------

    def _play(self, task: Repeat, number: int, cores: list[int], control: Control) -> None:
        key = (task.play.cell.id, task.arm.id)
        if key not in self._out:
            self._tell(task)
            count = self._count(task, number, cores, control)
            with self._lock:
                if self._stopping.is_set():
                    return  # what became of a worker that we ended is nobody's verdict
                if not count.high_ops:
                    self._out.add(key)
                self.work.emit(count)
        self._done += 1

    def _tell(self, task: Repeat) -> None:
        """Progress, with the time left from what the repeats before took."""
        with self._lock:
            self._started += 1
            each = (time.monotonic() - self._begun) / self._done if self._done else 0.0
            left = each * (self._total - self._done)
            self.work.progress.block(
                task.repeat, task.play.cell, self._done, self._total, left
            )

    def _count(
        self, task: Repeat, number: int, cores: list[int], control: Control
    ) -> Count:
        with self._seated(task.arm, number, cores, control) as (seat, meter):
            return self._counted(task, seat, meter)

    @contextmanager
    def _seated(
        self, arm: Arm, number: int, cores: list[int], control: Control
    ) -> Iterator[tuple[Seat, callgrind.Meter]]:
        """A seat whose worker is counted."""
        with tempfile.TemporaryDirectory(dir=self.work.place.folder) as name:
            folder = Path(name)
            launch = callgrind.launch(folder)
            seat = Seat(arm, self.stage, control, folder, cores, DEADLINES, launch, number)
            with self._lock:
                self._seats[number] = seat
            try:
                yield seat, callgrind.Meter(folder)
            finally:
                # What comes after the last slice counts for nothing: no need to wait.
                seat.kill()

    def _counted(self, task: Repeat, seat: Seat, meter: callgrind.Meter) -> Count:
        """Open, verify, count, verify again; or the verdict that forbids numbers."""
        cell, arm, fields = task.play.cell, task.arm, {}
        try:
            judged = seat.open(task.play)
            if judged.verdict is Verdict.EXACT:
                judged = seat.verify(task.play)
            if not judged.verdict.timeable:
                raise _NoNumber(judged)
            if arm.burden is not None:
                seat.ask("burden", DEADLINES.open, turns=self._turns[cell.id, arm.id])
            fields = self._slices(task.play, seat, meter).fields()
            judged = worst((judged, seat.verify(task.play)))
        except _NoNumber as refused:
            judged = refused.judged
        except (WorkerGone, DriverError, OracleError) as error:
            judged = stopped(error)
        if not judged.verdict.timeable:
            return _count(cell, arm, task.repeat, judged)
        return _count(cell, arm, task.repeat, judged, counter=self._counter, **fields)

    def _slices(self, play: Playable, seat: Seat, meter: callgrind.Meter) -> SlicePair:
        cycle = play.prepared.calls
        size = sizes(cycle, self._slice(play, seat, meter, cycle).instructions)
        low = self._slice(play, seat, meter, size.low)
        return SlicePair(size, low, self._slice(play, seat, meter, size.high))

    def _slice(
        self, play: Playable, seat: Seat, meter: callgrind.Meter, ops: int
    ) -> SliceCount:
        """What one slice took.

        The warm-up ends with a full collection, so that the garbage collector's turns
        come at the same ops of every slice.
        """
        seat.ask("warm", DEADLINES.verify, ops=_warm_up(seat))
        self.stage.renew(seat.control, play.cell, seat.schema)
        meter.skip()
        answer = seat.ask("measure", DEADLINES.measure, ops=ops, lead=LEAD)
        if "failed" in answer:
            raise _NoNumber(failed(answer["failed"]).during("while it was counted"))
        spent = meter.slice()
        if play.prepared.before is not None:
            state = self.stage.check_state(seat.control, play, seat.schema, ops + LEAD)
            if state.verdict is not Verdict.EXACT:
                raise _NoNumber(state)
        return spent

    # --- burdens -----------------------------------------------------------------------

    def _weigh_burdens(self, plays: Sequence[Playable]) -> None:
        """How many turns of the empty loop make each burden, in a process of their own:
        one for all burdens of an arm."""
        kin: dict[Arm, list[Arm]] = defaultdict(list)
        for arm in self.work.arms:
            if arm.burden is not None:
                kin[replace(arm, burden=None)].append(arm)
        for play in plays:
            for arms in kin.values():
                op, turn = self._weigh(play, arms[0])
                for arm in arms:
                    assert arm.burden is not None
                    self._turns[play.cell.id, arm.id] = round(arm.burden * op / turn)

    def _weigh(self, play: Playable, arm: Arm) -> tuple[float, float]:
        """Instructions of an op without a burden, and of one turn."""
        cycle, cores = play.prepared.calls, list(self.work.placement.clients)
        with self._seated(arm, 0, cores, self.work.place.control) as (seat, meter):
            seat.open(play)
            free = self._slice(play, seat, meter, cycle).instructions
            seat.ask("burden", DEADLINES.open, turns=PROBE_TURNS)
            loaded = self._slice(play, seat, meter, cycle).instructions
        return free / cycle, (loaded - free) / cycle / PROBE_TURNS


class _NoNumber(Exception):  # noqa: N818 - a verdict, not an error
    """An arm's verdict forbids a number."""

    def __init__(self, judged: Judgement) -> None:
        super().__init__(judged.detail)
        self.judged = judged


def _not_counted(reason: str) -> Judgement:
    facts = {"message": reason}
    return Judgement(Verdict.SKIPPED, Code.NOT_COUNTED, reason, facts=facts)


def _alone(cell: Cell) -> bool:
    """Whether others would be in the way: where the server's sessions are counted, or its
    settings are changed."""
    return cell.expect.sessions is not None or bool(
        cell.bench and cell.bench.server_settings
    )


def _warm_up(seat: Seat) -> int:
    """As many ops as when it is timed; fewer of those that take seconds here."""
    return 2 if seat.slowest_ns > SLOW_OP_NS else schedule.WARM_UP_OPS


def _count(cell: Cell, arm: Arm, repeat: int, judged: Judgement, **rest: Any) -> Count:
    return Count(
        cell=cell.id,
        arm=arm.id,
        repeat=repeat,
        judgement=judged,
        **rest,
    )
