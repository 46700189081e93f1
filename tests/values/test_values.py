"""The value table: equal exactly when the canonical texts are equal."""

from __future__ import annotations

import enum
import ipaddress
import json
import struct
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.tables import PgType
from harness.values import (
    NotCanonical,
    Range,
    canonical,
    canonical_text,
    construct,
    converter,
    describe_type,
    form,
    habit,
    parse,
)
from harness.values.arrow import plain_arrow, usual_arrow


def base(name):
    return PgType(name)


def array(element):
    element = base(element) if isinstance(element, str) else element
    return PgType("_" + element.name, "array", element)


def range_of(name, part):
    return PgType(name, "range", base(part))


INT4RANGE = range_of("int4range", "int4")
MULTIRANGE = PgType("int4multirange", "multirange", INT4RANGE)
PAIR = PgType("pair", "composite", fields=(("a", base("int4")), ("b", base("text"))))
MOOD = PgType("mood", "enum")
POSITIVE = PgType("positive", "domain", base("int4"))


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- what the server writes, per type; each text is one value, each value one text -------

plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numerics = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(
    lambda number: format(number if number else abs(number), "f")
)
float8s = st.floats(allow_nan=False).map(
    lambda number: repr(number).replace("inf", "Infinity").removesuffix(".0")
)
moments = st.datetimes().map(
    lambda moment: moment.isoformat(" ").rstrip("0") if moment.microsecond else str(moment)
)
clocks = st.times().map(lambda t: t.isoformat().rstrip("0") if t.microsecond else str(t))
INJECTIVE = {
    base("int8"): st.integers(-(2**63), 2**63 - 1).map(str),
    base("numeric"): numerics | st.sampled_from(["NaN", "Infinity", "-Infinity"]),
    base("float8"): float8s | st.just("NaN"),
    base("text"): plain_text,
    base("bytea"): st.binary(max_size=20).map(lambda raw: "\\x" + raw.hex()),
    base("uuid"): st.uuids().map(str),
    base("date"): st.dates().map(str) | st.sampled_from(["infinity", "0044-03-15 BC"]),
    base("timestamp"): moments | st.sampled_from(["infinity", "0044-03-15 00:00:00 BC"]),
    base("timestamptz"): moments.map(lambda t: t + "+00") | st.just("-infinity"),
    base("time"): clocks | st.just("24:00:00"),
    base("bool"): st.sampled_from("tf"),
    base("inet"): (st.ip_addresses()).map(str),
    array("text"): st.lists(plain_text | st.none(), max_size=4).map(
        lambda items: (
            "{" + ",".join("NULL" if i is None else quoted(i) for i in items) + "}"
        )
    ),
    array("int4"): st.lists(st.integers(-9, 9), max_size=4).map(
        lambda items: "{" + ",".join(map(str, items)) + "}"
    ),
    PAIR: st.tuples(st.integers(-9, 9), plain_text).map(
        lambda pair: f"({pair[0]},{quoted(pair[1])})"
    ),
}
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_text,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(plain_text, one, max_size=3),
    max_leaves=8,
)
typed_texts = st.sampled_from(list(INJECTIVE)).flatmap(
    lambda pg_type: st.tuples(st.just(pg_type), INJECTIVE[pg_type])
)
typed_pairs = st.sampled_from(list(INJECTIVE)).flatmap(
    lambda t: st.tuples(st.just(t), INJECTIVE[t], INJECTIVE[t]).filter(
        lambda x: x[1] != x[2]
    )
)


@given(typed_texts)
def test_the_parsed_value_has_the_canonical_text_of_the_servers(typed):
    pg_type, text = typed
    assert canonical(pg_type, parse(pg_type, text)) == canonical_text(pg_type, text)


@given(typed_texts)
def test_the_servers_own_text_is_the_same_value(typed):
    pg_type, text = typed
    assert canonical(pg_type, text) == canonical_text(pg_type, text)


