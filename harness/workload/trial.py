"""A statement on the server that it comes from: whether it can be repeated there."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.errors import OracleError, SilentServerError
from harness.core.tables import Table
from harness.venue.control import QUERY_CANCELED, Control
from harness.workload.drawing import params_sql
from harness.workload.sorting import Refused
from harness.workload.statement import Statement

ROWS = 1_000
"""More rows than this in one answer are too many to compare each of them."""
STATEMENT_S = 5
"""How long a statement may take."""
_TRIED = 3
"""With so many calls' parameters a statement is tried."""
_NAME = "pgdyno_import"
_TYPES = f"""
select format_type(t.oid, null) from pg_prepared_statements p,
  unnest(p.parameter_types) with ordinality t(oid, at)
where p.name = '{_NAME}' order by t.at
"""
_PRIVATE = ("22", "23")
"""Classes of errors whose messages quote values."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A statement that can be repeated, with the query for its parameters."""

    statement: Statement
    params: str


def only_read(control: Control) -> None:
    """From here on the session can change nothing."""
    control.run("set default_transaction_read_only = on")
    control.run(f"set idle_in_transaction_session_timeout = '{10 * STATEMENT_S}s'")


def tried(control: Control, statement: Statement, seed: int) -> Tried:
    """Prepare and run a statement in transactions that only read.

    Raises:
        Refused: the server cannot, or must not, repeat it.
    """
    with control.taking(STATEMENT_S):
        types = _types(control, statement)
        params = params_sql(statement, types, seed)
        _try(control, statement, params)
    return Tried(statement, params)


def _types(control: Control, statement: Statement) -> list[str]:
    """Of what types the server takes the parameters to be."""
    try:
        control.run(f"prepare {_NAME} as {statement.sql}")
        found = control.table(_TYPES)
        control.run(f"deallocate {_NAME}")
    except OracleError as error:
        raise _refusal(error) from None
    return [str(row[0]) for row in found.rows] if found else []


def _try(control: Control, statement: Statement, params: str) -> None:
    try:
        given = control.table(params) if params else Table((), (), ((),))
    except OracleError as error:
        raise Refused(f"its parameters cannot be drawn: {_refusal(error)}") from None
    if given is None or not given.rows:
        tables = " and ".join(statement.tables)
        raise Refused(f"no parameters can be drawn: {tables} has no rows for them")
    try:
        for number, row in enumerate(given.rows[:_TRIED]):
            answer = control.table(statement.sql, row, ROWS)
            if number == 0 and control.table(statement.sql, row, ROWS) != answer:
                raise Refused("its answer differs from one time to the next")
    except OracleError as error:
        raise _refusal(error) from None


def _refusal(error: OracleError) -> Refused:
    """What the server says to a statement, without the values in it."""
    if isinstance(error, SilentServerError):
        raise error
    state = error.sqlstate
    if state == QUERY_CANCELED:
        return Refused(f"it takes more than {STATEMENT_S} s")
    if not state:
        return Refused(f"its answer is too large: more than {ROWS:,} rows")
    if state == "42501":
        return Refused(f"the user of this connection has no permission: {_said(error)}")
    if state.startswith(_PRIVATE):
        return Refused(f"the server refuses it (SQLSTATE {state})")
    return Refused(f"the server refuses it: {_said(error)}")


def _said(error: OracleError) -> str:
    """The server's message, without the line that it points at."""
    return str(error).partition(" (SQLSTATE")[0]
