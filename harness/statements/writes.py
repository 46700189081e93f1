"""A statement that writes, examined on copies of its tables before any driver is asked.

It is played through twice from the same rows: what differs then (a clock, a random key)
says nothing about a driver and is not compared. And it is played twice in a row: only what
adds the same number of rows again can be timed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.errors import OracleError, UsageError
from harness.core.sql import quote
from harness.core.tables import Table
from harness.statements import reading
from harness.statements.copies import Copy, copies, fixture, reset, written_by
from harness.statements.examined import (
    Examined,
    Proposal,
    affordable,
    described,
    limited,
    parameters_of,
    sampled,
    told,
)
from harness.venue.control import Control
from harness.venue.stage import Stage


def examined_on_copies(stage: Stage, asked: Proposal) -> Examined:
    """Let the server say what is wrong with a statement that writes, and how it is played.

    Raises:
        UsageError: it cannot be played on copies, and why.
        OracleError: what it returns differs each time.
        ServerError: no schema can be made here.
    """
    if reading.verb(asked.sql) not in (*reading.WRITING, "with"):
        raise UsageError(
            f"'{reading.verb(asked.sql)}' cannot be tried on copies of tables",
            hint="--writes is for insert, update, delete and merge",
        )
    control = stage.control
    control.only_read(True)
    control.use_servers()
    wanted = described(control, asked.sql, "the statement")
    made = copies(control, [asked.sql, asked.params])
    with stage.lent_schema("a statement") as (schema, _):
        stage.use(control, schema)
        try:
            control.run(fixture(made))
            params = parameters_of(control, asked, wanted)
            rows = params.rows if params else ((),)
            written = written_by(control, asked.sql, rows[0], schema)
            if not written:
                raise UsageError("the statement writes nothing", hint="leave --writes out")
            trial = _played(control, asked, made, written, rows)
        except OracleError as error:
            raise told(error, asked.sql, "the statement, on copies") from None
    return _examined(asked, made, written, trial, len(rows))


@dataclass(frozen=True, slots=True)
class _Trial:
    """What playing a cycle of `calls` showed; `steady` are the columns, by table, that are
    the same each time."""

    calls: int
    seconds: float
    returns: bool
    steady: Mapping[str, Sequence[str]]
    untimed: str


def _played(
    control: Control,
    asked: Proposal,
    made: Mapping[str, Copy],
    written: Sequence[str],
    rows: Sequence[Sequence[str | None]],
) -> _Trial:
    begun = time.perf_counter()
    control.table(asked.sql, rows[0])
    seconds = time.perf_counter() - begun
    again = reset(made, written)
    control.run(again)
    calls = min(len(rows), affordable(seconds + asked.rtt_s, 1))
    cycle = rows[:calls]
    counts = [_counts(control, written)]
    first = _answers(control, asked.sql, cycle)
    counts.append(_counts(control, written))
    once = _sums(control, made, written)
    untimed = _repeated(control, asked.sql, cycle, written, counts)
    control.run(again)
    second = _answers(control, asked.sql, cycle)
    if first != second:
        raise OracleError(
            "what it returns differs each time, so nothing can be verified",
            hint="let returning name columns that are no clock and no random key",
        )
    twice = _sums(control, made, written)
    steady = {
        table: [
            name for name in made[table].columns if once[table, name] == twice[table, name]
        ]
        for table in written
    }
    return _Trial(calls, seconds, first[0] is not None, steady, untimed)


def _answers(
    control: Control, sql: str, cycle: Sequence[Sequence[str | None]]
) -> list[Table | None]:
    return [control.table(sql, row) for row in cycle]


def _repeated(
    control: Control,
    sql: str,
    cycle: Sequence[Sequence[str | None]],
    written: Sequence[str],
    counts: Sequence[int],
) -> str:
    """Why it cannot be timed; empty if a second cycle adds as many rows as the first."""
    added = counts[1] - counts[0]
    try:
        _answers(control, sql, cycle)
    except OracleError as error:
        return f"it cannot run twice: {error}"
    again = _counts(control, written) - counts[1]
    if again != added:
        return f"the first cycle adds {added:,} rows, the second one {again:,}"
    if added % len(cycle):
        return f"{len(cycle):,} ops add {added:,} rows: not as many each"
    return ""


def _counts(control: Control, written: Sequence[str]) -> int:
    """How many rows there are in what is written."""
    parts = " + ".join(f"(select count(*) from {quote(name)})" for name in written)
    return int(control.value(f"select {parts}"))


def _sums(
    control: Control, made: Mapping[str, Copy], written: Sequence[str]
) -> dict[tuple[str, str], str]:
    """What is in each column, whatever the order of the rows."""
    found = {}
    for table in written:
        for name in made[table].columns:
            hashed = f"hashtextextended({quote(name)}::text, 0)::numeric"
            query = f"select coalesce(sum({hashed}), 0) from {quote(table)}"
            found[table, name] = control.value(query)
    return found


# --- the outcome --------------------------------------------------------------------------


def _examined(
    asked: Proposal,
    made: Mapping[str, Copy],
    written: Sequence[str],
    trial: _Trial,
    offered: int,
) -> Examined:
    few = trial.calls < offered
    return Examined(
        asked.sql,
        sampled(asked.params, trial.calls) if few else limited(asked.params),
        asked.op if trial.returns else "execute",
        trial.calls,
        offered,
        unordered=trial.returns and asked.op == "fetch_all",
        seconds=trial.seconds,
        fixture=fixture(made),
        reset=reset(made, written),
        state=_state(trial.steady),
        copied=tuple(made),
        left_out=tuple(
            f"{table}.{name}"
            for table in written
            for name in made[table].columns
            if name not in trial.steady[table]
        ),
        untimed=trial.untimed,
    )


def _state(steady: Mapping[str, Sequence[str]]) -> str:
    """What must be in the copies afterwards, as one query."""
    queries = [
        f"select {', '.join(map(quote, columns)) or '1'} from {quote(table)}"
        for table, columns in steady.items()
    ]
    if len(queries) == 1:
        return queries[0]
    return "\nunion all\n".join(
        f"select {number} as state, s::text as shown from ({query}) s"
        for number, query in enumerate(queries)
    )