@given(typed_pairs)
def test_two_values_never_share_a_canonical_text(typed):
    pg_type, one, other = typed
    assert canonical_text(pg_type, one) != canonical_text(pg_type, other)
    assert canonical(pg_type, parse(pg_type, one)) != canonical_text(pg_type, other)


@given(documents)
def test_a_decoded_document_equals_its_text_whatever_the_layout(document):
    text = json.dumps(document)
    for layout in (text, json.dumps(document, indent=1, ensure_ascii=False)):
        found = canonical_text(base("jsonb"), layout)
        assert found == canonical_text(base("jsonb"), text)
        if document is not None and not isinstance(document, str):
            assert canonical(base("jsonb"), document) == found
            assert canonical(base("jsonb"), layout) == found


@given(st.datetimes(), st.integers(-86399, 86399))
def test_an_instant_is_the_same_in_every_zone(moment, offset_s):
    zone = timezone(timedelta(seconds=offset_s))
    shifted = moment.replace(tzinfo=UTC)
    try:
        shifted = shifted.astimezone(zone)
    except OverflowError:
        return
    found = canonical(base("timestamptz"), shifted)
    assert found == canonical(base("timestamptz"), moment.replace(tzinfo=UTC))
    assert found == canonical_text(base("timestamptz"), str(shifted))


@given(st.floats(width=32, allow_nan=False))
def test_a_widened_float4_is_the_same_float4(number):
    shortest = format(struct.unpack("f", struct.pack("f", number))[0], ".9g")
    assert canonical(base("float4"), number) == canonical_text(base("float4"), shortest)


@given(st.timedeltas())
def test_an_interval_without_months_is_a_timedelta(span):
    us = span // timedelta(microseconds=1)
    sign, days, rest = ("-" if us < 0 else ""), *divmod(abs(us), 86_400_000_000)
    text = f"P{sign}{days}DT{sign}{rest // 1_000_000}.{rest % 1_000_000:06}S"
    assert parse(base("interval"), text) == span
    assert canonical(base("interval"), span) == canonical_text(base("interval"), text)


# -- equal although they look different --------------------------------------------------

