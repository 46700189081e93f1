"""Judging: a wrong value is lossy, a right one of another type differs."""

from __future__ import annotations

import csv
import io
import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.calls import ErrorFields
from harness.core.expect import ExpectedError
from harness.core.tables import PgType, Table
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge.verify import (
    judge_bytes,
    judge_error,
    judge_no_error,
    judge_rows,
    judge_value,
    show,
    worst,
)
from harness.values import Range, parse

INT, TEXT, NUMERIC, JSONB = (PgType(name) for name in ("int4", "text", "numeric", "jsonb"))
INTS = PgType("_int4", "array", INT)
JSONS = PgType("_jsonb", "array", JSONB)
COLUMNS = ("id", "body", "price")


def table(*rows, types=(INT, TEXT, NUMERIC)):
    return Table(COLUMNS[: len(types)], tuple(types), tuple(rows))


def one(pg_type, text):
    return Table(("value",), (pg_type,), ((text,),))


def verdict_of(pg_type, text, value, accept=()):
    return judge_rows(one(pg_type, text), [(value,)], accept).verdict


RIGHT = table(("1", "a", "1.10"), ("2", None, "2.00"))
ROWS = [(1, "a", Decimal("1.10")), (2, None, Decimal("2.00"))]


def test_right_rows_are_exact():
    assert judge_rows(RIGHT, ROWS) == EXACT
    assert judge_rows(table(), []).verdict == "exact"


def test_records_and_lists_are_rows_too():
    assert judge_rows(RIGHT, [list(row) for row in ROWS]).verdict == "exact"
    assert judge_rows(RIGHT, tuple(ROWS)).verdict == "exact"


@pytest.mark.parametrize(
    ("rows", "detail"),
    [
        (ROWS[:1], "1 row instead of 2"),
        ([*ROWS, ROWS[0]], "3 rows instead of 2"),
        ([ROWS[0], (2, None)], "row 2: 2 columns instead of 3"),
        (ROWS[::-1], "row 1, column id: int: 2 instead of int4: '1'"),
        (
            [ROWS[0], (2, "", Decimal("2.00"))],
            "row 2, column body: str: '' instead of text: NULL",
        ),
        ([ROWS[0], (None, None, Decimal(2))], "row 2, column id: NoneType: None"),
        (
            [(1, "a", Decimal("1.1")), ROWS[1]],
            "row 1, column price: Decimal: Decimal('1.1')",
        ),
        (
            [(True, "a", Decimal("1.10")), ROWS[1]],
            "row 1, column id: bool cannot be int4",
        ),
        ([(1, 5, Decimal("1.10")), ROWS[1]], "row 1, column body: int cannot be text"),
    ],
)
def test_wrong_rows_are_lossy_and_say_where(rows, detail):
    judged = judge_rows(RIGHT, rows)
    assert judged.verdict == "lossy"
    assert judged.detail.startswith(detail)


def test_large_numbers_of_rows_are_readable():
    many = Table(("id",), (INT,), (("1",),) * 10_000)
    assert judge_rows(many, [(1,)] * 9_999).detail == "9,999 rows instead of 10,000"


@pytest.mark.parametrize(
    ("text", "value", "verdict"),
    [
        ("10000", Decimal("10000"), "exact"),
        ("10000", Decimal("1E+4"), "differs"),
        ("120000", Decimal("12E+4"), "differs"),
        ("0", Decimal("0E+3"), "differs"),
        ("0", Decimal("-0"), "differs"),
        ("0.0000000000", Decimal("0E-10"), "exact"),
        ("0.0000001", Decimal("1E-7"), "exact"),
        ("1.10", Decimal("1.1"), "lossy"),
        ("NaN", Decimal("NaN"), "exact"),
        ("NaN", Decimal("-NaN"), "differs"),
        ("-Infinity", Decimal("-Infinity"), "exact"),
    ],
)
def test_a_decimal_must_be_written_as_python_reads_the_server_s_text(text, value, verdict):
    table = Table(("price",), (PgType("numeric"),), ((text,), (text,)))
    judged = judge_rows(table, [(Decimal(text),), (value,)])
    assert judged.verdict == verdict
    if verdict == "differs":
        assert f"{value!r} is the same value, written otherwise than" in judged.detail


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("array", "{10000,1}", [Decimal("1E+4"), Decimal(1)]),
        ("array", "{{10000},{1}}", [[Decimal("1E+4")], [Decimal(1)]]),
        ("range", "[1,10000)", Range(Decimal(1), Decimal("1E+4"))),
    ],
)
def test_the_form_counts_inside_of_others(kind, text, value):
    table = Table(("price",), (PgType("x", kind, PgType("numeric")),), ((text,),))
    judged = judge_rows(table, [(value,)])
    assert judged.verdict == "differs"
    assert "written otherwise than x" in judged.detail


