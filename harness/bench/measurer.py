"""Plays a block: makes every arm ready, interleaves their slices, verifies them again.

What happens to an arm on the way is a judgement in the block; the other arms go on.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from harness.bench import schedule
from harness.bench.block import Block, wall_ns
from harness.bench.crew import Crew
from harness.bench.schedule import Plan
from harness.bench.warm_up import WarmUp
from harness.core import interrupt
from harness.core.cells import Arrivals
from harness.core.errors import OracleError, WorkerGone
from harness.core.metrics import WAITS
from harness.core.phases import Phase, PhaseClock
from harness.core.verdicts import EXACT, Judgement, Verdict, failed, stopped
from harness.judge.verify import worst
from harness.machine import contention, host, screening
from harness.machine.watch import StealWatch, Watch, threads
from harness.play import distance
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
        crew: Crew,
        phases: PhaseClock,
    ) -> None:
        self.stage = stage
        self.plan = plan
        self.random = rng
        self.placement = placement
        self.crew = crew
        self.phases = phases
        self.norms = contention.Norms()
        managed = stage.server.managed  # its backends inherit their place
        self.warm_up = WarmUp(stage, plan, () if managed else placement.server)

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
        for arm, judged in block.judged.items():
            block.judged[arm] = block.seats[arm].explained(judged, play.cell)
        return block

    def _play(self, block: Block) -> None:
        seats = list(block.seats.values())
        # Where a cell counts the sessions of the server, another arm's would count, too.
        together = block.play.cell.expect.sessions is None
        with self.phases.phase(Phase.READY):
            if together:
                self.crew.each(seats, partial(self.warm_up.make_ready, block))
            else:
                self.crew.each(seats, partial(self.warm_up.verify, block), together=False)
                self.crew.each(seats, partial(self.warm_up.warm, block))
        with self.phases.phase(Phase.CALIBRATING):
            for seat in seats:
                self.warm_up.settle(block, seat)
        self._measure(block)
        with self.phases.phase(Phase.AGAIN):
            self.crew.each(seats, partial(self._finish, block), together=together)

    # --- timing ------------------------------------------------------------------------

    def _measure(self, block: Block) -> None:
        arms = [arm for arm in block.ops if block.timeable(arm)]
        before = self.stage.housekeeping()
        sides = {arm: self._sides(block, arm) for arm in arms}
        told = {side for known in sides.values() for side in known}
        witnessed = self.placement.split and told.issuperset(WAITS)
        watch = None if witnessed else Watch(self._cores(), self._pids(block))
        if block.play.cell.arrivals:
            with self.phases.phase(Phase.TIMED):
                self._open_loops(block, arms, block.play.cell.arrivals)
        else:
            with self.phases.phase(Phase.LEAD_IN):
                self._interleave(block, arms, sides)
        foreign = watch.foreign() if watch else 0.0
        work = self.stage.housekeeping().since(before).work
        self._judge_quiet(block, work, foreign)
        open_loop = block.play.cell.arrivals is not None
        if self.plan.latency_ns and not (open_loop or block.writes):
            with self.phases.phase(Phase.TIMED):
                for arm in arms:
                    if not block.seats[arm].arm.reference:
                        self._latencies(block, block.seats[arm])

    def _interleave(
        self, block: Block, arms: Sequence[str], sides: Mapping[str, Collection[str]]
    ) -> None:
        """Pass after pass, until enough of them were quiet or there were too many."""
        slices_ns = self._slices_ns(block, arms)
        wanted = block.wanted = self._passes(block, slices_ns)
        stolen = StealWatch(self._cores())
        most = schedule.most_passes(wanted, sum(slices_ns))
        for number, turn in enumerate(schedule.pass_order(self.random, arms, most), 1):
            interrupt.check()
            for arm in turn:
                played = block.seats[arm].arm
                brief = bool(played.reference) and not played.isolates
                if block.timeable(arm) and schedule.has_turn(number, reference=brief):
                    self._slice(block, block.seats[arm])
            block.stolen.append(stolen.since_last())
            if self.placement.clients:  # elsewhere everybody waits for everybody
                turns = block.turns(sides)
                exact = self.placement.split
                block.left_out = screening.left_out(turns, block.stolen, exact=exact)
            if number - len(block.left_out) >= wanted:
                return

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

    def _judge_quiet(self, block: Block, work: str, foreign: float) -> None:
        """Whether anything disturbed the block as a whole, by all that the system tells."""
        passes, left_out = len(block.stolen), len(block.left_out)
        # With a core each, client and backend cannot save a wake-up on one.
        switches = {} if self.placement.split else block.switches()
        signs = contention.Signs(work, foreign, passes, left_out, block.wanted, switches)
        cell = block.play.cell.id
        block.disturbed = contention.disturbance(signs, cell, self.norms)
        if block.disturbed:
            self.warm_up.forget(block)
        else:
            self.norms.learn(cell, signs.switches)

    def _slices_ns(self, block: Block, arms: Sequence[str]) -> list[float]:
        """How long a slice of each arm takes, by its calibration."""
        known = [self.warm_up.known(block.play.cell, block.seats[arm].arm) for arm in arms]
        return [ops * ns_per_op for ops, ns_per_op in filter(None, known)]

    def _passes(self, block: Block, slices_ns: Sequence[float]) -> int:
        """Equal for all arms, so that the slices of a pass can be paired."""
        if block.play.cell.clients or not slices_ns:
            return 1
        return schedule.passes_in_block(max(slices_ns), self.plan)

    def _cores(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.placement.clients + self.placement.server))

    def _pids(self, block: Block) -> list[int]:
        workers = [pid for seat in block.seats.values() if (pid := seat.pid)]
        postmaster = self.stage.server.pid
        servers = [postmaster] if postmaster else []
        return [*workers, *servers, *self.stage.routes.pids()]

    def _sides(self, block: Block, arm: str) -> Collection[str]:
        """Of which of its processes an arm's waiting tells of others.

        Where client and backend have a core each, only others make a client of one thread
        or a lone backend wait: such an arm is a witness for all of its block. Several
        threads, or several backends, wait for each other and say nothing. Backends of a
        borrowed server that nobody could place, because each op opens its own, may run
        beside the client. Where all share a core both sides wait for each other, and what
        exceeds that is seen in both.
        """
        if block.seats[arm].arm.reference:
            return ()
        if not self.placement.split:
            return WAITS
        backends = block.backends.get(arm, ())
        if not (backends or self.stage.server.managed):
            return ()
        # A route's process takes turns with the backend on the server's core.
        alone = len(backends) == 1 and not self.stage.routes.takes(
            block.play.cell.condition
        )
        lone = threads(block.seats[arm].pid) == 1, alone
        return [side for side, alone in zip(WAITS, lone, strict=True) if alone]

    def _slice(self, block: Block, seat: Seat) -> None:
        arm, play, ops = seat.arm.id, block.play, block.ops[seat.arm.id]
        lead = block.leads[arm]
        try:
            if block.writes:
                with self.phases.phase(Phase.RESETTING):
                    self.stage.renew(seat.control, play.cell, seat.schema)
            answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=lead)
            if "failed" in answer:
                judged = failed(answer["failed"]).during(_TIMED)
            else:
                self.phases.move(wall_ns(answer), Phase.LEAD_IN, Phase.TIMED)
                block.slices.setdefault(arm, []).append(answer)
                judged = self._count(block, seat, ops + lead)
        except WorkerGone as gone:
            judged = stopped(gone).during(_TIMED)
        except OracleError as error:  # a lock that the driver left, say
            judged = stopped(error).during(_TIMED)
        if judged is not EXACT:
            block.judged[arm] = judged

    def _count(self, block: Block, seat: Seat, each: int) -> Judgement:
        """After a slice of writes the server must hold as many rows as were sent, unless
        what was sent reaches no server."""
        if not block.writes or seat.arm.isolates:
            return EXACT
        ops = each * max(1, block.play.cell.clients)
        with self.phases.phase(Phase.RESETTING):
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
        """Verify once more: what was timed must still be right.

        All calls of a cycle are verified after a cell's first round, and after every round
        that may be its last; in between the next call, wherever the cycle stands.
        """
        arm = seat.arm.id
        if block.timeable(arm):
            middle = 0 < block.number < self.plan.min_rounds - 1
            again = seat.verify(block.play, calls=self._calls_again(block, seat, middle))
            if worst((block.judged[arm], again)) is again:
                block.judged[arm] = again.during("after it was timed")
        seat.close()

    def _calls_again(self, block: Block, seat: Seat, middle: bool) -> int:
        """How many calls: over a network as many as there is time for, 0 for all."""
        if middle or not block.play.cell.condition.rtt_ms:
            return int(middle)
        return distance.calls_in_time(seat.slowest_ns, block.play.prepared.cycle)
