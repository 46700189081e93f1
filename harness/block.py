"""One block: a cell in one round, every arm opened, verified, warmed, timed, verified.

What happens to an arm on the way is a judgement in the block; the other arms go on.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import contention, machine, schedule
from harness.errors import DriverError, OracleError, WorkerGone
from harness.model import Arm, Arrivals, Cell, Judgement, Op, Verdict
from harness.results.records import OpenLoop, Slices
from harness.schedule import Plan
from harness.seat import EXACT, Seat
from harness.stage import Playable, Stage
from harness.verify import worst
from harness.watch import Pair, WaitWatch, Watch

BURDEN_SLICES = 15


@dataclass(slots=True)
class Block:
    """One cell in one round, while it is being measured."""

    play: Playable
    number: int
    attempt: int
    seats: Mapping[str, Seat]
    judged: dict[str, Judgement] = field(default_factory=dict)
    ops: dict[str, int] = field(default_factory=dict)
    slices: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    latencies: dict[str, list[int]] = field(default_factory=dict)
    latency_walls: dict[str, int] = field(default_factory=dict)
    arrived: dict[str, OpenLoop] = field(default_factory=dict)
    backends: dict[str, list[int]] = field(default_factory=dict)
    unsteady: set[str] = field(default_factory=set)
    disturbed: str = ""

    def timeable(self, arm: str) -> bool:
        """Whether an arm may be, or stay, timed."""
        return arm in self.judged and self.judged[arm].verdict.timeable

    def _competes(self, arm: str) -> bool:
        """Whether it is a driver that was timed, and no reference."""
        return self.timeable(arm) and not self.seats[arm].arm.reference

    def medians(self) -> dict[str, float]:
        """ns per op by arm, of the drivers that were timed; of an open loop the response
        time. Nobody waits for references."""
        walls = {
            arm: statistics.median(_wall(one) for one in answers) / self.ops[arm]
            for arm, answers in self.slices.items()
        }
        responses = {
            arm: statistics.median(one.response_ns) for arm, one in self.arrived.items()
        }
        return {arm: ns for arm, ns in (walls | responses).items() if self._competes(arm)}

    def switches(self) -> dict[str, float]:
        """The client's own context switches per op by arm, where there are enough ops."""
        ops = {arm: len(answers) * self.ops[arm] for arm, answers in self.slices.items()}
        return {
            arm: sum(one["voluntary"] for one in answers) / ops[arm]
            for arm, answers in self.slices.items()
            if self._competes(arm) and ops[arm] >= contention.OPS_FOR_A_SIGN
        }

    def record(self, arm: str) -> Slices | None:
        """An arm's slices for the results file; None if it has no time."""
        if arm not in self.slices or not self.timeable(arm):
            return None
        return _slices_record(self.ops[arm], self.slices[arm])

    def open_loop(self, arm: str) -> OpenLoop | None:
        """An arm's open loop for the results file; None if it has no time."""
        return self.arrived.get(arm) if self.timeable(arm) else None


