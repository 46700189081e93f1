"""What a session service brought, against the rows of the statements by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from harness.core.calls import Op
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task
from harness.core.verdicts import Code, Judgement, Verdict
from harness.judge.answers import judge_service

SESSION = Table(("id",), (PgType("text"),), (("s",),))
EVENTS = Table(("id", "n"), (PgType("text"), PgType("int4")), (("e1", "1"), ("e2", "2")))


def judge(found: list[Any], *tables: Table | None) -> Judgement:
    """The judgement of answers for statements of which the first brings nothing."""
    expected = Expected(calls=((None, *tables),))
    task = Task("own#case", Op.TRANSACTION, expected, adk="get_session")
    asked: list[tuple[Any, str]] = []
    session = SimpleNamespace(
        adk_answers=lambda native, name: asked.append((native, name)) or found
    )
    judged = judge_service(task, session, "native", 5)
    assert asked == [("native", "get_session")]
    return judged


def test_statements_that_bring_rows_are_compared_in_order() -> None:
    right = [[("s",)], [("e1", 1), ("e2", 2)]]
    assert judge(right, SESSION, EVENTS).verdict is Verdict.EXACT
    assert judge(right[::-1], SESSION, EVENTS).verdict is Verdict.LOSSY


def test_an_answer_that_is_missing_is_counted() -> None:
    judged = judge([[("s",)]], SESSION, EVENTS)
    assert (judged.verdict, judged.code) == (Verdict.LOSSY, Code.RESULT_COUNT)
    assert judged.detail == "1 answers of the service for 2 by hand"


def test_the_oldest_events_are_not_the_newest() -> None:
    assert judge([[("e0", 0), ("e1", 1)]], EVENTS).verdict is Verdict.LOSSY


def test_a_write_brings_nothing() -> None:
    assert judge([]).verdict is Verdict.EXACT
