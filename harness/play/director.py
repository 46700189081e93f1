"""A case of steps: the driver's are played by its worker, the others here.

The director keeps the words that steps save, opens the places that the case needs, and
plays the steps in order until one of them is wrong.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.core.calls import Target
from harness.core.errors import OracleError, WorkerGone
from harness.core.steps import Step
from harness.core.verdicts import EXACT, Code, Judgement, Verdict, step_of, stopped
from harness.judge.recorded import renamed_in
from harness.judge.steps import JOIN_MS, StepOutcome, judge
from harness.judge.verify import worst
from harness.judge.words import expecting, filled
from harness.play.process import judgement, target_message
from harness.play.seat import Seat
from harness.servers.postmaster import free_port
from harness.servers.proxy import Proxy
from harness.servers.rigs import Rig
from harness.venue.control import Control, connected
from harness.venue.stage import Playable

_STEP_SECONDS = 15.0
_STEP_MS = 15_000
_GRACE_SECONDS = 1.0
_TOLD = ("line", "message", "grown_bytes")
_UNTIL_MS = 5_000
_SWEEP_SECONDS = 2.0
_HASHED = re.compile(r"[0-9a-f]{32}")  # a name made with md5 of @{app}
_TERMINATE = (
    "select count(pg_terminate_backend(pid)) from pg_stat_get_activity(null)"
    " where application_name = $1 and pg_has_role(usesysid, 'usage')"
)


@dataclass(slots=True)
class Scene:
    """Where the steps of one case are played: places, what may be done to them, words."""

    places: dict[str, Target]
    rig: Rig | None = None
    proxy: Proxy | None = None
    words: dict[str, str] = field(default_factory=dict)


class Director:
    """Plays one case of steps in one seat."""

    def __init__(self, seat: Seat, play: Playable, target: Target) -> None:
        self.seat = seat
        self.play = play
        self.target = target
        self.lines: list[dict[str, Any]] = []  # what each step brought, for people
        self._gone = False  # a step took the worker with it
        further = {step.process for step in play.cell.steps} - {""}
        self.seats = {"": seat, **{name: seat.beside() for name in sorted(further)}}

    def run(self) -> Judgement:
        """The verdict on the case: that of its worst step.

        Raises:
            WorkerGone: the worker crashed or hung before the first step.
        """
        with self._scene() as scene:
            opened = worst([self._begun(seat, scene) for seat in self.seats.values()])
            if opened.verdict is not Verdict.EXACT:
                return opened
            with self._swept():
                judged = [self._numbered(*played) for played in self._played(scene)]
                if not self._gone:
                    judged += map(self._ended, self.seats.values())
            return renamed_in(self._summary(judged), self._names(scene))

    def _begun(self, seat: Seat, scene: Scene) -> Judgement:
        seat.played_steps = True
        places = {name: target_message(target) for name, target in scene.places.items()}
        task = str(self.play.path)
        return judgement(seat.ask("begin_steps", _STEP_SECONDS, task=task, places=places))

    def _ended(self, seat: Seat) -> Judgement:
        """A last look at the connections; what the steps showed stays, whatever comes."""
        try:
            ended = seat.ask("end_steps", _STEP_SECONDS)
        except WorkerGone as gone:
            return stopped(gone)
        if not ended.get("clean", False):
            seat.dismiss()  # something still runs in it: not for the next
        return judgement(ended)

    @contextlib.contextmanager
    def _swept(self) -> Iterator[None]:
        """Sessions that a case before this one left are none of its own, nor are this
        one's of the next: steps count sessions, and a new fixture needs the locks."""
        if not self.seat.swept:
            self._sweep()
        self.seat.swept = False
        try:
            yield
        finally:
            self._sweep()

    def _sweep(self) -> None:
        begun = time.monotonic()
        while self.seat.control.value(_TERMINATE, [self.target.application_name]) != "0":
            waited = time.monotonic() - begun
            if waited > _SWEEP_SECONDS:
                return
            time.sleep(min(0.01, 0.001 + waited))
        self.seat.swept = True

    # --- playing ------------------------------------------------------------------------

    def _played(self, scene: Scene) -> Iterator[tuple[int, Step, Judgement]]:
        """Every step's judgement, up to the first after which nothing can be as meant.

        An error that had to come and lacks its SQLSTATE has come all the same.
        """
        for index, step in enumerate(self.play.cell.steps):
            judged = self._step(index, step, scene)
            yield index + 1, step, judged
            told_less = step.expect.error and judged.verdict is Verdict.REJECTED
            if not (judged.verdict.timeable or told_less):
                return

    def _step(self, index: int, step: Step, scene: Scene) -> Judgement:
        if step.by_parent:
            play = self._control if step.on == "control" else self._done
            return play(step, scene)
        limit_ms = self._limit_ms(step)
        try:
            answer = self._acted(index, step, scene, limit_ms)
        except WorkerGone as gone:
            return self._lost(gone, index + 1, limit_ms)
        if "word" in answer:
            scene.words[step.save] = answer["word"]
        if told := {name: answer[name] for name in _TOLD if name in answer}:
            self.lines.append({"step": index + 1} | told)
        return judgement(answer)

    def _acted(self, index: int, step: Step, scene: Scene, limit_ms: int) -> dict[str, Any]:
        """What the worker tells of a step; what has a limit begins on an open session.

        Raises:
            WorkerGone: it crashed, or the limit was over and it was ended.
        """
        seat = self.seats[step.process]
        if step.within_ms:
            seat.ask("ready", _STEP_SECONDS, index=index)
        seconds = limit_ms / 1000 + _GRACE_SECONDS
        return seat.ask("step", seconds, index=index, words=scene.words)

    def _limit_ms(self, step: Step) -> int:
        """How long a step may take. A join that is late says so itself, and what it
        waited for goes on; anything else plays where nothing can interrupt it."""
        if step.join:
            return _STEP_MS + (step.within_ms or JOIN_MS)
        return step.within_ms or _STEP_MS

    def _lost(self, gone: WorkerGone, number: int, limit_ms: int) -> Judgement:
        """A step that took its worker with it: no step comes after it, in no process."""
        self._gone = True
        self.seat.dismiss()
        if gone.verdict != Verdict.HUNG:
            return stopped(gone)
        still, should = f"still running after {limit_ms:,} ms", f"within {limit_ms:,} ms"
        self.lines.append({"step": number, "over_ms": limit_ms})
        facts = {"within_ms": limit_ms}
        return Judgement(Verdict.HUNG, Code.LATE, still, still, should, facts)

    def _done(self, step: Step, scene: Scene) -> Judgement:
        actor = scene.rig if step.on == "server" else scene.proxy
        assert actor is not None
        answer = actor.do(step.op)
        if answer is None:
            return EXACT
        return judge(expecting(step, scene.words), StepOutcome(answer), None)

    def _control(self, step: Step, scene: Scene) -> Judgement:
        arguments = filled(step.arguments, scene.words)
        step = expecting(step, scene.words)
        try:
            with self._connection(arguments.get("to", ""), scene) as control:
                outcome = _controlled(control, step, arguments["sql"])
        except OracleError as error:
            return stopped(error)
        if step.save:
            scene.words[step.save] = str(outcome.value)
        return judge(step, outcome, None)

    @contextlib.contextmanager
    def _connection(self, place: str, scene: Scene) -> Iterator[Control]:
        """The control connection, or one to another place for the time of a step."""
        if place:
            with connected(scene.places[place]) as control:
                yield control
            return
        self.seat.stage.use(self.seat.control, self.seat.schema)
        yield self.seat.control

    # --- places -------------------------------------------------------------------------

    @contextlib.contextmanager
    def _scene(self) -> Iterator[Scene]:
        """The places of the case, each started only if the case needs it."""
        cell, stage = self.play.cell, self.seat.stage
        nowhere = replace(self.target, host="127.0.0.1", port=free_port())
        places = {"main": self.target, "nowhere": nowhere}
        words = {
            "app": self.seat.application_name,
            "schema": self.seat.schema,
            "unique": f"pgdyno_{secrets.token_hex(16)}",
            "folder": str(self._folder()),
        }
        with contextlib.ExitStack() as stack:
            scene = Scene(places, words=words)
            stack.push(lambda kind, *_: self._clean_up(scene, gone=kind is not None))
            stack.callback(self._roll_back_prepared, scene)
            stack.callback(self.seat.part)
            rigged = [need for need in cell.needs if need in stage.rigs.KINDS]
            if rigged:
                scene.rig = stack.enter_context(stage.rigs.use(rigged[0]))
                own = {
                    name: replace(target, application_name=self.target.application_name)
                    for name, target in scene.rig.targets.items()
                }
                places |= own
                words |= scene.rig.words
            if _wants_proxy(cell.steps):
                behind = places.get("spare", self.target)
                scene.proxy = stack.enter_context(Proxy(behind))
                places["proxy"] = scene.proxy.target
            yield scene

    def _folder(self) -> Path:
        """A folder of this seat's own: others play the same case meanwhile."""
        folder = self.seat.folder / self.seat.application_name
        folder.mkdir(exist_ok=True)
        return folder

    def _roll_back_prepared(self, scene: Scene) -> None:
        """What a case prepared and did not end would hold its locks for ever."""
        if not _prepares(self.play.cell.steps):
            return
        found = self.seat.control.table("select gid from pg_prepared_xacts")
        for (gid,) in found.rows if found else ():
            if gid in scene.words.values():
                self.seat.control.run(f"rollback prepared '{gid}'")

    def _clean_up(self, scene: Scene, *, gone: bool) -> None:
        """What a case made outside of its schema goes, whatever became of its steps.

        A worker that is gone matters more than what cannot be removed after it.
        """
        if not self.play.cell.cleanup:
            return
        self.seat.stage.use(self.seat.control, self.seat.schema)
        try:
            self.seat.control.run(filled(self.play.cell.cleanup, scene.words))
        except OracleError as error:
            if not gone:
                raise OracleError(f"cleanup: {error}") from None

    # --- telling ------------------------------------------------------------------------

    def _numbered(self, number: int, step: Step, judged: Judgement) -> Judgement:
        """The judgement of a step, with which step it was."""
        if not judged.detail:
            return judged
        place = {"step": number, "label": step.label, "named": bool(step.note)}
        facts = {**place, "act": step.op, **judged.facts}
        if judged.code is Code.OBSERVED:
            detail, observed = (
                f"{step.label}: {text}" for text in (judged.detail, judged.observed)
            )
            return replace(judged, detail=detail, observed=observed, facts=facts)
        detail = f"{step_of(number, step.label)}: {judged.detail}"
        return replace(judged, detail=detail, facts=facts)

    def _summary(self, judged: list[Judgement]) -> Judgement:
        """The worst step; where all went well, the traits that were seen.

        Of a step that took the worker with it, the traits of those before it are kept.
        """
        result = worst(judged)
        seen = [step for step in judged if step.code is Code.OBSERVED]
        observed = "; ".join(step.observed for step in seen)
        if result.verdict is not Verdict.EXACT:
            if not self._gone or not observed:
                return result
            return replace(result, observed=f"{observed}; {result.observed}".rstrip("; "))
        if not seen:
            return EXACT
        detail = "; ".join(step.detail for step in seen)
        facts = {"answers": [dict(step.facts) for step in seen]}
        return Judgement(Verdict.EXACT, Code.OBSERVED, detail, observed, observed, facts)

    def _names(self, scene: Scene) -> dict[str, str]:
        """What this run made up, and the words that stand for it."""
        ports = {str(place.port): "@{port}" for place in scene.places.values()}
        made = {
            word: f"@{{{name}}}"
            for name, word in scene.words.items()
            if name in ("app", "schema", "folder") or _HASHED.search(word)
        }
        return ports | made


