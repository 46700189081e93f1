"""Which statements can be repeated by their kind."""

from __future__ import annotations

import pytest

from harness.workload.sorting import Refused, parsed


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("insert into t values (1)", "it writes"),
        ("with gone as (delete from t returning *) select * from gone", "it writes"),
        ("merge into t using u on true when matched then delete", "it writes"),
        ("truncate t", "it writes"),
        ("begin", "it begins or ends a transaction"),
        ("set work_mem = '1MB'", "it changes the state of its session"),
        ("listen news", "it changes the state of its session"),
        ("declare c cursor for select 1", "it works on a cursor"),
        ("fetch 10 from c", "it works on a cursor"),
        ("execute p(1)", "it names a statement that its session has prepared"),
        ("copy t to stdout", "it is a COPY"),
        ("do 'begin end'", "it runs a program, which may write"),
        ("create temp table t (a int)", "it changes the schema"),
        ("alter table t add b int", "it changes the schema"),
        ("drop table t", "it changes the schema"),
        ("create table t as select 1", "it changes the schema"),
        ("select 1 into t", "it makes a table"),
        ("select * from t for update", "it locks rows"),
        ("vacuum t", "it is a command (VACUUM), no query"),
        ("select 1; select 2", "it is several statements"),
        ("-- nothing", "it is empty"),
        ("selekt 1", "PostgreSQL's parser does not understand it"),
        ("select current_date", "depends on the moment"),
        ("select '\0'", "PostgreSQL's parser does not understand it"),
    ],
)
def test_what_cannot_be_repeated_says_why(sql: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        parsed(sql)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "sql", ["select 1", "values (1)", "table t", "with a as (select 1) select * from a",
            "select current_user", "(select 1) union (select 2)"],
)  # fmt: skip
def test_queries_are_repeated(sql: str) -> None:
    assert parsed(sql)
