"""The steps of a case, as far as a driver plays them. Standard library only.

An actor holds what the steps have opened, by the names that they gave it, calls the
driver's acts and judges what each brought. What one step started beside the others
runs in a thread, or as a task of the loop if the driver is async; a loop only runs
while a step does, as in a program that awaits one thing after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from harness.core import memory
from harness.core.calls import Target
from harness.core.errors import PgdynoError, Unsupported
from harness.core.steps import Step
from harness.core.tasks import Task
from harness.core.verdicts import EXACT, Code, Judgement, Verdict, unsupported
from harness.judge import steps, verify
from harness.judge.logged import overheard
from harness.judge.steps import JOIN_MS, StepOutcome
from harness.judge.words import PLACE, expecting, filled
from harness.plugin import act_modules, acts

# What an act raises that lacks an option, or a library that it needs beside its own.
_LACKING = (NotImplementedError, ModuleNotFoundError)
_START_SECONDS = 0.05
_CLOSE_SECONDS = 2.0
_SECRET_CHARS = 6


class _NotOpened(Exception):  # noqa: N818 - what happened, told to `step` only
    """The library did not open the session that a step works on: its exception is the
    cause."""


class _Thread:
    """An act of a blocking library, running beside the others."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._outcome = StepOutcome(done=False)
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        outcome = _timed(self._call)
        self._outcome = outcome

    def join(self, seconds: float) -> StepOutcome:
        """What became of it within that time."""
        self._thread.join(seconds)
        return self._outcome