def test_another_type_differs_unless_accepted():
    rows = [(1, "a", "1.10"), (2, None, "2.00")]
    judged = judge_rows(RIGHT, rows)
    assert judged.verdict == "differs"
    assert judged.detail == "column price: str instead of Decimal"
    assert judged.observed == "str: '2.00'"
    assert judged.expected == "numeric: '2.00'"
    assert judge_rows(RIGHT, rows, accept=("str",)).verdict == "exact"
    assert judge_rows(RIGHT, rows, accept=("bytes",)).verdict == "differs"


def test_one_odd_value_in_a_column_is_found():
    rows = [*ROWS[:1], (2, None, 2.0)]
    assert judge_rows(RIGHT, rows).verdict == "lossy"
    whole = table(("1", "a", "1.10"), ("2", None, "2"))
    assert judge_rows(whole, rows).verdict == "differs"


def test_a_wrong_value_outweighs_another_type():
    judged = judge_rows(RIGHT, [("1", "a", Decimal("1.10")), ("2", "b", Decimal("2.00"))])
    assert judged.verdict == "lossy"
    assert "column body" in judged.detail


def test_observed_and_expected_are_short():
    judged = judge_rows(one(TEXT, "x" * 10_000_000), [("y" * 10_000_000,)])
    assert len(judged.observed) == len(judged.expected) == len(judged.detail) == 200
    assert judged.observed.startswith("str: 'yyy")
    assert judged.observed.endswith("…")


@pytest.mark.parametrize("surrogate", ["\ud800", "a\0b"])
def test_observed_can_be_stored(surrogate):
    judge_rows(one(TEXT, "a"), [(surrogate,)]).observed.encode()


# -- JSON: two readings of a str ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "verdict"),
    [
        ('{"a": 1}', {"a": 1}, "exact"),
        ('{"a": 1}', '{"a":1}', "differs"),
        ('{"a": 1}', '{"a":2}', "lossy"),
        ('{"a": 1}', b'{"a":1}', "differs"),
        ('"abc"', "abc", "exact"),
        ('"abc"', '"abc"', "differs"),
        ('"abc"', "abd", "lossy"),
        ('"1"', "1", "exact"),
        ('"1"', '"1"', "differs"),
        ('"1"', 1, "lossy"),
        ("1", 1, "exact"),
        ("1", 1.0, "exact"),
        ("1", "1", "differs"),
        ("1", True, "lossy"),
        ("1.10", 1.1, "exact"),
        ("12345678901234567890.123", 12345678901234567890.123, "lossy"),
        ("null", None, "exact"),
        ("null", "null", "differs"),
        ("null", "", "lossy"),
        (None, None, "exact"),
        (None, "null", "lossy"),
        (None, {}, "lossy"),
        ("{}", None, "lossy"),
        ('{"a": null}', {"a": None}, "exact"),
        ('{"a": null}', {}, "lossy"),
    ],
)
def test_json(text, value, verdict):
    assert verdict_of(JSONB, text, value) == verdict


