"""The oracle for cells whose ops are taken in turn: a mix, or statements of several calls.

The control connection plays one whole cycle, turn by turn, on the first state of the
fixture: so the answer of a read is the one that it has after the writes before it. A
worker always begins with the first turn, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.tables import Table
from harness.core.tasks import Expected, Task
from harness.venue.control import Control
from harness.venue.oracle import (
    Answers,
    Inputs,
    Prepared,
    State,
    Statements,
    answer_again,
    answers,
    count_rows,
    inputs_of,
    interleaved,
    read_state,
    statement_lists,
    task_of,
)
from harness.venue.premises import check_settings


@dataclass(frozen=True, slots=True, eq=False)
class TaskCall:
    """One call of one task."""

    cell: Cell
    given: Inputs

    @property
    def writes(self) -> bool:
        """Whether it changes what the server holds."""
        return bool(self.cell.expect.state)


def prepare(control: Control, cell: Cell) -> Prepared:
    """Do one cycle of a cell's work on the control connection.

    Raises:
        OracleError: the SQL fails, or two evaluations of it differ.
    """
    check_settings(control, cell)
    tasks = [share.cell for share in cell.mix] or [cell]
    calls = [_calls(control, task) for task in tasks]
    turns = _turns(cell, calls)
    before = read_state(control, cell.expect.state)
    returned, added = _played(control, cell, turns, before.rows if before else 0)
    after = read_state(control, cell.expect.state)
    if cell.bench and after:
        _check_repeatable(control, cell, turns, added)
        if cell.clients:
            _check_order(control, cell, turns, returned, after)
    parts = list(dict.fromkeys(turns))
    task = Task(
        cell=cell.id,
        op=cell.op,
        expected=Expected(returned, accept=cell.accept),
        requires=cell.requires,
        clients=cell.clients,
        pool=cell.pool,
        parts=tuple(_task(control, part) for part in parts),
        turns=tuple(map(parts.index, turns)),
    )
    return Prepared(cell, task, len(turns), before, after, added)


def _task(control: Control, part: TaskCall) -> Task:
    return replace(task_of(control, part.cell, part.given), clients=0, pool=0)


# --- whose turn it is ---------------------------------------------------------------------


def _turns(cell: Cell, calls: Sequence[Sequence[TaskCall]]) -> list[TaskCall]:
    """The parts of a cycle in their order; each task takes its calls one after another."""
    if not cell.mix:
        return list(calls[0])
    taken: Counter[int] = Counter()
    turns = []
    for task in cell.turns:
        turns.append(calls[task][taken[task] % len(calls[task])])
        taken[task] += 1
    return turns


def _calls(control: Control, cell: Cell) -> list[TaskCall]:
    """The calls of a task, each with its own parameters."""
    if cell.in_calls:
        return _dealt(control, cell)
    given = inputs_of(control, cell)
    if given.params is None or cell.args:
        return [TaskCall(cell, given)]
    if not given.params.rows:
        raise OracleError(f"the params of {cell.local_id} are no rows")
    return [
        TaskCall(cell, replace(given, params=_only(given.params, [row])))
        for row in given.params.rows
    ]


def _only(table: Table, rows: Sequence[tuple[str | None, ...]]) -> Table:
    return Table(table.columns, table.types, tuple(rows))


def _dealt(control: Control, cell: Cell) -> list[TaskCall]:
    """The calls to which statements are dealt, `each` of an entry to every call."""
    lists = statement_lists(control, cell)
    sizes = [spec.each for spec in cell.statements]
    counts = {len(rows) / each for rows, each in zip(lists, sizes, strict=True) if each}
    if len(counts) != 1 or not (calls := min(counts)) or calls != int(calls):
        told = ", ".join(
            f"{len(rows):,} rows by {each}"
            for rows, each in zip(lists, sizes, strict=True)
            if each
        )
        raise OracleError(
            f"the statements do not make whole calls, as many of each: {told}",
            hint="`each` is how many rows of `params` belong to one call",
        )
    return [
        TaskCall(cell, Inputs(None, None, interleaved(_hand(lists, sizes, call))))
        for call in range(int(calls))
    ]


def _hand(lists: Sequence[Statements], sizes: Sequence[int], call: int) -> list[Statements]:
    """What one call has of every entry."""
    return [
        rows[call * each : (call + 1) * each] if each else rows
        for rows, each in zip(lists, sizes, strict=True)
    ]


# --- what is right ------------------------------------------------------------------------


def _played(
    control: Control, cell: Cell, turns: Sequence[TaskCall], rows: int
) -> tuple[tuple[Answers, ...], tuple[int, ...]]:
    """What each turn returns, and how many rows it adds to those that are there."""
    returned, added = [], []
    for part in turns:
        (answer,) = answers(control, part.cell, part.given)
        now = count_rows(control, cell.expect.state) if part.writes else rows
        returned.append(answer)
        added.append(now - rows)
        rows = now
    return tuple(returned), tuple(added)


def _check_repeatable(
    control: Control, cell: Cell, turns: Sequence[TaskCall], added: Sequence[int]
) -> None:
    """A slice is many cycles: each of them has to add what the first one added."""
    rows = count_rows(control, cell.expect.state)
    for part, wanted in zip(turns, added, strict=True):
        if not part.writes:
            continue
        answer_again(control, part.cell, part.given)
        now = count_rows(control, cell.expect.state)
        if now - rows != wanted:
            raise OracleError(
                f"in the first cycle {part.cell.local_id} adds {wanted} rows, in the second"
                f" {now - rows}, so they cannot be counted while they are timed",
                hint="let the fixture hold the rows that a write finds, or leave bench out",
            )
        rows = now


def _check_order(
    control: Control,
    cell: Cell,
    turns: Sequence[TaskCall],
    returned: Sequence[Answers],
    after: State,
) -> None:
    """Many clients write in an order that nobody knows: played backwards, a cycle must
    give the same answers and leave the same state."""
    assert cell.bench is not None
    control.run(cell.bench.reset)
    for part, wanted in zip(reversed(turns), reversed(returned), strict=True):
        if answers(control, part.cell, part.given) != (wanted,):
            raise OracleError(
                f"the answer of {part.cell.local_id} depends on which client writes first",
                hint="let it return nothing that others change, or leave clients out",
            )
    if read_state(control, cell.expect.state) != after:
        raise OracleError(
            "what the tables hold in the end depends on which client writes first",
            hint="leave what a sequence makes out of expect.state, or leave clients out",
        )
