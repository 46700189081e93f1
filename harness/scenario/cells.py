"""A filled case table → a `Cell`: names become nouns, and what is missing is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.core.calls import ADK, Op
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
from harness.core.conditions import Condition, crossed
from harness.core.errors import ScenarioError, UsageError
from harness.core.expect import Expect, ExpectedError, Recall
from harness.core.limits import ARRIVALS, CLIENTS
from harness.core.purposes import PURPOSES
from harness.core.sql import returns_rows
from harness.scenario import rules
from harness.scenario.made import check_made
from harness.scenario.slips import nearest, shown, whole
from harness.scenario.steps import make_steps
from harness.scenario.tables import AxisValue, BenchTable, CaseTable, ScenarioFile
from harness.values.constructors import FORMS

STRATEGIES: Mapping[str, Op] = {
    "loop": Op.SEQUENTIAL,
    "execute_many": Op.EXECUTE_MANY,
    "helper": Op.BATCH_HELPER,
    "pipeline": Op.PIPELINE,
    "values": Op.EXECUTE,
    "unnest": Op.EXECUTE,
}
NEEDS = re.compile(
    r"version>=[0-9]{1,3}|(?:extension|output-plugin):[\w-]+|type:\w+"
    "|superuser|owned|spare|standby|pgbouncer|tls"
)
_OPS = frozenset(Op)
_CAPABILITIES = dict.fromkeys(str(capability) for capability in Capability)
_SETTING = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)*", re.ASCII)


def make(
    file: ScenarioFile,
    case: CaseTable,
    scenario: str,
    point: Point,
    fixture: dict[str, Any],
    where: str,
    *,
    round_trip: bool = False,
) -> Cell:
    """The cell of a case at a point; raises `ScenarioError` for what does not fit."""
    op, needs = _op(case, where), _needs((*file.needs, *case.needs), where)
    cell = Cell(
        scenario=scenario,
        case=case.name,
        point=point,
        title=case.title or file.title or scenario,
        op=op,
        adk=_one_of(case.adk, ("", *ADK), "adk", where),
        fixture=Fixture(fixture["sql"], fixture["scope"], fixture.get("reset", "")),
        expect=_expect(case, op),
        sql=case.sql.strip(),
        params=case.params.strip(),
        args=_args(case, where),
        forms=_forms(case.form, where),
        args_rows=_args_rows(case, where),
        statements=tuple(
            StatementSpec(
                table.sql.strip(),
                table.params.strip(),
                whole(table.each, "each", where),
                tuple(table.takes),
            )
            for table in case.statements
        ),
        table=case.table,
        columns=tuple(case.columns),
        rows=case.rows.strip(),
        format=_one_of(case.format, ("text", "csv", "binary"), "format", where),
        source=_one_of(case.source, ("rows", "bytes"), "source", where),
        strategy=case.strategy,
        clients=whole(case.clients, "clients", where, CLIENTS),
        pool=whole(case.pool, "pool", where, CLIENTS),
        requires=_capabilities((*file.requires, *case.requires), where),
        needs=needs,
        accept=tuple(case.accept),
        settings=_settings(case.settings, "settings", where),
        steps=make_steps(case, needs, where),
        cleanup=case.cleanup.strip(),
        bench=bench_of(case.bench, point, where),
        checked=is_checked(case.check, point),
        once=file.once or case.once or bool(case.step),
        round_trip=round_trip,
        task=_one_of(case.task or file.task, ("", *PURPOSES), "task", where),
        conditions=_conditions(case, where),
        search_path=file.search_path,
    )
    rules.check(cell, where)
    return cell


def _conditions(case: CaseTable, where: str) -> tuple[Condition, ...]:
    if case.conditions is None:
        return ()
    try:
        return crossed(case.conditions.via, case.conditions.rtt)
    except UsageError as error:
        raise ScenarioError(f"{where}: conditions: {error}", hint=error.hint) from None


def _op(case: CaseTable, where: str) -> Op:
    if case.step:
        if case.op not in ("", Op.STEPS):
            raise ScenarioError(
                f"{where}: it has steps, and an op of its own", hint="leave op out"
            )
        return Op.STEPS
    if case.op == "bulk_insert":
        return STRATEGIES[_one_of(case.strategy, tuple(STRATEGIES), "strategy", where)]
    if not case.op:
        raise ScenarioError(f"{where}: it has neither an op nor a step")
    if case.strategy:
        raise ScenarioError(
            f"{where}: a strategy beside op `{case.op}`",
            hint='it is for op = "bulk_insert"',
        )
    if case.op not in _OPS:
        hint = nearest(case.op, [*Op, "bulk_insert"], "ops")
        raise ScenarioError(f"{where}: there is no op `{shown(case.op)[1:-1]}`", hint=hint)
    return Op(case.op)


def _one_of(value: str, known: tuple[Any, ...], key: str, where: str) -> Any:
    if value not in known:
        raise ScenarioError(
            f"{where}, {key}: {shown(value)} cannot stand here",
            hint=f"one of: {', '.join(filter(None, known))}",
        )
    return value


def _args(case: CaseTable, where: str) -> tuple[Mapping[str, Any], ...]:
    """One call's parameters that SQL cannot make; their constructors must know them."""
    if case.args and (not case.sql or case.rows):
        raise ScenarioError(
            f"{where}: args are the parameters of one call of `sql`",
            hint="leave rows out; many rows that SQL cannot make are `args_rows`",
        )
    return _made(case.args, f"{where}, args")


