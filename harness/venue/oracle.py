"""What is right, asked of the server: a cell's inputs and its expected answers.

The control connection does a cell's work itself, in a schema that is a twin of the
driver's: reads give the rows that must come back, writes leave the state that must be
found. So nobody types an expected answer that the server can give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.limits import CALLS, ROWS
from harness.core.tables import Table
from harness.core.tasks import Expected, Task, first_turns
from harness.venue.bulk import insert_sql, parameters_of, statement_of
from harness.venue.control import Control
from harness.venue.params import check_adk, takes, taking
from harness.venue.premises import check_args, check_settings

Row = tuple[str | None, ...]
Statements = tuple[tuple[str, Table | None], ...]
Answers = tuple[Table | None, ...]
"""What each statement of one call returned."""
_MANY = 10  # so many statements are worth a pipeline


@dataclass(frozen=True, slots=True)
class State:
    """What the state query shows: how many rows, a sum of their hashes, and the first."""

    rows: int
    digest: str
    sample: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a cell's op is given, as the server wrote it."""

    params: Table | None
    rows: Table | None
    statements: Statements


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cell, ready to be asked of drivers.

    `calls` is the length of one cycle; `before` and `after` are the state around one
    cycle; `added` is how many rows each op of a cycle adds to the state query.
    """

    cell: Cell
    task: Task
    calls: int
    before: State | None
    after: State | None
    added: tuple[int, ...] = ()

    def rows_after(self, ops: int) -> int:
        """How many rows the state query has after so many ops of all clients, each of
        which began with its first turn."""
        assert self.before is not None
        clients = max(1, self.cell.clients)
        whole, rest = divmod(ops // clients, self.calls)
        rows = self.before.rows + clients * whole * sum(self.added)
        for first in first_turns(clients, self.calls):
            rows += sum((self.added * 2)[first : first + rest])
        return rows

    @property
    def cycle(self) -> int:
        """After how many ops a client begins again: one that stays apart, after each."""
        return 1 if self.task.apart else self.calls


def prepare(control: Control, cell: Cell) -> Prepared:
    """Do the cell's work on the control connection.

    `control` must look at the twin schema, in its fixture's state.

    Raises:
        OracleError: the SQL fails, or two evaluations of it differ.
    """
    check_settings(control, cell)
    if cell.steps:  # what they must bring stands in them
        task = Task(cell.id, cell.op, Expected(), cell.requires, steps=cell.steps)
        return Prepared(cell, task, 1, None, None)
    given = inputs_of(control, cell)
    before = read_state(control, cell.expect.state)
    calls = answers(control, cell, given)
    after = read_state(control, cell.expect.state)
    task = task_of(control, cell, given, calls)
    _check_search(control, cell, given.params, calls)
    _check_token(task)
    cycle = max(1, len(calls))
    added = after.rows - before.rows if before and after else 0
    if cell.bench and before and after:
        _check_countable(added, cycle)
        answer_again(control, cell, given)
        _check_repeatable(added, after, read_state(control, cell.expect.state))
    return Prepared(cell, task, cycle, before, after, (added // cycle,) * cycle)


def inputs_of(control: Control, cell: Cell) -> Inputs:
    """What the SQL of a cell makes: each of it asked twice."""
    params = _stable(control, cell.params, at_most=CALLS) if cell.params else None
    rows = _stable(control, cell.rows) if cell.rows else None
    check_adk(cell, params)
    check_args(cell, params, rows)
    return Inputs(params, rows, _statements(control, cell, params, rows))


def task_of(
    control: Control, cell: Cell, given: Inputs, calls: tuple[Answers, ...] = ()
) -> Task:
    """A cell's work for a worker."""
    return Task(
        cell=cell.id,
        op=cell.op,
        expected=Expected(
            calls=calls,
            error=cell.expect.error,
            rejected=cell.expect.rejected,
            trait=cell.expect.trait,
            accept=cell.accept,
            unordered=cell.expect.unordered,
        ),
        requires=cell.requires,
        sql=statement_of(cell, given.rows),
        params=parameters_of(cell, given.params, given.rows),
        args=cell.args,
        args_rows=cell.args_rows,
        statements=given.statements,
        table=cell.table,
        columns=cell.columns,
        rows=given.rows,
        data=control.copy_out(cell.rows, cell.format) if cell.source == "bytes" else b"",
        format=cell.format,
        source=cell.source,
        forms=cell.forms,
        clients=cell.clients,
        pool=cell.pool,
        adk=cell.adk,
        takes=takes(cell, given.params),
        token=bool(cell.bench and cell.bench.token),
    )


def _check_token(task: Task) -> None:
    """Many clients send other numbers than the scenario's: each must come back."""
    if not task.token:
        return
    sent = [row[:1] for row in task.params.rows] if task.params else []
    found = [row[:1] for (table, *_) in task.expected.calls if table for row in table.rows]
    if sent != found:
        raise OracleError(
            "bench.token: the answers do not begin with the first parameter",
            hint="select $1::bigint, … with numbers as params",
        )


