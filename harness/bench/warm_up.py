"""Everything before an arm is timed: open, verify, warm up, calibrate.

What goes wrong becomes the arm's judgement in the block.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from harness.bench import schedule
from harness.bench.block import Block, wall_ns, worked_ns
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import EXACT, Judgement, Verdict, stopped
from harness.judge.verify import worst
from harness.machine import host
from harness.play import distance
from harness.play.seat import Seat
from harness.venue.stage import Playable, Stage

BURDEN_SLICES = 15


class WarmUp:
    """Makes arms ready. Remembers how many ops fill a slice, by cell and driver."""

    def __init__(self, stage: Stage, plan: Plan, backends_on: Sequence[int] = ()) -> None:
        """`backends_on` are the cores of backends that do not begin there themselves."""
        self.stage = stage
        self.plan = plan
        self.backends_on = backends_on
        self._ops: dict[tuple[str, str], tuple[int, float]] = {}  # → ops, ns per op

    def make_ready(self, block: Block, seat: Seat) -> None:
        """Open, verify, warm up and watch: what others may do at the same time."""
        self.verify(block, seat)
        self.warm(block, seat)

    def verify(self, block: Block, seat: Seat) -> None:
        """Open and verify: all calls of a cycle in a cell's first round, later only one.

        Where sessions are counted, nobody else may do anything meanwhile.
        """
        block.judged[seat.arm.id] = self._guarded(seat, lambda: self._verified(block, seat))

    def _verified(self, block: Block, seat: Seat) -> Judgement:
        judged = seat.open(block.play)
        if judged.verdict is Verdict.EXACT:
            # What answers from memory must first have heard all answers.
            whole = block.number == 0 or bool(seat.arm.isolates)
            if block.play.cell.condition.rtt_ms and not seat.arm.isolates:
                return self._verified_afar(block, seat)
            judged = seat.verify(block.play, calls=0 if whole else 1)
        return judged

    def _verified_afar(self, block: Block, seat: Seat) -> Judgement:
        """Over a network: one call, and in a cell's first round as many more as there is
        time for, unless an op takes so long that it cannot be timed."""
        play, whole = block.play, block.number == 0
        if seat.kind == "program":
            ops = schedule.WARM_UP_OPS * play.prepared.cycle
            return distance.slow_program(play.cell, ops) or seat.verify(play)
        judged = seat.verify(play, calls=1, seconds=distance.FIRST_S)
        if not (whole and judged.verdict.timeable):
            return judged
        # What a first op does besides, it does once: the next ones tell how long they take.
        more = distance.calls_in_time(seat.slowest_ns, play.prepared.cycle)
        judged = worst((judged, seat.verify(play, calls=more)))
        turns = play.prepared.cycle if play.prepared.task.turns else 1
        slow = distance.too_long(play.cell, seat.slowest_ns, turns)
        return slow if slow and judged.verdict.timeable else judged

    def warm(self, block: Block, seat: Seat) -> None:
        """Warm up who was verified, and watch."""
        judged = block.judged[seat.arm.id]
        if judged.verdict.timeable:
            block.judged[seat.arm.id] = self._guarded(
                seat, lambda: worst((judged, self._warm(block, seat)))
            )

    def settle(self, block: Block, seat: Seat) -> None:
        """Calibrate, and go on warming up: what has to happen while nobody else works."""
        judged = block.judged[seat.arm.id]
        if judged.verdict.timeable:
            block.judged[seat.arm.id] = self._guarded(
                seat, lambda: self._settled(block, seat, judged)
            )

    def _settled(self, block: Block, seat: Seat, judged: Judgement) -> Judgement:
        self._prepare_slices(block, seat)
        return judged

    def _guarded(self, seat: Seat, work: Callable[[], Judgement]) -> Judgement:
        """What a piece of work comes to, also if the driver or a lock of its ends it."""
        try:
            return work()
        except (WorkerGone, DriverError) as error:
            return stopped(error)
        except OracleError as error:
            # A table that cannot be brought back is often locked by the driver itself.
            looked = seat.look()
            return stopped(error) if looked is EXACT else looked

    def _warm(self, block: Block, seat: Seat) -> Judgement:
        """Warm up, then look at what the server saw: now the op was the last to speak.

        Right after the verification it would be the canary, whose answer says nothing of
        how the op works; and an op that asks the server only once could not be told.
        """
        play, cell = block.play, block.play.cell
        self.stage.renew(seat.control, cell, seat.schema)
        self._run_warm(cell, seat)
        if cell.expect.sessions is not None:  # each op has a session of its own
            return EXACT
        looked = seat.look(_statement(play))
        # Clocks of processes on another machine cannot be read.
        pids = seat.backends if self.stage.server.pid else []
        block.backends[seat.arm.id] = pids
        for pid in pids if self.backends_on else ():
            host.move(pid, self.backends_on)
        if seat.launch.priority:
            host.prioritise(pids, seat.launch.priority)
        seat.ask("watch", 10, pids=pids)
        return EXACT if cell.clients or seat.arm.isolates else looked

    def _run_warm(self, cell: Cell, seat: Seat) -> None:
        slowest_ns = seat.slowest_ns * max(1, cell.clients)
        network = bool(cell.condition.rtt_ms)
        ops = schedule.warm_up_ops(slowest_ns, self.plan, network=network)
        answer = seat.ask("warm", seat.deadlines.verify, ops=ops)
        if "failed" in answer:
            told = answer["failed"]
            raise WorkerGone(f"while warming up: {told}", verdict="rejected", message=told)

    def _prepare_slices(self, block: Block, seat: Seat) -> None:
        """Calibrate, warm up until steady, and slow the arm if it is to be slowed."""
        arrivals = block.play.cell.arrivals
        if arrivals:
            block.ops[seat.arm.id] = arrivals.rate * arrivals.seconds
            return
        ops, ns_per_op = self._calibrated(block, seat)
        block.ops[seat.arm.id] = ops
        block.leads[seat.arm.id] = schedule.lead_ops(ops, ns_per_op)
        self._until_steady(block, seat)
        self._burden(block, seat)

    def _until_steady(self, block: Block, seat: Seat) -> None:
        """Go on warming up until the op becomes no faster. Where a cycle of its calls is as
        long as half a slice, what it costs is not in how it starts; cells with clients and
        writes have no time for it."""
        known = self.known(block.play.cell, seat.arm)
        ops = schedule.warm_up_slice(block.ops[seat.arm.id], block.play.prepared.cycle)
        slow = known is None or ops * known[1] > self.plan.slice_ns / 2
        if slow or block.play.cell.clients or block.writes:
            return
        walls: list[float] = []
        while not schedule.is_steady(walls):
            if len(walls) == schedule.WARM_UP_SLICES[1]:
                block.unsteady.add(seat.arm.id)
                return
            answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=0)
            walls.append(worked_ns(answer))

    def _burden(self, block: Block, seat: Seat) -> None:
        """Slow an arm by a share of what its op takes just now without a burden: the
        median of some slices. A noisy minute would otherwise set the burden of a whole run.
        """
        if seat.arm.burden is None:
            return
        ops = block.ops[seat.arm.id]
        slices = [
            wall_ns(seat.ask("measure", seat.deadlines.measure, ops=ops, lead=0))
            for _ in range(BURDEN_SLICES)
        ]
        bare = statistics.median(slices) / ops
        seat.ask("burden", 10, ns=bare * seat.arm.burden)
        self._run_warm(block.play.cell, seat)

    def known(self, cell: Cell, arm: Arm) -> tuple[int, float] | None:
        """The calibration of a cell and driver; both copies of a driver share one."""
        return self._ops.get((cell.id, arm.name))

    def _calibrated(self, block: Block, seat: Seat) -> tuple[int, float]:
        """Ops per slice and ns per op: measured once per run, then fixed."""
        cell = block.play.cell
        known = self.known(cell, seat.arm)
        if known is None:
            known = self._calibrate(block, seat)
            self._ops[cell.id, seat.arm.name] = known
        return known

    def _calibrate(self, block: Block, seat: Seat) -> tuple[int, float]:
        cell, cycle = block.play.cell, _least_ops(block.play, seat)
        slice_ns = schedule.CONCURRENT_SLICE_NS if cell.clients else self.plan.slice_ns
        ops = cycle
        while True:
            self.stage.renew(seat.control, cell, seat.schema)
            answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=1)
            # Clients wait for each other: their common time is the wall's.
            ns_per_op = (wall_ns if cell.clients else worked_ns)(answer) / ops
            wanted = schedule.ops_per_slice(ns_per_op, slice_ns, cycle)
            if wanted <= 2 * ops:
                return wanted, ns_per_op
            ops = min(wanted, ops * 10)

    def forget(self, block: Block) -> None:
        """What was calibrated while somebody disturbed is calibrated again."""
        if block.number == 0:
            for seat in block.seats.values():
                self._ops.pop((block.play.cell.id, seat.arm.name), None)


def _least_ops(play: Playable, seat: Seat) -> int:
    """After how many ops a slice may end: a whole cycle. Over a network less will do, if
    each op does the same: of a mix it would be another one, and what single ops of it left
    behind could not be counted."""
    cycle = play.prepared.cycle
    equal = not play.prepared.task.turns and len(set(play.prepared.added)) <= 1
    if not (play.cell.condition.rtt_ms and equal):
        return cycle
    return schedule.cycle_over_network(cycle, seat.slowest_ns)


_SINGLE = frozenset({Op.EXECUTE, Op.FETCH_ALL, Op.FETCH_ONE, Op.FETCH_VAL, Op.FETCH_ARROW})


def _statement(play: Playable) -> str:
    """The one statement that an op sends; empty where it sends several, or where the
    library's pool may add its own."""
    single = play.cell.op in _SINGLE and not play.cell.pool
    return play.prepared.task.sql if single else ""
