"""What an answer must carry, so that it cannot be another call's. Standard library only.

The statement of such a cell returns its first parameter. Where the scenario says that any
number will do (`bench.token`), each op of each client of each process sends a number of its
own. Where the server's own answers show that the parameter comes back, the parameters that
the scenario has are compared; they are fewer than ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice, repeat
from typing import Any

from harness.core.calls import Call
from harness.core.tasks import Task
from harness.judge import answers

PER_CLIENT = 4096
"""Numbers of a client, in turn: it has one op out at a time, so none is met again while an
answer to it may still come."""
_PLAIN = frozenset({"int2", "int4", "int8", "text", "varchar"})
"""Types whose values every driver gives as the same Python object."""


def echoes(task: Task) -> bool:
    """Whether the server's own answers begin with the first parameter of their call."""
    params = task.params
    if params is None or task.forms or task.op.answer not in ("value", "row", "rows"):
        return False
    found = [call[0] if call else None for call in task.expected.calls]
    return len(found) == len(params.rows) > 0 and all(
        table is not None
        and len(table.rows) == 1
        and {table.types[0].name, params.types[0].name} <= _PLAIN
        and table.rows[0][0] == row[0]
        for table, row in zip(found, params.rows, strict=True)
    )


def own(call: Call, process: int, client: int) -> Call:
    """The call with numbers of its own as first parameters, which nobody else sends."""
    first = (process << 40) | (client << 24)
    rest = islice(cycle(row[1:] for row in call.params), PER_CLIENT)
    params = tuple((first + number, *more) for number, more in enumerate(rest, 1))
    return replace(call, params=params, offset=0)


def sent_by(call: Call) -> Iterator[Any]:
    """The first parameters, in the order in which ops of this call send them."""
    return (row[0] for row in call.cycle())


def nothing_sent() -> Iterator[None]:
    """Of a call whose answer shows nothing of what was sent."""
    return repeat(None)


def reader(task: Task, session: Any) -> Callable[[Any], Any]:
    """What reads the token from a native answer."""
    if task.op.answer == "value":
        return _itself

    def first(native: Any) -> Any:
        row: Sequence[Any] = answers.rows_of(task, session, native) or (None,)
        return row[0][0] if task.op.answer == "rows" and row[0] else row[0]

    return first


def blind(_native: Any) -> None:
    """Reads nothing, where there is no token."""


def _itself(native: Any) -> Any:
    return native
