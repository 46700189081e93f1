"""Which part of a native result is judged, and how, by op. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from harness.core.calls import ErrorFields, Op
from harness.core.tables import Table
from harness.core.tasks import Task
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge import arrow, shown, verify
from harness.judge.recorded import without_addresses
from harness.judge.unordered import in_order
from harness.values import describe_type

# Objects of these types may be the same object although they were made anew.
_SHARED = (type(None), bool, int)
_SAMPLE = 3
SEEN_CHARS = 20_000
DONE = "done"
"""What is shown of an op whose result nobody looks at."""


def judge(task: Task, session: Any, native: Any, index: int) -> Judgement:
    """What call number `index` of a task brought, against the server's own answer."""
    calls = task.expected.calls
    tables = calls[index % len(calls)] if calls else ()
    if task.statements and task.op is not Op.EXECUTE:
        return _judge_statements(task, session, native, tables)
    table = tables[0] if tables else None
    if table is None:
        return EXACT
    accept = task.expected.accept
    if task.op.answer == "stream":
        return verify.judge_bytes(table, native, task.format)
    if task.op.answer == "value":
        return verify.judge_value(table, native, accept)
    if task.op.answer == "row":
        return _judge_rows(table, session, [] if native is None else [native], accept)
    if task.op.answer == "rows":
        unordered = task.expected.unordered
        return _judge_rows(table, session, native, accept, unordered=unordered)
    if task.op.answer == "arrow":
        return arrow.judge_arrow(table, native, accept)
    return EXACT


def judge_service(task: Task, session: Any, native: Any, index: int) -> Judgement:
    """What a session service of google-adk brought, against the rows of the statements that
    do the same by hand; `adk_answers` of the session are those rows, a list of each."""
    calls = task.expected.calls
    wanted = [
        table for table in (calls[index % len(calls)] if calls else ()) if table is not None
    ]
    found = session.adk_answers(native, task.adk)
    if len(found) != len(wanted):
        facts = {"results": len(found), "expected_results": len(wanted)}
        detail = f"{len(found)} answers of the service for {len(wanted)} by hand"
        return Judgement(Verdict.LOSSY, Code.RESULT_COUNT, detail, facts=facts)
    return verify.worst(
        verify.judge_rows(table, rows, task.expected.accept)
        for rows, table in zip(found, wanted, strict=True)
    )


def compare_texts(
    task: Task, found: Sequence[Sequence[Sequence[str | None]]], detail: str
) -> Judgement:
    """The rows of every call of a cycle, as texts, against the server's own answer."""
    wanted = [call[0].rows if call[0] else () for call in task.expected.calls]
    got = [tuple(map(tuple, rows)) for rows in found]
    for number, (returned, expected) in enumerate(zip_longest(got, wanted)):
        if returned != expected:
            return Judgement(
                Verdict.LOSSY,
                Code.WRONG_VALUE,
                f"call {number} returned other rows than the server has",
                shown.shorten(repr(returned)),
                shown.shorten(repr(expected)),
                {"call": number},
            )
    return Judgement(Verdict.EXACT, Code.RIGHT, detail)


def rows_of(task: Task, session: Any, native: Any) -> Any:
    """What a trait shows of a native result: the value, the rows as tuples, or the names
    and types of an Arrow table."""
    if task.op.answer == "arrow":
        return arrow.schema_of(native)
    if task.op.answer == "rows":
        return list(session.rows(native))
    if task.op.answer == "row":
        return next(iter(session.rows([native])), None)
    return native if task.op.answer == "value" else None


def seen(task: Task, native: Any) -> dict[str, Any]:
    """What an op brought, for `pgdyno show`: its type and its repr, as the library has it.

    A reproduction in plain code prints the same repr, so addresses are taken out. Of a
    long one the beginning is kept, and how long it was.
    """
    looked_at = task.op.answer != "nothing"
    text = without_addresses(repr(native)) if looked_at else DONE
    kind = describe_type(native) if looked_at else ""
    return {"type": kind, "repr": text[:SEEN_CHARS], "chars": len(text)}


def seen_error(fields: ErrorFields, error: BaseException) -> dict[str, Any]:
    """An exception that an op raised, for `pgdyno show`."""
    return {
        "raised": verify.class_of(error),
        "sqlstate": fields.sqlstate,
        "message": fields.message[:SEEN_CHARS],
    }


def _judge_statements(
    task: Task, session: Any, native: Any, tables: tuple[Table | None, ...]
) -> Judgement:
    if not isinstance(native, list | tuple) or len(native) != len(tables):
        several = isinstance(native, list | tuple)
        got = len(native) if several else type(native).__name__
        facts = {"results": got if several else None, "expected_results": len(tables)}
        detail = f"{got} results for {len(tables)} statements"
        return Judgement(Verdict.LOSSY, Code.RESULT_COUNT, detail, facts=facts)
    return verify.worst(
        _judge_rows(table, session, result, task.expected.accept)
        for result, table in zip(native, tables, strict=True)
        if table is not None
    )


def _judge_rows(
    table: Table,
    session: Any,
    native: Any,
    accept: tuple[str, ...],
    *,
    unordered: bool = False,
) -> Judgement:
    rows = session.rows(native)
    judged = verify.judge_rows(table, rows, accept)
    if unordered and not judged.verdict.timeable:
        judged = verify.judge_rows(table, in_order(table, rows), accept)
    if judged.verdict.timeable and not _settled(rows, session.rows(native)):
        return Judgement(
            Verdict.BROKEN,
            Code.DECODED_LATE,
            "the rows are decoded after the op, so the op does not do its work",
        )
    return judged


def _settled(once: Sequence[Sequence[Any]], again: Sequence[Sequence[Any]]) -> bool:
    """Whether reading a result twice gives the same objects: it was decoded before."""
    if len(once) != len(again):
        return False
    pairs = (
        (before, after)
        for first, second in zip(once[:_SAMPLE], again[:_SAMPLE], strict=True)
        for before, after in zip(first, second, strict=True)
    )
    return all(
        before is after for before, after in pairs if not isinstance(before, _SHARED)
    )