class Measurer:
    """Plays blocks. Remembers only how many ops fill a slice, by cell and driver."""

    def __init__(
        self,
        stage: Stage,
        plan: Plan,
        rng: random.Random,
        placement: machine.Placement,
        server_pid: int,
    ) -> None:
        self.stage = stage
        self.plan = plan
        self.random = rng
        self.placement = placement
        self.server_pid = server_pid
        self.norms = contention.Norms()
        self._ops: dict[tuple[str, str], tuple[int, float]] = {}  # → ops, ns per op
        self._unburdened: dict[tuple[str, str], float] = {}  # ns per op, for burdens

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
            fault = Judgement(Verdict.INVALID, str(error))
            block.judged = dict.fromkeys(block.seats, fault)
        return block

    def _play(self, block: Block) -> None:
        for seat in block.seats.values():
            self._ready(block, seat)
        self._measure(block)
        for seat in block.seats.values():
            self._finish(block, seat)

    def _ready(self, block: Block, seat: Seat) -> None:
        """Open, verify, watch, warm up, calibrate: all before anything is timed."""
        arm, play = seat.arm.id, block.play
        try:
            judged = seat.open(play)
            if judged.verdict is Verdict.EXACT:
                judged = seat.verify(play)
            if judged.verdict.timeable:
                judged = worst((judged, self._warm(block, seat)))
            block.judged[arm] = judged
            if judged.verdict.timeable:
                self._prepare_slices(block, seat)
        except WorkerGone as gone:
            block.judged[arm] = Judgement(Verdict(gone.verdict), str(gone))
        except DriverError as error:
            block.judged[arm] = Judgement(Verdict.SKIPPED, str(error))
        except OracleError as error:
            # A table that cannot be brought back is often locked by the driver itself.
            looked = seat.look()
            fault = Judgement(Verdict.INVALID, str(error))
            block.judged[arm] = fault if looked is EXACT else looked

    def _warm(self, block: Block, seat: Seat) -> Judgement:
        """Warm up, then look at what the server saw: now the op was the last to speak.

        Right after the verification it would be the canary, whose answer says nothing of
        how the op works; and an op that asks the server only once could not be told.
        """
        play, cell = block.play, block.play.cell
        self.stage.renew(seat.control, cell, seat.schema)
        self._run_warm(cell, seat)
        if cell.clients or cell.expect.sessions is not None:
            return EXACT
        looked = seat.look(_statement(play))
        # Clocks of processes on another machine cannot be read.
        pids = seat.backends if self.stage.server.pid else []
        block.backends[seat.arm.id] = pids
        seat.ask("watch", 10, pids=pids)
        return looked

    def _run_warm(self, cell: Cell, seat: Seat) -> None:
        ops = schedule.warm_up_ops(seat.slowest_ns * max(1, cell.clients), self.plan)
        answer = seat.ask("warm", seat.deadlines.verify, ops=ops)
        if "failed" in answer:
            raise WorkerGone(f"while warming up: {answer['failed']}", verdict="rejected")

    def _prepare_slices(self, block: Block, seat: Seat) -> None:
        """Calibrate, go on warming up, and slow the arm if it is to be slowed."""
        arrivals = block.play.cell.arrivals
        if arrivals:
            block.ops[seat.arm.id] = arrivals.rate * arrivals.seconds
            return
        block.ops[seat.arm.id] = self._calibrated(block, seat)
        self._until_steady(block, seat)
        self._burden(block, seat)

    def _until_steady(self, block: Block, seat: Seat) -> None:
        """Go on warming up until the op becomes no faster. Where a single op is as long as
        a slice, what it costs is not in how it starts; cells with clients and writes have
        no time for it."""
        known = self._known(block.play.cell, seat.arm)
        slow = known is None or known[1] > self.plan.slice_ns / 4
        if slow or block.play.cell.clients or _writes(block.play):
            return
        ops = schedule.warm_up_slice(block.ops[seat.arm.id], block.play.prepared.calls)
        walls: list[float] = []
        while not schedule.is_steady(walls):
            if len(walls) == schedule.WARM_UP_SLICES[1]:
                block.unsteady.add(seat.arm.id)
                return
            answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=0)
            walls.append(_wall(answer))

    def _burden(self, block: Block, seat: Seat) -> None:
        """Slow an arm by a share of what an op takes without a burden: the median of
        some slices, measured once per run."""
        if seat.arm.burden is None:
            return
        key = (block.play.cell.id, seat.arm.name)
        if key not in self._unburdened:
            ops = block.ops[seat.arm.id]
            slices = [
                _wall(seat.ask("measure", seat.deadlines.measure, ops=ops, lead=ops))
                for _ in range(BURDEN_SLICES)
            ]
            self._unburdened[key] = statistics.median(slices) / ops
        seat.ask("burden", 10, ns=self._unburdened[key] * seat.arm.burden)
        self._run_warm(block.play.cell, seat)

    def _known(self, cell: Cell, arm: Arm) -> tuple[int, float] | None:
        """The calibration of a cell and driver; both copies of a driver share one."""
        return self._ops.get((cell.id, arm.name))

    def _calibrated(self, block: Block, seat: Seat) -> int:
        """Ops per slice: measured once per run, then fixed."""
        cell = block.play.cell
        known = self._known(cell, seat.arm)
        if known is None:
            known = self._calibrate(block, seat)
            self._ops[cell.id, seat.arm.name] = known
        return known[0]

    def _calibrate(self, block: Block, seat: Seat) -> tuple[int, float]:
        cell, cycle = block.play.cell, block.play.prepared.calls
        slice_ns = schedule.CONCURRENT_SLICE_NS if cell.clients else self.plan.slice_ns
        ops = cycle
        while True:
            self.stage.renew(seat.control, cell, seat.schema)
            answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=1)
            ns_per_op = _wall(answer) / ops
            wanted = schedule.ops_per_slice(ns_per_op, slice_ns, cycle)
            if wanted <= 2 * ops:
                return wanted, ns_per_op
            ops = min(wanted, ops * 10)

    def _forget_calibration(self, block: Block) -> None:
        """What was calibrated while somebody disturbed is calibrated again."""
        if block.number == 0:
            for seat in block.seats.values():
                self._ops.pop((block.play.cell.id, seat.arm.name), None)

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
        if self.plan.latency_ns and not (open_loop or _writes(block.play)):
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
                block.judged[arm] = _while_timed(Verdict(gone.verdict), str(gone))
                continue
            if "failed" in answer:
                block.judged[arm] = _while_timed(Verdict.REJECTED, answer["failed"])
            else:
                block.arrived[arm] = OpenLoop(planned_ns=due[-1], **answer)

    def _judge_quiet(
        self, block: Block, work: str, foreign: float, waits: WaitWatch
    ) -> None:
        """Whether anything disturbed the block, by all that the system tells."""
        walls = {
            arm: sum(one["wall_ns"] for one in answers) * (1 + schedule.LEAD_IN)
            for arm, answers in block.slices.items()
        }
        signs = contention.Signs(work, foreign, waits.shares(walls), block.switches())
        cell = block.play.cell.id
        block.disturbed = contention.disturbance(signs, cell, self.norms)
        if block.disturbed:
            self._forget_calibration(block)
        else:
            self.norms.learn(cell, signs.switches)

    def _passes(self, block: Block, arms: Sequence[str]) -> int:
        """Equal for all arms, so that the slices of a pass can be paired."""
        if block.play.cell.clients or not arms:
            return 1
        known = [self._known(block.play.cell, block.seats[arm].arm) for arm in arms]
        slowest = max(ops * ns_per_op for ops, ns_per_op in filter(None, known))
        return schedule.passes_in_block(slowest, self.plan)

    def _pids(self, block: Block) -> list[int]:
        workers = [pid for seat in block.seats.values() if (pid := seat.pid)]
        return [*workers, self.server_pid] if self.server_pid else workers

    def _pairs(self, block: Block, arms: Sequence[str]) -> dict[str, Pair]:
        """The processes whose waiting for a core tells of others: those that have a core of
        their own. Where nothing is placed, client and server wait for each other."""
        if not self.placement.clients:
            return {}
        backends = block.backends if self.placement.server else {}
        lone = {arm: pids[0] for arm, pids in backends.items() if len(pids) == 1}
        return {
            arm: Pair(block.seats[arm].pid, lone.get(arm, 0))
            for arm in arms
            if not block.seats[arm].arm.reference
        }

    def _slice(self, block: Block, seat: Seat) -> None:
        arm, play, ops = seat.arm.id, block.play, block.ops[seat.arm.id]
        lead = schedule.lead_ops(ops)
        try:
            if _writes(play):
                self.stage.renew(seat.control, play.cell, seat.schema)
            answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=lead)
            if "failed" in answer:
                judged = _while_timed(Verdict.REJECTED, answer["failed"])
            else:
                block.slices.setdefault(arm, []).append(answer)
                judged = self._count(play, seat, (ops + lead) * max(1, play.cell.clients))
        except WorkerGone as gone:
            judged = _while_timed(Verdict(gone.verdict), str(gone))
        except OracleError as error:  # a lock that the driver left, say
            judged = _while_timed(Verdict.INVALID, str(error))
        if judged is not EXACT:
            block.judged[arm] = judged

    def _count(self, play: Playable, seat: Seat, ops: int) -> Judgement:
        """After a slice of writes the server must hold as many rows as were sent."""
        if not _writes(play):
            return EXACT
        judged = self.stage.check_state(seat.control, play, seat.schema, ops)
        return EXACT if judged.verdict is Verdict.EXACT else judged

    def _latencies(self, block: Block, seat: Seat) -> None:
        known = self._known(block.play.cell, seat.arm)
        if known is None or not block.timeable(seat.arm.id):
            return
        ops = max(1, int(self.plan.latency_ns / max(1.0, known[1])))
        if block.play.cell.clients:
            ops = block.ops[seat.arm.id]
        try:
            answer = seat.ask("latencies", seat.deadlines.measure, ops=ops)
            if "failed" in answer:
                raise WorkerGone(answer["failed"], verdict="rejected")
            block.latencies[seat.arm.id] = answer["ns"]
            block.latency_walls[seat.arm.id] = answer.get("wall_ns", 0)
        except WorkerGone as gone:
            judged = Judgement(
                Verdict(gone.verdict), f"while it was timed op by op: {gone}"
            )
            block.judged[seat.arm.id] = judged

    def _finish(self, block: Block, seat: Seat) -> None:
        """Verify once more: what was timed must still be right."""
        arm = seat.arm.id
        if block.timeable(arm):
            again = seat.verify(block.play)
            if worst((block.judged[arm], again)) is again:
                block.judged[arm] = Judgement(
                    again.verdict,
                    f"after it was timed: {again.detail}",
                    again.observed,
                    again.expected,
                )
        seat.close()


