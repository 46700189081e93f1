"""The tokeniser and the placeholder styles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core import sql

NOT_PARAMETERS = [
    "select '$1'",
    "select 'it''s $1'",
    r"select e'it\'s $1'",
    r"select E'\\' || '$1'",
    'select "a$1", "b""$1" from t',
    "select a$1 from t",
    "select 1 -- $1\n",
    "select 1 -- $1",
    "select /* $1 /* $1 */ $1 */ 1",
    "select /* it's $1 */ 1",
    "select $$ $1 $$",
    "select $body$ $1 $$ $1 $body$",
    "select $é$ $1 $é$",
    "select '$1",
    "select /* $1",
]


@pytest.mark.parametrize("text", NOT_PARAMETERS)
def test_what_only_looks_like_a_placeholder(text):
    assert sql.parameters(text) == ()
    assert sql.to_format(text).sql == text


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("select $1", (0,)),
        ("select $1::int,$2", (0, 1)),
        ("select $2, $1", (1, 0)),
        ("select $1 + $1", (0, 0)),
        ("select $10", (9,)),
        (r"select '\', $1", (0,)),
        ("select date'2020-01-01' + $1", (0,)),
        ("select -$1", (0,)),
        ("select 1-$1 /* - */ - $2", (0, 1)),
        ("select a[$1:$2]", (0, 1)),
        ("select body->>'a' = $1", (0,)),
        ("select $$ $1 $$ || $1", (0,)),
        ("select '''$1''', $1", (0,)),
        ("select é$1, $1", (0,)),
    ],
)
def test_placeholders_left_to_right(text, order):
    assert sql.parameters(text) == order


def test_format_escapes_percent_everywhere():
    query = sql.to_format("select $1, 5 % 2, 'a%' -- 100%")
    assert query.sql == "select %s, 5 %% 2, 'a%%' -- 100%%"


def test_percent_stays_without_parameters():
    assert sql.to_format("select 5 % 2").sql == "select 5 % 2"


def test_pyformat_and_colon():
    text = "select $2::text, $1, $2, '10:30'"
    assert sql.to_pyformat(text).sql == "select %(p2)s::text, %(p1)s, %(p2)s, '10:30'"
    assert sql.to_colon(text).sql == "select :p2::text, :p1, :p2, '10:30'"
    assert sql.to_pyformat(text).named(("a", "b")) == {"p1": "a", "p2": "b"}


def test_parameters_are_moved_and_repeated():
    assert sql.to_format("select $2, $1, $2").arrange(("a", "b")) == ("b", "a", "b")
    assert sql.to_format("select $2").arrange(("a", "b")) == ("b",)


def test_too_many_parameters_reach_the_library():
    assert sql.to_format("select $1").arrange((1, 2)) == (1, 2)


def test_too_few_parameters_to_arrange():
    with pytest.raises(ValueError, match=r"1 parameter\(s\) too few for: select %s, %s"):
        sql.to_format("select $2, $1").arrange((1,))


@given(st.text(alphabet="$1'\"-/*eE\\a \n%é;()", max_size=40))
def test_tokens_lose_nothing(text):
    assert "".join(token.text for token in sql.tokens(text)) == text


@given(st.text(alphabet="$12'\"-/*eE\\a \n%", max_size=40))
def test_format_undone_by_percent_formatting(text):
    query = sql.to_format(text)
    if query.order:
        assert query.sql % tuple(f"${index + 1}" for index in query.order) == _normal(text)


def _normal(text):
    """`$01` is `$1`."""
    return "".join(
        f"${int(token.text[1:])}" if token.kind == "parameter" else token.text
        for token in sql.tokens(text)
    )


@pytest.mark.parametrize(
    ("text", "returns"),
    [
        ("select 1", True),
        (" -- hello\nSELECT 1", True),
        ("(select 1) union (select 2)", True),
        ("values (1)", True),
        ("table t", True),
        ("show timezone", True),
        ("explain select 1", True),
        ("with x as (select 1) select * from x", True),
        ("with x as (insert into t values (1) returning a) select * from x", True),
        ("with x as (select 1) insert into t select * from x", False),
        ("with x as (insert into t values (1) returning a) delete from t", False),
        ("insert into t values (1)", False),
        ("insert into t values (1) returning id", True),
        ("insert into t values ('returning')", False),
        ("insert into t select 1", False),
        ("update t set a = 1 returning a", True),
        ("delete from t", False),
        ("merge into t using s on true when matched then delete", False),
        ("select 1 into x", False),
        ("create table x as select 1", False),
        ("set timezone to 'UTC'", False),
        ("do $$ begin perform 1; end $$", False),
        ("", False),
    ],
)
def test_returns_rows(text, returns):
    assert sql.returns_rows(text) is returns


def test_names():
    assert sql.quote('a"b') == '"a""b"'
    assert sql.split_table("s.t") == ("s", "t")
    assert sql.split_table("t") == (None, "t")
    assert sql.quote_table("s.t") == '"s"."t"'
    assert sql.copy_in_statement("t", ("a", "b"), "csv") == (
        'copy "t" ("a", "b") from stdin (format csv)'
    )
    assert sql.copy_in_statement("t", (), "text") == 'copy "t" from stdin (format text)'
    assert sql.copy_out_statement("select 1", "binary") == (
        "copy (select 1) to stdout (format binary)"
    )


@given(st.text(alphabet="$19a_%'\"-/* (),\n", max_size=12))
def test_a_plain_statement_is_translated_as_its_tokens_say(text):
    order = sql.parameters(text)
    pieces = [
        "%s" if token.kind == "parameter" else token.text.replace("%", "%%")
        for token in sql.tokens(text)
    ]
    whole = "".join(pieces) if order else text
    assert sql.to_format(text) == sql.Translated(whole, order)
    assert sql.to_colon(text).order == order


def test_a_statement_of_all_parameters_there_can_be_is_no_long_work():
    text = "values " + ", ".join(f"(${number})" for number in range(1, 65_536))
    translated = sql.to_format(text)
    assert translated.order == tuple(range(65_535))
    assert translated.sql.count("%s") == 65_535
    assert "$" not in translated.sql
