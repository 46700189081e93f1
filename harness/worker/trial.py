"""One trial: one driver, and what the parent can ask of it, a method per command.

Everything imported here is the standard library; the plug-in imports what its library
needs.
"""

from __future__ import annotations

import gc
import itertools
import pickle
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core import memory
from harness.core.arms import Arm
from harness.core.calls import Call, Op, Target
from harness.core.capabilities import Capability
from harness.core.errors import NotConfigured, Unsupported
from harness.core.tasks import Task, type_names
from harness.core.verdicts import (
    EXACT,
    Judgement,
    not_configured,
    unsupported,
)
from harness.judge import verify
from harness.plugin import contract as drivers
from harness.values.binding import bind_call
from harness.worker import service
from harness.worker.burden import Spent, burdened, turns_for
from harness.worker.cycle import Cycle
from harness.worker.judging import Judging
from harness.worker.stopwatch import Stopwatch

if TYPE_CHECKING:
    from harness.worker.actor import Actor


class Worker:
    """The state of a trial: a driver, and the cell that is open at the moment."""

    def __init__(self, arm: Arm, plugin: str = "") -> None:
        self.arm = arm
        self.driver, self.terms, self.import_cpu_ns = _imported(arm, plugin)
        self.asynchronous = self.driver.kind == "async"
        self.loop: Any = self._make_loop() if self.asynchronous else None
        self.stopwatch = Stopwatch(self.driver.kind, self.loop)
        self.judging = Judging(self.driver, self.loop)
        self.task: Task | None = None
        self.session: Any = None
        self.open_ns = 0  # how long it took to open
        self.further: list[Any] = []  # sessions beside it that do nothing but stay open
        self.ops: list[Callable[..., Any]] = []
        self.cycle: Cycle | None = None  # of a mix
        self.position = 0  # ops that each client has executed: where its cycle stands
        self.actor: Actor | None = None  # made when the first case of steps comes
        self._clients: Any = None  # those of a load

    def _make_loop(self) -> Any:
        import asyncio

        make: Callable[[], Any] = getattr(self.driver, "run_loop", asyncio.new_event_loop)
        loop = make()
        asyncio.set_event_loop(loop)
        return loop

    def wait(self, value: Any) -> Any:
        """The value, or what the awaitable gives; never inside a timed region."""
        return self.loop.run_until_complete(value) if self.asynchronous else value

    # --- commands --------------------------------------------------------------------

    def hello(self) -> dict[str, Any]:
        """What the driver says about itself."""
        return {
            "kind": self.driver.kind,
            "capabilities": sorted(
                str(capability) for capability in self.driver.capabilities
            ),
            "options": sorted(self.driver.options),
            "terms": self.terms,
            "import_cpu_ns": self.import_cpu_ns,
        }

    def open(self, task: str, target: dict[str, Any]) -> dict[str, Any]:
        """Load a cell, open its session or pool and bind its ops."""
        self.close()
        self.open_ns = 0
        self.task = pickle.loads(
            Path(task).read_bytes()
        )  # written by the parent, nobody else
        try:
            self._bind(self.task, _target(target))
        except Unsupported as reason:
            return _judged(unsupported(reason))
        except NotConfigured as reason:
            return _judged(not_configured(reason))
        except BaseException as error:
            return _judged(self.judging.charge(error, self.task, self._begun()))
        return {**_judged(EXACT), "open_ns": self.open_ns}

    def _begun(self) -> str:
        """What `open` was doing: parameters are built when there is a session."""
        return "while opening" if self.session is None else "while building parameters"

    def rebind(self, task: str, target: dict[str, Any] | None = None) -> dict[str, Any]:
        """Bind another cell on the open session: for many small cells of one kind."""
        if self.session is None and target:  # the cell before could not open one
            return self.open(task, target)
        self.task = pickle.loads(Path(task).read_bytes())
        self.position = 0
        try:
            self._require(self.task)
            self._bind_ops(self.task)
        except Unsupported as reason:
            return _judged(unsupported(reason))
        except NotConfigured as reason:
            return _judged(not_configured(reason))
        except BaseException as error:
            return _judged(
                self.judging.charge(error, self.task, "while building parameters")
            )
        return _judged(EXACT)

    def verify(self, keep: bool = False, calls: int = 0) -> dict[str, Any]:
        """Run the op through one whole cycle of its parameters, or the next few `calls` of
        it, and judge each answer.

        Many clients each run their op once, all at the same time. `keep` asks for what
        each op of a single client brought, beside the judgement.
        """
        assert self.task is not None
        cycle = 1 if self.task.clients else calls or max(1, len(self.task.expected.calls))
        judging = self.judging
        judging.begin(self.session, self.task, self.position, keep=keep)
        if judging.compares:
            return {**_judged(judging.compare()), "slowest_ns": 0}
        judged = judging.ops(self.ops, self.cycle, cycle)
        self.position += cycle
        told = {
            **_judged(verify.worst([*judged, judging.canary()])),
            "slowest_ns": judging.slowest_ns,
            "first_cpu_ns": judging.first_cpu_ns,
        }
        return told if judging.seen is None else {**told, "seen": judging.seen}

    def warm(self, ops: int) -> dict[str, Any]:
        """Run ops untimed, then put what lives now out of the collector's sight.

        A program is another process at each slice, and warms itself. What was put away
        stays there when the cell is closed: to look through all modules again would take
        longer than the next cell's own objects.
        """
        for op in self._warming(ops):
            self.wait(op())
        self.position += ops
        gc.collect()
        gc.freeze()
        return {}

    def collect(self) -> dict[str, Any]:
        """Collect garbage, so that what is left is held by somebody."""
        gc.collect()
        return {}

    def gather(self, sessions: int, target: dict[str, Any], ops: int) -> dict[str, Any]:
        """Open further sessions until there are so many; each runs its op so often.

        All of them stay open, with whatever they keep for their statements. They share
        the inputs of the first, so that only what a session needs comes on top.
        """
        assert self.task is not None
        calls = [self._call(part) for part in self.task.parts or (self.task,)]
        while 1 + len(self.further) < sessions:
            session = self.wait(self.driver.open(_target(target), self.arm.profile))
            self.further.append(session)
            bound = [getattr(session, call.op.value)(call) for call in calls]
            for op in itertools.islice(itertools.cycle(bound), ops):
                self.wait(op())
        del calls
        gc.collect()
        return {}

    def burden(self, ns: float = 0.0, turns: int = 0) -> dict[str, Any]:
        """Make every op of the open cell dearer: by so much CPU time, or by turns of the
        empty loop."""
        turns = turns or turns_for(ns)
        spent = self.stopwatch.burden = Spent()
        if self.cycle:
            self.cycle.wrap(lambda op: burdened(op, turns, spent))
        else:
            self.ops = [burdened(op, turns, spent) for op in self.ops]
        return {"turns": turns}

    def measure(self, ops: int, lead: int) -> dict[str, Any]:
        """One slice. `ops` is per client in a concurrency cell."""
        assert self.task is not None
        self.position += lead + ops
        self._rewind()
        return self.stopwatch.slice(self.ops, lead, ops, together=bool(self.task.clients))

    def latencies(self, ops: int) -> dict[str, Any]:
        """Service times of single ops, ns; of many clients with the wall time of all."""
        assert self.task is not None
        self.position += ops
        self._rewind()
        return self.stopwatch.latencies(self.ops, ops, together=bool(self.task.clients))

    def first_uses(self, ops: int) -> dict[str, Any]:
        """The first ops of the open cell, each timed by itself."""
        self.position += ops
        return dict(self.stopwatch.uses(self.ops[0], ops))

    def libraries(self) -> dict[str, Any]:
        """The modules that its plug-in imported and are neither ours nor Python's, in the
        order in which they were."""
        ours = {"harness", type(self.driver).__module__.partition(".")[0]}
        known = ours | sys.stdlib_module_names
        return {
            "libraries": [
                name
                for name, module in tuple(sys.modules.items())
                if name.partition(".")[0] not in known and _has_file(name, module)
            ]
        }

    def arrive(self, due: list[int]) -> dict[str, Any]:
        """An open loop: one op at each of these moments, ns from now."""
        self.position += len(due)
        self._rewind()
        return self.stopwatch.arrivals(self.ops[0], due)

    def clients(self, act: str, **asked: Any) -> dict[str, Any]:
        """One command to all clients of a load, of which a bench of times has none."""
        from harness.worker.clients import Clients  # and nobody else pays for it

        self._clients = self._clients or Clients(self)
        return dict(getattr(self._clients, act)(**asked))

    def watch(self, pids: list[int]) -> dict[str, Any]:
        """Read the CPU clocks of these server processes around each slice."""
        return {"readable": self.stopwatch.watch(pids)}

    def close(self) -> dict[str, Any]:
        """End the open cell; what a library says while closing is no verdict."""
        session, self.session, self.ops, self.task = self.session, None, [], None
        self.cycle = self._clients = None
        self.stopwatch.forget()
        self.judging.forget()
        self.position = 0
        sessions, self.further = [*filter(None, [session]), *self.further], []
        warnings = list(filter(None, map(self._end, sessions)))
        if warnings:  # a session that could not be closed ends with its last reference
            gc.unfreeze()
        told = {"warning": "; ".join(dict.fromkeys(warnings))} if warnings else {}
        return {"rss_peak_bytes": _peak_bytes(), **told}

    def _end(self, session: Any) -> str:
        """Close one session; what the library complained of."""
        try:
            self.wait(session.close())
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""

    # --- steps -------------------------------------------------------------------------

    def begin_steps(self, task: str, places: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Take up a case of several steps; `places` are where its acts may connect."""
        self.close()
        self.task = pickle.loads(Path(task).read_bytes())
        try:
            self._require(self.task)
            if self.actor is None:
                # A bench never plays steps, and would pay for them at every start.
                from harness.worker.actor import Actor

                self.actor = Actor(self.driver, self.loop)
            known = {name: _target(place) for name, place in places.items()}
            return _judged(self.actor.begin(self.task, known))
        except Unsupported as reason:
            return _judged(unsupported(reason))

    def ready(self, index: int) -> dict[str, Any]:
        """Open what a step works on, before its time begins."""
        assert self.actor is not None
        self.actor.ready(index)
        return {}

    def step(self, index: int, words: dict[str, str]) -> dict[str, Any]:
        """Play one step."""
        assert self.actor is not None
        told = self.actor.step(index, words)
        return told | _judged(told.pop("judged"))

    def end_steps(self) -> dict[str, Any]:
        """A last look at the connections, then close them; whether all is as before."""
        assert self.actor is not None
        judged = _judged(self.actor.canary())
        return {**judged, "clean": self.actor.end()}

    def sources(self, acts: list[str]) -> dict[str, Any]:
        """The code of these acts with all that it needs, for a reproduction."""
        from harness.worker import source

        assert self.actor is not None
        return source.of_acts(self, acts)

    def op_sources(
        self,
        task: str,
        target: dict[str, Any],
        settings: list[list[str]],
        calls: int,
        acts: list[str],
    ) -> dict[str, Any]:
        """The code of an op that was bound anew with its inputs, for a reproduction.

        `settings` are those of the reproduction's connection, `calls` how many calls of the
        cycle it makes, and `acts` those that it needs besides.
        """
        from harness.worker import source

        self.close()
        self.task = pickle.loads(Path(task).read_bytes())
        written = tuple((name, value) for name, value in settings)
        return source.of_op(self, self.task, _target(target), written, calls, acts)

    # --- binding -----------------------------------------------------------------------

    def _require(self, task: Task) -> None:
        have = {str(capability) for capability in self.driver.capabilities}
        for needed in task.requires:
            if needed not in have:
                sentence = Capability(needed).sentence
                reason = f"{self.driver.name} cannot {sentence}"
                raise Unsupported(reason, capability=needed)

    def _bind(self, task: Task, target: Target) -> None:
        self._require(task)
        if task.op in (Op.CONNECT, Op.CONNECT_QUERY):
            self.ops = [self._bind_connect(task, target)]
            return
        begun = time.perf_counter_ns()
        self.session = self._open(task, target)
        self.open_ns = time.perf_counter_ns() - begun
        self._bind_ops(task)

    def _require_registered(self, task: Task) -> None:
        """A profile that could not do a registration is not what it says, for the cells
        that have to do with it."""
        unregistered = getattr(self.session, "unregistered", {})
        concerned = {*task.requires, *type_names(task)} if unregistered else set()
        for name in sorted(concerned & unregistered.keys()):
            raise NotConfigured(unregistered[name])

    def _bind_ops(self, task: Task) -> None:
        self._require_registered(task)
        self.cycle = Cycle(task, self._bound) if task.turns else None
        if service.is_asked(self.session, task):
            self.ops = service.ops(self.session, task)
        elif not self.cycle:
            self.ops = [self._bound(task, turn) for turn in range(max(1, task.clients))]
        self._rewind()

    def _bound(self, task: Task, offset: int = 0) -> Callable[..., Any]:
        """The op of a task; the first of its calls is the one at `offset`."""
        if not drivers.claims(self.session, task.op):
            whose = "" if task is self.task else f", which {task.cell} needs"
            reason = f"{self.driver.name} has no {task.op}{whose}"
            raise Unsupported(reason, op=task.op.value)
        op: Callable[..., Any] = getattr(self.session, task.op.value)(
            self._call(task, offset)
        )
        return op

    def _call(self, task: Task, offset: int = 0) -> Call:
        return bind_call(task, getattr(self.session, "wrapper", None), offset)

    def _rewind(self) -> None:
        """Let a task that consists of others begin with its first turn."""
        if self.cycle:
            self.ops = self.cycle.ops()

    def _warming(self, ops: int) -> Iterable[Callable[..., Any]]:
        """What is called to warm up. A program is another process at each slice."""
        if self.driver.kind == "program":
            return ()
        if self.cycle:
            return self.cycle.warming(ops)
        return [op for op in self.ops for _ in range(ops)]

    def _bind_connect(self, task: Task, target: Target) -> Callable[[], Any]:
        bind = getattr(self.driver, task.op.value, None)
        if bind is None:
            raise Unsupported(f"{self.driver.name} has no {task.op}", op=task.op.value)
        arguments = (task.sql,) if task.op is Op.CONNECT_QUERY else ()
        op: Callable[[], Any] = bind(target, self.arm.profile, *arguments)
        return op

    def _open(self, task: Task, target: Target) -> Any:
        if not task.pool:
            return self.wait(self.driver.open(target, self.arm.profile))
        opener = getattr(self.driver, "open_pool", None)
        if opener is None:
            raise Unsupported(f"{self.driver.name} has no pool", op="open_pool")
        return self.wait(opener(target, self.arm.profile, task.pool))


def _imported(arm: Arm, plugin: str) -> tuple[drivers.Driver, dict[str, str], int]:
    """The driver with its terms, and the CPU time that its plug-in and its libraries took
    to import, those of the driver that it wraps among them.

    Where that driver's plug-in is, is looked up in between: that is no library's cost.
    """
    begun = time.process_time_ns()
    driver = drivers.load(arm, plugin)
    took = time.process_time_ns() - begun
    if wraps := getattr(driver, "wraps", ""):
        drivers.locate(wraps)
    begun = time.process_time_ns()
    terms = drivers.terms_of(driver)
    return driver, terms, took + time.process_time_ns() - begun


def _has_file(name: str, module: Any) -> bool:
    """Whether it came from a file, and can be imported again by this name."""
    spec = getattr(module, "__spec__", None)
    return spec is not None and spec.has_location and spec.name == name


def _peak_bytes() -> int:
    """The greatest resident size of this program. `getrusage` also tells that of what the
    process was before, a copy of its parent, which may be larger."""
    if memory.is_told():
        return memory.peak_bytes()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _target(message: dict[str, Any]) -> Target:
    return Target(**{**message, "settings": tuple(map(tuple, message["settings"]))})


def _judged(judgement: Judgement) -> dict[str, Any]:
    # As `asdict`, which copies each value; here they are only written.
    return {"judgement": {name: getattr(judgement, name) for name in judgement.__slots__}}
