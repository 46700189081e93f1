"""What a worker hands over for a reproduction: the code of its driver.

The code is that of the ops and acts which were played; the values are what the op was bound
with, written as literals. Where a user's own connection comes in, variables stand. Standard
library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

from harness.core.calls import Op, Target
from harness.core.errors import Unsupported
from harness.core.tasks import Task
from harness.plugin import act_modules
from harness.plugin import acts as vocabulary
from harness.plugin.act_source import Source, source_of
from harness.plugin.op_source import OpSource, op_source
from harness.plugin.wrappers import Wrapper
from harness.values.binding import bind_call
from harness.values.source import NoLiteral, literal

if TYPE_CHECKING:
    from harness.worker.trial import Worker

TAKEN = (
    "user", "password", "host", "port", "dbname", "setup", "state", "text_form", "control",
    "connection", "connect", "configure", "arguments", "op", "params", "calls", "main",
)  # fmt: skip
"""Names that a script gives to things of its own."""

_LONG = 60
_PLACE = ("host", "user", "password", "dbname")


class _Text(str):
    """A text that a script has in a variable of this name."""

    code = ""


class _Number(int):
    """A number that a script has in a variable, as text."""

    code = ""


def of_acts(worker: Worker, names: Iterable[str]) -> dict[str, Any]:
    """The code of these acts, as far as the driver has them."""
    assert worker.actor is not None
    known = worker.actor.acts
    source = source_of(known[name] for name in names if name in known)
    return {
        **_frame(worker),
        "imports": sorted(source.imports),
        "definitions": list(source.definitions.values()),
    }


def of_op(
    worker: Worker,
    task: Task,
    target: Target,
    settings: tuple[tuple[str, str], ...],
    calls: int,
    acts: Sequence[str],
) -> dict[str, Any]:
    """The code of a task's op with all that it needs, or the reason why there is none."""
    try:
        return _OfOp(worker, task, target, settings).told(calls, acts)
    except NoLiteral as error:
        return {"reason": f"there is no reproduction yet: {error}"}
    except Unsupported as error:
        return {"reason": str(error)}


