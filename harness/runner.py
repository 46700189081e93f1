"""A bench run: rounds of blocks, each arm in a fresh process, slices interleaved.

The runner asks `schedule` what to do, tells lanes to do it and streams what they
measured to the results file. It holds one number per cell, arm and round in memory,
however long the run.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness import machine, schedule
from harness.control import Control
from harness.errors import DriverError, OracleError, WorkerGone
from harness.lane import EXACT, Deadlines, Lane
from harness.model import Arm, Cell, Judgement, Verdict
from harness.results.records import Note, Slices, Trial
from harness.schedule import Plan
from harness.stage import Playable, Stage
from harness.verify import worst

Emit = Callable[[Trial | Note], None]
MAX_ATTEMPT_SHARE = 0.5
"""Disturbed blocks are run again, but at most half as many again as were planned."""
MAX_REPEATS = 2
"""No single block may use up what is meant for all."""


class Progress(Protocol):
    """What the runner tells about where it is."""

    def preparing(self, cell: Cell) -> None:
        """The oracle is asked about a cell."""

    def block(
        self, number: int, cell: Cell, done: int, of: int, seconds_left: float
    ) -> None:
        """A block of round `number` begins; `done` of `of` blocks are over."""


@dataclass(slots=True)
class Block:
    """One cell in one round, while it is being measured."""

    play: Playable
    number: int
    attempt: int = 0
    judged: dict[str, Judgement] = field(default_factory=dict)
    ops: dict[str, int] = field(default_factory=dict)
    slices: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    latencies: dict[str, list[int]] = field(default_factory=dict)
    disturbed: str = ""

    def timeable(self, arm: str) -> bool:
        """Whether an arm may be, or stay, timed."""
        return arm in self.judged and self.judged[arm].verdict.timeable


class Runner:
    """Measures cells for arms on a stage."""

    def __init__(
        self,
        stage: Stage,
        control: Control,
        arms: Sequence[Arm],
        cells: Sequence[Cell],
        plan: Plan,
        *,
        seed: int,
        placement: machine.Placement,
        server_pid: int,
        folder: Path,
        emit: Emit,
        progress: Progress,
    ) -> None:
        self.stage = stage
        self.control = control
        self.arms = list(arms)
        self.cells = list(cells)
        self.plan = plan
        self.placement = placement
        self.server_pid = server_pid
        self.folder = folder
        self.emit = emit
        self.progress = progress
        self.random = random.Random(seed)
        self.lanes: dict[str, Lane] = {}
        self.started = time.monotonic()
        self._ops: dict[
            tuple[str, str], tuple[int, float]
        ] = {}  # (cell, arm) → ops, ns per op
        self._out: dict[str, set[str]] = {}  # cell → arms that get no time
        self._rounds: dict[str, list[dict[str, float]]] = {}  # cell → ns per op by arm
        self._costs: dict[str, float] = {}  # cell → seconds of its last block
        self._spawn_cost = 0.0
        self._repeats_left = 0
        self._blocks_done = 0
        self._cells_planned = 0

    # --- the run -----------------------------------------------------------------------

    def run(self) -> None:
        """Measure until every cell is narrow enough, or rounds or the budget run out."""
        plays = self.prepare()
        self._cells_planned = len(plays)
        self._repeats_left = int(len(plays) * self.plan.min_rounds * MAX_ATTEMPT_SHARE)
        try:
            for number in range(self.plan.max_rounds):
                plays = self._still_wanted(plays, number)
                if not plays:
                    break
                self.round(number, plays)
        finally:
            self.dismiss()

    def prepare(self) -> list[Playable]:
        """Ask the oracle about every cell; cells that cannot be played are recorded."""
        plays = []
        for cell in self.cells:
            self.progress.preparing(cell)
            play = self.stage.playable(cell)
            if isinstance(play, Judgement):
                for arm in self.arms:
                    self._record_verdict(cell, arm, play)
            else:
                plays.append(play)
        return plays

    def _record_verdict(self, cell: Cell, arm: Arm, judged: Judgement) -> None:
        self.emit(_trial(cell, arm, 0, judged))

    # --- which cells go on ---------------------------------------------------------------

    def _still_wanted(self, plays: list[Playable], number: int) -> list[Playable]:
        wanted = [play for play in plays if not self._done(play)]
        if not self.plan.budget_s or number == 0 or not wanted:
            return wanted
        left = self.plan.budget_s - (time.monotonic() - self.started)
        rounds = max(1, self.plan.min_rounds - number)
        costs = {play.cell.id: self._costs[play.cell.id] for play in wanted}
        kept = schedule.affordable(costs, left - rounds * self._spawn_cost, rounds)
        for play in wanted:
            if play.cell.id not in kept:
                self._drop(play, number)
        return [play for play in wanted if play.cell.id in kept]

    def _done(self, play: Playable) -> bool:
        rounds = self._rounds.get(play.cell.id, [])
        out = self._out.get(play.cell.id, set())
        if out.issuperset(arm.id for arm in self.arms):  # arms may be lost on the way
            return True
        return schedule.is_narrow(rounds, self.plan)

    def _drop(self, play: Playable, number: int) -> None:
        if number >= self.plan.min_rounds:
            return  # it has what it needs; the rest would only have been narrower
        self.emit(
            Note(
                kind="dropped",
                cell=play.cell.id,
                text=f"measured in {number} rounds only: the budget of "
                f"{self.plan.budget_s:.0f} s did not allow more, so it has no interval",
            )
        )

    # --- a round -----------------------------------------------------------------------

    def round(self, number: int, plays: Sequence[Playable]) -> None:
        """A fresh process for each arm, then every cell once, in random order."""
        begun = time.monotonic()
        self.dismiss()
        self.lanes = {arm.id: self._lane(arm) for arm in self.arms}
        for lane in self.lanes.values():
            lane.spawn()
        self._greet()
        self._spawn_cost = time.monotonic() - begun
        order = list(plays)
        self.random.shuffle(order)
        for play in order:
            total = self._blocks_done + len(order) * (self.plan.min_rounds - number)
            self.progress.block(
                number, play.cell, self._blocks_done, total, self._seconds_left(number)
            )
            self._block_with_repeats(play, number)
            self._blocks_done += 1

    def _lane(self, arm: Arm) -> Lane:
        deadlines = Deadlines(open=30, verify=60, measure=60)
        cores = list(self.placement.clients)
        return Lane(arm, self.stage, self.control, self.folder, cores, deadlines)

    def _greet(self) -> None:
        for arm in list(self.arms):
            try:
                _ = self.lanes[arm.id].worker
            except (DriverError, WorkerGone) as error:
                self.emit(Note(kind="arm-lost", arm=arm.id, text=str(error)))
                self.arms.remove(arm)
                del self.lanes[arm.id]

    def _seconds_left(self, number: int) -> float:
        if not self._costs:
            return 0.0
        rounds = max(0, self.plan.min_rounds - number - 1)
        return sum(self._costs.values()) * rounds + self._spawn_cost * rounds

    def dismiss(self) -> None:
        """End all workers; note what they printed."""
        for lane in self.lanes.values():
            lane.dismiss()
            if lane.chatty_bytes > 10_000:
                text = f"the driver wrote {lane.chatty_bytes:,} bytes to stdout and stderr"
                self.emit(Note(kind="chatty", arm=lane.arm.id, text=text))
        self.lanes = {}

    # --- a block -----------------------------------------------------------------------

    def _block_with_repeats(self, play: Playable, number: int) -> None:
        begun = time.monotonic()
        attempt = 0
        while True:
            block = self.block(play, number, attempt)
            for trial in self._trials(block):
                self.emit(trial)
            if not block.disturbed or attempt >= MAX_REPEATS or not self._may_repeat():
                break
            self._repeats_left -= 1
            attempt += 1
            begun = time.monotonic()
        self._costs[play.cell.id] = time.monotonic() - begun
        if not block.disturbed:
            self._keep_medians(block)

    def _may_repeat(self) -> bool:
        """Not when a repetition would cost rounds: the budget goes faster than the work."""
        planned = self._cells_planned * self.plan.min_rounds
        spent = (time.monotonic() - self.started) / (self.plan.budget_s or math.inf)
        return self._repeats_left > 0 and spent <= self._blocks_done / max(1, planned)

    def block(self, play: Playable, number: int, attempt: int = 0) -> Block:
        """One cell: open, verify and warm every arm, interleave slices, verify again."""
        block = Block(play, number, attempt)
        out = self._out.setdefault(play.cell.id, set())
        arms = [arm for arm in self.arms if arm.id not in out]
        self.random.shuffle(arms)
        with self.stage.server_settings(play.cell):
            for arm in arms:
                self._ready(block, self.lanes[arm.id])
            self._measure(block)
            for arm in arms:
                self._finish(block, self.lanes[arm.id])
        for arm in arms:
            if not block.timeable(arm.id):
                out.add(arm.id)
        return block

    def _ready(self, block: Block, lane: Lane) -> None:
        """Open, verify, watch, warm up, calibrate: all before anything is timed."""
        arm, play = lane.arm.id, block.play
        try:
            judged = lane.open(play)
            if judged.verdict is Verdict.EXACT:
                judged = lane.verify(play)
            block.judged[arm] = judged
            if judged.verdict.timeable:
                self._warm(block, lane)
        except WorkerGone as gone:
            block.judged[arm] = Judgement(Verdict(gone.verdict), str(gone))
        except DriverError as error:
            block.judged[arm] = Judgement(Verdict.SKIPPED, str(error))
        except OracleError as error:
            block.judged[arm] = Judgement(Verdict.INVALID, str(error))

    def _warm(self, block: Block, lane: Lane) -> None:
        cell = block.play.cell
        if not cell.clients and cell.expect.sessions is None:
            lane.ask(
                "watch",
                10,
                pids=self.stage.backend_pids(lane.control, lane.application_name),
            )
        self.stage.renew(lane.control, cell, lane.schema)
        warm_up = schedule.warm_up_ops(lane.slowest_ns * max(1, cell.clients), self.plan)
        lane.ask("warm", lane.deadlines.verify, ops=warm_up)
        block.ops[lane.arm.id] = self._calibrated(block, lane)

    def _known(self, cell: Cell, arm: Arm) -> tuple[int, float] | None:
        """The calibration of a cell and driver; both copies of a driver share one."""
        return self._ops.get((cell.id, arm.name))

    def _calibrated(self, block: Block, lane: Lane) -> int:
        """Ops per slice: measured once per run, then fixed."""
        cell = block.play.cell
        known = self._known(cell, lane.arm)
        if known is None:
            known = self._calibrate(block, lane)
            self._ops[cell.id, lane.arm.name] = known
        return known[0]

    def _calibrate(self, block: Block, lane: Lane) -> tuple[int, float]:
        cell, cycle = block.play.cell, block.play.prepared.calls
        slice_ns = schedule.CONCURRENT_SLICE_NS if cell.clients else self.plan.slice_ns
        ops = cycle
        while True:
            self.stage.renew(lane.control, cell, lane.schema)
            answer = lane.ask("measure", lane.deadlines.measure, ops=ops, lead=1)
            ns_per_op = _wall(answer) / ops
            wanted = schedule.ops_per_slice(ns_per_op, slice_ns, cycle)
            if wanted <= 2 * ops:
                return wanted, ns_per_op
            ops = min(wanted, ops * 10)

    def _forget_calibration(self, block: Block) -> None:
        """What was calibrated while somebody disturbed is calibrated again."""
        if block.number == 0:
            for arm in self.arms:
                self._ops.pop((block.play.cell.id, arm.name), None)

    # --- timing ------------------------------------------------------------------------

    def _measure(self, block: Block) -> None:
        arms = [arm for arm in block.ops if block.timeable(arm)]
        watch = machine.Watch(self.placement.clients + self.placement.server)
        spent = self._own_seconds()
        for turn in schedule.pass_order(self.random, arms, self._passes(block, arms)):
            for arm in turn:
                if block.timeable(arm):
                    self._slice(block, self.lanes[arm])
        foreign = watch.foreign(self._own_seconds() - spent)
        if foreign > machine.FOREIGN_LIMIT:
            block.disturbed = f"{foreign:.0%} of the processors went to others"
            self._forget_calibration(block)
        if self.plan.latency_ns and not block.play.cell.clients and not _writes(block.play):
            for arm in block.ops:
                self._latencies(block, self.lanes[arm])

    def _passes(self, block: Block, arms: Sequence[str]) -> int:
        """Equal for all arms, so that the slices of a pass can be paired."""
        if block.play.cell.clients or not arms:
            return 1
        known = [self._known(block.play.cell, self.lanes[arm].arm) for arm in arms]
        slowest = max(ops * ns_per_op for ops, ns_per_op in filter(None, known))
        return schedule.passes_in_block(slowest, self.plan)

    def _own_seconds(self) -> float:
        workers = [pid for lane in self.lanes.values() if (pid := lane.pid)]
        return machine.own_seconds(
            [*workers, *([self.server_pid] if self.server_pid else [])]
        )

    def _slice(self, block: Block, lane: Lane) -> None:
        arm, play, ops = lane.arm.id, block.play, block.ops[lane.arm.id]
        lead = schedule.lead_ops(ops)
        try:
            if _writes(play):
                self.stage.renew(lane.control, play.cell, lane.schema)
            answer = lane.ask("measure", lane.deadlines.measure, ops=ops, lead=lead)
            if "failed" in answer:
                judged = Judgement(
                    Verdict.REJECTED, f"while it was timed: {answer['failed']}"
                )
            else:
                block.slices.setdefault(arm, []).append(answer)
                judged = self._count(play, lane, (ops + lead) * max(1, play.cell.clients))
        except WorkerGone as gone:
            judged = Judgement(Verdict(gone.verdict), f"while it was timed: {gone}")
        except OracleError as error:  # a lock that the driver left, say
            judged = Judgement(Verdict.INVALID, f"while it was timed: {error}")
        if judged is not EXACT:
            block.judged[arm] = judged

    def _count(self, play: Playable, lane: Lane, ops: int) -> Judgement:
        """After a slice of writes the server must hold as many rows as were sent."""
        if not _writes(play):
            return EXACT
        judged = self.stage.check_state(lane.control, play, lane.schema, ops)
        return EXACT if judged.verdict is Verdict.EXACT else judged

    def _latencies(self, block: Block, lane: Lane) -> None:
        known = self._known(block.play.cell, lane.arm)
        if known is None or not block.timeable(lane.arm.id):
            return
        ops = max(1, int(self.plan.latency_ns / max(1.0, known[1])))
        try:
            answer = lane.ask("latencies", lane.deadlines.measure, ops=ops)
            if "failed" in answer:
                raise WorkerGone(answer["failed"], verdict="rejected")
            block.latencies[lane.arm.id] = answer["ns"]
        except WorkerGone as gone:
            judged = Judgement(
                Verdict(gone.verdict), f"while it was timed op by op: {gone}"
            )
            block.judged[lane.arm.id] = judged

    def _finish(self, block: Block, lane: Lane) -> None:
        """Verify once more: what was timed must still be right."""
        arm = lane.arm.id
        if block.timeable(arm):
            again = lane.verify(block.play)
            if worst((block.judged[arm], again)) is again:
                block.judged[arm] = Judgement(
                    again.verdict,
                    f"after it was timed: {again.detail}",
                    again.observed,
                    again.expected,
                )
        lane.close()

    # --- records -----------------------------------------------------------------------

    def _trials(self, block: Block) -> list[Trial]:
        return [self._trial(block, arm) for arm in self.arms if arm.id in block.judged]

    def _trial(self, block: Block, arm: Arm) -> Trial:
        ops = block.ops.get(arm.id, 0)
        timed = block.timeable(arm.id) and arm.id in block.slices
        return _trial(
            block.play.cell,
            arm,
            block.number,
            block.judged[arm.id],
            attempt=block.attempt,
            disturbed=block.disturbed,
            slices=_slices_record(ops, block.slices[arm.id]) if timed else None,
            latency_ns=block.latencies.get(arm.id, []) if timed else [],
            rss_peak_bytes=self.lanes[arm.id].rss_peak_bytes,
        )

    def _keep_medians(self, block: Block) -> None:
        medians = {
            arm: statistics.median(_wall(one) for one in answers) / block.ops[arm]
            for arm, answers in block.slices.items()
            if block.timeable(arm)
        }
        if medians:
            self._rounds.setdefault(block.play.cell.id, []).append(medians)


def _wall(answer: Mapping[str, Any]) -> int:
    if "failed" in answer:
        raise WorkerGone(f"an op failed: {answer['failed']}", verdict="rejected")
    wall: int = answer["wall_ns"]
    return wall


def _writes(play: Playable) -> bool:
    return play.prepared.before is not None


def _slices_record(ops: int, answers: Sequence[Mapping[str, Any]]) -> Slices:
    server = [one["server_cpu_ns"] for one in answers]
    return Slices(
        ops=ops,
        lead=schedule.lead_ops(ops),
        wall_ns=[one["wall_ns"] for one in answers],
        cpu_ns=[one["cpu_ns"] for one in answers],
        server_cpu_ns=[] if None in server else server,
        voluntary_switches=[one["voluntary"] for one in answers],
        involuntary_switches=[one["involuntary"] for one in answers],
    )


def _trial(cell: Cell, arm: Arm, number: int, judged: Judgement, **rest: Any) -> Trial:
    return Trial(
        cell=cell.id,
        arm=arm.id,
        round=number,
        verdict=judged.verdict.value,
        detail=judged.detail,
        observed=judged.observed,
        expected=judged.expected,
        **rest,
    )
