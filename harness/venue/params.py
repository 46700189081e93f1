"""Parameters that the statements of a case, or a session service, have in common."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.calls import ADK
from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.tables import Table


def takes(cell: Cell, params: Table | None) -> tuple[tuple[int, ...], ...]:
    """The columns of the case's params that each statement takes, by their numbers."""
    if params is None or not any(spec.takes for spec in cell.statements):
        return ()
    for name in (name for spec in cell.statements for name in spec.takes):
        if name not in params.columns:
            known = ", ".join(params.columns)
            raise OracleError(f"a statement takes '{name}', and params has: {known}")
    if len(params.rows) > max(1, cell.clients):
        raise OracleError(
            f"params has {len(params.rows)} rows, and the statements take one for each"
            f" client, of which there are {max(1, cell.clients)}"
        )
    return tuple(tuple(map(params.columns.index, spec.takes)) for spec in cell.statements)


def taking(cell: Cell, params: Table | None) -> tuple[tuple[str, Table | None], ...]:
    """Each statement with what it takes, if they take columns of the case's params."""
    if params is None:
        return ()
    return tuple(
        (spec.sql, _columns(params, numbers))
        for spec, numbers in zip(cell.statements, takes(cell, params), strict=False)
    )


def check_adk(cell: Cell, params: Table | None) -> None:
    """A call of a session service finds its arguments among the columns of params."""
    columns = params.columns if params else ()
    missing = [name for name in ADK.get(cell.adk, ()) if name not in columns]
    if missing:
        raise OracleError(
            f"{cell.adk} needs the argument '{missing[0]}', and params has:"
            f" {', '.join(columns)}"
        )


def _columns(table: Table, numbers: Sequence[int]) -> Table:
    """Some of a table's columns, in this order."""
    return Table(
        tuple(table.columns[number] for number in numbers),
        tuple(table.types[number] for number in numbers),
        tuple(tuple(row[number] for number in numbers) for row in table.rows),
    )
