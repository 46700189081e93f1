"""Rows that may come in any order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.core.tables import PgType, Table
from harness.core.verdicts import Verdict
from harness.judge.unordered import in_order
from harness.judge.verify import judge_rows

TABLE = Table(
    ("id", "total", "doc"),
    (PgType("int4"), PgType("numeric"), PgType("jsonb")),
    (("1", "1.50", '{"a": 1}'), ("2", "2.50", None), ("3", "3.00", "[]")),
)
RIGHT: list[tuple[Any, ...]] = [
    (1, Decimal("1.50"), {"a": 1}), (2, Decimal("2.50"), None), (3, Decimal("3.00"), []),
]  # fmt: skip


def test_rows_are_brought_into_the_servers_order() -> None:
    assert judge_rows(TABLE, RIGHT[::-1]).verdict is Verdict.LOSSY
    assert in_order(TABLE, RIGHT[::-1]) == RIGHT
    assert judge_rows(TABLE, in_order(TABLE, RIGHT[::-1])).verdict is Verdict.EXACT


def test_a_wrong_column_is_found_in_its_own_row() -> None:
    """Its values are not those that tell rows apart."""
    floats = [(3, 3.0, []), (1, 1.5, {"a": 1}), (2, 2.5, None)]
    judged = judge_rows(TABLE, in_order(TABLE, floats))
    assert judged.verdict is Verdict.LOSSY
    assert (judged.observed, judged.expected) == ("float: 1.5", "numeric: '1.50'")


def test_equal_rows_count_as_often_as_they_come() -> None:
    table = Table(("a",), (PgType("int4"),), (("1",), ("1",), ("2",)))
    assert judge_rows(table, in_order(table, [(2,), (1,), (1,)])).verdict is Verdict.EXACT
    assert judge_rows(table, in_order(table, [(2,), (2,), (1,)])).verdict is Verdict.LOSSY


def test_rows_of_another_shape_stay_as_they_are() -> None:
    short: list[list[tuple[Any, ...]]] = [[(1, Decimal("1.50"))], [(1,), (2,), (3,)]]
    for rows in short:
        assert in_order(TABLE, rows) == rows
        assert judge_rows(TABLE, in_order(TABLE, rows)).verdict is Verdict.LOSSY


def test_values_that_cannot_be_read_are_judged_and_not_sorted() -> None:
    odd = [(3, object(), []), (1, object(), {"a": 1}), (2, object(), None)]
    judged = judge_rows(TABLE, in_order(TABLE, odd))
    assert judged.verdict is Verdict.LOSSY
    assert judged.facts["row"] == 1