def _args_rows(case: CaseTable, where: str) -> tuple[tuple[Mapping[str, Any], ...], ...]:
    return tuple(
        _made(row, f"{where}, args_rows, row {number}")
        for number, row in enumerate(case.args_rows, 1)
    )


def _made(specs: list[dict[str, Any]], where: str) -> tuple[Mapping[str, Any], ...]:
    for number, spec in enumerate(specs, 1):
        check_made(spec, f"{where}: argument {number}")
    return tuple(specs)


def _forms(form: str | list[str], where: str) -> tuple[str, ...]:
    """One text is for the types that have forms, a list goes by position."""
    for name in [form] if isinstance(form, str) else form:
        _one_of(name, FORMS, "as", where)
    if isinstance(form, str):
        return (form,)
    return (form[0], "") if len(form) == 1 else tuple(form)


def _settings(
    table: Mapping[str, str], key: str, where: str
) -> tuple[tuple[str, str], ...]:
    """Settings by their names; which of them a server knows, it says itself."""
    for name in table:
        if not _SETTING.fullmatch(name):
            raise ScenarioError(
                f"{where}, {key}: {shown(name)} is not the name of a setting",
                hint='as in the server\'s documentation: { work_mem = "5MB" }',
            )
    return tuple(table.items())


def _capabilities(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    for name in names:
        if name not in _CAPABILITIES:
            raise ScenarioError(
                f"{where}: there is no capability {shown(name)}",
                hint=nearest(name, list(_CAPABILITIES)).replace("`", "'"),
            )
    return tuple(dict.fromkeys(names))


def _needs(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    for name in names:
        if not NEEDS.fullmatch(name):
            raise ScenarioError(
                f"{where}: unknown server requirement {shown(name)} in `needs`",
                hint="version>=N, extension:NAME, type:NAME, output-plugin:NAME, "
                "superuser, owned, spare, standby, pgbouncer or tls",
            )
    return tuple(dict.fromkeys(names))


def _expect(case: CaseTable, op: Op) -> Expect:
    table = case.expect
    reads = op.reads or any(returns_rows(each.sql) for each in case.statements)
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
        unordered=table.unordered,
    )


def is_checked(check: Mapping[str, list[AxisValue]], point: Point) -> bool:
    """Whether a check of everything plays a point of a table."""
    return all(str(value) in map(str, check.get(name, [value])) for name, value in point)


def bench_of(table: BenchTable | None, point: Point, where: str) -> BenchSpec | None:
    """How a point of a table is timed, if it can be."""
    if table is None:
        return None
    return BenchSpec(
        effort=_effort(table, point),
        unit=table.unit,
        units_per_op=whole(table.units, "bench.units", where),
        reset=table.reset.strip(),
        server_settings=_settings(table.server_settings, "bench.server_settings", where),
        floor=table.floor,
        arrivals=_arrivals(table, where),
        token=table.token,
    )


def _arrivals(table: BenchTable, where: str) -> Arrivals | None:
    found = table.arrivals
    if found is None:
        return None
    rate = whole(found.rate, "bench.arrivals.rate", where, ARRIVALS)
    seconds = whole(found.seconds, "bench.arrivals.seconds", where, ARRIVALS)
    return Arrivals(found.kind, rate, seconds)


def _effort(table: BenchTable, point: Point) -> Effort:
    """The smallest effort at which a cell is timed. Points come filled, so as text."""
    here = {name: str(value) for name, value in point}
    for tier in ("quick", "standard"):
        chosen = [
            {name: str(value) for name, value in spot.items()}
            for spot in getattr(table, tier)
        ]
        if here in chosen or (not point and table.tier == tier):
            return tier
    return table.tier if not (table.quick or table.standard) else "full"