class Actor:
    """Plays the steps of one task with one driver."""

    def __init__(self, driver: Any, loop: Any) -> None:
        module = getattr(driver, "acts", "")
        if not module:
            raise Unsupported(f"{driver.name} has no acts: it cannot play steps")
        self.driver = driver
        self.loop = loop
        self.acts, faults = act_modules.load(*act_modules.places(module))
        if faults:
            raise PgdynoError(f"the acts of {driver.name}: {'; '.join(faults)}")
        self.task: Task | None = None
        self.places: dict[str, Target] = {}
        self.held: dict[str, Any] = {}
        self.closers: dict[str, str] = {}  # what was opened → the act that closes it
        self.pending: dict[str, Any] = {}
        self.begun: dict[str, Callable[[], Any]] = {}  # what begins with the next one
        self.logged: list[str] = []
        self.unlogged: Callable[[], None] = _nothing

    # --- the commands of the worker -----------------------------------------------------

    def begin(self, task: Task, places: Mapping[str, Target]) -> Judgement:
        """Take up a task: whether the driver has all the acts that it needs."""
        self.task, self.places = task, dict(places)
        for step in task.steps:
            if step.by_parent or step.join:
                continue
            if step.op == "cancel_task" and self.loop is None:
                reason = "a thread of a blocking library cannot be cancelled"
                raise Unsupported(reason, act=step.op)
            if step.op not in acts.OWN and step.op not in self.acts:
                what = acts.sentence(step.op).rstrip(".;")
                reason = f"{self.driver.name} has no `{step.op}`: {what}"
                lacks = {"driver": self.driver.name, "act": step.op, "sentence": what}
                raise Unsupported(reason, **lacks)
        self.unlogged()  # of a case that began and never ended
        if any(step.op == "logged" for step in task.steps):
            self.unlogged = overheard(self.logged)
        return EXACT

    def ready(self, index: int) -> None:
        """Open the session that a step works on: that is no part of the step's time.

        What goes wrong here goes wrong again in the step, which is judged.
        """
        assert self.task is not None
        step = self.task.steps[index]
        if not step.start and not step.join and acts.subject(step.op) == "connection":
            with contextlib.suppress(Exception):
                self._subject(step)

    def step(self, index: int, words: Mapping[str, str]) -> dict[str, Any]:
        """Play one step: its judgement, what it brought, and what it saved as a word."""
        assert self.task is not None
        step = self.task.steps[index]
        if step.expect.grows_mb and not memory.is_told():
            lacking = "this system does not tell how large a process was at most"
            return {"judged": Judgement(Verdict.SKIPPED, Code.SERVER_LACKS, lacking)}
        try:
            outcome = self._play(step, words)
        except Unsupported as reason:
            return {"judged": unsupported(reason)}
        except _NotOpened as failed:
            return {"judged": self._not_opened(failed.__cause__ or failed)}
        if outcome is None:
            return {"judged": EXACT}
        if isinstance(outcome.error, _LACKING):
            return {"judged": unsupported(outcome.error)}
        return self._told(step, outcome, words)

    def canary(self) -> Judgement:
        """A token on every connection that is still there: nothing is out of step.

        An error is no verdict: whether a connection is usable is for the steps to say.
        """
        if not all(self._join(task, 0.001).done for task in self.pending.values()):
            return EXACT  # what still runs has its connection
        if "fetch_val" not in self.acts:
            return EXACT
        names = [name for name in self.held if self.closers.get(name) == "close"]
        return verify.worst(map(self._canary_of, names))

    def _canary_of(self, name: str) -> Judgement:
        token = f"canary-{time.perf_counter_ns()}"
        with contextlib.suppress(BaseException):
            sql = f"select '{token}'::text"
            answer = self._wait(self.acts["fetch_val"](self.held[name], sql))
            if not verify.is_token(answer, token):
                return verify.desync(answer, token, f"{name}: ")
        return EXACT

    def end(self) -> bool:
        """Close what is open; whether the process is as clean as it was before."""
        clean = not any(not self._join(task, 0.2).done for task in self.pending.values())
        for name, handle in reversed(self.held.items()):
            if name in self.closers:
                clean &= self._closed(self.closers[name], handle)
        self.held, self.closers, self.pending, self.task = {}, {}, {}, None
        self.unlogged()
        self.logged, self.unlogged = [], _nothing
        return clean

    # --- playing ------------------------------------------------------------------------

    def _play(self, step: Step, words: Mapping[str, str]) -> StepOutcome | None:
        if step.join:
            pending = self.pending[step.join]
            return _measured(step, lambda: self._join(pending, step.within_ms / 1000))
        if step.op == "wait":
            self._pause(float(step.arguments["seconds"]))
            return None
        if step.op == "cancel_task":
            self.pending[step.on].cancel()
            return None
        if step.op == "logged":
            said, self.logged[:] = list(self.logged), []
            return StepOutcome(said)
        call = self._call(step, words)
        if step.start:
            self.begun[step.start] = call
            if not step.with_next:
                begun, self.begun = self.begun, {}
                self.pending |= zip(begun, self._started(*begun.values()), strict=True)
            return None
        return _measured(step, lambda: _timed(lambda: self._wait(call())))

    def _call(self, step: Step, words: Mapping[str, str]) -> Callable[[], Any]:
        """The act with its arguments: everything that is no part of its time."""
        given = {name: filled(argument, words) for name, argument in step.arguments.items()}
        act = self.acts[step.op]
        if acts.subject(step.op) == "dsn":
            place = {name: given.pop(name) for name in PLACE if name in given}
            dsn = dsn_of(self.places, **place)
            return lambda: act(dsn, **given)
        if "connection" in given:  # of a pool: by the name that the step gave it
            given["connection"] = self.held[given["connection"]]
        subject = self._subject(step)
        return lambda: act(subject, **given)

    def _subject(self, step: Step) -> Any:
        """What the step works on; a session that nobody opened is opened now."""
        if step.on not in self.held:
            if acts.subject(step.op) != "connection":
                raise Unsupported(f"nothing is called {step.on} at this point")
            dsn = dsn_of(self.places)
            try:
                self.held[step.on] = self._wait(self.acts["connect"](dsn))
            except Exception as error:
                raise _NotOpened from error
            self.closers[step.on] = acts.CLOSERS["connect"]
        return self.held[step.on]

    def _started(self, *calls: Callable[[], Any]) -> list[Any]:
        """Begin calls at the same time: threads, or tasks of one tick of the loop."""
        if self.loop is None:
            threads = [_Thread(call) for call in calls]
            threads[0].join(_START_SECONDS)
            return threads
        tasks = [self.loop.create_task(call()) for call in calls]
        self.loop.run_until_complete(asyncio.wait(tasks, timeout=_START_SECONDS))
        return tasks

    def _join(self, pending: Any, seconds: float) -> StepOutcome:
        seconds = seconds or JOIN_MS / 1000
        if isinstance(pending, _Thread):
            return pending.join(seconds)
        begun = time.perf_counter_ns()
        self.loop.run_until_complete(asyncio.wait({pending}, timeout=seconds))
        elapsed = time.perf_counter_ns() - begun
        if not pending.done():
            return StepOutcome(done=False, elapsed_ns=elapsed)
        if pending.cancelled():
            return StepOutcome(cancelled=True, elapsed_ns=elapsed)
        error = pending.exception()
        value = None if error else pending.result()
        return StepOutcome(value, error, elapsed_ns=elapsed)

    def _pause(self, seconds: float) -> None:
        if self.loop is None:
            time.sleep(seconds)
        else:
            self.loop.run_until_complete(asyncio.sleep(seconds))

    def _wait(self, value: Any) -> Any:
        return value if self.loop is None else self.loop.run_until_complete(value)

    def _closed(self, act: str, handle: Any) -> bool:
        """Close something, however it is; a close that hangs leaves an unclean process."""
        if act not in self.acts:
            return False
        try:
            (closing,) = self._started(lambda: self.acts[act](handle))
            return self._join(closing, _CLOSE_SECONDS).done
        except BaseException:
            return True

    # --- telling ------------------------------------------------------------------------

    def _told(
        self, step: Step, outcome: StepOutcome, words: Mapping[str, str]
    ) -> dict[str, Any]:
        step = expecting(step, words)
        if step.save and outcome.good:
            self.held[step.save] = outcome.value
            if step.op in acts.CLOSERS:
                self.closers[step.save] = acts.CLOSERS[step.op]
        if step.op == "pool_release":
            self.held.pop(step.arguments["connection"], None)
        fields = self.driver.describe_error(outcome.error) if outcome.error else None
        told: dict[str, Any] = {
            "judged": verify.worst(
                [steps.judge(step, outcome, fields), self._secrets(step, outcome)]
            )
        }
        if isinstance(outcome.value, str | int) and step.save:
            told["word"] = str(outcome.value)
        elif not step.save and (outcome.value is not None or outcome.error):
            told["line"] = steps.line(outcome.value, outcome.error)
            if outcome.error is not None and fields is not None:
                told["message"] = verify.message_of(fields, outcome.error)
        if step.expect.grows_mb:
            told["grown_bytes"] = outcome.grown_bytes
        return told

    def _not_opened(self, error: BaseException) -> Judgement:
        """Whatever the step expects, it was not about this."""
        fields = self.driver.describe_error(error)
        judged = verify.judge_error(None, False, fields, error)
        return judged.during("while opening its session")

    def _secrets(self, step: Step, outcome: StepOutcome) -> Judgement:
        """An exception's text ends in logs: no password may be in it."""
        if outcome.error is None:
            return EXACT
        text = f"{outcome.error}{outcome.error!r}"
        known = [place.password for place in self.places.values()]
        known.append(str(step.arguments.get("password", "")))
        if any(len(secret) >= _SECRET_CHARS and secret in text for secret in known):
            detail = "the exception's text shows the password"
            facts = {"class": verify.class_of(outcome.error)}
            return Judgement(Verdict.LOSSY, Code.PASSWORD_SHOWN, detail, facts=facts)
        return EXACT


