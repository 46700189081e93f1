"""The ops of a task that consists of others, taken in turn. Standard library only.

What is timed is one callable, whose own work is done in C: the next of the bound ops is
called, and nothing else is done between them. A mix is timed from the first turn on, so
that a slice is the same sequence for every driver and writes can be counted.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.core.tasks import Expected, Task, first_turns
from harness.core.verdicts import Judgement, Verdict
from harness.judge.verify import worst

Op = Callable[[], Any]
_call: Callable[[Op], Any] = getattr(
    operator, "call", operator.methodcaller("__call__")
)  # CPython 3.10 has no operator.call


class Cycle:
    """The bound ops of each client, and whose turn it is."""

    def __init__(self, task: Task, bind: Callable[[Task], Op]) -> None:
        """`bind` gives the op of a part."""
        clients = range(max(1, task.clients))
        self._parts = [[bind(part) for part in task.parts] for _ in clients]
        self._turns = task.turns
        self.tasks = [_answered(task, turn) for turn in range(len(task.turns))]
        self._kinds = [part.cell for part in task.parts]

    def ops(self) -> list[Op]:
        """An op for each client, which begins with its first turn."""
        firsts = first_turns(len(self._parts), len(self._turns))
        return [
            in_turn([parts[turn] for turn in self._turns], first)
            for parts, first in zip(self._parts, firsts, strict=True)
        ]

    def wrap(self, wrapper: Callable[[Op], Op]) -> None:
        """Put something around every op."""
        self._parts = [[wrapper(op) for op in parts] for parts in self._parts]

    def op(self, turn: int, client: int = 0) -> Op:
        """What a client has to do in a turn."""
        return self._parts[client][self._turns[turn]]

    def together(self) -> list[list[int]]:
        """The turns of a cycle as all clients share them: in each wave one for each."""
        turns, clients = range(len(self._turns)), len(self._parts)
        return [list(turns[start : start + clients]) for start in turns[::clients]]

    def warming(self, times: int) -> list[Op]:
        """Ops that warm up: each task as often as this, whatever its share is."""
        found: list[Op] = []
        for parts in self._parts:
            by_kind: dict[str, list[Op]] = {}
            for kind, op in zip(self._kinds, parts, strict=True):
                by_kind.setdefault(kind, []).append(op)
            for ops in by_kind.values():
                found += itertools.islice(itertools.cycle(ops), times)
        return found


def in_turn(ops: Sequence[Op], first: int = 0) -> Op:
    """The ops one after another, over and over, as one callable."""
    order = itertools.cycle([*ops[first:], *ops[:first]])
    return map(_call, order).__next__


def _answered(task: Task, turn: int) -> Task:
    """The task of a turn with what must come back then."""
    part = task.parts[task.turns[turn]]
    answer = (task.expected.calls[turn],)
    accept, unordered = part.expected.accept, part.expected.unordered
    return replace(part, expected=Expected(answer, accept=accept, unordered=unordered))


def told_apart(
    judged: Sequence[Judgement], whole: Task, tasks: Sequence[Task]
) -> list[Judgement]:
    """What each turn of a mix came to, said with the name of its task; whatever is not
    exact tells the verdicts of all tasks."""
    if all(task.cell == whole.cell for task in tasks):
        return list(judged)
    names = [task.cell.partition("#")[2] for task in tasks]
    verdicts = {
        name: str(worst(_of(name, names, judged)).verdict) for name in dict.fromkeys(names)
    }
    return [_named(turn, name, verdicts) for turn, name in zip(judged, names, strict=True)]


def _of(
    name: str, names: Sequence[str], judged: Sequence[Judgement]
) -> Iterator[Judgement]:
    return (turn for turn, other in zip(judged, names, strict=True) if other == name)


def _named(judged: Judgement, task: str, verdicts: dict[str, str]) -> Judgement:
    if judged.verdict is Verdict.EXACT:
        return judged
    facts = {**judged.facts, "task": task, "tasks": verdicts}
    return replace(judged, detail=f"{task}: {judged.detail}", facts=facts)
