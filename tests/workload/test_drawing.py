"""Parameters that the server draws: real rows, seeded, never by a scan of a large table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.tables import Table
from harness.venue.control import Control
from harness.workload import drawing, trial
from harness.workload.drawing import params_sql
from harness.workload.relations import Hidden, Relation, Relations, hidden
from harness.workload.sorting import Refused
from harness.workload.statement import GeneralForm, generalised


def made(control: Control, relations: Relations, sql: str, seed: int = 1) -> Table:
    """The parameters of a statement."""
    tried = trial.tried(control, generalised(sql, relations, Hidden()), seed)
    found = control.table(tried.params)
    assert found is not None
    return found


def test_what_comes_of_a_table_is_from_a_row_of_it(
    control: Control, relations: Relations
) -> None:
    found = made(control, relations, "select 1 from users where id = 7 and email = 'x'")
    assert len(found.rows) == drawing.CALLS
    assert all(email == f"user{number}@example.org" for number, email in found.rows)
    assert len(set(found.rows)) == drawing.CALLS


def test_a_seed_draws_the_same_and_another_seed_others(
    control: Control, relations: Relations
) -> None:
    sql = "select 1 from users where id = 7"
    first, again, other = (made(control, relations, sql, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_members_of_a_list_are_of_several_rows(
    control: Control, relations: Relations
) -> None:
    found = made(control, relations, "select 1 from users where id in (1, 2, 3)")
    assert all(len(set(row)) == 3 for row in found.rows)
    (array, *_), *_ = made(
        control, relations, "select 1 from users where id = any($1)"
    ).rows
    assert str(array).count(",") == 2


def test_a_pattern_begins_like_a_real_value(control: Control, relations: Relations) -> None:
    found = made(control, relations, "select 1 from users where email like 'bob%'")
    assert {row[0] for row in found.rows} == {"use%"}
    found = made(control, relations, "select 1 from users where email like '%bob%'")
    assert {row[0] for row in found.rows} == {"%use%"}


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("select id from users order by id limit $1 offset $2", ("10", "0")),
        ("select date_trunc($1, placed) from orders limit 1", ("day",)),
        ("select extract($1 from placed) from orders limit 1", ("day",)),
        ("select id from users where born > date $1 - interval $2 limit 0", None),
        ("select count(*) from users having count(*) > $1", ("1",)),
    ],
)
def test_placeholders_of_statistics_get_values_that_fit_their_place(
    control: Control, relations: Relations, sql: str, values: tuple[str, ...] | None
) -> None:
    found = made(control, relations, sql)
    assert values is None or found.rows == (values,)


def test_keys_of_documents_are_real_and_what_they_find_is_drawn(
    control: Control, relations: Relations
) -> None:
    sql = "select 1 from users where meta ->> $1 = $2 and meta -> $3 ->> $4 is null"
    found = made(control, relations, sql)
    assert {key for key, *_ in found.rows} == {"k"}
    assert {value for _, value, *_ in found.rows} <= {"0", "1", "2"}


def test_an_enum_and_a_view_and_odd_names_can_be_drawn(
    control: Control, relations: Relations
) -> None:
    found = made(control, relations, "select 1 from moods where mood = 'x'")
    assert {row[0] for row in found.rows} == {"glad", "sad"}
    assert made(control, relations, "select 1 from grown where email = 'x'").rows
    sql = 'select 1 from "odd ""<b>" where "Ä\'x" = \'x\''
    assert {row[0] for row in made(control, relations, sql).rows} == {"a", "b"}


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select 1 from empty where id = 1", "empty has no rows"),
        ("select 1 from users, orders", "more than 1,000 rows"),
        ("select pg_typeof($1)", "server refuses it: could not determine data type"),
        ("select id from users where email = $1::int::text and id = 'x'", "22P02"),
        ("select id from users where id / (id - id) = 1", "SQLSTATE 22012"),
    ],
)
def test_what_the_server_cannot_repeat_is_refused(
    control: Control, relations: Relations, sql: str, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        made(control, relations, sql)
    assert reason in str(caught.value)


def plan(control: Control, relation: Relation) -> str:
    """How the server draws from a table of a hundred million rows, by its own account."""
    draw = generalised("select 1 from users where id = 1", Relations(control), Hidden())
    draws = {1: replace(draw.draws[1], relation=relation)}
    sql = params_sql(replace(draw, draws=draws), ["int4"], 1)
    found = control.table(f"explain {sql}")
    assert found is not None
    return "\n".join(str(row[0]) for row in found.rows)


def grown(relation: Relation | None, pages: int) -> Relation:
    """The same table, as if it had so many pages."""
    assert relation is not None
    return Relation(
        relation.schema,
        relation.name,
        relation.kind,
        relation.temporary,
        pages,
        relation.columns,
        relation.key,
    )


def test_a_large_table_is_sampled_and_never_scanned(
    control: Control, relations: Relations
) -> None:
    users = relations.find("", "users")
    large = plan(control, grown(users, 1_500_000))
    assert "Sample Scan" in large
    assert "Seq Scan" not in large
    assert "Sample Scan" not in plan(control, grown(users, 10))


def test_a_sample_of_a_table_that_is_just_too_large_has_rows(
    control: Control, relations: Relations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.workload.relations.SMALL_PAGES", 1)
    found = made(control, Relations(control), "select 1 from orders where id = 1")
    assert len(set(found.rows)) == drawing.CALLS


def test_of_a_hidden_column_values_are_invented(
    control: Control, relations: Relations
) -> None:
    secret = hidden(["users.email", "users.born"], relations)
    sql = "select id from users where email = 'x' and born = '1970-01-01' and id = 3"
    form: GeneralForm = generalised(sql, relations, secret)
    found = control.table(trial.tried(control, form, 1).params)
    assert found is not None
    assert len(set(found.rows)) == drawing.CALLS
    assert not any("@" in str(email) for email, _, _ in found.rows)
    assert all("1970" not in str(born) for _, born, _ in found.rows)
