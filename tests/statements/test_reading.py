"""What can be said of a statement before a server has seen it."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.statements import reading
from harness.statements.reading import single


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("select 1", "select 1"),
        (" select 1 ; ", "select 1"),
        ("select 1;;\n-- done; really", "select 1"),
        ("select ';' as a, $$;$$, \"a;b\" from t /* ; */", None),
        (r"select E'\n', '\d'", None),
    ],
)
def test_a_statement_is_what_stands_before_the_semicolon(
    text: str, statement: str | None
) -> None:
    assert single(text) == (statement or text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select 1; select 2", "holds several statements; the second is: select 2"),
        ("begin;\nupdate t set a = 1;", "the second is: update t set a = 1;"),
        (r"\d orders", r"has a command of psql in it: \d orders"),
        (r"select 1 \gset", "has a command of psql in it"),
        ("  ;", "is empty"),
        ("", "is empty"),
        ("select '\0'", "NUL"),
        ("select '${x}'", "${x} in it, which is the mark of an axis"),
        ("select '\udcff'", "encoding"),
    ],
)
def test_what_is_no_single_statement_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        single(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        ("insert into t values (1)", True),
        ("with x as (delete from t returning *) select * from x", True),
        ("MERGE into t using u on true when matched then do nothing", True),
        ("select 'insert' as a, \"delete\" from t", False),
        ("with x as (select 1) select * from x", False),
    ],
)
def test_a_statement_says_that_it_writes(sql: str, changes: bool) -> None:
    assert reading.changes(sql) is changes


@pytest.mark.parametrize(
    ("sql", "ordered", "limited"),
    [
        ("select a from t order by a limit 3", True, True),
        ("select row_number() over (order by a) from t", False, False),
        ("select * from (select a from t order by a limit 1) s", False, False),
        ("select a from t fetch first 3 rows only", False, True),
        ("select order_by, by from t", False, False),
    ],
)
def test_an_order_and_a_limit_count_outside_of_parentheses(
    sql: str, ordered: bool, limited: bool
) -> None:
    assert (reading.is_ordered(sql), reading.is_limited(sql)) == (ordered, limited)


def test_a_caret_stands_where_the_server_points() -> None:
    shown = "LINE 1: select * form t\n                 ^"
    assert reading.pointed("select * form t", 10) == shown
    third = "LINE 3: form t\n          ^"
    assert reading.pointed("select a,\n  b\nform t", 17) == third
    assert reading.pointed("select 1", 0) == ""


def test_a_caret_in_a_long_line_keeps_its_place() -> None:
    sql = "select " + ", ".join(f"column_{n}" for n in range(40)) + " form t where true"
    line, caret = reading.pointed(sql, sql.index("form") + 1).split("\n")
    assert line[caret.index("^") :].startswith("form")
    assert len(line) < 80