EQUAL = [
    ("int4", 5, "5"),
    ("int4", 5.0, "5"),
    ("int4", Decimal(5), "5"),
    ("numeric", 5, "5"),
    ("numeric", 5.0, "5"),
    ("numeric", 1.5, "1.5"),
    ("numeric", Decimal("1E+2"), "100"),
    ("numeric", Decimal("-0.00"), "0.00"),
    ("numeric", float("nan"), "NaN"),
    ("float8", 3, "3"),
    ("float8", Decimal("0.1"), "0.1"),
    ("float4", 0.1, "0.1"),
    ("float4", 0.10000000149011612, "0.1"),
    ("float8", "1e-300", "1e-300"),
    ("bool", "true", "t"),
    ("text", b"\xc3\xa9", "é"),
    ("char", b"a", "a"),
    ("char", 97, "a"),
    ("char", "\0", ""),
    ("bytea", bytearray(b"\0\xff"), "\\x00ff"),
    ("bytea", memoryview(b"\0\xff"), "\\x00ff"),
    ("bytea", memoryview(b"\0-\xff")[::2], "\\x00ff"),
    ("bytea", [0, 255], "\\x00ff"),
    ("bytea", "\\000\\\\a", "\\x005c61"),
    ("uuid", "A0EEBC999C0B4EF8BB6D6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("inet", ipaddress.ip_interface("1.2.3.4/32"), "1.2.3.4"),
    ("inet", "1.2.3.4/32", "1.2.3.4"),
    ("inet", ipaddress.ip_address("::ffff:1.2.3.4"), "::ffff:1.2.3.4"),
    ("inet", SimpleNamespace(addr="1.2.3.4/24"), "1.2.3.4/24"),
    ("cidr", ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
    ("cidr", "1.2.3.4", "1.2.3.4/32"),
    ("macaddr", "08-00-2B-01-02-03", "08:00:2b:01:02:03"),
    ("money", Decimal("1234.5"), "$1,234.50"),
    ("pg_lsn", 15, "0/F"),
    ("pg_lsn", "0/0000000F", "0/F"),
    ("bit", SimpleNamespace(as_string=lambda: "1010 0110"), "10100110"),
    ("date", datetime(2024, 2, 29), "2024-02-29"),
    ("timestamp", date(2024, 2, 29), "2024-02-29 00:00:00"),
    ("timestamp", "2024-02-29T01:02:03.50", "2024-02-29 01:02:03.5"),
    ("timestamptz", "2024-02-29 01:02:03.5+05:30", "2024-02-28 19:32:03.5+00"),
    ("timestamptz", datetime(2024, 7, 1, 2, tzinfo=ZoneInfo("Europe/Berlin")),
     "2024-07-01 00:00:00+00"),
    ("timestamptz", datetime(1, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
     "0001-12-31 23:00:00+00 BC"),
    ("timestamptz", datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))),
     "10000-01-01 01:00:00+00"),
    ("timestamptz", "0044-03-15 00:53:28+00:53:28 BC", "0044-03-15 00:00:00+00 BC"),
    ("timetz", time(1, 2, 3, 500_000, timezone(timedelta(hours=2))), "01:02:03.5+02"),
    ("timetz", "01:02:03.50-02:30", "01:02:03.5-02:30"),
    ("interval", "1 day 02:03:04.5", "P1DT2H3M4.5S"),
    ("interval", "-1 days -00:00:01", "P-1DT-1S"),
    ("interval", "1 year 2 mons", "P1Y2M"),
    ("interval", SimpleNamespace(months=14, days=1, microseconds=5), "P1Y2M1DT0.000005S"),
    ("interval", SimpleNamespace(years=1, months=2, days=0, hours=3), "P1Y2MT3H"),
    ("interval", SimpleNamespace(months=0, days=1, nanoseconds=4_500_000_000), "P1DT4.5S"),
    ("interval", SimpleNamespace(centuries=1, years=2, months=None, weeks=1, days=None),
     "P102Y7D"),
    ("hstore", {"b": None, "a": '"'}, '"a"=>"\\"", "b"=>NULL'),
    ("point", SimpleNamespace(x=1.5, y=2), "(1.5,2)"),
    ("vector", (1, 2.5), "[1,2.5]"),
    ("vector", [0.10000000149011612], "[0.1]"),
    ("vector", "[1,2.5]", "[1,2.5]"),
    ("vector", SimpleNamespace(to_list=lambda: [1.0, 2.5]), "[1,2.5]"),
    ("halfvec", [0.1], "[0.099975586]"),
    ("sparsevec", [0, 1.5, 0.0], "{2:1.5}/3"),
    ("int2vector", [1, 2], "1 2"),
    ("void", "", ""),
    ("void", None, ""),
    ("record", (1, "abc", True, 1.5, None, Decimal("1.10")), "(1,abc,t,1.5,,1.10)"),
    ("json", '{"b": 1, "a": 2}', '{"a":2,"b":1}'),
    ("json", {"a": 2}, '{"a":1,"a":2}'),
    ("jsonb", 1.1, "1.10"),
    ("jsonb", 100, "1e2"),
    ("jsonb", 1.0, "1"),
    ("jsonb", Decimal("12345678901234567890.123"), "12345678901234567890.123"),
    ("jsonb", "abc", '"abc"'),
    ("jsonb", b'{"a": 1}', '{"a": 1}'),
    ("unheard_of", "anything", "anything"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "text"), EQUAL)
def test_equal(name, value, text):
    assert canonical(base(name), value) == canonical_text(base(name), text)


# -- different although `==` or a careless look says equal -------------------------------

