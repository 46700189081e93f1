"""What a case must have, and what cannot stand together: said when a file is loaded."""

from __future__ import annotations

from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import ScenarioError
from harness.core.expect import Expect
from harness.core.limits import ARRIVALS

_FLOORED = frozenset({Op.FETCH_ALL, Op.FETCH_ONE, Op.FETCH_VAL})
_BULK = frozenset({Op.EXECUTE_MANY, Op.BATCH_HELPER, Op.COPY_IN})


def check(cell: Cell, where: str) -> None:
    """Whether a cell is whole, and could ever be wrong; raises `ScenarioError`."""
    _check_complete(cell, where)
    if cell.search_path:
        _check_only_reads(cell, where)
    if cell.steps:
        _check_alone(cell, where)
        return
    if cell.cleanup:
        raise ScenarioError(
            f"{where}: cleanup without steps",
            hint='an op works in a schema of its own: [fixture] scope = "trial"',
        )
    _check_args(cell, where)
    _check_calls(cell, where)
    _check_bench(cell, where)
    _check_oracle(cell, where)


def _check_complete(cell: Cell, where: str) -> None:
    needed = ("table", "columns", "rows") if cell.strategy else cell.op.needs
    missing = [key for key in needed if not getattr(cell, key)]
    if missing:
        raise ScenarioError(f"{where}: {', '.join(missing)} is missing for op `{cell.op}`")
    if cell.strategy and cell.statements:
        raise ScenarioError(f"{where}: a strategy makes its own statements")
    if cell.mix and cell.clients and cell.expect.state and not _reset(cell):
        raise ScenarioError(
            f"{where}: clients in a mix that writes, and no bench.reset",
            hint="a reset shows that no answer depends on which client writes first",
        )
    if cell.clients and not cell.pool:
        raise ScenarioError(f"{where}: clients need a pool", hint="pool = 4")
    _check_shared_params(cell, where)


def _check_only_reads(cell: Cell, where: str) -> None:
    """The server's own tables are somebody else's: nothing is made or changed there."""
    writing = {
        "a fixture": cell.fixture.sql,
        "expect.state": cell.expect.state,
        "bench.reset": _reset(cell),
        "steps": cell.steps,
        "a table to fill": cell.table,
    }
    if beside := [name for name, found in writing.items() if found]:
        raise ScenarioError(
            f'{where}: {beside[0]} beside search_path = "server"',
            hint="such cases only read; without the key they have a schema of pgdyno's own",
        )


def _check_shared_params(cell: Cell, where: str) -> None:
    """Parameters that several statements, or a session service, have in common."""
    if cell.adk and not (cell.pool and cell.params):
        raise ScenarioError(
            f"{where}: adk needs a pool, which the service works with, and params, whose"
            " columns are its arguments",
        )
    taking = [bool(statement.takes) for statement in cell.statements]
    if any(taking) and not cell.params:
        raise ScenarioError(f"{where}: statements take columns, and there are no params")
    mixed = any(taking) and any(statement.params for statement in cell.statements)
    if mixed or (cell.statements and cell.params and not any(taking)):
        raise ScenarioError(
            f"{where}: params of the case beside params of a statement",
            hint='let each statement take columns of them: takes = ["id"]',
        )


def _reset(cell: Cell) -> str:
    return cell.bench.reset if cell.bench else ""


def _check_alone(cell: Cell, where: str) -> None:
    """Steps are a case of their own: what they must bring stands with them."""
    beside = (
        "sql", "params", "args", "args_rows", "statements", "rows", "clients", "pool",
        "bench",
    )  # fmt: skip
    given = [key for key in beside if getattr(cell, key)]
    if cell.expect != Expect():
        given.append("expect")
    if given:
        raise ScenarioError(
            f"{where}: {', '.join(given)} beside steps",
            hint="what a step needs and expects is written in the step",
        )