def _check_countable(added: int, cycle: int) -> None:
    """What is timed is counted afterwards: as many rows for each op."""
    if added % cycle:
        raise OracleError(
            f"{cycle} ops add {added} rows, so they cannot be counted while they are timed",
            hint="every op adds the same number of rows, or leave bench out",
        )


def answer_again(control: Control, cell: Cell, given: Inputs) -> tuple[Answers, ...]:
    """Do the work once more, as every slice does."""
    try:
        return answers(control, cell, given)
    except OracleError as error:
        raise OracleError(
            "a timed op runs more than once between two resets, and the second time it"
            f" fails: {error}; the table needs no key, or rows that make keys of their own"
            " (a sequence, on conflict), or leave bench out"
        ) from None


def _check_repeatable(added: int, once: State, twice: State | None) -> None:
    """A slice repeats the op: the second cycle must add what the first one added."""
    again = twice.rows - once.rows if twice else 0
    if again != added:
        raise OracleError(
            f"the first cycle of ops adds {added} rows, the second {again}, so they"
            " cannot be counted while they are timed",
            hint="let the fixture hold the rows that an upsert finds, or leave bench out",
        )


def read_state(control: Control, query: str) -> State | None:
    """What a state query shows at this moment; None without a query."""
    if not query:
        return None
    state = _as_table(query)
    first = f"select left(s::text, 60) from {state} limit 3"
    found = control.table(
        "select count(*), coalesce(sum(hashtextextended(s::text, 0)::numeric), 0),"
        f" (select string_agg(r, '; ') from ({first}) t(r)) from {state}"
    )
    assert found is not None
    count, digest, sample = found.rows[0]
    return State(int(count or 0), str(digest), sample or "")


def count_rows(control: Control, query: str) -> int:
    """How many rows a state query shows at this moment, whatever is in them."""
    return int(control.value(f"select count(*) from {_as_table(query)}"))


def _as_table(query: str) -> str:
    return f"({query.rstrip().rstrip(';')}) s"


# --- inputs ----------------------------------------------------------------------


def _stable(
    control: Control,
    sql: str,
    params: Row = (),
    at_most: int = ROWS,
    *,
    unordered: bool = False,
) -> Table:
    """A query's rows, asked twice: an oracle that changes its mind is none."""
    first = control.table(sql, params, at_most)
    if first is None:
        raise OracleError(f"this returns no rows, so it cannot be an input: {sql[:80]}")
    again = control.table(sql, params, at_most)
    if again != first and not (unordered and _same_rows(again, first)):
        raise _unstable(sql)
    return first


def _same_rows(found: Table | None, other: Table) -> bool:
    """Whether two answers have the same rows, in whatever order."""
    return found is not None and Counter(found.rows) == Counter(other.rows)


def _unstable(sql: str) -> OracleError:
    return OracleError(
        f"the answer differs from one evaluation to the next: {sql[:80]}",
        hint="add an order by; take random(), now() and sequences out",
    )


def _statements(
    control: Control, cell: Cell, params: Table | None, rows: Table | None
) -> Statements:
    if cell.op in (Op.SEQUENTIAL, Op.PIPELINE) and cell.strategy and rows is not None:
        sql = insert_sql(cell)
        return tuple((sql, _one_row(rows, row)) for row in rows.rows)
    if shared := taking(cell, params):
        return shared
    return interleaved(statement_lists(control, cell))


def statement_lists(control: Control, cell: Cell) -> list[Statements]:
    """Each entry of `statements`, as often as it has parameters."""
    return [
        _repeat(
            spec.sql,
            _stable(control, spec.params, at_most=CALLS) if spec.params else None,
        )
        for spec in cell.statements
    ]


def _repeat(sql: str, params: Table | None) -> Statements:
    if params is None:
        return ((sql, None),)
    return tuple((sql, _one_row(params, row)) for row in params.rows)


def _one_row(table: Table, row: Row) -> Table:
    return Table(table.columns, table.types, (row,))


def interleaved(lists: Sequence[Statements]) -> Statements:
    """The first of each list, then the second of each: how mixed statements arrive."""
    longest = max(map(len, lists), default=0)
    return tuple(
        some[turn] for turn in range(longest) for some in lists if turn < len(some)
    )


# --- answers ---------------------------------------------------------------------