UNEQUAL = [
    ("numeric", Decimal("1.1"), "1.10"),
    ("numeric", 1.1, "1.10"),
    ("numeric", 12345678901234567890.123, "12345678901234567890.123"),
    ("float8", 0.0, "-0"),
    ("float8", -0.0, "0"),
    ("float8", 0.30000000000000004, "0.3"),
    ("float4", 0.1000001, "0.1"),
    ("text", "1", "01"),
    ("bpchar", "a", "a  "),
    ("timestamptz", datetime(2024, 2, 29), "2024-02-29 00:00:00+00"),
    ("timestamptz", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), "infinity"),
    ("timestamp", datetime(2024, 2, 29, tzinfo=UTC), "2024-02-29 00:00:00"),
    ("time", time(0), "24:00:00"),
    ("timetz", time(1), "01:00:00+00"),
    ("timetz", time(2, tzinfo=UTC), "03:00:00+01"),
    ("interval", timedelta(30), "P1M"),
    ("interval", timedelta(365), "P1Y"),
    ("interval", timedelta(-29), "P-1M1D"),
    ("interval", timedelta(0), "infinity"),
    ("inet", ipaddress.ip_address("1.2.3.4"), "1.2.3.4/24"),
    ("money", 110, "$1.10"),
    ("jsonb", 12345678901234567890.123, "12345678901234567890.123"),
    ("jsonb", True, "1"),
    ("jsonb", 1, "true"),
    ("jsonb", [1], '{"0": 1}'),
    ("jsonb", {"a": None}, "{}"),
    ("jsonb", "", "null"),
    ("vector", [1.0, 2.0], "[1,2,0]"),
    ("vector", [0.1000001], "[0.1]"),
    ("sparsevec", [1.5], "{1:1.5}/2"),
    ("hstore", {"a": "NULL"}, '"a"=>NULL'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "text"), UNEQUAL)
def test_unequal(name, value, text):
    assert canonical(base(name), value) != canonical_text(base(name), text)


IMPOSSIBLE = [
    ("int4", True),
    ("int4", 2**31),
    ("int8", 2**63),
    ("int4", 1.5),
    ("int4", "1_000"),
    ("int4", "٣"),
    ("numeric", True),
    ("numeric", "1,5"),
    ("numeric", Decimal("1e999999")),
    ("float8", True),
    ("float8", 2**53 + 1),
    ("float4", 1e300),
    ("float8", "1e400"),
    ("float8", 10**400),
    ("bool", 1),
    ("bool", "yes!"),
    ("text", 5),
    ("text", b"\xff"),
    ("bytea", "\\xzz"),
    ("uuid", "x"),
    ("inet", 16909060),
    ("cidr", "10.0.0.1/8"),
    ("macaddr", "08:00"),
    ("date", datetime(2024, 2, 29, 1)),
    ("date", "tomorrow"),
    ("timestamptz", "yesterday"),
    ("timestamptz", 0),
    ("interval", "a while"),
    ("interval", SimpleNamespace(months=0, days=0, nanoseconds=1)),
    ("interval", ""),
    ("jsonb", {1: 2}),
    ("jsonb", float("nan")),
    ("jsonb", object()),
    ("jsonb", {1, 2}),
    ("vector", ["1", "2"]),
    ("vector", 5),
    ("halfvec", [1e10]),
    ("point", (1, 2, 3)),
    ("hstore", {"a": 1}),
    ("bit", "12"),
]


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE)
def test_impossible_values_are_refused_with_a_reason(name, value):
    with pytest.raises(NotCanonical) as caught:
        canonical(base(name), value)
    assert caught.value.reason


def test_numbers_longer_than_python_reads():
    assert canonical(base("jsonb"), 10**5000) == canonical_text(base("jsonb"), "1e5000")
    assert canonical(base("jsonb"), 10**5000) == canonical_text(
        base("jsonb"), "1" + "0" * 5000
    )
    assert canonical(base("numeric"), 10**5000) == "1" + "0" * 5000
    assert parse(base("jsonb"), "1" + "0" * 5000) == 10**5000


