"""What a scenario file takes for granted, and only the server can confirm."""

from __future__ import annotations

from difflib import get_close_matches

from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.tables import Table
from harness.venue.control import Control


def check_settings(control: Control, cell: Cell) -> None:
    """A setting that the server does not know is the scenario's fault, not a driver's.

    Unless that is the question: a connection that must be refused.
    """
    names = dict(cell.settings)
    if cell.bench:
        names |= dict(cell.bench.server_settings)
    if not names or _asks_for_refusal(cell):
        return
    for name, value in names.items():
        if "." in name or (name, value) in control.taken:
            continue  # a name with a dot is whoever's
        _check_setting(control, name, value)
        control.taken.add((name, value))


def _check_setting(control: Control, name: str, value: str) -> None:
    known = {known_name.lower(): known_name for known_name in control.settings}
    if name.lower() not in known:
        if control.value("select current_setting($1, true) is not null", [name]) == "t":
            return  # one that pg_settings does not show
        near = get_close_matches(name.lower(), known, 1)
        told = f"; did you mean `{known[near[0]]}`?" if near else ""
        raise OracleError(f"settings: the server has no setting `{name}`{told}")
    if control.settings[known[name.lower()]] == "user":
        check = "select set_config($1, $2, true)"  # for this statement's transaction
        try:
            control.value(check, [name, value])
        except OracleError as error:
            raise OracleError(f"settings: {error}") from None


def _asks_for_refusal(cell: Cell) -> bool:
    """Whether a connection is opened that must fail."""
    connects = cell.op in (Op.CONNECT, Op.CONNECT_QUERY)
    return (connects and bool(cell.expect.rejected or cell.expect.error)) or any(
        step.expect.rejected or step.expect.error
        for step in cell.steps
        if step.op in ("connect", "pool_open")
    )


def check_args(cell: Cell, params: Table | None, rows: Table | None) -> None:
    """What stands in SQL beside Python values says the same values."""
    if cell.args and params and len(params.rows) != 1:
        raise OracleError(
            f"params beside args are one call's: one row, and not {len(params.rows):,}"
        )
    if cell.args_rows and rows and len(rows.rows) != len(cell.args_rows):
        raise OracleError(
            f"args_rows has {len(cell.args_rows):,} rows, rows has {len(rows.rows):,}"
        )