def test_json_in_arrays_has_the_same_readings():
    text = '{"{\\"a\\": 1}","\\"s\\"",NULL}'
    assert verdict_of(JSONS, text, [{"a": 1}, "s", None]) == "exact"
    assert verdict_of(JSONS, text, ['{"a": 1}', '"s"', None]) == "differs"
    assert verdict_of(JSONS, text, ['{"a": 2}', '"s"', None]) == "lossy"


def test_json_lossy_tells_the_first_wrong_row_of_the_reading_that_was_meant():
    rows = Table(("v",), (JSONB,), (('{"a": 1}',), ('{"a": 2}',)))
    judged = judge_rows(rows, [('{"a": 1}',), ('{"a": 9}',)])
    assert judged.detail.startswith("row 2, column v")


# -- values that must be kept apart ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value", "verdict"),
    [
        ("float4", "0.1", 0.10000000149011612, "exact"),
        ("float8", "-0", 0.0, "lossy"),
        ("float8", "NaN", float("nan"), "exact"),
        ("float8", "1.5", Decimal("1.5"), "differs"),
        ("bytea", "\\x00ff", memoryview(b"\0\xff"), "differs"),
        ("timestamptz", "infinity", datetime.max, "lossy"),
        ("timestamptz", "2024-01-01 00:00:00+00", datetime(2024, 1, 1), "lossy"),
        (
            "timestamptz",
            "2024-01-01 00:00:00+00",
            datetime(2024, 1, 1, tzinfo=UTC),
            "exact",
        ),
        ("date", "2024-01-01", datetime(2024, 1, 1), "differs"),
        ("interval", "P1M", timedelta(30), "lossy"),
        ("interval", "PT25H", timedelta(1, 3600), "exact"),
        ("uuid", str(UUID(int=1)), str(UUID(int=1)), "differs"),
        ("uuid", str(UUID(int=1)), str(UUID(int=2)), "lossy"),
        ("bpchar", "a  ", "a", "lossy"),
        ("char", "", "\0", "exact"),
        ("void", "", None, "exact"),
        ("void", "", "", "exact"),
        ("void", "", "x", "lossy"),
        ("vector", "[1,2]", [1.0, 2.0], "exact"),
        ("vector", "[1,2]", "[1,2]", "differs"),
        ("vector", "[1,2]", "[1,3]", "lossy"),
    ],
)
def test_values(name, text, value, verdict):
    assert verdict_of(PgType(name), text, value) == verdict


def test_arrays_are_looked_into():
    assert verdict_of(INTS, "{1,NULL}", [1, None]) == "exact"
    assert verdict_of(INTS, "{1,NULL}", (1, None)) == "differs"
    assert verdict_of(INTS, "{1,NULL}", ["1", None]) == "differs"
    assert verdict_of(INTS, "{1,NULL}", ["1", None], ("list[str]",)) == "exact"
    assert verdict_of(INTS, "{1,NULL}", "{1,NULL}") == "differs"
    assert verdict_of(INTS, "{1,NULL}", [1, 0]) == "lossy"
    assert verdict_of(INTS, "{1,NULL}", [True, None]) == "lossy"


TYPED = {
    INT: st.integers(-(2**31), 2**31 - 1).map(str),
    PgType("float8"): st.floats(allow_nan=False, allow_infinity=False).map(repr),
    PgType("bytea"): st.binary(max_size=8).map(lambda raw: "\\x" + raw.hex()),
    PgType("uuid"): st.uuids().map(str),
    PgType("date"): st.dates().map(str),
    NUMERIC: st.decimals(0, 999, places=2).map(str),
    INTS: st.lists(st.integers(0, 9), max_size=3).map(
        lambda i: f"{{{','.join(map(str, i))}}}"
    ),
}
two_texts = st.sampled_from(list(TYPED)).flatmap(
    lambda t: st.tuples(st.just(t), TYPED[t], TYPED[t]).filter(lambda x: x[1] != x[2])
)