def _check_args(cell: Cell, where: str) -> None:
    """What the control connection must do, too, it cannot do with Python values."""
    expect = cell.expect
    asked = {
        "expect.state": expect.state,
        "expect.error": expect.error,
        "expect.plan": expect.plan,
        "expect.recall": expect.recall,
        "its rows": expect.rows and not expect.equals,
    }
    wanting = [name for name, value in asked.items() if value]
    if cell.args and wanting and not cell.params:
        raise ScenarioError(
            f"{where}: the server cannot be given args, and must be for {wanting[0]}",
            hint='give it the same values in SQL: params = "select …", one row beside args;'
            " or let the answer be expect.equals = SQL, or expect.rejected = true",
        )
    if cell.args_rows and (cell.op not in _BULK or cell.source == "bytes"):
        raise ScenarioError(
            f"{where}: args_rows for `{cell.op}`",
            hint=f"they are the rows of {', '.join(sorted(_BULK))}, beside `rows`, which is"
            " the same in SQL",
        )


def _check_calls(cell: Cell, where: str) -> None:
    """Whether the statements of several calls can be told apart, and asked for."""
    expect = cell.expect
    for number, statement in enumerate(cell.statements, 1):
        if statement.each and not statement.params:
            raise ScenarioError(
                f"{where}, statement {number}: each without params",
                hint="it says how many rows of `params` belong to one call",
            )
    if cell.in_calls and (expect.error or expect.rejected or expect.trait):
        raise ScenarioError(
            f"{where}: each in statements that are not answered",
            hint="an error or a trait is asked for once: leave each out",
        )


def _check_bench(cell: Cell, where: str) -> None:
    expect, bench = cell.expect, cell.bench
    if bench is None:
        return
    if expect.error or expect.rejected:
        raise ScenarioError(f"{where}: an error cannot be timed", hint="leave bench out")
    if expect.trait:
        raise ScenarioError(
            f"{where}: a trait is never verified, so it cannot be timed",
            hint="leave bench out",
        )
    if bench.server_settings and "owned" not in cell.needs:
        raise ScenarioError(
            f"{where}: bench.server_settings on a server that may be somebody else's",
            hint='needs = ["owned"]: a borrowed server is never reconfigured',
        )
    if cell.arrivals and (cell.clients or expect.state):
        raise ScenarioError(
            f"{where}: an open loop of many clients or of writes",
            hint="arrivals are for reads on one session: leave clients and state out",
        )
    if cell.arrivals and cell.arrivals.rate * cell.arrivals.seconds > ARRIVALS:
        raise ScenarioError(
            f"{where}: bench.arrivals has more than {ARRIVALS:,} ops",
            hint="a lower rate, or fewer seconds",
        )
    if bench.token and not ("$1" in cell.sql and cell.params and cell.op in _FLOORED):
        raise ScenarioError(
            f"{where}: bench.token for `{cell.op}`",
            hint="it is for a statement that returns its first parameter, from `params`",
        )
    if cell.floor and (cell.clients or cell.op not in _FLOORED):
        raise ScenarioError(
            f"{where}: bench.floor for `{cell.op}`"
            + (f" of {cell.clients} clients" if cell.clients else ""),
            hint=f"references know {', '.join(sorted(_FLOORED))}, by one client",
        )


def _check_oracle(cell: Cell, where: str) -> None:
    expect = cell.expect
    if expect.trait and (expect.equals or expect.state or expect.error or expect.rejected):
        raise ScenarioError(
            f"{where}: expect.trait beside another oracle",
            hint="a trait is a fact without right or wrong",
        )
    if expect.unordered and (cell.op is not Op.FETCH_ALL or not expect.rows):
        raise ScenarioError(
            f"{where}: expect.unordered for `{cell.op}`",
            hint=f"it is for the rows of `{Op.FETCH_ALL}`",
        )
    if expect.equals and not cell.op.reads:
        raise ScenarioError(
            f"{where}: expect.equals for `{cell.op}`, which returns no rows",
            hint=f"it is for {', '.join(sorted(op for op in Op if op.reads))}",
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