def _while_timed(verdict: Verdict, why: str) -> Judgement:
    return Judgement(verdict, f"while it was timed: {why}")


def _wall(answer: Mapping[str, Any]) -> int:
    if "failed" in answer:
        raise WorkerGone(f"an op failed: {answer['failed']}", verdict="rejected")
    wall: int = answer["wall_ns"]
    return wall


_SINGLE = frozenset({Op.EXECUTE, Op.FETCH_ALL, Op.FETCH_ONE, Op.FETCH_VAL})


def _statement(play: Playable) -> str:
    """The one statement that an op sends; empty where it sends several, or where the
    library's pool may add its own."""
    single = play.cell.op in _SINGLE and not play.cell.pool
    return play.prepared.task.sql if single else ""


def _writes(play: Playable) -> bool:
    return play.prepared.before is not None


def _slices_record(ops: int, answers: Sequence[Mapping[str, Any]]) -> Slices:
    return Slices(
        ops=ops,
        lead=schedule.lead_ops(ops),
        wall_ns=[one["wall_ns"] for one in answers],
        cpu_ns=_known_values(answers, "cpu_ns"),
        server_cpu_ns=_known_values(answers, "server_cpu_ns"),
        voluntary_switches=_known_values(answers, "voluntary"),
        involuntary_switches=_known_values(answers, "involuntary"),
    )


def _known_values(answers: Sequence[Mapping[str, Any]], name: str) -> list[int]:
    """A reading of each slice; empty where one of them could not be taken."""
    values = [one[name] for one in answers]
    return [] if None in values else values