@given(two_texts)
def test_right_values_are_never_lossy_and_wrong_ones_always(case):
    pg_type, right, wrong = case
    assert verdict_of(pg_type, right, parse(pg_type, right)) == "exact"
    assert verdict_of(pg_type, right, right) == "differs"
    assert verdict_of(pg_type, right, parse(pg_type, wrong)) == "lossy"
    assert verdict_of(pg_type, right, wrong) == "lossy"
    assert verdict_of(pg_type, right, wrong, accept=("str",)) == "lossy"
    assert verdict_of(pg_type, right, None) == "lossy"
    assert verdict_of(pg_type, None, parse(pg_type, right)) == "lossy"


@given(st.lists(two_texts, min_size=1, max_size=5), st.integers(0, 7), st.data())
def test_one_wrong_value_among_many_is_found_where_it_is(columns, height, data):
    types = tuple(pg_type for pg_type, _, _ in columns)
    names = tuple(f"c{index}" for index in range(len(types)))
    rows = (tuple(right for _, right, _ in columns),) * (height + 1)
    values = [[parse(t, text) for t, text in zip(types, row, strict=True)] for row in rows]
    assert judge_rows(Table(names, types, rows), values).verdict == "exact"
    row = data.draw(st.integers(0, height))
    column = data.draw(st.integers(0, len(types) - 1))
    values[row][column] = parse(types[column], columns[column][2])
    judged = judge_rows(Table(names, types, rows), values)
    assert judged.verdict == "lossy"
    assert judged.detail.startswith(f"row {row + 1}, column c{column}: ")


# -- results that cannot be read, expectations that cannot -------------------------------


class Panic(BaseException):
    pass


class Broken:
    def __getattribute__(self, name):
        raise RuntimeError("decoder died\nsecond line")


def raising():
    yield (1, "a", Decimal("1.10"))
    raise RuntimeError("connection lost\nmore")


def test_rows_that_raise_are_broken():
    judged = judge_rows(RIGHT, raising())
    assert judged.verdict == "broken"
    assert judged.detail == "reading the rows raised RuntimeError: connection lost"


def test_a_value_that_raises_is_broken():
    judged = judge_rows(one(INT, "1"), [(Broken(),)])
    assert judged.verdict == "broken"
    assert "row 1, column value" in judged.detail
    assert "decoder died" in judged.detail


def test_an_unreadable_expectation_is_our_fault():
    judged = judge_rows(one(PgType("interval"), "a while"), [(timedelta(),)])
    assert judged.verdict == "invalid"
    assert "interval" in judged.detail


def test_show_is_the_same_in_every_run():
    assert show(memoryview(b"ab")) == "memoryview: b'ab'"
    assert show([memoryview(b"ab")]) == "list[memoryview]: [<memory>]"


def test_show_survives_anything():
    class Silent:
        def __repr__(self):
            raise ValueError

    assert show(Silent()).endswith("unreadable, ValueError")


# -- fetch_val ---------------------------------------------------------------------------


def test_judge_value():
    assert judge_value(RIGHT, 1).verdict == "exact"
    assert judge_value(RIGHT, "1").verdict == "differs"
    assert judge_value(RIGHT, "1", accept=("str",)).verdict == "exact"
    assert judge_value(RIGHT, 2).verdict == "lossy"
    assert judge_value(RIGHT, None).verdict == "lossy"
    assert judge_value(table(), None).verdict == "exact"
    assert judge_value(table(), 1).verdict == "lossy"


# -- COPY TO -----------------------------------------------------------------------------

AWKWARD = table(("1", 'tab\t nl\n bs\\ q" ,;', "1.10"), ("2", "", None), ("3", None, "2"))
AWKWARD_TEXT = b'1\ttab\\t nl\\n bs\\\\ q" ,;\t1.10\n2\t\t\\N\n3\t\\N\t2\n'
AWKWARD_CSV = b'1,"tab\t nl\n bs\\ q"" ,;",1.10\n2,"",\n3,,2\n'