class _OfOp:
    """An op's source in the making: `imports` grows while values are written."""

    def __init__(
        self,
        worker: Worker,
        task: Task,
        target: Target,
        settings: tuple[tuple[str, str], ...],
    ) -> None:
        self.worker = worker
        self.driver = worker.driver
        self.task = task
        self.target = target
        self.settings = settings
        self.source = Source()
        self.wrapped: dict[int, tuple[Wrapper, Any, Any]] = {}

    def told(self, calls: int, acts: Sequence[str]) -> dict[str, Any]:
        """Everything that a script of this op consists of, with the acts that it needs."""
        opening = self._opening(self.settings)
        op = self._op()
        params = self._params(op, calls)
        self._acts(acts)
        configured = self.worker.arm.profile == "configured"
        configure = getattr(self.driver, "configure", None) if configured else None
        if configure:
            self._need(source_of([configure]))
        self._need(opening.needs)
        self._need(op.needs)
        values = [self._assignment(name, value) for name, value in op.values.items()]
        return {
            **_frame(self.worker),
            "values": values,
            "params": params,
            "connects": self.task.op in (Op.CONNECT, Op.CONNECT_QUERY),
            "arguments": self._rows(opening.values["arguments"]),
            "control": self._control(opening.values["arguments"]),
            "configure": configure.__name__ if configure else "",
            "call": f"op({', '.join(op.arguments)})",
            "imports": sorted(self.source.imports),
            "definitions": [*self.source.definitions.values(), opening.text, op.text],
        }

    def _opening(self, settings: tuple[tuple[str, str], ...]) -> OpSource:
        """The function that opens the library's connection, and its arguments."""
        binder = getattr(self.driver, "opening", None)
        if binder is None:
            raise Unsupported(f"{self.driver.name} does not say how it opens a connection")
        return op_source(
            binder(_named(self.target, settings)),
            None,
            "connect",
            asynchronous=self.worker.asynchronous,
            arguments=("arguments",),
        )

    def _op(self) -> OpSource:
        """The op, bound anew: what it was bound with before may be used up."""
        task, arm = self.task, self.worker.arm
        if task.op in (Op.CONNECT, Op.CONNECT_QUERY):
            more = (task.sql,) if task.op is Op.CONNECT_QUERY else ()
            bind = getattr(self.driver, task.op.value)
            op = bind(_named(self.target, self.settings), arm.profile, *more)
            connection = None
        else:
            session = self.worker.wait(self.driver.open(self.target, arm.profile))
            self.worker.further.append(session)
            connection = session.connection
            op = getattr(session, task.op.value)(bind_call(task, self._wrap(session), 0))
        return op_source(
            op,
            connection,
            asynchronous=self.worker.asynchronous,
            taken=(*TAKEN, *vocabulary.names()),
        )

    def _wrap(self, session: Any) -> Any:
        """The session's wrapper, which remembers what it wrapped."""
        known = getattr(self.driver, "wrappers", {})

        def wrap(kind: str, value: Any) -> Any:
            made = session.wrapper(kind, value)
            if kind in known:
                self.wrapped[id(made)] = (known[kind], value, made)
            return made

        return wrap if hasattr(session, "wrapper") else None

    def _params(self, op: OpSource, calls: int) -> list[str]:
        """The parameters of each call, as literals."""
        if op.params is None:
            return []
        count = 1 if isinstance(op.params, repeat) else calls
        return [self._literal(params) for params in islice(op.params, count)]

    def _acts(self, names: Sequence[str]) -> None:
        """What fills a schema, looks at it afterwards and closes connections."""
        found, _ = act_modules.load(*act_modules.places(getattr(self.driver, "acts", ())))
        if missing := [name for name in names if name not in found]:
            what = " and no ".join(f"`{name}`" for name in missing)
            raise Unsupported(f"{self.driver.name} has no {what}, which a script needs")
        self._need(source_of(found[name] for name in names))

    # --- writing --------------------------------------------------------------------------

    def _need(self, source: Source) -> None:
        self.source.imports |= source.imports
        self.source.definitions |= source.definitions

    def _control(self, arguments: Mapping[str, Any]) -> str:
        """The arguments of the control connection: without the settings of the cell."""
        plain = self._opening(()).values["arguments"]
        other = {name: value for name, value in plain.items() if arguments[name] != value}
        return f"{{**arguments, {self._literal(other)[1:]}" if other else "arguments"

    def _rows(self, arguments: Mapping[str, Any]) -> str:
        items = (
            f"    {name!r}: {self._literal(value)}," for name, value in arguments.items()
        )
        return "\n".join(["{", *items, "}"])

    def _assignment(self, name: str, value: Any) -> str:
        if isinstance(value, list | tuple) and len(value) > 1 and len(repr(value)) > _LONG:
            lines = "\n".join(f"    {self._literal(item)}," for item in value)
            opened, closed = "[]" if isinstance(value, list) else "()"
            return f"{name} = {opened}\n{lines}\n{closed}"
        return f"{name} = {self._literal(value)}"

    def _literal(self, value: Any) -> str:
        return literal(value, self.source.imports, self._outside)

    def _outside(self, value: Any, imports: set[str]) -> str | None:
        if isinstance(value, _Text | _Number):
            return value.code
        if known := self.wrapped.get(id(value)):
            return self._call(known[0], known[1], imports)
        written = getattr(self.driver, "written", None)
        return written(value, imports) if written else None

    def _call(self, wrapper: Wrapper, value: Any, imports: set[str]) -> str:
        imports.add(wrapper.statement)
        args, keywords = wrapper.given(value)
        written = [self._literal(value) for value in args]
        written += [f"{name}={self._literal(value)}" for name, value in keywords.items()]
        return f"{wrapper.name}({', '.join(written)})"


def _frame(worker: Worker) -> dict[str, Any]:
    """What must stand around the code of a driver."""
    loop = type(worker.loop).__module__.partition(".")[0] if worker.loop else ""
    return {
        "asynchronous": worker.asynchronous,
        "environment": dict(getattr(worker.driver, "environment", {})),
        "loop": loop,
    }


def _named(target: Target, settings: Sequence[tuple[str, str]]) -> Target:
    """A target whose place and user are written as variables."""
    port = _Number(target.port)
    port.code = "int(port)"
    fields = {
        name: _Text(getattr(target, name))
        for name in ("host", "user", "dbname", "password")
    }
    for name, text in fields.items():
        text.code = name
    return replace(
        target,
        **fields,
        port=port,
        settings=tuple(settings),
        application_name="reproduction",
    )
