"""Statements made general: placeholders for literals, and what each is drawn from."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.workload.relations import Hidden, Relations, hidden
from harness.workload.sorting import Refused
from harness.workload.statement import generalised


def drawn(relations: Relations, sql: str) -> tuple[str, list[str]]:
    """The general form, and the expressions that its parameters are drawn from."""
    form = generalised(sql, relations, Hidden())
    return form.sql, [form.draws[number].expression for number in sorted(form.draws)]


@pytest.mark.parametrize(
    ("sql", "general", "expressions"),
    [
        ("select id from users where email = 'a@b.org' -- bob",
         "SELECT id FROM users WHERE email = $1", ["r.email"]),
        ("select id from users u where 5 < u.id and lower(u.email) like lower('Bob%')",
         "SELECT id FROM users AS u WHERE $1 < u.id AND lower(u.email) LIKE lower($2)",
         ["r.id", "lower(r.email)"]),
        ("select id from users where id in (1, 2) or id = any('{3}')",
         "SELECT id FROM users WHERE id IN ($1, $2) OR id = ANY($3)", ["r.id"] * 3),
        ("select id from users where born > date '1970-01-01' - interval '3 days'",
         "SELECT id FROM users WHERE born > CAST($1 AS date) - CAST('3 days' AS interval)",
         ["r.born"]),
        ("select id from users where (id, email) > (3, 'x') and id between 1 and 9",
         "SELECT id FROM users WHERE (id, email) > ($1, $2) AND id BETWEEN $3 AND $4",
         ["r.id", "r.email", "r.id", "r.id"]),
        ("select id from users where meta ->> 'k' = '1' limit 3",
         "SELECT id FROM users WHERE meta ->> 'k' = $1 LIMIT 3", ["r.meta ->> 'k'"]),
        ("select count(*) from users having count(*) > 3",
         "SELECT count(*) FROM users HAVING count(*) > 3", []),
        ("select id from users where exists (select from orders o"
         " where o.\"user\" = users.id and total > 5 and email = 'x')",
         'SELECT id FROM users WHERE EXISTS (SELECT FROM orders AS o WHERE o."user" = '
         "users.id AND total > $1 AND email = $2)", ["r.total", "r.email"]),
        ("select id from users where $3::int is null or id = $3",
         "SELECT id FROM users WHERE CAST($1 AS int4) IS NULL OR id = $1", ["r.id"]),
        ("select id from \"odd \"\"<b>\" where \"Ä'x\" = 'a'",
         'SELECT id FROM "odd ""<b>" WHERE "Ä\'x" = $1', ["r.\"Ä'x\""]),
    ],
)  # fmt: skip
def test_literals_become_parameters_that_are_drawn_from_what_they_meet(
    relations: Relations, sql: str, general: str, expressions: list[str]
) -> None:
    form, found = drawn(relations, sql)
    assert form.replace("CAST($1 AS integer)", "CAST($1 AS int4)") == general
    assert found == expressions


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select * from nowhere", "there is no table nowhere"),
        ("select * from pg_class", "it asks about the server"),
        ("select now() - placed from orders", "depends on the moment (now)"),
        ("select random()", "random() is volatile"),
        ("select touched(id) from users", "touched() is volatile"),
        ("select told(id) from users", "told calls pg_notify"),
        ("select id from loud where id = 5", "told calls pg_notify"),
        ("select nextval('s')", "nextval() is volatile"),
        ("select id from users where similarity(email, 'bob') > 0.5", "may be private"),
        ("select id from users where email || id::text = 'x' || born", "may be private"),
        ("select id from users where email = any(string_to_array('a,b', ','))", "private"),
        ("select (select id from users where starts_with(email, 'bob'))", "private"),
        ("with u as (select email as e from users) select * from u where e = 'bob'",
         "no column is known to draw from"),
    ],
)  # fmt: skip
def test_what_the_server_knows_of_a_statement_may_refuse_it(
    relations: Relations, sql: str, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        generalised(sql, relations, Hidden())
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "select case id when 1 then 'first' else 'x' || email end from users",
        "select coalesce(email, 'none') from users where coalesce(email, 'none') <> 'none'",
        "select " + "(" * 3000 + "1" + ")" * 3000,
    ],
)
def test_texts_of_the_program_may_stay(relations: Relations, sql: str) -> None:
    assert generalised(sql, relations, Hidden()).sql


def test_comments_and_texts_of_people_are_not_in_the_general_form(
    relations: Relations,
) -> None:
    sql = "select id /* secret */ from users where email = 'secret' -- secret"
    assert "secret" not in drawn(relations, sql)[0]


# --- hidden columns ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "general"),
    [
        ("select id, email from users where email = 'x'",
         "SELECT id, CAST(repeat(chr(120), length(email)) AS text) AS email FROM users"
         " WHERE email = $1"),
        ("select * from users u order by id",
         "SELECT u.id, CAST(repeat(chr(120), length(u.email)) AS text) AS email, u.born,"
         " u.meta FROM users AS u ORDER BY id"),
        ("select coalesce(email, 'bob') = $1, id from users where id = 1", None),
        ("select lower(email) from users", None),
        ("select users from users", None),
        ("select row_to_json(u) from users u", None),
        ("select id from users where starts_with(email, 'bob')",
         "SELECT id FROM users WHERE starts_with(email, $1)"),
    ],
)  # fmt: skip
def test_a_hidden_column_is_neither_drawn_nor_returned(
    relations: Relations, sql: str, general: str | None
) -> None:
    secret = hidden(["users.email"], relations)
    if general is None:
        with pytest.raises(Refused, match="hidden"):
            generalised(sql, relations, secret)
        return
    form = generalised(sql, relations, secret)
    assert form.sql == general
    assert all(draw.hidden for draw in form.draws.values() if "email" in draw.expression)


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        ("users.emial", "has no column 'emial'", "did you mean users.email?"),
        ("shop.users.x", "has no column 'x'", "it has: id, email, born, meta"),
        ("nowhere.email", "there is no table 'nowhere'", ""),
        ("email", "names no column", "write TABLE.COLUMN"),
        ("a.b.c.d", "names no column", "write TABLE.COLUMN"),
    ],
)
def test_a_hidden_column_that_is_not_there_is_a_slip(
    relations: Relations, name: str, words: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        hidden([name], relations)
    assert words in str(caught.value)
    assert hint in caught.value.hint