@pytest.mark.parametrize(
    ("stream", "format"),
    [
        (AWKWARD_TEXT, "text"),
        (AWKWARD_TEXT.replace(b"\\t", b"\\x09").replace(b"\\n", b"\\012"), "text"),
        (AWKWARD_TEXT + b"\\.\n", "text"),
        (AWKWARD_TEXT.decode(), "text"),
        ([memoryview(AWKWARD_TEXT[:7]), AWKWARD_TEXT[7:]], "text"),
        (AWKWARD_CSV, "csv"),
        (AWKWARD_CSV.replace(b'"\n', b'"\r\n'), "csv"),
    ],
)
def test_streams_are_read_back(stream, format):
    assert judge_bytes(AWKWARD, stream, format) == EXACT


@pytest.mark.parametrize(
    ("stream", "format", "detail"),
    [
        (AWKWARD_TEXT.replace(b"\\N", b"", 1), "text", "row 2, column price"),
        (AWKWARD_TEXT.replace(b"2\t\t", b"2\t\\N\t"), "text", "row 2, column body"),
        (AWKWARD_TEXT.replace(b"1.10", b"1.1"), "text", "row 1, column price"),
        (
            AWKWARD_TEXT[:-1],
            "text",
            "the text stream is malformed: the last line has no end",
        ),
        (AWKWARD_TEXT[:-7], "text", "2 rows instead of 3"),
        (AWKWARD_TEXT.replace(b"3\t", b"3\t\t"), "text", "row 3: 4 columns instead of 3"),
        (b"\xff\n", "text", "the text stream is malformed: no UTF-8"),
        (AWKWARD_CSV.replace(b'2,""', b"2,"), "csv", "row 2, column body"),
        (AWKWARD_CSV.replace(b"3,,", b'3,"",'), "csv", "row 3, column body"),
        (b'1,"open', "csv", "the csv stream is malformed: no CSV"),
        (b"", "csv", "0 rows instead of 3"),
        (AWKWARD_TEXT, "binary", "the binary stream is malformed: no COPY signature"),
    ],
)
def test_wrong_streams_are_lossy(stream, format, detail):
    judged = judge_bytes(AWKWARD, stream, format)
    assert judged.verdict == "lossy"
    assert judged.detail.startswith(detail)


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))


@given(st.lists(st.tuples(plain, plain), max_size=4))
def test_csv_reads_what_a_csv_writer_writes(rows):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    expected = Table(("a", "b"), (TEXT, TEXT), tuple(rows))
    assert judge_bytes(expected, out.getvalue(), "csv").verdict == "exact"


def test_streams_without_columns():
    nothing = Table((), (), ((), ()))
    assert judge_bytes(nothing, b"\n\n", "text").verdict == "exact"
    assert judge_bytes(nothing, b"\n\n", "csv").verdict == "exact"
    assert judge_bytes(nothing, b"\n", "text").verdict == "lossy"


@pytest.mark.parametrize(
    ("text", "field", "verdict"),
    [
        ('"1"', '"1"', "exact"),
        ('"1"', "1", "lossy"),
        ("null", "null", "exact"),
        ("null", r"\N", "lossy"),
        (None, r"\N", "exact"),
        (None, "null", "lossy"),
        ('{"a": 1.10}', '{"a":1.1}', "exact"),
        ("{}", "{", "lossy"),
    ],
)
def test_json_in_a_stream_is_always_the_document(text, field, verdict):
    expected = Table(("v",), (JSONB,), ((text,),))
    assert judge_bytes(expected, f"{field}\n".encode(), "text").verdict == verdict


def test_one_null_column_is_an_empty_csv_line():
    expected = Table(("a",), (TEXT,), ((None,), ("",)))
    assert judge_bytes(expected, b'\n""\n', "csv").verdict == "exact"
    assert judge_bytes(expected, b"\n\n", "csv").verdict == "lossy"


HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!II", 0, 0)
TRAILER = b"\xff\xff"


def binary(*rows):
    body = b""
    for row in rows:
        body += struct.pack("!h", len(row))
        for raw in row:
            body += (
                struct.pack("!i", -1) if raw is None else struct.pack("!i", len(raw)) + raw
            )
    return HEADER + body + TRAILER


