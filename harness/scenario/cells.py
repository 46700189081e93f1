"""A filled case table → a `Cell`: names become nouns, and what is missing is said."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.core.calls import Op
from harness.core.capabilities import Capability
from harness.core.cells import (
    Arrivals,
    BenchSpec,
    Cell,
    Effort,
    Fixture,
    Point,
    StatementSpec,
)
from harness.core.errors import ScenarioError
from harness.core.expect import Expect, ExpectedError, Recall
from harness.core.sql import returns_rows
from harness.scenario.steps import make_steps
from harness.scenario.tables import BenchTable, CaseTable, ScenarioFile
from harness.values.constructors import check_spec

STRATEGIES: Mapping[str, Op] = {
    "loop": Op.SEQUENTIAL,
    "execute_many": Op.EXECUTE_MANY,
    "helper": Op.BATCH_HELPER,
    "pipeline": Op.PIPELINE,
    "values": Op.EXECUTE,
    "unnest": Op.EXECUTE,
}
NEEDS = re.compile(
    r"version>=\d+|extension:\w+|type:\w+|superuser|owned|spare|standby|pgbouncer|tls"
)


def make(
    file: ScenarioFile,
    case: CaseTable,
    scenario: str,
    point: Point,
    fixture: dict[str, Any],
    where: str,
) -> Cell:
    """The cell of a case at a point; raises `ScenarioError` for what does not fit."""
    cell = Cell(
        scenario=scenario,
        case=case.name,
        point=point,
        title=case.title or file.title,
        op=_op(case, where),
        fixture=Fixture(fixture["sql"], fixture["scope"], fixture.get("reset", "")),
        expect=_expect(case),
        sql=case.sql.strip(),
        params=case.params.strip(),
        args=_args(case, where),
        forms=_forms(case.form),
        statements=tuple(
            StatementSpec(one.sql.strip(), one.params.strip()) for one in case.statements
        ),
        table=case.table,
        columns=tuple(case.columns),
        rows=case.rows.strip(),
        format=_one_of(case.format, ("text", "csv", "binary"), "format", where),
        source=_one_of(case.source, ("rows", "bytes"), "source", where),
        strategy=case.strategy,
        clients=_number(case.clients, "clients", where),
        pool=_number(case.pool, "pool", where),
        requires=_capabilities((*file.requires, *case.requires), where),
        needs=_needs((*file.needs, *case.needs), where),
        accept=tuple(case.accept),
        settings=tuple(case.settings.items()),
        steps=make_steps(case, where),
        bench=_bench(case, point, where),
        checked=all(
            str(value) in map(str, case.check.get(name, [value])) for name, value in point
        ),
        once=file.once or case.once or bool(case.step),
    )
    _check_complete(cell, where)
    _check_oracle(cell, where)
    return cell


def _op(case: CaseTable, where: str) -> Op:
    if case.step:
        if case.op not in ("", Op.STEPS):
            raise ScenarioError(
                f"{where}: it has steps, and an op of its own", hint="leave op out"
            )
        return Op.STEPS
    if case.op == "bulk_insert":
        return STRATEGIES[_one_of(case.strategy, tuple(STRATEGIES), "strategy", where)]
    try:
        return Op(case.op)
    except ValueError:
        if not case.op:
            raise ScenarioError(f"{where}: it has neither an op nor a step") from None
        near = difflib.get_close_matches(case.op, [*Op, "bulk_insert"], 1)
        hint = (
            f"did you mean `{near[0]}`?" if near else f"ops: bulk_insert, {', '.join(Op)}"
        )
        raise ScenarioError(f"{where}: there is no op `{case.op}`", hint=hint) from None


def _one_of(value: str, known: tuple[Any, ...], key: str, where: str) -> Any:
    if value not in known:
        raise ScenarioError(
            f"{where}: {key} = {value!r}", hint=f"one of: {', '.join(known)}"
        )
    return value


def _args(case: CaseTable, where: str) -> tuple[Mapping[str, Any], ...]:
    """One call's parameters that SQL cannot make; their constructors must know them."""
    if case.args and (case.params or not case.sql or case.rows):
        raise ScenarioError(
            f"{where}: args are the parameters of one call of `sql`",
            hint="leave params and rows out",
        )
    for number, spec in enumerate(case.args, 1):
        try:
            check_spec(spec)
        except ValueError as error:
            raise ScenarioError(f"{where}, args: argument {number}: {error}") from None
    return tuple(case.args)


def _forms(form: str | list[str]) -> tuple[str, ...]:
    """One text is for the types that have forms, a list goes by position."""
    if isinstance(form, str):
        return (form,)
    return (form[0], "") if len(form) == 1 else tuple(form)


def _number(value: int | str | None, key: str, where: str) -> int:
    if value is None:
        return 0
    if isinstance(value, str) and not value.isdecimal():
        raise ScenarioError(f"{where}: {key} = {value!r} is no number")
    return int(value)


def _capabilities(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    known = [str(one) for one in Capability]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise ScenarioError(
                f"{where}: there is no capability '{name}'",
                hint=f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}",
            )
    return tuple(dict.fromkeys(names))


