"""A cell as a worker needs it: inputs and expected answers, no scenario, no server.

A module of its own, so that a worker does not load what only its parent needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.core.calls import Op
from harness.core.expect import ExpectedError
from harness.core.steps import Step
from harness.core.tables import Table


@dataclass(frozen=True, slots=True)
class Expected:
    """An oracle's answer, ready for a worker: one list of tables per call.

    `calls[i][j]` is what statement j of call i returns; None where it returns none.
    """

    calls: tuple[tuple[Table | None, ...], ...] = ()
    error: ExpectedError | None = None
    rejected: bool = False
    trait: bool = False
    accept: tuple[str, ...] = ()
    unordered: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """A cell's work for a worker; its fields are those of the cell, with tables for SQL.

    One that consists of others has them in `parts`, each of them one call, and in `turns`
    whose turn it is in a cycle; `expected` has the answer of each turn.
    `takes` has, for each statement that takes columns of `params`, their numbers. With
    `token` any number will do as first parameter, and the answer begins with it.
    """

    cell: str
    op: Op
    expected: Expected
    requires: tuple[str, ...] = ()
    sql: str = ""
    params: Table | None = None
    args: tuple[Mapping[str, Any], ...] = ()
    statements: tuple[tuple[str, Table | None], ...] = ()
    table: str = ""
    columns: tuple[str, ...] = ()
    rows: Table | None = None
    data: bytes = b""
    format: Literal["text", "csv", "binary"] = "text"
    source: Literal["rows", "bytes"] = "rows"
    forms: tuple[str, ...] = ()
    clients: int = 0
    pool: int = 0
    steps: tuple[Step, ...] = ()
    args_rows: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    parts: tuple[Task, ...] = ()
    turns: tuple[int, ...] = ()
    adk: str = ""
    takes: tuple[tuple[int, ...], ...] = ()
    token: bool = False

    @property
    def apart(self) -> bool:
        """Whether each client stays with the row of `params` that has its number."""
        return bool(self.takes or (self.adk and self.clients))


def first_turns(clients: int, cycle: int) -> list[int]:
    """The turn with which each client begins: all over the cycle."""
    return [client * cycle // max(1, clients) for client in range(max(1, clients))]


def type_names(task: Task) -> Iterator[str]:
    """The types of all that a task sends and expects, those inside others included."""
    tables = [task.params, task.rows, *(params for _, params in task.statements)]
    tables += [table for call in task.expected.calls for table in call]
    for table in filter(None, tables):
        for kind in table.types:
            yield from kind.names()
    for part in task.parts:
        yield from type_names(part)
