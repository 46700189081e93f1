"""Every cell of every arm once more in fresh processes, repeat by repeat, in random order:
what lanes do whose numbers are one per process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from harness.bench.assignment import Assignment
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.verdicts import Judgement
from harness.play.seat import Deadlines, Seat
from harness.results.records import LaneRecord, Note
from harness.venue.stage import Playable

DEADLINES = Deadlines(open=20, verify=30, measure=60)

Bare = Callable[[Cell, Arm, Judgement], LaneRecord]
"""What is recorded of an arm in a cell that cannot be played."""


@dataclass(frozen=True, slots=True)
class CellTurn:
    """A cell's turn with an arm, in one repeat."""

    repeat: int
    play: Playable
    arm: Arm


class Repeats:
    """The repeats of a lane. What once got no number is not tried again."""

    def __init__(self, work: Assignment, count: int) -> None:
        self.work = work
        self.count = count
        self.random = random.Random(work.seed)
        self.out: set[tuple[str, str]] = set()  # cells × arms that get no number

    def plays(self, left_out: Callable[[Cell], str], bare: Bare) -> list[Playable]:
        """Ask the oracle about every cell; those that cannot be played are recorded, and
        noted where `left_out` says why this lane does not ask them."""
        plays = []
        for cell in self.work.cells:
            if reason := left_out(cell):
                self.work.emit(Note(kind="left-out", cell=cell.id, text=reason))
                continue
            self.work.progress.preparing(cell)
            play = self.work.place.stage.playable(cell)
            if isinstance(play, Playable):
                plays.append(play)
                continue
            for arm in self.work.arms:
                self.record(bare(cell, arm, play))
        return plays

    def turns(self, plays: Sequence[Playable]) -> Iterator[CellTurn]:
        """All turns, of a repeat first all cells, of a cell first all arms."""
        total = self.count * len(plays) * len(self.work.arms)
        started, done = time.monotonic(), 0
        for repeat in range(self.count):
            for play in self.random.sample(plays, len(plays)):
                for arm in self.random.sample(self.work.arms, len(self.work.arms)):
                    interrupt.check()
                    spent = time.monotonic() - started
                    left = spent / done * (total - done) if done else 0.0
                    self.work.progress.block(repeat, play.cell, done, total, left)
                    if (play.cell.id, arm.id) not in self.out:
                        yield CellTurn(repeat, play, arm)
                    done += 1

    def record(self, record: LaneRecord) -> None:
        """Write it to the file; a verdict without numbers is the last of its pair."""
        if not record.verdict.timeable:
            self.out.add((record.cell, record.arm))
        self.work.emit(record)

    @contextmanager
    def fresh(self, arm: Arm) -> Iterator[Seat]:
        """A seat with a process of its own, which ends with the body."""
        place, cores = self.work.place, list(self.work.placement.clients)
        seat = Seat(arm, place.stage, place.control, place.folder, cores, DEADLINES)
        try:
            yield seat
        finally:
            seat.dismiss()
