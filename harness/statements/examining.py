"""What the server says of a statement before any driver is asked: may it be played at all,
with which parameters, and with how many of them.

The session only reads, so whatever a statement would change is refused by the server.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass

from harness.core.errors import OracleError, UsageError
from harness.core.limits import CALLS
from harness.core.tables import Table
from harness.statements import reading
from harness.statements.parameters import check_parameters
from harness.venue.control import Control, Described
from harness.venue.lasting import check_lasting

ROWS = 100_000
"""So many rows a statement may return: all of them are in memory, in every worker."""
TEXT_BYTES = 64 << 20
"""And so much text."""
LONGEST_S = 10
"""So long a statement may take: a driver may take twice as long when it is checked."""
PARAMETERS = 200
"""So many rows of --params are taken where it does not say how many itself."""
CYCLE_S = 0.1
"""All calls of a cycle may take so long where nobody waits: a slice is a whole number of
cycles."""
CYCLE_SHARE = 1 / 480
"""And so much of the time that there is: each of six drivers and more has four slices of a
cycle at least in each of six rounds, and is verified before and after."""

LEAST_CYCLE_S = 0.02
"""However little time there is: a handful of calls."""

_LOOKS = 5
"""The quickest of so many times is what an op takes."""
_READ_ONLY = "25006"
_CANCELED = "57014"
_UNDEFINED_TABLE = "42P01"
_FOREIGN_MARKS = ("?", "%", ":")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a user asks: a statement, SQL that makes its parameters, and the op. `rtt_s` is
    how much longer the network makes each op, `patience_s` how long it may be timed."""

    sql: str
    params: str = ""
    op: str = "fetch_all"
    rtt_s: float = 0.0
    patience_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Examined:
    """What can be asked of drivers: `params` gives `calls` rows, of `offered` that there
    are; an op takes the control connection `seconds`.

    One that writes works on copies, which `fixture` makes and `reset` fills anew; `state`
    is what must be in them afterwards, the columns `left_out` apart. `untimed` says why it
    can be checked only.
    """

    sql: str
    params: str
    op: str
    calls: int
    offered: int
    unordered: bool
    seconds: float
    fixture: str = ""
    reset: str = ""
    state: str = ""
    copied: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    untimed: str = ""


def examined(control: Control, asked: Proposal) -> Examined:
    """Let the server say what is wrong with a statement; if nothing is, how it is played.

    Raises:
        UsageError: the statement or its parameters cannot be played, and why.
        OracleError: its answer differs each time, so that nothing can be verified.
    """
    if reading.changes(asked.sql):
        raise _writes(asked.sql)
    with control.looking(), control.taking(LONGEST_S):
        return _examined(control, asked)


def _examined(control: Control, asked: Proposal) -> Examined:
    wanted = described(control, asked.sql, "the statement")
    check_lasting(control, [asked.sql, asked.params], "the statement")
    if not wanted.columns:
        raise UsageError(
            f"the statement returns no rows, so there is nothing to verify: "
            f"{asked.sql[:60]}",
            hint="a select, values, table or with; insert, update, delete and merge "
            "need --writes",
        )
    params = parameters_of(control, asked, wanted)
    first = params.rows[0] if params else ()
    unordered = asked.op == "fetch_all" and not reading.is_ordered(asked.sql)
    answer, seconds = _answered_twice(control, asked.sql, first, unordered=unordered)
    offered = len(params.rows) if params else 1
    cycle_s = min(CYCLE_S, max(LEAST_CYCLE_S, asked.patience_s * CYCLE_SHARE))
    calls = min(offered, affordable(seconds + asked.rtt_s, len(answer.rows), cycle_s))
    text = sampled(asked.params, calls) if calls < offered else limited(asked.params)
    return Examined(asked.sql, text, asked.op, calls, offered, unordered, seconds)


