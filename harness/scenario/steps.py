"""The steps of a case: tables → `Step`, and what does not fit together is said."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from harness.core.errors import ScenarioError
from harness.core.expect import ExpectedError, StepExpect
from harness.core.steps import Step
from harness.judge.words import PLACE
from harness.plugin import acts
from harness.scenario.tables import CaseTable, StepExpectTable, StepTable
from harness.values.constructors import check_spec

PARENT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "control": {
        "execute": ("sql",),
        "fetch": ("sql",),
        "fetch_val": ("sql",),
        "wait_until": ("sql",),
    },
    "server": {"stop": (), "start": (), "restart": (), "kill": ()},
    "proxy": {"freeze": (), "thaw": (), "cut": (), "refuse": (), "accept": ()},
}
"""What the parent plays: on whom, which op, and the arguments that it must have."""

_PLACES = frozenset(
    {"main", "proxy", "nowhere", "spare", "primary", "standby", "pgbouncer", "tls"}
    | {"tls_alias"}
)


def make_steps(case: CaseTable, where: str) -> tuple[Step, ...]:
    """The steps of a case; raises `ScenarioError` that says which one is wrong."""
    made = [
        _step(table, f"{where}, step {number}") for number, table in enumerate(case.step, 1)
    ]
    _check_joins(made, where)
    if made and not any(one.expect != StepExpect() or one.within_ms for one in made):
        raise ScenarioError(
            f"{where}: none of its steps expects anything",
            hint="give one an expect: value, has, like, error, rejected or trait",
        )
    return tuple(made)


def _step(table: StepTable, where: str) -> Step:
    arguments = {**({"sql": table.sql.strip()} if table.sql else {}), **table.arguments}
    step = Step(
        on=table.on,
        op=table.op,
        arguments=arguments,
        save=table.save or "",
        start=table.start or "",
        join=table.join,
        within_ms=table.within_ms or 0,
        note=table.note,
        expect=_expect(table.expect, where),
    )
    _check_op(step, where)
    for spec in _specs([step.arguments, list(step.expect.value)]):
        if "@{" in str(spec):  # the word in it comes with the run
            continue
        try:
            check_spec(spec)
        except ValueError as error:
            raise ScenarioError(f"{where}: {error}") from None
    return step


def _expect(table: StepExpectTable, where: str) -> StepExpect:
    given = [
        name
        for name in ("value", "has", "like", "error", "rejected", "trait")
        if getattr(table, name) not in (msgspec.UNSET, {}, "", None, False)
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
    if step.on in PARENT:
        _check_known(step, PARENT[step.on], f"{where}, on {step.on}")
        if step.start:
            raise ScenarioError(f"{where}: only an act of a driver can be started")
        return
    if step.op in acts.OWN:
        _check_known(step, acts.OWN, where)
        return
    if step.op not in acts.names():
        raise ScenarioError(f"{where}: {_no_act(step.op)}")
    given = dict(step.arguments)
    if acts.subject(step.op) == "dsn":
        _check_place(given.pop("to", "main"), where)
        given = {name: one for name, one in given.items() if name not in PLACE}
    if wrong := acts.check_arguments(step.op, given):
        raise ScenarioError(f"{where}: {wrong}")


def _check_place(to: Any, where: str) -> None:
    for place in [to] if isinstance(to, str) else to:
        if place not in _PLACES:
            raise ScenarioError(
                f"{where}: there is no place called {place!r}",
                hint=f"one of: {', '.join(sorted(_PLACES))}",
            )


def _check_known(step: Step, known: Mapping[str, tuple[str, ...]], where: str) -> None:
    if step.op not in known:
        raise ScenarioError(
            f"{where}: there is no op `{step.op}`", hint=f"ops: {', '.join(known)}"
        )
    for name in known[step.op]:
        if name not in step.arguments:
            raise ScenarioError(f"{where}: `{step.op}` needs `{name}`")


def _no_act(name: str) -> str:
    near = difflib.get_close_matches(name, acts.names(), 1)
    return f"there is no act `{name}`" + (f"; did you mean `{near[0]}`?" if near else "")


def _check_joins(steps: Iterable[Step], where: str) -> None:
    started: set[str] = set()
    alone: set[str] = set()  # what nobody has joined yet; a trait may be joined again
    for number, step in enumerate(steps, 1):
        name = step.on if step.op == "cancel_task" else step.join
        if name and name not in started:
            raise ScenarioError(f"{where}, step {number}: nothing was started as '{name}'")
        alone.discard(step.join)
        if step.start:
            started.add(step.start)
            alone.add(step.start)
    if alone:
        raise ScenarioError(
            f"{where}: '{min(alone)}' is started and never joined",
            hint='end it with { join = "…" }, so that it cannot reach into the next case',
        )


def _specs(value: Any) -> Iterable[Mapping[str, Any]]:
    """The constructors in a structure of tables and lists."""
    if isinstance(value, Mapping):
        if "py" in value:
            yield value
        else:
            for one in value.values():
                yield from _specs(one)
    elif isinstance(value, list):
        for one in value:
            yield from _specs(one)