def _needs(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    for name in names:
        if not NEEDS.fullmatch(name):
            raise ScenarioError(
                f"{where}: unknown server requirement '{name}' in `needs`",
                hint="version>=N, extension:NAME, type:NAME, superuser, owned, spare, "
                "standby, pgbouncer or tls",
            )
    return tuple(dict.fromkeys(names))


def _expect(case: CaseTable) -> Expect:
    table = case.expect
    reads = case.op in _READS or any(returns_rows(one.sql) for one in case.statements)
    return Expect(
        rows=reads and table.error is None and not (table.rejected or table.trait),
        state=table.state.strip(),
        equals=table.equals.strip(),
        trait=table.trait,
        error=ExpectedError(**msgspec.to_builtins(table.error)) if table.error else None,
        rejected=table.rejected,
        recall=Recall(table.recall.exact.strip(), table.recall.at_least)
        if table.recall
        else None,
        plan=table.plan,
        sessions=table.sessions,
    )


_READS = {op for op in Op if op.reads}
_FLOORED = {Op.FETCH_ALL, Op.FETCH_ONE, Op.FETCH_VAL}


def _bench(case: CaseTable, point: Point, where: str) -> BenchSpec | None:
    table = case.bench
    if table is None:
        return None
    return BenchSpec(
        effort=_effort(table, point),
        unit=table.unit,
        units_per_op=_number(table.units, "bench.units", where),
        reset=table.reset.strip(),
        server_settings=tuple(table.server_settings.items()),
        floor=table.floor,
        arrivals=_arrivals(table, where),
    )


def _arrivals(table: BenchTable, where: str) -> Arrivals | None:
    found = table.arrivals
    if found is None:
        return None
    rate = _number(found.rate, "bench.arrivals.rate", where)
    return Arrivals(
        found.kind, rate, _number(found.seconds, "bench.arrivals.seconds", where)
    )


def _effort(table: BenchTable, point: Point) -> Effort:
    """The smallest effort at which a cell is timed. Points come filled, so as text."""
    here = {name: str(value) for name, value in point}
    for tier in ("quick", "standard"):
        chosen = [{name: str(v) for name, v in one.items()} for one in getattr(table, tier)]
        if here in chosen or (not point and table.tier == tier):
            return tier
    return table.tier if not (table.quick or table.standard) else "full"


def _check_complete(cell: Cell, where: str) -> None:
    needed = ("table", "columns", "rows") if cell.strategy else cell.op.needs
    missing = [key for key in needed if not getattr(cell, key)]
    if missing:
        raise ScenarioError(f"{where}: {', '.join(missing)} is missing for op `{cell.op}`")
    if cell.strategy and cell.statements:
        raise ScenarioError(f"{where}: a strategy makes its own statements")
    if cell.clients and not cell.pool:
        raise ScenarioError(f"{where}: clients need a pool", hint="pool = 4")


def _check_alone(cell: Cell, where: str) -> None:
    """Steps are a case of their own: what they must bring stands with them."""
    beside = ("sql", "params", "args", "statements", "rows", "clients", "pool", "bench")
    given = [key for key in beside if getattr(cell, key)]
    if cell.expect != Expect():
        given.append("expect")
    if given:
        raise ScenarioError(
            f"{where}: {', '.join(given)} beside steps",
            hint="what a step needs and expects is written in the step",
        )


def _check_oracle(cell: Cell, where: str) -> None:
    expect = cell.expect
    if cell.steps:
        _check_alone(cell, where)
        return
    if cell.bench and (expect.error or expect.rejected):
        raise ScenarioError(f"{where}: an error cannot be timed", hint="leave bench out")
    if cell.bench and cell.bench.server_settings and "owned" not in cell.needs:
        raise ScenarioError(
            f"{where}: bench.server_settings on a server that may be somebody else's",
            hint='needs = ["owned"]: a borrowed server is never reconfigured',
        )
    if cell.arrivals and (cell.clients or expect.state):
        raise ScenarioError(
            f"{where}: an open loop of many clients or of writes",
            hint="arrivals are for reads on one session: leave clients and state out",
        )
    if cell.floor and (cell.clients or cell.op not in _FLOORED):
        raise ScenarioError(
            f"{where}: bench.floor for `{cell.op}`"
            + (f" of {cell.clients} clients" if cell.clients else ""),
            hint=f"references know {', '.join(sorted(_FLOORED))}, by one client",
        )
    if cell.bench and expect.trait:
        raise ScenarioError(
            f"{where}: a trait is never verified, so it cannot be timed",
            hint="leave bench out",
        )
    if expect.trait and (expect.equals or expect.state or expect.error or expect.rejected):
        raise ScenarioError(
            f"{where}: expect.trait beside another oracle",
            hint="a trait is a fact without right or wrong",
        )
    if expect.equals and not cell.op.reads:
        raise ScenarioError(
            f"{where}: expect.equals for `{cell.op}`, which returns no rows",
            hint=f"it is for {', '.join(sorted(_READS - {Op.COPY_OUT}))}",
        )
    if cell.args and (expect.error or (expect.rows and not expect.equals)):
        raise ScenarioError(
            f"{where}: the server cannot be given args",
            hint="expect.equals is a query without parameters; an error is rejected = true",
        )
    oracles = (expect.rows, expect.state, expect.error, expect.rejected, expect.trait)
    if not any(oracles) and expect.sessions is None:
        raise ScenarioError(
            f"{where}: it has no oracle: nothing could ever be wrong",
            hint="a write needs expect.state, a connect needs expect.sessions",
        )
    if expect.state and cell.fixture.scope == "run":
        raise ScenarioError(
            f"{where}: expect.state in a fixture that all drivers share",
            hint='[fixture] scope = "trial": each driver writes in a schema of its own',
        )