def numeric(weight, sign, scale, *groups):
    return struct.pack(f"!HhHH{len(groups)}H", len(groups), weight, sign, scale, *groups)


def days(day):
    return (day - date(2000, 1, 1)).days


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("int2", b"\xff\xff", "-1"),
        ("int8", b"\x7f" + b"\xff" * 7, str(2**63 - 1)),
        ("bool", b"\1", "t"),
        ("float4", struct.pack("!f", 0.1), "0.1"),
        ("float8", struct.pack("!d", -0.0), "-0"),
        ("text", "é".encode(), "é"),
        ("bytea", b"\0\xff", "\\x00ff"),
        ("uuid", UUID(int=5).bytes, str(UUID(int=5))),
        ("jsonb", b'\1{"a": 1}', '{"a": 1}'),
        ("jsonb", b"\1null", "null"),
        ("date", struct.pack("!i", days(date(1999, 12, 31))), "1999-12-31"),
        ("date", struct.pack("!i", days(date(1, 1, 1)) - 1), "0001-12-31 BC"),
        ("date", struct.pack("!i", 2**31 - 1), "infinity"),
        ("timestamp", struct.pack("!q", 1_500_000), "2000-01-01 00:00:01.5"),
        ("timestamptz", struct.pack("!q", -1), "1999-12-31 23:59:59.999999+00"),
        ("timestamptz", struct.pack("!q", -(2**63)), "-infinity"),
        ("numeric", numeric(0, 0, 2, 1, 1000), "1.10"),
        ("numeric", numeric(1, 0x4000, 0, 12), "-120000"),
        ("numeric", numeric(-1, 0, 5, 12, 3000), "0.00123"),
        ("numeric", numeric(0, 0, 3), "0.000"),
        ("numeric", numeric(0, 0xC000, 0), "NaN"),
    ],
)
def test_binary_values(name, raw, text):
    expected = one(PgType(name), text)
    assert judge_bytes(expected, binary((raw,)), "binary") == EXACT
    assert judge_bytes(expected, binary((None,)), "binary").verdict == "lossy"


ONE = Table(("id", "body"), (INT, TEXT), (("1", "a"), ("2", None)))
ONE_ROWS = ((b"\0\0\0\1", b"a"), (b"\0\0\0\2", None))


@pytest.mark.parametrize(
    ("stream", "detail"),
    [
        (
            binary(*ONE_ROWS)[:-2],
            "the binary stream is malformed: the stream has no trailer",
        ),
        (
            binary(*ONE_ROWS) + b"x",
            "the binary stream is malformed: 1 bytes after the trailer",
        ),
        (binary(*ONE_ROWS)[:30], "the binary stream is malformed: a field is cut off"),
        (HEADER[:12], "the binary stream is malformed: the header is cut off"),
        (binary(ONE_ROWS[0]), "1 row instead of 2"),
        (binary(ONE_ROWS[0], (b"\0\0\0\2",)), "row 2: 1 column instead of 2"),
        (binary(ONE_ROWS[0], (b"\0\0\0\3", None)), "row 2, column id"),
        (
            binary(ONE_ROWS[0], (b"\0\2", None)),
            "the binary stream is malformed: a field cannot",
        ),
    ],
)
def test_wrong_binary_streams_are_lossy(stream, detail):
    assert judge_bytes(ONE, binary(*ONE_ROWS), "binary").verdict == "exact"
    judged = judge_bytes(ONE, stream, "binary")
    assert judged.verdict == "lossy"
    assert judged.detail.startswith(detail)


def test_unknown_binary_types_are_judged_by_null_and_say_so():
    expected = Table(("id", "spot"), (INT, PgType("point")), (("1", "(1,2)"), ("2", None)))
    right = binary((b"\0\0\0\1", b"?" * 16), (b"\0\0\0\2", None))
    judged = judge_bytes(expected, right, "binary")
    assert judged.verdict == "exact"
    assert judged.detail == "binary values not compared, only NULLs: spot"
    wrong = binary((b"\0\0\0\1", None), (b"\0\0\0\2", None))
    assert judge_bytes(expected, wrong, "binary").verdict == "lossy"