def test_a_document_nested_too_deep_is_refused():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(NotCanonical, match="too deep"):
        canonical(base("jsonb"), nested)
    with pytest.raises(NotCanonical, match="too deep"):
        canonical_text(base("jsonb"), "[" * 100_000 + "]" * 100_000)


# -- containers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pg_type", "value", "text"),
    [
        (array("int4"), [1, None, 3], "{1,NULL,3}"),
        (array("int4"), (1, 2), "{1,2}"),
        (array("int4"), "{1,2}", "{1,2}"),
        (array("int4"), [[1, 2], [3, 4]], "{{1,2},{3,4}}"),
        (array("text"), ["NULL", None, "", "a,b", '"\\', "{}"],
         '{"NULL",NULL,"","a,b","\\"\\\\","{}"}'),
        (array("numeric"), [Decimal("1.10"), 2], "{1.10,2}"),
        (array("jsonb"), [{"a": [1]}, None], '{"{\\"a\\": [1]}",NULL}'),
        (array("vector"), [[1.0, 2.0], [3.0, 4.0]], '{"[1,2]","[3,4]"}'),
        (array(MOOD), "{sad}", "{sad}"),
        (array(PAIR), [(1, "a b")], '{"(1,\\"a b\\")"}'),
        (PAIR, (1, 'a"b\\'), '(1,"a""b\\\\")'),
        (PAIR, {"b": "x", "a": 1}, "(1,x)"),
        (PAIR, SimpleNamespace(a=1, b=None), "(1,)"),
        (PAIR, namedtuple("pair", "a b")(None, ""), '(,"")'),
        (PAIR, "(1,x)", "(1,x)"),
        (POSITIVE, 7, "7"),
        (INT4RANGE, Range(1, 10), "[1,10)"),
        (INT4RANGE, Range(None, 5, lower_inc=True), "(,5)"),
        (INT4RANGE, Range(isempty=True), "empty"),
        (INT4RANGE, SimpleNamespace(lower=1, upper=9, bounds="(]", is_empty=False),
         "(1,9]"),
        (INT4RANGE, SimpleNamespace(lower=None, upper=None, bounds="[)", is_empty=True),
         "empty"),
        (range_of("numrange", "numeric"), Range(Decimal("1.10"), Decimal(2), True, True),
         "[1.10,2]"),
        (range_of("tstzrange", "timestamptz"),
         Range(datetime(2024, 1, 1, tzinfo=UTC), "infinity"),
         '["2024-01-01 00:00:00+00",infinity)'),
        (MULTIRANGE, [Range(1, 3), Range(5, 9)], "{[1,3),[5,9)}"),
        (MULTIRANGE, "{[1,3)}", "{[1,3)}"),
        (MULTIRANGE, [], "{}"),
    ],
)  # fmt: skip
def test_containers_equal(pg_type, value, text):
    assert canonical(pg_type, value) == canonical_text(pg_type, text)
    assert canonical(pg_type, parse(pg_type, text)) == canonical_text(pg_type, text)


@pytest.mark.parametrize(
    ("pg_type", "value", "text"),
    [
        (array("int4"), [1, 3], "{1,NULL,3}"),
        (array("int4"), [1, 2, 3, 4], "{{1,2},{3,4}}"),
        (array("int4"), [1, 2], "[0:1]={1,2}"),
        (array("text"), ["NULL"], "{NULL}"),
        (array("text"), ["a", "b"], '{"a,b"}'),
        (array("numeric"), [Decimal("1.1")], "{1.10}"),
        (PAIR, (1, ""), "(1,)"),
        (INT4RANGE, Range(1, 10, True, True), "[1,10)"),
        (INT4RANGE, Range(1, None), "[1,10)"),
        (MULTIRANGE, [Range(1, 9)], "{[1,3),[5,9)}"),
    ],
)
def test_containers_unequal(pg_type, value, text):
    assert canonical(pg_type, value) != canonical_text(pg_type, text)