def _prepares(steps: tuple[Step, ...]) -> bool:
    return any(step.op.startswith("tpc_") for step in steps)


def _wants_proxy(steps: tuple[Step, ...]) -> bool:
    return any(
        step.on == "proxy" or "proxy" in step.arguments.get("to", ()) for step in steps
    )


def _controlled(control: Control, step: Step, sql: str) -> StepOutcome:
    """What the control connection found; of `wait_until` the limit is how long it tries."""
    if step.op == "wait_until":
        return _waited(control, step, sql)
    begun = time.perf_counter_ns()
    outcome = _fetched(control, step, sql)
    outcome.elapsed_ns = time.perf_counter_ns() - begun
    return outcome


def _fetched(control: Control, step: Step, sql: str) -> StepOutcome:
    if step.op == "execute":
        control.run(sql)
        return StepOutcome()
    if step.op == "fetch":
        table = control.table(sql)
        return StepOutcome([list(row) for row in table.rows] if table else [])
    return StepOutcome(control.value(sql))


def _waited(control: Control, step: Step, sql: str) -> StepOutcome:
    deadline = time.monotonic() + (step.within_ms or _UNTIL_MS) / 1000
    while control.value(sql) != "t":
        if time.monotonic() > deadline:
            return StepOutcome("it never became true", done=False)
        time.sleep(0.01)
    return StepOutcome()
