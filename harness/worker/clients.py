"""The clients of one process, each with an op of its own: made ready, told when to begin.

Standard library only, because workers import this.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.core.calls import Call, Target
from harness.core.tasks import Task
from harness.core.verdicts import Judgement
from harness.values.binding import bind_call
from harness.worker import load_loops, loops, tokens
from harness.worker.load_loops import Moments
from harness.worker.stopwatch import punctual_timers

if TYPE_CHECKING:
    from harness.worker.trial import Worker

WARM = 12
"""Ops of each client before anything counts: psycopg prepares at the fifth."""
MOST_ERRORS = 20
"""After so many a client gives up: its op will not work again."""
_MOST_TOLD = 5
_CHARS = 200


class LoadClient:
    """A client of a session, or of a pool: what `load_loops` plays, and what came."""

    def __init__(self, task: Task, session: Any, process: int, number: int) -> None:
        self._task = task
        self._session = session
        self._place = process, number
        marked = task.token
        self._has_token = marked or tokens.echoes(task)
        self.token_of = tokens.reader(task, session) if self._has_token else tokens.blind
        self.moments: list[Moments] = []
        self.errors: list[BaseException] = []
        self.mixed_up: list[tuple[Any, Any]] = []
        self.bind()

    def bind(self) -> None:
        """Bind the op anew, and its tokens with it."""
        call = self._call()
        self.op = getattr(self._session, self._task.op.value)(call)
        self.tokens = tokens.sent_by(call) if self._has_token else tokens.nothing_sent()

    def _call(self) -> Call:
        process, number = self._place
        wrapper = getattr(self._session, "wrapper", None)
        call = bind_call(self._task, wrapper, 3 * process + number)
        return tokens.own(call, process, number) if self._task.token else call

    def skip(self, ops: int) -> None:
        """So many ops were played and not compared."""
        for _ in range(ops):
            next(self.tokens)

    def clear(self) -> None:
        """Forget what came."""
        self.moments.clear()
        self.errors.clear()
        self.mixed_up.clear()

    def mix_up(self, sent: Any, came: Any) -> None:
        """An answer carried another token than its op had sent."""
        self.mixed_up.append((sent, came))

    def fail(self, error: BaseException) -> bool:
        """Nobody knows whether an op that raised took its parameters: it is bound anew."""
        self.errors.append(error)
        if len(self.errors) >= MOST_ERRORS:
            return False
        self.bind()
        return True


class Clients:
    """All clients of this process. `ready` makes them, `schedule` says when their ops are
    due, `go` lets them begin."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._clients: list[LoadClient] = []
        self._due: list[int] | None = None

    def ready(self, process: int, sessions: int, target: dict[str, Any]) -> dict[str, Any]:
        """Open further sessions of the open cell until there are so many, of a pool none;
        warm up all clients at the same time. What the clock says tells whether it is the
        one that the other processes have."""
        worker = self._worker
        task = worker.task
        assert task is not None
        punctual_timers()
        shared = [worker.session] * (task.clients if task.pool else 0)
        self._clients = [
            LoadClient(task, session, process, number)
            for number, session in enumerate(shared or self._sessions(sessions, target))
        ]
        self._play_together(WARM)
        gc.collect()
        gc.freeze()
        return {"now_ns": time.perf_counter_ns()}

    def _sessions(self, count: int, target: dict[str, Any]) -> list[Any]:
        worker = self._worker
        place = Target(**{**target, "settings": tuple(map(tuple, target["settings"]))})
        while 1 + len(worker.further) < count:
            session = worker.wait(worker.driver.open(place, worker.arm.profile))
            worker.further.append(session)
        return [worker.session, *worker.further][:count]

    def _play_together(self, ops: int) -> None:
        bound = [client.op for client in self._clients]
        if self._worker.asynchronous:
            self._worker.wait(loops.tasks_slice(bound, 0, ops, tuple))
        else:
            loops.threads_slice(bound, 0, ops, tuple)
        for client in self._clients:
            client.skip(ops)

    def schedule(self, due: list[int] | None) -> dict[str, Any]:
        """When the ops of this process are due, ns from the start; None: a closed loop."""
        self._due = due
        for client in self._clients:
            client.clear()
        gc.collect()
        return {}

    def go(self, start_ns: int, seconds: float) -> dict[str, Any]:
        """Begin at this moment of `perf_counter_ns`, and tell what came."""
        before = time.process_time_ns()
        begun = self._played(start_ns, start_ns + round(seconds * 1e9))
        cpu_ns = time.process_time_ns() - before
        return {
            "begun_ns": begun - start_ns,
            "cpu_ns": cpu_ns,
            **told(self._clients, start_ns),
        } | (self._judged_errors())

    def _played(self, start: int, stop: int) -> int:
        clients, due = self._clients, self._due
        if self._worker.asynchronous:
            play = (
                load_loops.tasks_open(clients, due, start)
                if due is not None
                else load_loops.tasks_closed(clients, start, stop)
            )
            return int(self._worker.wait(play))
        if due is not None:
            return load_loops.threads_open(clients, due, start)
        return load_loops.threads_closed(clients, start, stop)

    def _judged_errors(self) -> dict[str, Any]:
        """What the first error of an op means; nothing where there was none."""
        first = next((error for client in self._clients for error in client.errors), None)
        if first is None:
            return {}
        charge = partial(self._worker.judging.charge, task=self._worker.task)
        judged: Judgement = charge(first, where="while many clients sent")
        return {"judgement": {name: getattr(judged, name) for name in judged.__slots__}}


def told(clients: Sequence[LoadClient], start: int) -> dict[str, Any]:
    """What came of all clients, their ops in the order in which they were due; moments are
    told from the start."""
    moments = sorted(moment for client in clients for moment in client.moments)
    errors = [error for client in clients for error in client.errors]
    mixed_up = [pair for client in clients for pair in client.mixed_up]
    texts = Counter(f"{type(error).__name__}: {error}"[:_CHARS] for error in errors)
    return {
        "due_ns": [due - start for due, _, _, _ in moments],
        "lag_ns": [begun - max(due, free) for due, free, begun, _ in moments],
        "response_ns": [ended - due for due, _, _, ended in moments],
        "ended_ns": max((ended - start for _, _, _, ended in moments), default=0),
        "mixed_up": len(mixed_up),
        "mixed": [[repr(sent), repr(came)] for sent, came in mixed_up[:_MOST_TOLD]],
        "errors": len(errors),
        "failures": [text for text, _ in texts.most_common(_MOST_TOLD)],
    }