@pytest.mark.parametrize(
    ("pg_type", "value"),
    [
        (array("int4"), [[1], [2, 3]]),
        (array("int4"), [1, [2]]),
        (array("int4"), [True]),
        (array("int4"), 5),
        (array("int4"), "1,2"),
        (array("int4"), "{{1}"),
        (PAIR, (1,)),
        (PAIR, {"a": 1}),
        (PAIR, 5),
        (INT4RANGE, (1, 10)),
        (INT4RANGE, "[1;10)"),
        (MULTIRANGE, 5),
    ],
)
def test_containers_refused(pg_type, value):
    with pytest.raises(NotCanonical):
        canonical(pg_type, value)


def test_enum_members_count_as_their_label():
    class Mood(enum.Enum):
        SAD = "sad"

    class Label(str, enum.Enum):  # noqa: UP042 - the older way is what users have
        SAD = "sad"

    class Named(enum.Enum):
        sad = 1

    for value in ("sad", Mood.SAD, Label.SAD, Named.sad):
        assert canonical(MOOD, value) == "sad"
    assert canonical(base("text"), Label.SAD) == "sad"


def test_values_of_the_libraries_are_understood():
    psycopg_range = pytest.importorskip("psycopg.types.range").Range
    multirange = pytest.importorskip("psycopg.types.multirange").Multirange
    asyncpg = pytest.importorskip("asyncpg")
    pgvector = pytest.importorskip("pgvector")
    numpy = pytest.importorskip("numpy")
    for found in (psycopg_range(1, 10), asyncpg.Range(1, 10)):
        assert canonical(INT4RANGE, found) == "[1,10)"
        assert habit(INT4RANGE).fits(found)
    assert canonical(MULTIRANGE, multirange([psycopg_range(1, 3)])) == "{[1,3)}"
    assert canonical(base("varbit"), asyncpg.BitString("101001100")) == "101001100"
    assert canonical(base("point"), asyncpg.Point(1, 2)) == canonical_text(
        base("point"), "(1,2)"
    )
    wanted = canonical_text(base("vector"), "[1,0,2.5]")
    for found in (pgvector.Vector([1, 0, 2.5]), numpy.array([1, 0, 2.5], numpy.float32)):
        assert canonical(base("vector"), found) == wanted
        assert habit(base("vector")).fits(found)
    sparse = pgvector.SparseVector([1, 0, 2.5])
    assert canonical(base("sparsevec"), sparse) == canonical(base("sparsevec"), [1, 0, 2.5])
    assert canonical(base("int4"), numpy.int32(5)) == "5"
    assert canonical(base("float8"), numpy.float64(1.5)) == "1.5"


# -- habits ------------------------------------------------------------------------------


class FastUUID(UUID):
    pass