def test_a_stream_that_raises_is_broken():
    judged = judge_bytes(
        RIGHT, (b"" for _ in [1 / len([])] if False) if False else failing()
    )
    assert judged.verdict == "broken"


def failing():
    yield b"1\t"
    raise OSError("gone")


# -- errors ------------------------------------------------------------------------------

DUPLICATE = ExpectedError("23505", constraint="users_pkey", table="users")
TOLD = ErrorFields("23505", "duplicate key\nDETAIL: …", "users_pkey", "users")


@pytest.mark.parametrize(
    ("expected", "rejected", "fields", "error", "verdict"),
    [
        (DUPLICATE, False, TOLD, ValueError(), "exact"),
        (DUPLICATE, False, ErrorFields("23505", "m", "", "users"), ValueError(), "differs"),
        (
            DUPLICATE,
            False,
            ErrorFields("23505", "m", "other", "users"),
            ValueError(),
            "lossy",
        ),
        (DUPLICATE, False, ErrorFields("42P01"), ValueError(), "rejected"),
        (DUPLICATE, False, ErrorFields(), ValueError(), "rejected"),
        (DUPLICATE, False, TOLD, Panic(), "broken"),
        (ExpectedError("", constraint="c"), False, ErrorFields(), ValueError(), "differs"),
        (ExpectedError("", table="users"), False, TOLD, ValueError(), "exact"),
        (None, True, ErrorFields(), ValueError("no NUL"), "exact"),
        (None, True, ErrorFields(), Panic(), "broken"),
        (None, False, ErrorFields(), ValueError("no"), "rejected"),
        (None, False, ErrorFields(), MemoryError(), "rejected"),
        (None, False, ErrorFields(), RecursionError("deep"), "rejected"),
        (None, False, ErrorFields(), Panic("unwrap on None"), "broken"),
    ],
)
def test_judge_error(expected, rejected, fields, error, verdict):
    assert judge_error(expected, rejected, fields, error).verdict == verdict


def test_a_rejection_tells_class_sqlstate_and_first_line():
    fields = ErrorFields("22P02", "invalid input\nLINE 1")
    judged = judge_error(None, False, fields, ValueError("long text"))
    assert judged.detail == "ValueError [22P02]: invalid input"
    assert judge_error(None, False, ErrorFields(), MemoryError()).detail == "MemoryError"


def test_a_rejection_of_the_wrong_kind_tells_both_states():
    judged = judge_error(DUPLICATE, False, ErrorFields("42P01", "no table"), ValueError())
    assert judged.detail == "SQLSTATE 42P01 instead of 23505: ValueError [42P01]: no table"
    assert judged.expected == "SQLSTATE 23505"


def test_silence_where_an_error_had_to_come_is_lossy():
    assert judge_no_error(DUPLICATE).detail == "no error came, expected SQLSTATE 23505"
    assert judge_no_error(ExpectedError("")).detail == "no error came, expected an error"
    assert judge_no_error(None).verdict == "lossy"


def test_silence_tells_what_came_instead():
    judged = judge_no_error(DUPLICATE, [[7]])
    assert (
        judged.detail == "no error came but list[list[int]]: [[7]]; expected SQLSTATE 23505"
    )
    assert judged.observed == "no error: list[list[int]]: [[7]]"
    assert judged.expected == "SQLSTATE 23505"


def test_worst():
    found = [
        Judgement(Verdict(v), Code.UNKNOWN) for v in ("exact", "differs", "broken", "lossy")
    ]
    assert worst(found).verdict == "broken"
    assert worst([]).verdict == "exact"
    assert worst([*found, Judgement(Verdict.INVALID, Code.UNKNOWN)]).verdict == "invalid"
    first, second = (Judgement(Verdict.LOSSY, Code.WRONG_VALUE, text) for text in "ab")
    assert worst([first, second]) is first
