"""The processes of one arm that send together: made ready, begun at one moment, told apart
by their number."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter_ns
from typing import Any

from harness.bench.assignment import Assignment
from harness.bench.crew import DEADLINES
from harness.core.arms import Arm
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import (
    EXACT,
    Code,
    Judgement,
    Verdict,
    failed,
    stopped,
)
from harness.judge.verify import worst
from harness.lanes.load.merging import Answer, Hand
from harness.lanes.load.splitting import Portion
from harness.machine import host
from harness.play.process import Launch, target_message
from harness.play.seat import Seat
from harness.venue.stage import Playable

LEAD_NS = 100_000_000
"""How long in advance all processes know when they begin."""
DRAIN_S = 60.0
"""How long after the last op was due all may need for what is left,"""
_SLOWEST_OP_S = 0.005
"""and how much longer for each op of a process: at an absurd rate most are left."""


class Team:
    """The processes of an arm in a cell. One that dies ends all."""

    def __init__(
        self, work: Assignment, play: Playable, arm: Arm, portions: Sequence[Portion]
    ) -> None:
        self.arm = arm
        self.portions = portions
        self.judged: Judgement = EXACT
        self._work = work
        self._play = play
        self._plays = [
            _own(play, portion, number) for number, portion in enumerate(portions)
        ]
        self._seats = [_seat(work, arm, number) for number in range(len(portions))]

    def begin(self, *, whole: bool) -> None:
        """Start, open, verify and warm up all processes; with `whole` the first one is
        asked every call of a cycle, all others one."""
        self._guard(lambda: self._begin(whole))

    def _begin(self, whole: bool) -> Judgement:
        for seat in self._seats:
            seat.spawn()
        judged = EXACT
        for number, (seat, play) in enumerate(zip(self._seats, self._plays, strict=True)):
            judged = worst((judged, _verified(seat, play, whole and not number)))
            if not judged.verdict.timeable:
                return judged
        return worst((judged, self._ready()))

    def _ready(self) -> Judgement:
        """Open further sessions, one process after another: who is refused is told apart
        from who has no session left."""
        for number, (seat, portion) in enumerate(
            zip(self._seats, self.portions, strict=True)
        ):
            place = self._work.place.stage.place(
                self._play.cell, seat.schema, seat.application_name
            )
            before = perf_counter_ns()
            answer = seat.ask(
                "clients",
                DEADLINES.open + DEADLINES.verify,
                act="ready",
                process=number,
                sessions=portion.clients,
                target=target_message(place),
            )
            if "failed" in answer:
                denied = failed(answer["failed"]).during(
                    "while its clients were made ready"
                )
                return seat.blamed(denied, portion.sessions)
            if not before <= answer["now_ns"] <= perf_counter_ns():
                return _other_clock()
            self._place_backends(seat)
        return EXACT

    def _place_backends(self, seat: Seat) -> None:
        """On a server that was there before, backends are placed one by one."""
        pids = seat.server_pids()
        placement = self._work.placement
        if placement.server and not self._work.place.server.managed:
            for pid in pids:
                host.move(pid, placement.server)
        if placement.priority:
            host.prioritise(pids, placement.priority)

    def slot(self, hands: Sequence[Hand], seconds: float) -> list[Answer] | None:
        """Let all begin at one moment; what each tells, or None with `judged` if one of
        them is gone. Of a closed loop, so many `seconds`."""
        answers: list[Answer] = []
        self._guard(lambda: self._slot(hands, seconds, answers))
        return answers if len(answers) == len(self._seats) else None

    def _slot(
        self, hands: Sequence[Hand], seconds: float, answers: list[Answer]
    ) -> Judgement:
        self._renew()
        self._all("schedule", [{"due": hand} for hand in hands], DEADLINES.open)
        go = {"start_ns": perf_counter_ns() + LEAD_NS, "seconds": seconds}
        drain_s = DRAIN_S + _SLOWEST_OP_S * max(len(hand or ()) for hand in hands)
        told = self._all("go", [go] * len(hands), seconds + drain_s)
        if wrong := next((answer["failed"] for answer in told if "failed" in answer), ""):
            return failed(wrong).during("while many clients sent")
        answers += told
        return worst((self.judged, *map(self._counted, self._seats, told)))

    def _all(
        self, act: str, asked: Sequence[dict[str, Any]], seconds: float
    ) -> list[dict[str, Any]]:
        """Tell all of them, then hear all of them. What interrupts that ends them at once:
        who sends does not listen."""
        try:
            workers = [seat.worker for seat in self._seats]
            for worker, arguments in zip(workers, asked, strict=True):
                worker.tell("clients", act=act, **arguments)
            return [worker.hear("clients", seconds) for worker in workers]
        except BaseException:
            for seat in self._seats:
                seat.kill()
            raise

    def _renew(self) -> None:
        if self._play.prepared.before is not None:
            for seat in self._seats:
                self._work.place.stage.renew(seat.control, self._play.cell, seat.schema)

    def _counted(self, seat: Seat, answer: Answer) -> Judgement:
        """Of writes that all succeeded, the server must hold as many rows as were sent.
        Clients stop when their time is over, each after as many ops as it likes: that can
        be counted where all ops of a cycle add as many rows."""
        prepared = self._play.prepared
        if answer["errors"] or prepared.before is None or len(set(prepared.added)) > 1:
            return EXACT
        alone = replace(self._play.cell, clients=0)
        play = replace(self._play, prepared=replace(prepared, cell=alone))
        ops = len(answer["response_ns"])
        return self._work.place.stage.check_state(seat.control, play, seat.schema, ops)

    def verify_again(self) -> None:
        """What was measured must still be right, in each process."""
        self._guard(self._verified_again)

    def _verified_again(self) -> Judgement:
        judged = self.judged
        for seat, play in zip(self._seats, self._plays, strict=True):
            judged = worst((judged, seat.verify(play, calls=1).during("after the load")))
        return judged

    def _guard(self, act: Callable[[], Judgement]) -> None:
        """Whatever ends a process, or a query of ours, is a judgement of the arm."""
        try:
            self.judged = act()
        except (WorkerGone, DriverError, OracleError) as error:
            self.dismiss()
            self._work.place.control.run("select 1")  # the server's end is no driver's
            self.judged = stopped(error)

    def dismiss(self) -> None:
        """End all processes."""
        for seat in self._seats:
            seat.dismiss()


def _seat(work: Assignment, arm: Arm, number: int) -> Seat:
    place, cores = work.place, list(work.placement.clients)
    launch = Launch(priority=work.placement.priority)
    control, folder = place.control, place.folder
    return Seat(arm, place.stage, control, folder, cores, DEADLINES, launch, number)


def _own(play: Playable, portion: Portion, number: int) -> Playable:
    """The cell as one process has it: of a pool, with its portion of clients."""
    if not portion.pool:
        return play
    task = replace(pickle.loads(play.path.read_bytes()), **_sizes(portion))
    path = play.path.with_suffix(f".{number}-of-{portion.clients}-{portion.pool}.pickle")
    path.write_bytes(pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL))
    cell = replace(play.cell, **_sizes(portion))
    kept = replace(play.prepared.task, **_sizes(portion))
    return Playable(replace(play.prepared, cell=cell, task=kept), path)


def _sizes(portion: Portion) -> dict[str, Any]:
    return {"clients": portion.clients, "pool": portion.pool}


def _verified(seat: Seat, play: Playable, whole: bool) -> Judgement:
    judged = seat.open(play)
    if judged.verdict is Verdict.EXACT:
        judged = seat.verify(play, calls=0 if whole else 1)
    return judged


def _other_clock() -> Judgement:
    told = "its clock is not the one that its parent reads: they cannot begin together"
    return Judgement(Verdict.INVALID, Code.HARNESS_FAULT, told)
