"""A statement that writes, examined on copies of its tables before any driver is asked.

It is played through twice from the same rows: what differs then (a clock, a random key)
says nothing about a driver and is not compared. And it is played twice in a row: only what
adds the same number of rows again can be timed.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from harness.core.errors import OracleError, UsageError
from harness.core.sql import quote
from harness.core.tables import Table
from harness.statements import reading
from harness.statements.copies import Copy, copies, fixture, reset, written_by
from harness.statements.examining import (
    LONGEST_S,
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

Held = Mapping[str, Sequence[Sequence[str | None]]]
"""Rows, by table."""
Cycle = Sequence[Sequence[str | None]]
"""The parameters of some calls."""


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
    with control.looking(), control.taking(LONGEST_S):
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
            if not error.sqlstate:
                raise
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
    rows: Cycle,
) -> _Trial:
    """Play as many calls as there is time for; a single one where the answer of a call
    depends on those before it, as a number from a sequence does."""
    seconds = _seconds(control, asked.sql, rows[0])
    calls = min(len(rows), affordable(seconds + asked.rtt_s, 1))
    table = _Tables(control, asked.sql, made, written)
    trial = _trial(table, rows[:calls], seconds)
    return trial or _trial(table, rows[:1], seconds) or _unstable()


@dataclass(frozen=True, slots=True)
class _Tables:
    """The copies, and what is done to them."""

    control: Control
    sql: str
    made: Mapping[str, Copy]
    written: Sequence[str]

    def play(self, cycle: Cycle) -> list[Table | None]:
        """What each call returns."""
        return [self.control.table(self.sql, row) for row in cycle]

    def anew(self, cycle: Cycle) -> list[Table | None]:
        """The same from the first rows."""
        self.control.run(reset(self.made, self.written))
        return self.play(cycle)

    def count(self) -> int:
        """How many rows there are in what is written."""
        parts = " + ".join(f"(select count(*) from {quote(name)})" for name in self.written)
        return int(self.control.value(f"select {parts}"))

    def rows(self) -> Held:
        """What is in them."""
        found = {}
        for name in self.written:
            listed = ", ".join(map(quote, self.made[name].columns)) or "1"
            table = self.control.table(f"select {listed} from {quote(name)}")
            found[name] = table.rows if table else ()
        return found


def _trial(tables: _Tables, cycle: Cycle, seconds: float) -> _Trial | None:
    """A cycle, twice from the same rows and once begun elsewhere, as a driver may begin it;
    None where what it returns or leaves depends on that."""
    once, held = tables.anew(cycle), [tables.rows()]
    twice = tables.anew(cycle)
    held.append(tables.rows())
    turned = tables.anew([*cycle[1:], cycle[0]])
    held.append(tables.rows())
    if once != twice or once != [turned[-1], *turned[:-1]]:
        return None
    steady = {name: _steady(tables.made[name], held) for name in tables.written}
    if any(columns is None for columns in steady.values()):
        return None
    return _Trial(
        len(cycle),
        seconds,
        once[0] is not None,
        {name: columns for name, columns in steady.items() if columns is not None},
        _repeated(tables, cycle),
    )


def _steady(copy: Copy, held: Sequence[Held]) -> list[str] | None:
    """The columns of a table that hold the same each time, row by row; numbers that a
    sequence gave are left out where they are given to other rows. None if that does not
    do."""

    def same(names: Sequence[str]) -> bool:
        at = [copy.columns.index(name) for name in names]
        first, *others = (
            Counter(tuple(row[index] for index in at) for row in rows[copy.name])
            for rows in held
        )
        return all(other == first for other in others)

    steady = [name for name in copy.columns if same([name])]
    fixed = [name for name in steady if name not in copy.counting]
    return next((names for names in (steady, fixed) if same(names)), None)


def _seconds(control: Control, sql: str, row: Sequence[str | None]) -> float:
    begun = time.perf_counter()
    control.table(sql, row)
    return time.perf_counter() - begun


def _unstable() -> NoReturn:
    raise OracleError(
        "what it returns differs each time, so nothing can be verified",
        hint="let returning name columns that are no clock and no random key",
    )


def _repeated(tables: _Tables, cycle: Cycle) -> str:
    """Why it cannot be timed; empty if a second cycle adds as many rows as the first."""
    tables.control.run(reset(tables.made, tables.written))
    counts = [tables.count()]
    try:
        for _ in range(2):
            tables.play(cycle)
            counts.append(tables.count())
    except OracleError as error:
        return f"it cannot run twice: {error}"
    first, second = (after - before for before, after in itertools.pairwise(counts))
    if first != second:
        return f"the first cycle adds {first:,} rows, the second one {second:,}"
    if first % len(cycle):
        return f"{len(cycle):,} ops add {first:,} rows: not as many each"
    return ""


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
