"""What the ops of a driver bring, judged: one by one, all clients at once, or in turn.

A part of the trial of its own, because it is about answers and no command of the parent's.
Standard library only, because workers import this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from harness.core.calls import Call, Op
from harness.core.errors import Unsupported
from harness.core.tasks import Task
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge import answers, verify
from harness.plugin import contract as drivers
from harness.worker import service
from harness.worker.cycle import Cycle, told_apart
from harness.worker.loops import tasks_once, threads_once


class Judging:
    """Verifications of one driver; `begin` takes up the cell whose ops are played.

    `slowest_ns` is the slowest op of the last verification, from which a run is planned,
    `first_cpu_ns` the CPU time of the first op of the open cell. `seen` is what the ops
    brought, if that was asked for.
    """

    def __init__(self, driver: drivers.Driver, loop: Any) -> None:
        self._driver = driver
        self._loop = loop
        self._reference: str = getattr(driver, "reference", "")
        # What isolates a layer has that layer's answers, and is judged as it is.
        self.compares = bool(self._reference) and not getattr(driver, "isolates", "")
        self._session: Any = None
        self._task: Task | None = None
        self._position = 0
        self.seen: list[dict[str, Any]] | None = None
        self.slowest_ns = 0
        self.first_cpu_ns = 0

    def begin(self, session: Any, task: Task, position: int, *, keep: bool) -> None:
        """Verify a cell from this place of its cycle on; `keep` what its ops bring."""
        self._session, self._task, self._position = session, task, position
        self.seen = [] if keep else None
        self.slowest_ns = 0

    def forget(self) -> None:
        """The cell was closed."""
        self._session = self._task = None
        self.first_cpu_ns = 0

    def ops(
        self, ops: Sequence[Callable[[], Any]], cycle: Cycle | None, calls: int
    ) -> list[Judgement]:
        """Play so many calls of a single client, one of each of many, or a whole cycle."""
        assert self._task is not None
        if cycle:
            return self._cycle(self._task, cycle)
        if self._task.clients:
            return self._together(ops, [self._task] * len(ops))
        return [self._once(ops[0], self._task, index) for index in range(calls)]

    def _cycle(self, whole: Task, cycle: Cycle) -> list[Judgement]:
        """Every turn of a cycle once, shared by all clients where there are many."""
        judged: list[Judgement] = []
        for turns in cycle.together():
            ops = [cycle.op(turn, client) for client, turn in enumerate(turns)]
            tasks = [cycle.tasks[turn] for turn in turns]
            if whole.clients:
                judged += self._together(ops, tasks)
            else:
                judged.append(self._once(ops[0], tasks[0], 0))
        return told_apart(judged, whole, cycle.tasks)

    def _once(self, op: Callable[[], Any], task: Task, index: int) -> Judgement:
        start, worked = time.perf_counter_ns(), time.process_time_ns()
        try:
            native = self._wait(op())
        except BaseException as error:
            if self.seen is not None:
                fields = self._driver.describe_error(error)
                self.seen.append(answers.seen_error(fields, error))
            return self.charge(error, self._task, "")
        worked = time.process_time_ns() - worked
        self.slowest_ns = max(self.slowest_ns, time.perf_counter_ns() - start)
        if self._task is task:  # of one text, and not of a cycle
            self.first_cpu_ns = self.first_cpu_ns or worked
        if self.seen is not None:
            self._keep(task, native)
        return self._judge(task, native, self._position + index)

    def _keep(self, task: Task, native: Any) -> None:
        assert self.seen is not None
        try:
            self.seen.append(answers.seen(task, native))
        except Exception as error:
            text = f"unreadable, {type(error).__name__}: {error}"
            self.seen.append({"type": type(native).__name__, "repr": text, "chars": 0})

    def _together(
        self, ops: Sequence[Callable[..., Any]], tasks: Sequence[Task]
    ) -> list[Judgement]:
        assert self._task is not None
        begun = 0 if self._task.apart else self._position
        start = time.perf_counter_ns()
        if self._loop is not None:
            answers_ = self._loop.run_until_complete(tasks_once(ops))
        else:
            answers_ = threads_once(ops)
        taken_ns = (time.perf_counter_ns() - start) // len(ops)
        self.slowest_ns = max(self.slowest_ns, taken_ns)
        return [
            self.charge(answer, self._task, f"with {len(answers_)} clients at once")
            if isinstance(answer, BaseException)
            else self._judge(task, answer, begun + index)
            for index, (task, answer) in enumerate(zip(tasks, answers_, strict=True))
        ]

    def compare(self) -> Judgement:
        """A reference's answers are no driver's: only their texts are compared, if it has
        any, so that nothing is timed that does other work."""
        assert self._task is not None
        how = getattr(self._driver, "how", "")
        stands_for = ": ".join(filter(None, ("a reference", self._reference, how)))
        if not callable(getattr(self._session, "texts", None)):
            return Judgement(Verdict.EXACT, Code.RIGHT, stands_for)
        try:
            found = self._session.texts()
        except BaseException as error:
            told, facts = f"{type(error).__name__}: {error}", _raised(error)
            return Judgement(Verdict.REJECTED, Code.ERROR, told, facts=facts)
        return answers.compare_texts(self._task, found, stands_for)

    def _what_came(self, native: Any) -> Any:
        """What an op gave that had to raise; None where it gives no rows."""
        assert self._task is not None
        try:
            return answers.rows_of(self._task, self._session, native) or None
        except Exception:  # it is unreadable, and that is not the question
            return native

    def _judge(self, task: Task, native: Any, index: int) -> Judgement:
        expected = task.expected
        if expected.error is not None or expected.rejected:
            return verify.judge_no_error(expected.error, self._what_came(native))
        try:
            if expected.trait:
                return verify.observe(answers.rows_of(task, self._session, native))
            if service.is_asked(self._session, task):
                return answers.judge_service(task, self._session, native, index)
            return answers.judge(task, self._session, native, index)
        except BaseException as error:
            detail = f"the result cannot be read: {type(error).__name__}: {error}"
            facts = _raised(error)
            return Judgement(Verdict.BROKEN, Code.UNREADABLE, detail, facts=facts)

    def canary(self) -> Judgement:
        """A unique token must come back on the same connection: nothing is out of step."""
        if self._session is None or not drivers.claims(self._session, Op.FETCH_VAL):
            return EXACT
        token = f"{verify.CANARY}{time.perf_counter_ns()}"
        try:
            op = self._session.fetch_val(Call(Op.FETCH_VAL, sql=f"select '{token}'::text"))
            answer = self._wait(op())
        except BaseException as error:
            told, facts = f"{type(error).__name__}: {error}", _raised(error)
            detail = f"the connection is unusable afterwards: {told}"
            return Judgement(Verdict.BROKEN, Code.UNUSABLE, detail, facts=facts)
        return EXACT if verify.is_token(answer, token) else verify.desync(answer, token)

    def charge(self, error: BaseException, task: Task | None, where: str) -> Judgement:
        """What an exception means for the verdict."""
        assert task is not None
        if isinstance(error, Unsupported):
            detail = (
                f"the plug-in declares this op but raised Unsupported when it ran: {error}"
            )
            facts = {"message": str(error)}
            return Judgement(Verdict.INVALID, Code.FALSE_CLAIM, detail, facts=facts)
        expected = task.expected
        fields = self._driver.describe_error(error)
        if expected.trait:
            return verify.observe_error(fields, error)
        judged = verify.judge_error(expected.error, expected.rejected, fields, error)
        return judged.during(where) if where and judged.detail else judged

    def _wait(self, value: Any) -> Any:
        return value if self._loop is None else self._loop.run_until_complete(value)


def _raised(error: BaseException) -> dict[str, Any]:
    return {"class": verify.class_of(error), "message": str(error)}
