"""Plays a block: makes every arm ready, interleaves their slices, verifies them again.

What happens to an arm on the way is a judgement in the block; the other arms go on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.bench import schedule
from harness.bench.block import Block
from harness.bench.schedule import Plan
from harness.bench.warm_up import WarmUp
from harness.core.cells import Arrivals
from harness.core.errors import OracleError, WorkerGone
from harness.core.verdicts import EXACT, Judgement, Verdict, failed, stopped
from harness.judge.verify import worst
from harness.machine import contention, host
from harness.machine.watch import ArmProcesses, WaitWatch, Watch
from harness.play.seat import Seat
from harness.results.records import OpenLoop
from harness.venue.stage import Playable, Stage

_TIMED = "while it was timed"


class Measurer:
    """Plays blocks. Remembers calibrations, and how often each arm switches."""

    def __init__(
        self,
        stage: Stage,
        plan: Plan,
        rng: random.Random,
        placement: host.Placement,
        server_pid: int,
    ) -> None:
        self.stage = stage
        self.plan = plan
        self.random = rng
        self.placement = placement
        self.server_pid = server_pid
        self.norms = contention.Norms()
        self.warm_up = WarmUp(stage, plan)

    def measure(
        self, play: Playable, number: int, attempt: int, seats: Sequence[Seat]
    ) -> Block:
        """Open, verify and warm every arm, interleave slices, verify again."""
        order = self.random.sample(seats, len(seats))
        block = Block(play, number, attempt, {seat.arm.id: seat for seat in order})
        try:
            with self.stage.server_settings(play.cell):
                self._play(block)
        except OracleError as error:  # a setting that the server does not have
            block.judged = dict.fromkeys(block.seats, stopped(error))
        return block

    def _play(self, block: Block) -> None:
        for seat in block.seats.values():
            self.warm_up.make_ready(block, seat)
        self._measure(block)
        for seat in block.seats.values():
            self._finish(block, seat)

    # --- timing ------------------------------------------------------------------------

    def _measure(self, block: Block) -> None:
        arms = [arm for arm in block.ops if block.timeable(arm)]
        cores = self.placement.clients + self.placement.server
        before = self.stage.housekeeping()
        waits = WaitWatch(self._pairs(block, arms))
        watch = Watch(cores, self._pids(block))
        if block.play.cell.arrivals:
            self._open_loops(block, arms, block.play.cell.arrivals)
        else:
            self._interleave(block, arms)
        foreign = watch.foreign()
        work = self.stage.housekeeping().since(before).work
        self._judge_quiet(block, work, foreign, waits)
        open_loop = block.play.cell.arrivals is not None
        if self.plan.latency_ns and not (open_loop or block.writes):
            for arm in arms:
                if not block.seats[arm].arm.reference:
                    self._latencies(block, block.seats[arm])

    def _interleave(self, block: Block, arms: Sequence[str]) -> None:
        for turn in schedule.pass_order(self.random, arms, self._passes(block, arms)):
            for arm in turn:
                if block.timeable(arm):
                    self._slice(block, block.seats[arm])

    def _open_loops(self, block: Block, arms: Sequence[str], arrivals: Arrivals) -> None:
        """One open loop for each arm, in random order; ops are due at the same moments."""
        due = schedule.due(arrivals, self.random)
        for arm in self.random.sample(arms, len(arms)):
            seat = block.seats[arm]
            seconds = seat.deadlines.measure + 2 * arrivals.seconds
            try:
                answer = seat.ask("arrive", seconds, due=due)
            except WorkerGone as gone:
                block.judged[arm] = stopped(gone).during(_TIMED)
                continue
            if "failed" in answer:
                block.judged[arm] = failed(answer["failed"]).during(_TIMED)
            else:
                block.arrived[arm] = OpenLoop(planned_ns=due[-1], **answer)

    def _judge_quiet(
        self, block: Block, work: str, foreign: float, waits: WaitWatch
    ) -> None:
        """Whether anything disturbed the block, by all that the system tells."""
        walls = {
            arm: sum(answer["wall_ns"] for answer in answers) * (1 + schedule.LEAD_IN)
            for arm, answers in block.slices.items()
        }
        signs = contention.Signs(work, foreign, waits.shares(walls), block.switches())
        cell = block.play.cell.id
        block.disturbed = contention.disturbance(signs, cell, self.norms)
        if block.disturbed:
            self.warm_up.forget(block)
        else:
            self.norms.learn(cell, signs.switches)

    def _passes(self, block: Block, arms: Sequence[str]) -> int:
        """Equal for all arms, so that the slices of a pass can be paired."""
        if block.play.cell.clients or not arms:
            return 1
        known = [self.warm_up.known(block.play.cell, block.seats[arm].arm) for arm in arms]
        slowest = max(ops * ns_per_op for ops, ns_per_op in filter(None, known))
        return schedule.passes_in_block(slowest, self.plan)

    def _pids(self, block: Block) -> list[int]:
        workers = [pid for seat in block.seats.values() if (pid := seat.pid)]
        return [*workers, self.server_pid] if self.server_pid else workers

    def _pairs(self, block: Block, arms: Sequence[str]) -> dict[str, ArmProcesses]:
        """The processes whose waiting for a core tells of others: those that have a core of
        their own. Where nothing is placed, client and server wait for each other."""
        if not self.placement.clients:
            return {}
        backends = block.backends if self.placement.server else {}
        lone = {arm: pids[0] for arm, pids in backends.items() if len(pids) == 1}
        return {
            arm: ArmProcesses(block.seats[arm].pid, lone.get(arm, 0))
            for arm in arms
            if not block.seats[arm].arm.reference
        }

    def _slice(self, block: Block, seat: Seat) -> None:
        arm, play, ops = seat.arm.id, block.play, block.ops[seat.arm.id]
        lead = schedule.lead_ops(ops)
        try:
            if block.writes:
                self.stage.renew(seat.control, play.cell, seat.schema)
            answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=lead)
            if "failed" in answer:
                judged = failed(answer["failed"]).during(_TIMED)
            else:
                block.slices.setdefault(arm, []).append(answer)
                judged = self._count(block, seat, ops + lead)
        except WorkerGone as gone:
            judged = stopped(gone).during(_TIMED)
        except OracleError as error:  # a lock that the driver left, say
            judged = stopped(error).during(_TIMED)
        if judged is not EXACT:
            block.judged[arm] = judged

    def _count(self, block: Block, seat: Seat, each: int) -> Judgement:
        """After a slice of writes the server must hold as many rows as were sent."""
        if not block.writes:
            return EXACT
        ops = each * max(1, block.play.cell.clients)
        judged = self.stage.check_state(seat.control, block.play, seat.schema, ops)
        return EXACT if judged.verdict is Verdict.EXACT else judged

    def _latencies(self, block: Block, seat: Seat) -> None:
        known = self.warm_up.known(block.play.cell, seat.arm)
        if known is None or not block.timeable(seat.arm.id):
            return
        ops = max(1, int(self.plan.latency_ns / max(1.0, known[1])))
        if block.play.cell.clients:
            ops = block.ops[seat.arm.id]
        try:
            answer = seat.ask("latencies", seat.deadlines.measure, ops=ops)
            if "failed" in answer:
                told = answer["failed"]
                raise WorkerGone(told, verdict="rejected", message=told)
            block.latencies[seat.arm.id] = answer["ns"]
            block.latency_walls[seat.arm.id] = answer.get("wall_ns", 0)
        except WorkerGone as gone:
            block.judged[seat.arm.id] = stopped(gone).during("while it was timed op by op")

    def _finish(self, block: Block, seat: Seat) -> None:
        """Verify once more: what was timed must still be right."""
        arm = seat.arm.id
        if block.timeable(arm):
            again = seat.verify(block.play)
            if worst((block.judged[arm], again)) is again:
                block.judged[arm] = again.during("after it was timed")
        seat.close()