@pytest.mark.parametrize(
    ("pg_type", "value", "fits"),
    [
        (base("int4"), 1, True),
        (base("int4"), True, False),
        (base("bool"), 1, False),
        (base("numeric"), 1.0, False),
        (base("date"), datetime(2024, 1, 1), False),
        (base("uuid"), FastUUID(int=1), True),
        (base("uuid"), "0a9293c6-09b7-4f55-893a-a77e3ccd32d1", False),
        (base("bytea"), memoryview(b""), False),
        (base("jsonb"), {}, True),
        (base("jsonb"), "a", True),
        (base("interval"), timedelta(), True),
        (base("interval"), SimpleNamespace(months=1, days=2), True),
        (base("interval"), "P1D", False),
        (base("vector"), [1.0], True),
        (base("vector"), (1.0,), True),
        (base("vector"), "[1]", False),
        (array("int4"), [1, None], True),
        (array("int4"), (1,), False),
        (array("int4"), ["1"], False),
        (array("int4"), [[1], ["1"]], False),
        (PAIR, (1, "a"), True),
        (PAIR, {"a": 1, "b": None}, True),
        (PAIR, ("1", "a"), False),
        (PAIR, "(1,a)", False),
        (INT4RANGE, Range(1, 2), True),
        (INT4RANGE, Range("1", "2"), False),
        (INT4RANGE, "[1,2)", False),
        (MOOD, "sad", True),
        (MULTIRANGE, [Range(1, 2)], True),
        (MULTIRANGE, "{}", False),
    ],
)
def test_habit(pg_type, value, fits):
    assert habit(pg_type).fits(value) is fits


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([Decimal(1), None], "list[Decimal]"),
        ([], "list"),
        ([[1], [2]], "list[list[int]]"),
        ((1, "a"), "tuple[int | str]"),
        (True, "bool"),
        (memoryview(b""), "memoryview"),
        (None, "NoneType"),
        (namedtuple("Row", "a")(1), "Row"),
    ],
)
def test_describe_type(value, shown):
    assert describe_type(value) == shown


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("numeric", "1.10", Decimal("1.10")),
        (
            "timestamptz",
            "2024-02-29 01:02:03.5+00",
            datetime(2024, 2, 29, 1, 2, 3, 500000, UTC),
        ),
        ("date", "0044-03-15 BC", "0044-03-15 BC"),
        ("timestamp", "infinity", "infinity"),
        ("time", "24:00:00", "24:00:00"),
        ("interval", "P1M", "P1M"),
        ("interval", "PT-1S", timedelta(seconds=-1)),
        ("jsonb", '{"a": 1.10}', {"a": 1.1}),
        ("jsonb", "12345678901234567890.123", Decimal("12345678901234567890.123")),
        ("inet", "1.2.3.4/24", ipaddress.ip_interface("1.2.3.4/24")),
        ("bytea", "\\x00ff", b"\0\xff"),
        ("sparsevec", "{2:1.5}/3", [0.0, 1.5, 0.0]),
        ("void", "", None),
    ],
)
def test_parse_gives_what_a_user_holds(name, text, value):
    found = parse(base(name), text)
    assert found == value
    assert type(found) is type(value)


def test_null_stays_null():
    assert converter(base("int4"))(None) is None


# -- constructors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ({"py": "none"}, None),
        ({"py": "bool", "value": True}, True),
        ({"py": "int", "value": "9223372036854775808"}, 2**63),
        ({"py": "float", "value": "-inf"}, float("-inf")),
        ({"py": "decimal", "value": "1.10"}, Decimal("1.10")),
        ({"py": "bytes", "hex": "00ff"}, b"\0\xff"),
        ({"py": "bytearray", "hex": "00ff"}, bytearray(b"\0\xff")),
        ({"py": "memoryview", "hex": "00ff"}, memoryview(b"\0\xff")),
        ({"py": "tuple", "items": [1, {"py": "none"}]}, (1, None)),
        ({"py": "list", "items": [1, [2]]}, [1, [2]]),
        ({"py": "list", "items": ["a"], "times": 3}, ["a", "a", "a"]),
        ({"py": "set", "items": [1]}, {1}),
        ({"py": "dict", "items": {"a": {"py": "none"}}}, {"a": None}),
        ({"py": "nul_str"}, "a\0b"),
        ({"py": "lone_surrogate"}, "\ud800"),
        ({"py": "naive_datetime", "value": "2024-01-01"}, datetime(2024, 1, 1)),
        ({"py": "aware_datetime", "value": "2024-01-01T00:00+00:00"},
         datetime(2024, 1, 1, tzinfo=UTC)),
        ({"py": "date", "value": "2024-01-01"}, date(2024, 1, 1)),
        ({"py": "timedelta", "days": 1, "microseconds": 5}, timedelta(1, 0, 5)),
        ({"py": "uuid", "value": str(UUID(int=1))}, UUID(int=1)),
    ],
)  # fmt: skip
def test_construct(spec, value):
    found = construct(spec)
    assert found == value
    assert type(found) is type(value)


