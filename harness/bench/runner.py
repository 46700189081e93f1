"""A bench run: rounds of blocks, each arm in a fresh process, slices interleaved.

The runner asks `schedule` what to do, tells seats to do it and streams what they
measured to the results file. It holds one number per cell, arm and round in memory,
however long the run.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Protocol

from harness.bench import schedule
from harness.bench.block import Block
from harness.bench.crew import Crew
from harness.bench.measurer import Measurer
from harness.bench.schedule import Need, Plan
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, WorkerGone
from harness.core.phases import Phase, PhaseClock
from harness.core.verdicts import Judgement
from harness.machine import host
from harness.play.seat import Seat
from harness.results.records import Note, Trial
from harness.venue.stage import Playable, Stage

Emit = Callable[[Trial | Note], None]
Timed = Sequence[tuple[Playable, Mapping[Seat, Judgement]]]
"""Cells with the seats that have times in them, and the verdicts under which."""
MAX_ATTEMPT_SHARE = 0.5
"""Disturbed blocks are run again, but at most half as many again as were planned."""
MAX_REPEATS = 2
"""No single block may use up what is meant for all."""
CHATTY_BYTES = 10_000
GRACE = 0.25
"""A budget may be exceeded by a quarter for rounds without which there is no interval."""


class Progress(Protocol):
    """What the runner tells about where it is."""

    def step(self, name: str, done: int, of: int) -> None:
        """A part of something larger begins."""

    def preparing(self, cell: Cell) -> None:
        """The oracle is asked about a cell."""

    def block(
        self,
        number: int,
        cell: Cell,
        done: int,
        of: int,
        seconds_left: float,
        with_interval: int = 0,
    ) -> None:
        """A block of round `number` begins; `done` of `of` blocks are over, and so many
        cells have the rounds that an interval needs."""


class Runner:
    """Measures cells for arms on a stage."""

    def __init__(
        self,
        stage: Stage,
        arms: Sequence[Arm],
        cells: Sequence[Cell],
        plan: Plan,
        *,
        seed: int,
        placement: host.Placement,
        crew: Crew,
        emit: Emit,
        progress: Progress,
        phases: PhaseClock,
        afterwards: Callable[[Timed], None] | None = None,
    ) -> None:
        """Workers of the crew that wait already are those of the first round; those of the
        last one still wait when `afterwards` is called."""
        self.stage = stage
        self.arms = list(arms)
        self.cells = list(cells)
        self.plan = plan
        self.crew = crew
        self.emit = emit
        self.progress = progress
        self.phases = phases
        self.afterwards = afterwards
        self.random = random.Random(seed)
        self.measurer = Measurer(stage, plan, self.random, placement, crew, phases)
        self.started = time.monotonic()
        self._out: dict[str, set[str]] = {}  # cell → arms that get no time
        self._rounds: dict[str, list[dict[str, float]]] = {}  # cell → ns per op by arm
        self._costs: dict[str, list[float]] = defaultdict(list)  # cell → seconds of blocks
        self._spawn_cost = 0.0
        self._repeats_left = 0
        self._tried: Counter[str] = Counter()  # cell → rounds, quiet or not
        self._blocks_done = 0
        self._cells_planned = 0
        self._dropped: set[str] = set()  # cells for which the budget did not do
        self._judged: dict[str, dict[Seat, Judgement]] = defaultdict(dict)  # by cell

    # --- the run -----------------------------------------------------------------------

    def run(self) -> None:
        """Measure until every cell is narrow enough, or rounds or the budget run out."""
        with self.phases.phase(Phase.ORACLE):
            plays = prepared = self.prepare()
        self._cells_planned = len(plays)
        share = self.plan.min_rounds * MAX_ATTEMPT_SHARE
        self._repeats_left = int(len(plays) * share)
        for number in range(self.plan.max_rounds):
            wanted = self._still_wanted(plays, number)
            if not wanted:
                break
            self.round(number, wanted)
            plays = [play for play in plays if play.cell.id not in self._dropped]
        if self.afterwards:
            self.afterwards([(play, self._judged[play.cell.id]) for play in prepared])
        self._tell_chatty()

    def prepare(self) -> list[Playable]:
        """Ask the oracle about every cell; cells that cannot be played are recorded."""
        plays = []
        for cell in self.cells:
            self.progress.preparing(cell)
            play = self.stage.playable(cell)
            if isinstance(play, Judgement):
                for arm in filter(cell.played_by, self.arms):
                    self._record_verdict(cell, arm, play)
            else:
                plays.append(play)
        return plays

    def _record_verdict(self, cell: Cell, arm: Arm, judged: Judgement) -> None:
        self.emit(_trial(cell, arm, 0, judged))

    # --- which cells go on ---------------------------------------------------------------

    def _still_wanted(self, plays: Sequence[Playable], number: int) -> list[Playable]:
        """The cells of a round: all that lack rounds, then those with the widest intervals,
        as far as the budget reaches."""
        wanted = [play for play in plays if not self._done(play)]
        if not self.plan.budget_s or number == 0:
            return wanted
        needs = {play.cell.id: self._need(play) for play in wanted}
        left = self.plan.budget_s - (time.monotonic() - self.started)
        grace = self.plan.budget_s * GRACE
        kept = schedule.affordable(needs, left, grace, self._spawn_cost)
        for cell, need in needs.items():
            if need.rounds and cell not in kept:
                self._tell_dropped(cell)
        return [play for play in wanted if play.cell.id in kept]

    def _need(self, play: Playable) -> Need:
        """A disturbed block takes longer than the next one will, hence the median."""
        rounds = self._rounds.get(play.cell.id, [])
        lacking = max(0, self.plan.min_rounds - len(rounds))
        width = schedule.widest(rounds)
        return Need(median(self._costs[play.cell.id]), lacking, width / self.plan.target)

    def _done(self, play: Playable) -> bool:
        rounds = self._rounds.get(play.cell.id, [])
        out = self._out.get(play.cell.id, set())
        drivers = (arm.id for arm in self.arms if not arm.reference)
        if out.issuperset(drivers):  # arms may be lost on the way
            return True
        return schedule.is_narrow(rounds, self.plan)

    def _tell_dropped(self, cell: str) -> None:
        self._dropped.add(cell)
        rounds = len(self._rounds.get(cell, []))
        self.emit(
            Note(
                kind="dropped",
                cell=cell,
                text=f"{self._quiet(cell, rounds)}, and {self.plan.min_rounds} are needed: "
                f"the budget of {self.plan.budget_s:.0f} s did not allow more",
            )
        )

    def _quiet(self, cell: str, rounds: int) -> str:
        """`1 of 6 rounds was quiet`."""
        verb = "was" if rounds == 1 else "were"
        return f"{rounds} of {self._tried[cell]} rounds {verb} quiet"

    # --- a round -----------------------------------------------------------------------

    def round(self, number: int, plays: Sequence[Playable]) -> None:
        """A fresh process for each arm that has a part, then every cell once, in random
        order."""
        begun = time.monotonic()
        with self.phases.phase(Phase.WORKERS):
            self._staff(plays, fresh=number > 0)
        self._spawn_cost = max(self._spawn_cost, time.monotonic() - begun)
        order = list(plays)
        self.random.shuffle(order)
        rounds = max(1, self.plan.min_rounds - number)
        total = self._blocks_done + len(order) * rounds
        for play in order:
            interrupt.check()
            self.progress.block(
                number,
                play.cell,
                self._blocks_done,
                total,
                self._seconds_left(number),
                self._with_interval(),
            )
            self._block_with_repeats(play, number)
            self._tried[play.cell.id] += 1
            self._blocks_done += 1

    def _staff(self, plays: Sequence[Playable], *, fresh: bool) -> None:
        """A worker for each arm that has a part, greeted; arms without one are lost."""
        arms = [arm for arm in self.arms if any(play.cell.played_by(arm) for play in plays)]
        seats = [self.crew.seats[arm.id] for arm in arms]
        problems: dict[Arm, str] = {}

        def staff(seat: Seat) -> None:
            if fresh:
                seat.dismiss()
            try:
                _ = seat.worker
            except (DriverError, WorkerGone) as error:
                problems[seat.arm] = str(error)

        self.crew.each(seats, staff, spread=True)
        for arm in filter(problems.__contains__, arms):
            self.emit(Note(kind="arm-lost", arm=arm.id, text=problems[arm]))
            self.arms.remove(arm)

    def _with_interval(self) -> int:
        return sum(len(done) >= schedule.MIN_ROUNDS for done in self._rounds.values())

    def _seconds_left(self, number: int) -> float:
        if not self._costs:
            return 0.0
        rounds = max(0, self.plan.min_rounds - number - 1)
        return rounds * (sum(map(median, self._costs.values())) + self._spawn_cost)

    def _tell_chatty(self) -> None:
        """Note what drivers printed, if it was a lot."""
        for seat in self.crew.seats.values():
            seat.dismiss()
            if seat.chatty_bytes > CHATTY_BYTES:
                text = f"the driver wrote {seat.chatty_bytes:,} bytes to stdout and stderr"
                self.emit(Note(kind="chatty", arm=seat.arm.id, text=text))

    # --- a block -----------------------------------------------------------------------

    def _block_with_repeats(self, play: Playable, number: int) -> None:
        attempt = 0
        while True:
            begun = time.monotonic()
            block = self._block(play, number, attempt)
            self._costs[play.cell.id].append(time.monotonic() - begun)
            for trial in self._trials(block):
                self.emit(trial)
            if not self._is_repeated(block, attempt):
                break
            self._repeats_left -= 1
            attempt += 1
        if not block.disturbed and (medians := block.medians()):
            self._rounds.setdefault(play.cell.id, []).append(medians)

    def _is_repeated(self, block: Block, attempt: int) -> bool:
        """Whether a block is measured again at once. One that had three times its passes,
        and too few quiet ones among them, would hardly have more a second later."""
        hopeless = len(block.left_out) > block.wanted
        return (
            bool(block.disturbed)
            and not hopeless
            and attempt < MAX_REPEATS
            and self._may_repeat()
        )

    def _may_repeat(self) -> bool:
        """Not when a repetition would cost rounds: what is left of the budget must do for
        it and for all that is planned."""
        if self._repeats_left <= 0 or not self.plan.budget_s:
            return self._repeats_left > 0
        left = self.plan.budget_s - (time.monotonic() - self.started)
        block = median(cost for costs in self._costs.values() for cost in costs)
        # The block that is to be repeated is not among those that are done.
        blocks = self._cells_planned * self.plan.min_rounds - self._blocks_done
        rounds = max(0, blocks - 1) / max(1, self._cells_planned)
        return blocks * block + rounds * self._spawn_cost <= left

    def _block(self, play: Playable, number: int, attempt: int) -> Block:
        out = self._out.setdefault(play.cell.id, set())
        seats = [
            self.crew.seats[arm.id]
            for arm in filter(play.cell.played_by, self.arms)
            if arm.id not in out
        ]
        block = self.measurer.measure(play, number, attempt, seats)
        out.update(arm for arm in block.seats if not block.timeable(arm))
        for arm, seat in block.seats.items():
            self._judged[play.cell.id].pop(seat, None)
            if arm not in out:
                self._judged[play.cell.id][seat] = block.judged[arm]
        return block

    # --- records -----------------------------------------------------------------------

    def _trials(self, block: Block) -> list[Trial]:
        return [self._trial(block, arm) for arm in self.arms if arm.id in block.judged]

    def _trial(self, block: Block, arm: Arm) -> Trial:
        slices, seat = block.record(arm.id), block.seats[arm.id]
        return _trial(
            block.play.cell,
            arm,
            block.number,
            block.judged[arm.id],
            attempt=block.attempt,
            disturbed=block.disturbed,
            steady=arm.id not in block.unsteady,
            slices=slices,
            left_out=block.not_counted(arm.id) if slices else [],
            latency_ns=block.latencies.get(arm.id, []) if slices else [],
            latency_wall_ns=block.latency_walls.get(arm.id, 0) if slices else 0,
            open_loop=block.open_loop(arm.id),
            rss_peak_bytes=seat.rss_peak_bytes,
            import_cpu_ns=seat.import_cpu_ns,
            first_cpu_ns=seat.first_cpu_ns,
        )


def _trial(cell: Cell, arm: Arm, number: int, judged: Judgement, **rest: Any) -> Trial:
    return Trial(
        cell=cell.id,
        arm=arm.id,
        round=number,
        judgement=judged,
        **rest,
    )