def answers(control: Control, cell: Cell, given: Inputs) -> tuple[Answers, ...]:
    """Do the work; what each statement of each call returned."""
    params, rows, statements = given.params, given.rows, given.statements
    if cell.expect.error:
        _check_error(control, cell, params, statements)
    expect = cell.expect
    if expect.error or expect.rejected or expect.trait:
        return ()
    if cell.op in (Op.CONNECT, Op.CHECKOUT):
        return ()
    if expect.equals:
        answer = _first(_stable(control, expect.equals), cell.op)
        return ((answer,),) * max(1, len(params.rows) if params else 1)
    if rows is not None and (cell.strategy or "rows" in cell.op.needs):
        _insert(control, cell, rows)
        return ((None,) * max(1, len(statements)),)
    if statements:
        calls = len(params.rows) if params else 1
        return tuple(
            _answers_of_statements(control, cell, statements, call) for call in range(calls)
        )
    return _answers_of_calls(control, cell, params.rows if params else ((),))


def _answers_of_statements(
    control: Control, cell: Cell, statements: Statements, call: int
) -> tuple[Table | None, ...]:
    """What the statements return, with the parameters of one call."""
    answers = _run_statements(control, statements, call)
    once = bool(cell.expect.state)
    if not once and _run_statements(control, statements, call) != answers:
        raise _unstable(statements[0][0])
    return answers


def _answers_of_calls(
    control: Control, cell: Cell, calls: Sequence[Row]
) -> tuple[tuple[Table | None, ...], ...]:
    """Each call's answer; all of them together have a bounded number of rows."""
    # A statement that returns rows may also write; then asking twice would write twice.
    once = bool(cell.expect.state) or not cell.expect.rows
    left = ROWS
    found: list[Answers] = []
    for row in calls:
        if once:
            answer = control.table(cell.sql, row, left)
        else:
            unordered = cell.expect.unordered
            answer = _stable(control, cell.sql, row, left, unordered=unordered)
        left -= len(answer.rows) if answer else 0
        found.append((_first(answer, cell.op),))
    return tuple(found)


def _run_statements(
    control: Control, statements: Statements, call: int
) -> tuple[Table | None, ...]:
    asked = [(sql, params.rows[call] if params else ()) for sql, params in statements]
    control.run("begin")
    try:
        if len(asked) < _MANY:
            found = tuple(control.table(sql, row, ROWS) for sql, row in asked)
        else:
            found = control.tables(asked, ROWS)
    except OracleError:
        control.run("rollback")
        raise
    control.run("commit")
    return found


def _first(table: Table | None, op: Op) -> Table | None:
    """Who asks for a row or a value sees the first row only."""
    if table is None or op.answer not in ("row", "value"):
        return table
    return Table(table.columns, table.types, table.rows[:1])


def _insert(control: Control, cell: Cell, rows: Table) -> None:
    if cell.op is Op.EXECUTE_MANY and not cell.strategy:
        for row in rows.rows:
            control.table(cell.sql, row)
        return
    columns = ", ".join(cell.columns)
    control.run(f"insert into {cell.table} ({columns}) {cell.rows}")


def _check_error(
    control: Control,
    cell: Cell,
    params: Table | None,
    statements: Statements,
) -> None:
    """The server itself must raise the error that a case expects."""
    assert cell.expect.error is not None
    wanted = cell.expect.error.sqlstate
    one_row = Table(params.columns, params.types, params.rows[:1]) if params else None
    state = control.sqlstate(statements or ((cell.sql, one_row),), cell.settings)
    if state != wanted:
        raise OracleError(
            f"the case expects SQLSTATE {wanted}, the server gives {state or 'no error'}"
        )


def _check_search(
    control: Control,
    cell: Cell,
    params: Table | None,
    calls: tuple[tuple[Table | None, ...], ...],
) -> None:
    """An approximate search must use the plan it claims and find enough."""
    inputs = params.rows if params else ((),)
    if cell.expect.plan:
        plan = control.table(f"explain {cell.sql}", inputs[0])
        text = "\n".join(str(row[0]) for row in plan.rows) if plan else ""
        if cell.expect.plan not in text:
            raise OracleError(
                f"the plan has no '{cell.expect.plan}': {text.splitlines()[0]}"
            )
    if cell.expect.recall:
        found = _recall(control, cell.expect.recall.exact, inputs, calls)
        if found < cell.expect.recall.at_least:
            raise OracleError(
                f"recall is {found:.3f}, not the {cell.expect.recall.at_least} asked for"
            )


def _recall(
    control: Control,
    exact: str,
    inputs: Sequence[Row],
    calls: tuple[tuple[Table | None, ...], ...],
) -> float:
    """The share of the exact answer's rows that the approximate one has."""
    hits = wanted = 0
    control.run("set enable_indexscan = off")
    try:
        for row, (answer,) in zip(inputs, calls, strict=True):
            truth = control.table(exact, row, ROWS)
            assert truth is not None
            assert answer is not None
            hits += len({row[0] for row in truth.rows} & {row[0] for row in answer.rows})
            wanted += len(truth.rows)
    finally:
        control.run("reset enable_indexscan")
    return hits / wanted if wanted else 0.0