def affordable(seconds: float, rows: int, cycle_s: float = CYCLE_S) -> int:
    """How many calls a cycle may have if one takes so long and returns so many rows."""
    return max(1, min(int(cycle_s / max(seconds, 1e-9)), ROWS // max(rows, 1)))


# --- parameters -------------------------------------------------------------------------


def parameters_of(control: Control, asked: Proposal, wanted: Described) -> Table | None:
    """The rows of --params, which must fit the placeholders."""
    if not asked.params:
        if wanted.parameters:
            count = len(wanted.parameters)
            names = "$1" if count == 1 else f"$1 … ${count}"
            raise UsageError(
                f"nothing gives {names} a value: --params is missing",
                hint='SQL that makes a row for each call: --params "select id from orders '
                'limit 200"',
            )
        return None
    given = described(control, asked.params, "--params")
    if not given.columns:
        raise UsageError("--params returns no rows: it must be a query")
    check_parameters(wanted.parameters, given.types, given.columns)
    try:
        found = control.table(limited(asked.params), (), CALLS)
    except OracleError as error:
        raise told(error, asked.params, "--params") from None
    if found is None or not found.rows:
        raise UsageError(
            "--params gives no rows, and each row is the parameters of one call",
            hint="is the table empty, or the condition never true?",
        )
    return found


def limited(params: str) -> str:
    """Parameters are a sample: a query that names no limit of its own gets one."""
    if not params or reading.is_limited(params):
        return params
    return sampled(params, PARAMETERS)


def sampled(params: str, rows: int) -> str:
    """So many rows of a query, the first that come."""
    return f"select * from (\n{params}\n) params limit {rows}"


# --- answers ----------------------------------------------------------------------------


def described(control: Control, sql: str, what: str) -> Described:
    """What a statement takes and returns; raises `UsageError` where it is wrong."""
    try:
        return control.describe(sql)
    except OracleError as error:
        raise told(error, sql, what) from None


def _answered_twice(
    control: Control, sql: str, row: tuple[str | None, ...], *, unordered: bool
) -> tuple[Table, float]:
    """What the statement returns for a row of parameters, and how long that takes."""
    first = _answer(control, sql, row)
    seconds = math.inf
    for _ in range(_LOOKS):
        begun = time.perf_counter()
        again = _answer(control, sql, row)
        seconds = min(seconds, time.perf_counter() - begun)
        if seconds > CYCLE_S:
            break
    if again == first or (unordered and Counter(again.rows) == Counter(first.rows)):
        return first, seconds
    raise _unstable(first, again)


def _unstable(first: Table, again: Table) -> OracleError:
    if Counter(first.rows) == Counter(again.rows):
        return OracleError(
            "the rows come in another order each time, so they cannot be verified",
            hint="add columns to the order by until it tells all rows apart",
        )
    return OracleError(
        "the statement answers differently each time, so nothing can be verified and "
        "nothing is timed",
        hint="take now(), random() and sequences out; with a limit, add an order by",
    )


def _answer(control: Control, sql: str, row: tuple[str | None, ...]) -> Table:
    try:
        found = control.table(sql, row, ROWS)
    except OracleError as error:
        raise told(error, sql, "the statement") from None
    assert found is not None  # it has columns
    size = sum(len(text) for values in found.rows for text in values if text)
    if size > TEXT_BYTES or len(found.rows) > ROWS:
        raise UsageError(
            f"the statement returns {len(found.rows):,} rows with {size / 1e6:,.0f} MB of "
            f"text; {ROWS:,} rows and {TEXT_BYTES >> 20} MB can be verified",
            hint="add a limit to it",
        )
    return found


# --- what is wrong ----------------------------------------------------------------------


def told(error: OracleError, sql: str, what: str) -> UsageError:
    """The server's message with the line it means, and what to do."""
    if error.sqlstate == _READ_ONLY:
        return _writes(sql)
    message = str(error).rpartition(" at line ")[0] or str(error)
    shown = reading.pointed(sql, error.position)
    return UsageError(
        "\n".join(filter(None, (f"{what}: {message}", shown))),
        hint=error.hint or _advice(error, sql),
    )


def _advice(error: OracleError, sql: str) -> str:
    if error.sqlstate == _CANCELED:
        return "add a condition or a limit: each driver is asked many times"
    if error.sqlstate == _UNDEFINED_TABLE:
        return "names are looked up as the server's user does; another server is --server"
    at = max(0, error.position - 1)
    near = {sql[at : at + 1], sql[:at].rstrip()[-1:]} if error.position else set()
    if near.intersection(_FOREIGN_MARKS):
        return "placeholders are written $1, $2, …"
    return ""


def _writes(sql: str) -> UsageError:
    return UsageError(
        f"the statement writes, and try only reads: {reading.in_short(sql)}",
        hint="with --writes it works on copies of its tables, in a schema of pgdyno's own",
    )