def test_construct_makes_enums_and_zones():
    assert construct({"py": "enum", "value": "sad"}).value == "sad"
    member = construct({"py": "str_enum", "value": "sad"})
    assert isinstance(member, str)
    assert isinstance(member, enum.Enum)
    zone = {"py": "aware_datetime", "value": "2024-07-01", "zone": "Europe/Berlin"}
    assert construct(zone).utcoffset() == timedelta(hours=2)


def test_construct_makes_a_numpy_array():
    numpy = pytest.importorskip("numpy")
    found = construct({"py": "float32_array", "values": [1, 2]})
    assert found.dtype == numpy.float32


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"py": "memoryveiw"}, "did you mean 'memoryview'"),
        ({}, "unknown constructor"),
        ({"py": "bytes", "hxe": "00"}, "bytes: unknown key 'hxe'; did you mean 'hex'"),
        ({"py": "int"}, "int: the key 'value' is missing"),
        ({"py": "aware_datetime", "value": "2024-01-01"}, "no offset"),
        ({"py": "naive_datetime", "value": "2024-01-01T00:00Z"}, "has an offset"),
    ],
)
def test_construct_names_what_is_wrong(spec, message):
    with pytest.raises(ValueError, match=message):
        construct(spec)


def test_forms():
    assert form(base("jsonb"), '{"a": 1}', "dict") == {"a": 1}
    assert form(base("jsonb"), '{"a": 1}', "wrapper") == {"a": 1}
    assert form(base("jsonb"), '{"a": 1}', "text") == '{"a": 1}'
    assert form(base("jsonb"), None, "text") is None
    with pytest.raises(ValueError, match="did you mean 'wrapper'"):
        form(base("jsonb"), "1", "wraper")


# -- Arrow -----------------------------------------------------------------------------


def test_an_interval_of_arrow_in_an_array_is_a_value_and_no_dimension():
    arrows = namedtuple("MonthDayNano", "months days nanoseconds")  # as pyarrow's, a tuple
    spans = [arrows(1, 0, 0), None, arrows(0, 2, 500_000_000)]
    text = canonical_text(array("interval"), "{P1M,NULL,P2DT0.5S}")
    assert canonical(array("interval"), spans) == text


@pytest.mark.parametrize(
    ("pg_type", "arrow"),
    [
        (base("int4"), "int32"),
        (base("numeric"), "decimal128(10, 2)"),
        (base("numeric"), "decimal256(76, -3)"),
        (base("timestamptz"), "timestamp[us, tz=Asia/Tokyo]"),
        (base("timestamptz"), "timestamp[us, tz=+01:00]"),
        (array("int4"), "list<item: int32>"),
        (array("int4"), "large_list<element: int32 not null>"),
        (array("numeric"), "list<item: decimal128(3, 1)>"),
        (MOOD, "string"),
        (POSITIVE, "int32"),
        (array(MOOD), "list<item: large_string>"),
    ],
)
def test_usual_arrow_types(pg_type, arrow):
    assert plain_arrow(arrow) in usual_arrow(pg_type)


@pytest.mark.parametrize(
    ("pg_type", "arrow"),
    [
        (base("int4"), "int64"),
        (base("int4"), "uint32"),
        (base("timestamptz"), "timestamp[us]"),
        (base("timestamp"), "timestamp[us, tz=UTC]"),
        (base("timestamptz"), "timestamp[ns, tz=UTC]"),
        (base("numeric"), "double"),
        (array("int4"), "int32"),
        (array("int4"), "list<item: int64>"),
        (array("int4"), "list<item: list<item: int32>>"),
        (base("jsonb"), "string"),
    ],
)
def test_other_arrow_types(pg_type, arrow):
    assert plain_arrow(arrow) not in usual_arrow(pg_type)


def test_no_arrow_type_is_usual_where_arrow_has_none():
    assert usual_arrow(base("inet")) == usual_arrow(PAIR) == usual_arrow(INT4RANGE) == ()
    assert usual_arrow(array("inet")) == ()
