"""A statement on the server that it comes from: whether it can be repeated there."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.errors import OracleError
from harness.core.tables import PgType, Table
from harness.venue.control import QUERY_CANCELED, Control
from harness.workload.drawing import CALLS, params_sql
from harness.workload.sorting import Refused
from harness.workload.statement import GeneralForm

Row = tuple[str | None, ...]

ROWS = 1_000
"""More rows than this in one answer are too many to compare each of them."""
STATEMENT_S = 2
"""How long a statement may take; a slice of a run repeats it many times."""
_TRIED = 3
"""With so many calls' parameters a statement is tried."""
_STEPS = (CALLS, 10, 5, 2)
_CYCLE_S = 0.5
"""A slice of a run is a whole cycle of calls, so a slow statement has fewer of them; in
steps, so that a seed draws the same each time."""
_PRIVATE = ("22", "23")
"""Classes of errors whose messages quote values."""


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A statement that can be repeated, with the query for its parameters, and how long it
    takes the server."""

    statement: GeneralForm
    params: str
    seconds: float


def only_read(control: Control) -> None:
    """From here on the session can change nothing, and is not counted where it can be
    helped: what an import asks is no workload."""
    control.only_read(True)
    with contextlib.suppress(OracleError):  # for superusers only
        control.run("set pg_stat_statements.track = 'none'")


def tried(control: Control, statement: GeneralForm, seed: int) -> Repeatable:
    """Run a statement in transactions that only read.

    Raises:
        Refused: the server cannot, or must not, repeat it.
    """
    with control.taking(STATEMENT_S):
        types = _types(control, statement)
        rows = _rows(control, params_sql(statement, types, seed), statement)
        seconds = _run(control, statement, rows)
        calls = next((calls for calls in _STEPS if calls * seconds <= _CYCLE_S), 1)
        params = params_sql(statement, types, seed, calls)
    return Repeatable(statement, params, seconds)


def _types(control: Control, statement: GeneralForm) -> list[str]:
    """Of what types the server takes the parameters to be."""
    try:
        return [_cast(kind) for kind in control.describe(statement.sql).parameters]
    except OracleError as error:
        raise _refusal(error) from None


def _cast(kind: PgType) -> str:
    """A type as it stands in a cast."""
    if kind.kind == "array" and kind.element:
        return f"{_cast(kind.element)}[]"
    plain = re.fullmatch("[a-z_][a-z0-9_]*", kind.name) and kind.name != "char"
    return kind.name if plain else '"' + kind.name.replace('"', '""') + '"'


def _rows(control: Control, params: str, statement: GeneralForm) -> Sequence[Row]:
    """The parameters of the calls."""
    try:
        given = control.table(params) if params else Table((), (), ((),))
    except OracleError as error:
        raise Refused(f"its parameters cannot be drawn: {_refusal(error)}") from None
    if given is None or not given.rows:
        tables = " and ".join(statement.tables)
        raise Refused(f"no parameters can be drawn: {tables} has no rows for them")
    return given.rows


def _run(control: Control, statement: GeneralForm, rows: Sequence[Row]) -> float:
    """Run it with some of the parameters; the shortest time."""
    shortest = float(STATEMENT_S)
    try:
        for row in rows[:_TRIED]:
            first = _answer(control, statement, row)
            begun = time.perf_counter()
            again = _answer(control, statement, row)
            shortest = min(shortest, time.perf_counter() - begun)
            if again != first:
                raise Refused("its answer differs from one time to the next")
    except OracleError as error:
        raise _refusal(error) from None
    return shortest


def _answer(control: Control, statement: GeneralForm, row: Row) -> Counter[Row]:
    found = control.table(statement.sql, row, ROWS)
    return Counter(found.rows if found else ())


def _refusal(error: OracleError) -> Refused:
    """What the server says to a statement, without the values in it."""
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