def _nothing() -> None:
    """What undoes nothing."""


def dsn_of(
    places: Mapping[str, Target],
    to: str | list[str] = "main",
    user: str = "",
    password: str | None = None,
    dbname: str = "",
) -> str:
    """The URI of a place, or of several as one URI of several hosts."""
    chosen = [places[name] for name in ([to] if isinstance(to, str) else to)]
    first = chosen[0]
    secret = first.password if password is None else password
    sign_in = f"{quote(user or first.user, safe='')}:{quote(secret, safe='')}"
    hosts = ",".join(f"{quote(place.host, safe='')}:{place.port}" for place in chosen)
    query = {"application_name": first.application_name}
    if first.settings:
        query["options"] = first.options
    name = quote(dbname or first.dbname, safe="")
    return f"postgresql://{sign_in}@{hosts}/{name}?{urlencode(query, quote_via=quote)}"


def _timed(call: Callable[[], Any]) -> StepOutcome:
    begun = time.perf_counter_ns()
    try:
        value, error = call(), None
    except BaseException as raised:  # a panic of a native library is no Exception
        value, error = None, raised
    return StepOutcome(value, error, elapsed_ns=time.perf_counter_ns() - begun)


def _measured(step: Step, play: Callable[[], StepOutcome]) -> StepOutcome:
    """The outcome, with how much memory it took where the step limits that."""
    if not step.expect.grows_mb:
        return play()
    before = memory.peak_bytes(reset=True)
    outcome = play()
    outcome.grown_bytes = memory.peak_bytes() - before
    return outcome
