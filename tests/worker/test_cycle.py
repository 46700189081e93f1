"""A task that consists of others: whose turn it is, and how often each warms up."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from harness.core.calls import Op
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task, first_turns
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.worker.cycle import Cycle, in_turn, told_apart


def answer(number: int) -> tuple[Table]:
    return (Table(("n",), (PgType("int4"),), ((str(number),),)),)


PARTS = tuple(
    Task(name, Op.FETCH_VAL, Expected(accept=("str",)))
    for name in ("shop#a", "shop#a", "shop#b")
)
TURNS = (0, 2, 1, 2, 2)
CALLS = tuple(map(answer, range(len(TURNS))))
MIX = Task("shop#mix", Op.MIX, Expected(CALLS), parts=PARTS, turns=TURNS)


def cycle_of(task: Task, played: list[int]) -> Cycle:
    """A cycle whose ops say which part they are of."""
    numbers = {id(part): number for number, part in enumerate(task.parts)}

    def bind(part: Task):
        number = numbers[id(part)]
        return lambda: played.append(number) or number

    return Cycle(task, bind)


def test_ops_are_called_in_turn_over_and_over():
    op = in_turn([lambda: "a", lambda: "b", lambda: "c"])
    assert [op() for _ in range(7)] == list("abcabca")


def test_a_client_begins_with_its_own_turn():
    op = in_turn([lambda: "a", lambda: "b", lambda: "c"], 2)
    assert [op() for _ in range(4)] == list("cabc")


def test_an_op_that_fails_ends_nothing():
    def fails():
        raise ValueError("once")

    op = in_turn([fails, lambda: 1])
    with pytest.raises(ValueError, match="once"):
        op()
    assert op() == 1


def test_an_async_op_gives_its_own_awaitable():
    async def number():
        return 1

    assert asyncio.run(in_turn([number])()) == 1


def test_a_cycle_begins_anew_whenever_its_ops_are_asked_for():
    played: list[int] = []
    cycle = cycle_of(MIX, played)
    for _ in range(2):
        (op,) = cycle.ops()
        for _ in range(3):
            op()
    assert played == [0, 2, 1] * 2


def test_a_turn_is_judged_by_the_answer_that_is_right_then():
    tasks = cycle_of(MIX, []).tasks
    assert [task.cell for task in tasks] == ["shop#a", "shop#b", "shop#a", *["shop#b"] * 2]
    assert [task.expected.calls for task in tasks] == [(call,) for call in CALLS]
    assert {task.expected.accept for task in tasks} == {("str",)}


def test_every_task_warms_up_as_often_whatever_its_share_is():
    played: list[int] = []
    for op in cycle_of(MIX, played).warming(4):
        op()
    assert Counter(played) == {0: 2, 1: 2, 2: 4}


def test_what_is_wrapped_stays_so():
    played: list[int] = []
    cycle = cycle_of(MIX, played)
    cycle.wrap(lambda op: lambda: -op())
    (op,) = cycle.ops()
    assert [op(), op()] == [0, -2]
    (op,) = cycle.ops()
    assert [op(), op()] == [0, -2]


@pytest.mark.parametrize(
    ("clients", "cycle", "turns"), [(1, 5, [0]), (0, 5, [0]), (4, 10, [0, 2, 5, 7])]
)
def test_clients_begin_all_over_the_cycle(clients, cycle, turns):
    assert first_turns(clients, cycle) == turns


def test_clients_share_the_turns_of_a_cycle():
    task = Task("shop#mix", Op.MIX, Expected(CALLS), clients=2, parts=PARTS, turns=TURNS)
    cycle = cycle_of(task, [])
    assert cycle.together() == [[0, 1], [2, 3], [4]]
    first, second = cycle.ops()
    assert [first() for _ in range(5)] == [0, 2, 1, 2, 2]
    assert [second() for _ in range(5)] == [1, 2, 2, 0, 2]


def test_what_is_wrong_says_of_which_task():
    wrong = Judgement(Verdict.LOSSY, Code.WRONG_VALUE, "row 1", facts={"row": 1})
    tasks = cycle_of(MIX, []).tasks
    found = told_apart([EXACT, EXACT, EXACT, wrong, EXACT], MIX, tasks)
    assert [turn is EXACT for turn in found] == [True, True, True, False, True]
    assert found[3].detail == "b: row 1"
    verdicts = {"a": "exact", "b": "lossy"}
    assert found[3].facts == {"row": 1, "task": "b", "tasks": verdicts}


def test_the_calls_of_one_case_are_no_tasks():
    part = Task("shop#a", Op.SEQUENTIAL, Expected())
    whole = Task("shop#a", Op.SEQUENTIAL, Expected(CALLS[:1]), parts=(part,), turns=(0,))
    wrong = Judgement(Verdict.LOSSY, Code.WRONG_VALUE, "row 1")
    assert told_apart([wrong], whole, cycle_of(whole, []).tasks) == [wrong]
