"""The steps of a case: tables → `Step`, and what does not fit together is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields

import msgspec

from harness.core.errors import ScenarioError
from harness.core.expect import ExpectedError, StepExpect
from harness.core.limits import STEPS, WAIT_SECONDS
from harness.core.steps import Step
from harness.judge.words import PLACE
from harness.plugin import acts
from harness.scenario.made import check_made, specs
from harness.scenario.names import Names
from harness.scenario.slips import nearest, shown, whole
from harness.scenario.tables import CaseTable, StepExpectTable, StepTable

PARENT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "control": {
        "execute": ("sql",),
        "fetch": ("sql",),
        "fetch_val": ("sql",),
        "wait_until": ("sql",),
    },
    "server": {"stop": (), "start": (), "restart": (), "kill": ()},
    "proxy": {
        "freeze": (),
        "thaw": (),
        "cut": (),
        "refuse": (),
        "accept": (),
        "count": (),
        "turns": (),
        "messages": (),
    },
}
"""What the parent plays: on whom, which op, and the arguments that it must have."""

_COUNTED = ("turns", "messages")

_EXPECTED = tuple(field.name for field in fields(StepExpect))

Written = tuple[str, StepTable]
"""A step with where it stands: `step 3`, `step 3.1`."""


def make_steps(case: CaseTable, needs: tuple[str, ...], where: str) -> tuple[Step, ...]:
    """The steps of a case; raises `ScenarioError` that says which one is wrong."""
    if not case.step:
        return ()
    written = list(_unrolled(case.step, f"{where}, step ", where))
    made = [_step(table, here) for here, table in written]
    places = [here for here, _ in written]
    _check_joins(made, places, where)
    names = Names(case.sessions, needs)
    for here, step in zip(places, made, strict=True):
        _check_start(step, here)
        _check_brought(step, here)
        names.check(step, here)
    names.check_cleanup(case.cleanup, where)
    if not any(step.expect != StepExpect() or step.within_ms for step in made):
        raise ScenarioError(
            f"{where}: none of its steps expects anything but an end without an error",
            hint="give one an expect (value, has, like, error, rejected, trait, grows_mb)"
            " or within_ms",
        )
    return tuple(made)


def _unrolled(steps: list[StepTable], prefix: str, where: str) -> Iterator[Written]:
    """Each step as often as it is played, the groups in it one by one."""
    played = 0
    for number, table in enumerate(steps, 1):
        here = f"{prefix}{number}"
        for step in _times(table, here):
            played += 1
            if played > STEPS:
                raise ScenarioError(
                    f"{where}: more than {STEPS:,} steps, repeated ones counted",
                    hint="repeat them less often",
                )
            yield step


def _times(table: StepTable, here: str) -> Iterator[Written]:
    times = whole(table.repeat, "repeat", here, STEPS) if table.repeat is not None else 1
    if table.repeat is not None and table.start:
        raise ScenarioError(f"{here}: start beside repeat", hint="start it in a step alone")
    if table.step and msgspec.structs.replace(table, repeat=None, step=[]) != StepTable():
        raise ScenarioError(
            f"{here}: it holds steps, and is one itself",
            hint="beside its steps it can have `repeat` only",
        )
    for time in range(1, times + 1):
        note = f" ({time} of {times})" if table.repeat is not None else ""
        inner = _unrolled(table.step, f"{here}.", here) if table.step else [(here, table)]
        for place, step in inner:
            label = step.note or (f"{step.on}.{step.op}" if step.op else "")
            yield (
                place,
                msgspec.structs.replace(step, note=f"{label}{note}") if note else step,
            )


def _step(table: StepTable, where: str) -> Step:
    if table.sql and "sql" in table.arguments:
        raise ScenarioError(f"{where}: sql stands in `with`, too", hint="write it once")
    arguments = {**({"sql": table.sql.strip()} if table.sql else {}), **table.arguments}
    step = Step(
        on=table.on,
        op=table.op,
        arguments=arguments,
        save=table.save or "",
        start=table.start or "",
        join=table.join,
        with_next=table.with_next,
        process=table.process or "",
        within_ms=whole(table.within_ms, "within_ms", where),
        note=table.note,
        expect=_expect(table.expect, where),
    )
    _check_op(step, where)
    for spec in specs([step.arguments, list(step.expect.value), dict(step.expect.has)]):
        if "@{" not in str(spec):  # a word in it comes with the run
            check_made(spec, where)
    return step


def _expect(table: StepExpectTable, where: str) -> StepExpect:
    given = [
        name
        for name in ("value", "has", "like", "error", "rejected", "trait")
        if getattr(table, name) not in (msgspec.UNSET, {}, "", None, False)
        or (name == "value" and table.value is not msgspec.UNSET)
    ]
    if len(given) > 1:
        raise ScenarioError(f"{where}: expect.{given[0]} beside expect.{given[1]}")
    error = table.error
    return StepExpect(
        value=() if table.value is msgspec.UNSET else (table.value,),
        has=table.has,
        like=table.like,
        error=ExpectedError(**msgspec.to_builtins(error)) if error else None,
        rejected=table.rejected,
        trait=table.trait,
        grows_mb=table.grows_mb,
    )


def _check_op(step: Step, where: str) -> None:
    if step.join:
        if step.op or step.arguments:
            raise ScenarioError(
                f"{where}: join waits for what runs already", hint="leave op and with out"
            )
        return
    if not step.op:
        raise ScenarioError(f"{where}: it has neither an op nor a join")
    if step.on in PARENT:
        if step.process:
            raise ScenarioError(f"{where}: the {step.on} is in no process of a driver")
        _check_known(step, PARENT[step.on], f"{where}, on {step.on}")
        return
    if step.op in acts.OWN:
        _check_known(step, acts.OWN, where)
        _check_wait(step, where)
        return
    if step.op not in acts.names():
        raise ScenarioError(
            f"{where}: there is no act `{shown(step.op)[1:-1]}`",
            hint=nearest(step.op, acts.names(), "acts"),
        )
    given = dict(step.arguments)
    if acts.subject(step.op) == "dsn":
        given.pop("to", None)
        given = {name: value for name, value in given.items() if name not in PLACE}
    if wrong := acts.check_arguments(step.op, given):
        raise ScenarioError(f"{where}: {wrong}")


def _check_start(step: Step, where: str) -> None:
    if not step.start:
        if step.with_next:
            raise ScenarioError(
                f"{where}: with_next, and nothing is started",
                hint='start = "a name", with_next = true; and the next step: start = "…"',
            )
        return
    if step.join or step.on in PARENT or step.op in acts.OWN:
        raise ScenarioError(f"{where}: only an act of a driver can be started")
    if asked := _asked(step):
        raise ScenarioError(
            f"{where}: {asked[0]} beside start: a step that is started has brought nothing"
            " yet",
            hint=f'say it at the join: {{ join = "{step.start}", {asked[0]} = … }}',
        )


def _check_brought(step: Step, where: str) -> None:
    """What would never be looked at is said to whoever wrote it."""
    if step.on == "control" and step.by_parent:
        if step.expect.grows_mb:
            raise ScenarioError(
                f"{where}: expect.grows_mb measures the driver's process, which the control"
                " connection is no part of",
                hint="give it to a step of the driver, or to its join",
            )
        return
    counted = step.on == "proxy" and step.op in _COUNTED
    brings_nothing = (step.by_parent and not counted) or step.op in ("wait", "cancel_task")
    if brings_nothing and (asked := _asked(step)):
        raise ScenarioError(
            f"{where}: {asked[0]} is nothing that `{step.op}` could show",
            hint="give it to a step that shows what became of it",
        )


def _asked(step: Step) -> list[str]:
    """What is to be kept or judged of a step, as it is written."""
    expect, nothing = step.expect, StepExpect()
    names = [name for name in _EXPECTED if getattr(expect, name) != getattr(nothing, name)]
    kept = [name for name in ("save", "within_ms") if getattr(step, name)]
    return [*(f"expect.{name}" for name in names), *kept]


def _check_known(step: Step, known: Mapping[str, tuple[str, ...]], where: str) -> None:
    if step.op not in known:
        raise ScenarioError(
            f"{where}: there is no op `{shown(step.op)[1:-1]}`",
            hint=f"ops: {', '.join(known)}",
        )
    for name in known[step.op]:
        if name not in step.arguments:
            raise ScenarioError(f"{where}: `{step.op}` needs `{name}`")
    allowed = {*known[step.op], *(["to"] if step.on == "control" else [])}
    for name in step.arguments:
        if name not in allowed:
            raise ScenarioError(
                f"{where}: `{step.op}` has no argument `{shown(name)[1:-1]}`",
                hint=nearest(name, sorted(allowed)),
            )


def _check_wait(step: Step, where: str) -> None:
    if step.op != "wait":
        return
    seconds = step.arguments["seconds"]
    try:
        if 0 <= float(seconds) <= WAIT_SECONDS:
            return
    except (TypeError, ValueError, OverflowError):
        pass
    raise ScenarioError(
        f"{where}: seconds = {shown(seconds)}", hint=f"a number from 0 to {WAIT_SECONDS}"
    )


def _check_joins(steps: Iterable[Step], places: list[str], where: str) -> None:
    started: set[str] = set()
    alone: set[str] = set()  # what nobody has joined yet; a trait may be joined again
    processes: dict[str, str] = {}  # what was started → where it runs
    begun = Step("", "")  # the step before
    for step, here in zip(steps, places, strict=True):
        if begun.with_next and not (step.start and step.process == begun.process):
            raise ScenarioError(
                f"{here}: the step before it begins with it (with_next), and this is none"
                " that is started in the same process",
                hint='start = "a name"',
            )
        begun = step
        name = step.on if step.op == "cancel_task" else step.join
        if name and name not in started:
            raise ScenarioError(
                f"{here}: nothing was started as {shown(name)}",
                hint=nearest(name, started, "started"),
            )
        if name and step.process != processes[name]:
            raise ScenarioError(
                f"{here}: '{name}' was started in another process",
                hint=f'process = "{processes[name]}"' if processes[name] else "no process",
            )
        alone.discard(step.join)
        if step.start:
            processes[step.start] = step.process
            if step.start in alone:
                raise ScenarioError(f"{here}: '{step.start}' runs already", hint="join it")
            started.add(step.start)
            alone.add(step.start)
    if begun.with_next:
        raise ScenarioError(f"{where}: no step comes with its last", hint="no with_next")
    if alone:
        raise ScenarioError(
            f"{where}: '{min(alone)}' is started and never joined",
            hint='end it with { join = "…" }, so that it cannot reach into the next case',
        )
