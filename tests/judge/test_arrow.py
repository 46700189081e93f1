"""Judging an Arrow table: its columns, its values, then the types of its columns."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pyarrow
import pytest

from harness.core.calls import Op
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task
from harness.core.verdicts import Code, Verdict
from harness.judge import answers
from harness.judge.arrow import judge_arrow, rows_of, schema_of


def server(name, *texts, kind="base", element=None):
    """What the server has: one column `v` of a type."""
    pg_type = PgType(name, kind, PgType(element) if element else None)
    return Table(("v",), (pg_type,), tuple((text,) for text in texts))


def arrow(values, kind):
    return pyarrow.table({"v": pyarrow.array(values, kind)})


@pytest.mark.parametrize(
    ("right", "came"),
    [
        (server("int2", "7", None), arrow([7, None], pyarrow.int16())),
        (server("int4", "7"), arrow([7], pyarrow.int32())),
        (server("oid", "4294967295"), arrow([4294967295], pyarrow.uint32())),
        (server("float4", "0.1", "NaN"), arrow([0.1, float("nan")], pyarrow.float32())),
        (server("numeric", "1.10"), arrow([Decimal("1.10")], pyarrow.decimal128(10, 2))),
        (server("text", "é", ""), arrow(["é", ""], pyarrow.large_string())),
        (server("bytea", "\\x00ff"), arrow([b"\0\xff"], pyarrow.binary())),
        (
            server("timestamptz", "2024-02-29 12:00:00+00"),
            arrow(
                [datetime(2024, 2, 29, 12, tzinfo=UTC)],
                pyarrow.timestamp("us", "Asia/Tokyo"),
            ),
        ),
        (
            server("interval", "P1M2DT0.5S"),
            arrow([(1, 2, 500_000_000)], pyarrow.month_day_nano_interval()),
        ),
        (server("jsonb", '{"a": 1}'), arrow(['{"a": 1}'], pyarrow.json_())),
        (
            server("_int4", "{1,NULL}", kind="array", element="int4"),
            arrow([[1, None]], pyarrow.list_(pyarrow.int32())),
        ),
        (
            server("_interval", "{P1M,P2D}", kind="array", element="interval"),
            arrow(
                [[(1, 0, 0), (0, 2, 0)]], pyarrow.list_(pyarrow.month_day_nano_interval())
            ),
        ),
        (
            server("positive", "7", kind="domain", element="int4"),
            arrow([7], pyarrow.int32()),
        ),
        (server("mood", "ok", kind="enum"), arrow(["ok"], pyarrow.string())),
        (server("inet", "192.0.2.1"), arrow(["192.0.2.1"], pyarrow.string())),
        (server("int4"), arrow([], pyarrow.int32())),
    ],
    ids=lambda side: side.types[0].name if isinstance(side, Table) else "",
)
def test_the_usual_arrow_type_is_exact(right, came):
    assert judge_arrow(right, came).verdict is Verdict.EXACT


@pytest.mark.parametrize(
    ("right", "came", "found", "usual"),
    [
        (server("int4", "7"), arrow([7], pyarrow.int64()), "int64", "int32"),
        (server("float4", "0.1"), arrow([0.1], pyarrow.float64()), "double", "float"),
        (
            server("numeric", "1.10"),
            arrow(["1.10"], pyarrow.string()),
            "string",
            "decimal128",
        ),
        (server("int4", None), arrow([None], pyarrow.null()), "null", "int32"),
        (server("int4"), arrow([], pyarrow.int64()), "int64", "int32"),
        (
            server("json", "[1]"),
            arrow([[1]], pyarrow.list_(pyarrow.int64())),
            "list<",
            "json",
        ),
        (
            server("timestamp", "2024-02-29 12:00:00"),
            arrow([datetime(2024, 2, 29, 12)], pyarrow.timestamp("ns")),
            "timestamp[ns]",
            "timestamp[us]",
        ),
        (
            server("_int4", "{1}", kind="array", element="int4"),
            arrow([[1]], pyarrow.list_(pyarrow.int64())),
            "list<item: int64>",
            "list<int32>",
        ),
    ],
)
def test_another_arrow_type_differs(right, came, found, usual):
    judged = judge_arrow(right, came)
    assert (judged.verdict, judged.code) == (Verdict.DIFFERS, Code.WRONG_ARROW_TYPE)
    assert found in judged.observed
    assert usual in judged.expected
    assert judged.facts["column"] == "v"
    allowed = (judged.facts["type"],)
    assert judge_arrow(right, came, allowed).verdict is Verdict.EXACT


@pytest.mark.parametrize(
    ("right", "came", "words"),
    [
        (server("int4", "7"), arrow([8], pyarrow.int32()), "int: 8 instead of int4: '7'"),
        (server("int4", "7"), arrow([8], pyarrow.int64()), "int: 8 instead of int4: '7'"),
        (server("int4", "7"), arrow([None], pyarrow.int32()), "NoneType"),
        (server("oid", "4294967295"), arrow([-1], pyarrow.int32()), "out of the range"),
        (server("text", "1"), arrow([1], pyarrow.int64()), "int"),
        # One scale for the whole column: 1.1 became 1.10.
        (
            server("numeric", "1.1"),
            arrow([Decimal("1.10")], pyarrow.decimal128(3, 2)),
            "Decimal('1.10') instead of numeric: '1.1'",
        ),
        # A wall clock is no instant.
        (
            server("timestamptz", "2024-02-29 12:00:00+00"),
            arrow([datetime(2024, 2, 29, 12)], pyarrow.timestamp("us")),
            "2024",
        ),
        # Python has no such date, so what is stored counts.
        (
            server("date", "infinity"),
            arrow([-2147472692], pyarrow.int32()).cast(
                pyarrow.schema([("v", pyarrow.date32())])
            ),
            "int cannot be date",
        ),
    ],
)
def test_another_value_is_lossy_whatever_the_type(right, came, words):
    judged = judge_arrow(right, came)
    assert (judged.verdict, judged.code) == (Verdict.LOSSY, Code.WRONG_VALUE)
    assert words in judged.detail


def test_values_beside_one_that_python_cannot_hold_are_still_read():
    stored = pyarrow.table({"v": pyarrow.array([0, 2147483647, None], pyarrow.int32())})
    dates = stored.cast(pyarrow.schema([("v", pyarrow.date32())]))
    right = server("date", "1970-01-01", "infinity", None)
    assert judge_arrow(right, dates).facts["row"] == 2
    assert rows_of(dates)[2] == (None,)


PAIR = Table(("id", "id"), (PgType("int4"), PgType("int4")), (("1", "2"),))


@pytest.mark.parametrize(
    ("right", "came", "words"),
    [
        (PAIR, pyarrow.table({"id": [1]}), "the columns id instead of id, id"),
        (server("int4"), pyarrow.table({}), "the columns none instead of v"),
        (server("int4", "1"), pyarrow.table({"V": [1]}), "the columns V instead of v"),
    ],
)
def test_other_columns_are_lossy_also_without_rows(right, came, words):
    judged = judge_arrow(right, came)
    assert (judged.verdict, judged.code) == (Verdict.LOSSY, Code.WRONG_COLUMNS)
    assert words in judged.detail


def test_two_columns_of_one_name_and_none_at_all():
    ints = [pyarrow.array([1], pyarrow.int32()), pyarrow.array([2], pyarrow.int32())]
    assert judge_arrow(PAIR, pyarrow.table(ints, names=["id", "id"])).verdict == "exact"
    nothing = SimpleNamespace(schema=[], columns=[], num_rows=2)
    assert judge_arrow(Table((), (), ((), ())), nothing).verdict == "exact"
    assert judge_arrow(Table((), (), ((),)), nothing).code is Code.ROW_COUNT


def test_a_trait_shows_the_schema():
    task = Task("arrow/types#oid", Op.FETCH_ARROW, Expected())
    came = arrow([1], pyarrow.int32())
    assert answers.rows_of(task, None, came) == schema_of(came) == [("v", "int32")]
