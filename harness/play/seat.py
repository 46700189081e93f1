"""One driver, one worker, one cell after another: what check and bench both do.

A seat turns everything that can happen to a worker into a judgement. When a worker
crashes or hangs, that cell gets the verdict, and the next cell gets a fresh worker.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.arms import Arm
from harness.core.calls import Op, Target
from harness.core.cells import Cell
from harness.core.conditions import DIRECT
from harness.core.errors import OracleError, ServerError, WorkerGone
from harness.core.verdicts import EXACT, Code, Judgement, Verdict, stopped
from harness.judge import activity
from harness.judge.recorded import renamed_in
from harness.play import admission, distance, naming
from harness.play.process import PLAIN, Launch, WorkerProcess, judgement, target_message
from harness.venue import limits, server_view
from harness.venue.control import Control
from harness.venue.stage import Playable, Stage

ALIVE_S = 5.0
"""How long the server may take to say that it is there."""
_PERHAPS_DENIED = (Verdict.REJECTED, Verdict.HUNG, Verdict.BROKEN)
"""What a driver may say when the server does not let it in."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds before a request is given up."""

    open: float = 30.0
    verify: float = 60.0
    measure: float = 60.0


class Seat:
    """An arm's place in a run: its worker, restarted when it is gone."""

    def __init__(
        self,
        arm: Arm,
        stage: Stage,
        control: Control,
        folder: Path,
        cores: list[int],
        deadlines: Deadlines,
        launch: Launch = PLAIN,
        number: int = 0,
    ) -> None:
        """`number` tells seats of one arm apart that work at the same time."""
        self.arm = arm
        self.stage = stage
        self.control = control
        self.folder = folder
        self.cores = cores
        self.loads_on = cores  # where its driver is imported, before it goes to its cores
        self.deadlines = deadlines
        self.launch = launch
        self.number = number
        self.rss_peak_bytes = 0
        self.chatty_bytes = 0
        self.slowest_ns = 0
        self.first_cpu_ns = 0  # of the first op of the cell that was verified last
        self.import_cpu_ns = 0  # what its driver took to import
        self.terms: dict[str, str] = {}  # what its driver said of itself
        self.kind = ""  # sync, async or program, as it said
        self.options: list[str] = []  # those that its driver has
        self.backends: list[int] = []  # the server's processes of its sessions
        self._last: dict[str, Any] = {}
        self._worker: WorkerProcess | None = None
        self._beside: list[Seat] = []  # further processes of the same driver
        self._ended = False  # no worker is started any more
        self._stuck: WorkerGone | None = None  # its driver's import does not end
        self._schema = ""
        self._fresh = False  # the schema is as its fixture left it
        self._target: Target | None = None
        self._kept: Target | None = None  # whose session is left open for a next cell
        self._open = False  # whether a cell's session may be open
        self._pooled = False  # whether a pooler stands between it and its sessions
        self._routed = False  # whether anything does: its sessions end a while later
        self.swept = False  # no session of it is left on the server
        self.reused = False  # whether the open session was an earlier cell's
        self.played_steps = False  # its worker has
        self.through: Callable[[Target], Target] | None = None  # a way of its own

    # --- the worker --------------------------------------------------------------------

    def spawn(self) -> None:
        """Start a worker without waiting for it.

        Raises:
            DriverError: there is no environment to start it in.
        """
        if self._ended:
            raise WorkerGone("the run has ended", verdict="crashed")
        if self._worker is None:
            programs = self.stage.server.binaries
            self._worker = WorkerProcess(
                self.arm, self.folder, self.cores, programs, self.launch, self.loads_on
            )
            if self._ended:  # another thread ended the seat while it started
                self.kill()
                raise WorkerGone("the run has ended", verdict="crashed")

    def adopt(self, worker: WorkerProcess) -> None:
        """Take a worker that was started before the seat was there."""
        self._worker = worker

    @property
    def worker(self) -> WorkerProcess:
        """The live worker, started and greeted on first use.

        Raises:
            DriverError: the driver cannot be used.
            WorkerGone: it died while its library was imported.
        """
        if self._stuck:
            raise self._stuck  # waited for once: every cell would wait as long
        self.spawn()
        assert self._worker is not None
        if not self._worker.hello:
            try:
                told = self._worker.greet()
                self.terms = told["terms"]
                self.kind = told["kind"]
                self.options = told["options"]
                self.import_cpu_ns = told.get("import_cpu_ns", 0)
            except BaseException as error:
                if isinstance(error, WorkerGone) and error.verdict == Verdict.HUNG:
                    self._stuck = error
                self.dismiss()
                raise
        return self._worker

    def beside(self) -> Seat:
        """A further process of the same driver, which goes when this seat's worker goes."""
        seat = Seat(
            self.arm,
            self.stage,
            self.control,
            self.folder,
            self.cores,
            self.deadlines,
            self.launch,
            self.number,
        )
        self._beside.append(seat)
        if self._ended:
            seat.kill()
        return seat

    def part(self) -> None:
        """End the further processes; its own goes on."""
        while self._beside:
            self._beside.pop().dismiss()

    def dismiss(self) -> None:
        """End the worker; the next use starts a fresh one."""
        self.part()
        worker, self._worker = self._worker, None
        self._kept = None
        self._open = False
        self.played_steps = False
        self.rss_peak_bytes = 0
        if worker is not None:
            worker.stop()
            self.chatty_bytes += worker.printed_bytes

    def retire(self) -> None:
        """Leave no session on the server, but the worker, if it has played no steps: what
        those left open in it may work on in the background."""
        if self.played_steps:
            self.dismiss()
        else:
            self.close()

    def kill(self) -> None:
        """End the worker without asking, and for good; for use by other threads.

        Who works in the seat at that moment gets a `WorkerGone` or a `ServerError`.
        """
        self._ended = True
        for seat in tuple(self._beside):  # its own thread may part with them meanwhile
            seat.kill()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()

    @property
    def ended(self) -> bool:
        """Whether it was killed: what became of its cell then is no verdict."""
        return self._ended

    def ask(self, command: str, seconds: float, **arguments: Any) -> dict[str, Any]:
        """One request; a worker that goes takes its seat's worker with it.

        Raises:
            WorkerGone: the worker crashed or hung.
            ServerError: so did the server, which is then the reason.
        """
        try:
            return self.worker.ask(command, seconds, **arguments)
        except WorkerGone:
            self.dismiss()
            self._require_server()
            raise

    def _require_server(self) -> None:
        """Charge no driver with what the server does: is it still there, and answers?"""
        if not self._ended:
            with self.control.within(ALIVE_S):
                self.control.run("select 1")

    # --- one cell ----------------------------------------------------------------------

    def open(self, play: Playable, *, reuse: bool = False) -> Judgement:
        """Open a cell's session, or reuse one that was kept, and bind its op."""
        judged = self._opened(play, reuse=reuse)
        blamed = self.blamed(judged, limits.sessions_of(play.cell))
        denied = blamed is judged and judged.verdict in _PERHAPS_DENIED
        if denied and self.stage.tight:
            return self._opened(play)  # what was still ending then has ended now
        return self.explained(blamed, play.cell)

    def explained(self, judged: Judgement, cell: Cell) -> Judgement:
        """A judgement with what the way to the server has to do with it."""
        return distance.explained(judged, cell, self.arm, self.options)

    def _opened(self, play: Playable, *, reuse: bool = False) -> Judgement:
        kept = self._kept
        try:
            self._target = self.set(play)
        except OracleError as error:
            return stopped(error)
        task, target = str(play.path), target_message(self._target)
        self._open = True
        self.swept = False
        self.reused = reuse and kept == self._target
        self.first_cpu_ns = 0
        command = "rebind" if self.reused else "open"
        return self._judged(command, self.deadlines.open, task=task, target=target)

    def set(self, play: Playable) -> Target:
        """Bring the seat's schema of a cell into its first state; where to connect.

        Raises:
            OracleError: the fixture's SQL failed.
        """
        self._kept = None
        self._schema = self.stage.fresh_schema(self.control, play.cell, self.owner)
        self._fresh = True
        self._pooled = not play.cell.condition.has_sessions
        self._routed = play.cell.condition != DIRECT
        target = self.stage.place(play.cell, self._schema, self.application_name)
        return self.through(target) if self.through else target

    @property
    def open_ns(self) -> int:
        """How long the session that was just opened took; 0 where none was."""
        return int(self._last.get("open_ns", 0))

    def keep(self) -> None:
        """Leave the session open for a next cell that may reuse it."""
        self._kept = self._target if self._open else None

    def verify(
        self, play: Playable, *, keep: bool = False, calls: int = 0, seconds: float = 0.0
    ) -> Judgement:
        """One cycle of ops, or the next `calls` of it, judged: what came back, and what
        the server has afterwards.

        `keep` also asks what each op brought; `seen` has it afterwards. The worker may
        take so many `seconds`.
        """
        targets = filter(None, (self.stage.server.target, self._target))
        names = {str(target.port): "@{port}" for target in targets}
        seconds = seconds or self.deadlines.verify
        judged = self._verify(play, keep=keep, calls=calls, seconds=seconds)
        return renamed_in(self.explained(judged, play.cell), names)

    def _verify(
        self, play: Playable, *, keep: bool, calls: int, seconds: float
    ) -> Judgement:
        # Behind a pooler there are as many sessions as it likes.
        expected_sessions = None if self._pooled else play.cell.expect.sessions
        try:
            if not self._fresh:
                self.stage.renew(self.control, play.cell, self._schema)
            self._fresh = False
            counts = expected_sessions is not None
            before = server_view.count_sessions(self.control) if counts else 0
            if turns := play.prepared.task.turns:  # all of them: every task is asked
                calls = len(turns)
            judged = self._judged("verify", seconds, keep=keep, calls=calls)
            self.slowest_ns = self._last.get("slowest_ns", 0)
            self.first_cpu_ns = self._last.get("first_cpu_ns", 0)
            if not judged.verdict.timeable:
                sessions = limits.sessions_of(play.cell)
                return self.blamed(judged, sessions) if _connects(play) else judged
            if self.arm.isolates:  # its writes may have reached no server
                return judged
            ops = len(turns) or play.cell.clients or calls or play.prepared.calls
            state = self.stage.check_state(self.control, play, self._schema, ops)
            if state.verdict is not Verdict.EXACT:
                return state
            if expected_sessions is not None:
                wanted = before + expected_sessions * ops
                counted = server_view.check_sessions(
                    self.control, wanted, exact=self.stage.alone
                )
                if counted.verdict is not Verdict.EXACT:
                    return counted
        except OracleError as error:
            return stopped(error)
        return judged

    def blamed(self, judged: Judgement, sessions: int) -> Judgement:
        """The same, unless the server does not grant us so many sessions either: what it
        lacks is skipped.

        Raises:
            ServerError: the server is gone, or does not answer.
        """
        if judged.verdict not in _PERHAPS_DENIED:
            return judged
        self._require_server()
        self.close()
        reason = admission.denied(self.stage.server.target, sessions, self.dismiss)
        return Judgement(Verdict.SKIPPED, Code.SERVER_LACKS, reason) if reason else judged

    def look(self, statement: str = "") -> Judgement:
        """Whether the last op left its session as the driver's terms say.

        `statement` is what that op had to send. One question to the server; `backends` has
        the sessions' processes afterwards. Behind a pooler sessions are everybody's in
        turn, with what the pooler says besides: nothing is told of them.
        """
        if self._pooled:
            self.backends = []
            return EXACT
        seen = server_view.activities(self.control, self.application_name)
        self.backends = [session.pid for session in seen]
        return activity.breach(seen[0], self.terms, statement) if seen else EXACT

    def server_pids(self) -> list[int]:
        """The server's processes of its sessions now, where they are on this machine."""
        self.look()
        return self.backends if self.stage.server.pid else []

    def gather(self, sessions: int, ops: int) -> dict[str, Any]:
        """Open further sessions of the open cell until there are so many.

        Raises:
            WorkerGone: the worker crashed or hung.
        """
        assert self._target is not None
        target = target_message(self._target)
        seconds = self.deadlines.open + self.deadlines.verify
        return self.ask("gather", seconds, sessions=sessions, target=target, ops=ops)

    def close(self) -> str:
        """End the open cell; a warning if the library complained."""
        self._open = False
        self._kept = None
        if self._worker is None or not self._worker.hello:
            return ""  # it went, and took its sessions along
        try:
            answer = self.ask("close", self.deadlines.open)
        except WorkerGone as gone:
            return str(gone)
        self.rss_peak_bytes = max(self.rss_peak_bytes, answer.get("rss_peak_bytes", 0))
        if self._routed and not self._pooled:
            with contextlib.suppress(ServerError, OracleError):  # it is gone: so are they
                server_view.await_end(self.control, self.application_name)
        return str(answer.get("warning", ""))

    def sources(self, acts: list[str], play: Playable) -> dict[str, Any]:
        """The code of a driver's acts, by a worker that plays steps."""
        self.ask("begin_steps", self.deadlines.open, task=str(play.path), places={})
        return self.ask("sources", self.deadlines.open, acts=acts)

    def op_sources(
        self,
        play: Playable,
        settings: tuple[tuple[str, str], ...],
        calls: int,
        acts: Sequence[str],
    ) -> dict[str, Any]:
        """The code of the op of the cell that was set, by a worker that binds it anew."""
        assert self._target is not None
        return self.ask(
            "op_sources",
            self.deadlines.open,
            task=str(play.path),
            target=target_message(self._target),
            settings=settings,
            calls=calls,
            acts=acts,
        )

    @property
    def seen(self) -> list[dict[str, Any]]:
        """What the ops of the last verification brought, if that was asked for."""
        return list(self._last.get("seen", ()))

    @property
    def pid(self) -> int:
        """The worker's process id, 0 without one."""
        return self._worker.pid if self._worker else 0

    @property
    def busy(self) -> bool:
        """Whether its worker is at something; for use by other threads."""
        worker = self._worker
        return worker is not None and worker.busy

    @property
    def application_name(self) -> str:
        """By which the server tells this seat's sessions apart."""
        run, number = self.stage.run, self.number
        return naming.session_name(run, self.arm, number, pooled=self._pooled)

    @property
    def owner(self) -> str:
        """By which the stage tells this seat's schemas apart."""
        return f"{self.arm.id}{self.arm.profile}{self.number or ''}"

    @property
    def schema(self) -> str:
        """The schema of the open cell."""
        return self._schema

    def _judged(self, command: str, seconds: float, **arguments: Any) -> Judgement:
        try:
            self._last = self.ask(command, seconds, **arguments)
            return judgement(self._last)
        except WorkerGone as gone:
            return stopped(gone)


def _connects(play: Playable) -> bool:
    """Whether its ops open sessions, now or in a pool that has not opened all yet."""
    return bool(play.cell.pool) or play.cell.op in (Op.CONNECT, Op.CONNECT_QUERY)
