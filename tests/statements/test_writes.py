"""Statements that write, on copies: what is compared, timed and refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.core.errors import OracleError, UsageError
from harness.statements import Examined, Proposal, examined_on_copies
from harness.venue.control import Control, connected
from harness.venue.venue import Venue

TABLES = """
create schema try_mine;
set search_path = public;
create type try_mood as enum ('new', 'done');
create table try_sales (id serial primary key, customer int not null, total numeric(10,2),
  mood try_mood not null default 'new', placed timestamptz not null default now());
insert into try_sales (customer, total)
  select i % 9, i / 4.0 from generate_series(1, 2000) i;
create table try_lines (id int generated always as identity primary key,
  sale int references try_sales, twice int generated always as (sale * 2) stored);
insert into try_lines (sale) select i from generate_series(1, 300) i;
create table "try Odd" ("a b" int check ("a b" < 100));
create function try_leaks(int) returns int language sql volatile
  as 'insert into public.try_lines (sale) values ($1) returning 1';
create table try_leaking (a int default public.try_leaks(1), b int);
create sequence try_numbers;
create domain try_number as int default nextval('try_numbers');
create table try_numbered (n try_number, m int, old int);
create function try_counts() returns int8 language sql immutable
  as 'select nextval(''public.try_numbers'')';
create function try_notes() returns int8 language sql stable as 'select try_counts()';
create view try_noted as select try_notes() as n;
create table try_large (a int, object oid default lo_create(0));
create table try_old (a int default nextval('try_numbers'::text::regclass), b int);
"""
STATE = """
select (select sum(hashtextextended(s::text, 0)) from public.try_sales s)::text
  || (select sum(hashtextextended(s::text, 0)) from public.try_lines s)
  || (select last_value from public.try_sales_id_seq)
  || (select last_value from public.try_lines_id_seq)
  || (select last_value || is_called::text from public.try_numbers)
  || (select count(*) from pg_namespace where nspname like 'pgdyno%')
"""


@pytest.fixture(scope="module")
def owner(place: Venue) -> Iterator[Control]:
    """The user whose tables they are; they stay as they are."""
    with connected(place.server.target) as control:
        control.run(TABLES)
        before = control.value(STATE)
        yield control
        assert control.value(STATE) == before
        control.run("drop schema try_mine; drop view try_noted; drop table try_leaking, "
                    'try_lines, try_sales, try_numbered, try_large, try_old, "try Odd"; '
                    "drop type try_mood; drop domain try_number; drop sequence try_numbers;"
                    "drop function try_leaks, try_counts, try_notes")  # fmt: skip


@pytest.fixture
def unchanged(owner: Control) -> Iterator[None]:
    """Neither rows nor sequences differ afterwards, and no schema is left."""
    before = owner.value(STATE)
    yield
    assert owner.value(STATE) == before


def tried(place: Venue, sql: str, params: str = "") -> Examined:
    return examined_on_copies(place.stage, Proposal(sql, params))


INSERT = "insert into try_sales (customer, total) values ($1, $2)"
ROWS = "select i, i * 1.50 from generate_series(1, 20) i"


@pytest.mark.usefixtures("unchanged")
def test_an_insert_works_on_a_copy(place: Venue) -> None:
    found = tried(place, INSERT, ROWS)
    assert (found.op, found.copied, found.untimed) == ("execute", ("try_sales",), "")
    assert found.state == 'select "customer", "total", "mood" from "try_sales"'
    assert found.left_out == ("try_sales.id", "try_sales.placed")


@pytest.mark.usefixtures("unchanged")
def test_numbers_from_a_sequence_are_compared_one_call_at_a_time(place: Venue) -> None:
    found = tried(place, f"{INSERT} returning id", ROWS)
    assert (found.op, found.calls, found.unordered) == ("fetch_all", 1, True)
    assert '"id"' in found.state
    assert "start 2001 " in found.fixture  # where the server's own one is by now


@pytest.mark.usefixtures("unchanged")
def test_identity_generated_columns_and_hard_names_are_copied(place: Venue) -> None:
    found = tried(place, "insert into try_lines (sale) values (5)")
    assert found.state == 'select "id", "sale" from "try_lines"'
    assert 'insert into "try_lines" ("id", "sale")' in found.fixture
    odd = tried(place, 'insert into "try Odd" ("a b") values (1)')
    assert odd.state == 'select "a b" from "try Odd"'
    with pytest.raises(UsageError, match="violates check constraint"):
        tried(place, 'insert into "try Odd" ("a b") values (100)')


@pytest.mark.usefixtures("unchanged")
def test_a_domain_that_counts_has_a_sequence_of_its_own(place: Venue) -> None:
    found = tried(place, "insert into try_numbered (m) values (5)")
    assert 'create sequence "try_numbered_n_seq" start 1 ' in found.fixture


@pytest.mark.usefixtures("unchanged")
def test_what_cannot_be_repeated_is_not_timed(place: Venue) -> None:
    gone = tried(place, "delete from try_lines where sale = 7")
    assert gone.untimed == "the first cycle adds -1 rows, the second one 0"
    twice = tried(place, "insert into try_sales (id, customer) values (9000, 1)")
    assert twice.untimed.startswith("it cannot run twice: duplicate key value")


@pytest.mark.usefixtures("unchanged")
def test_several_tables_are_written_at_once(place: Venue) -> None:
    found = tried(
        place,
        "with gone as (delete from try_lines where sale < 3 returning sale) "
        "update try_sales s set total = 0 from gone where s.id = gone.sale",
    )
    assert found.copied == ("try_lines", "try_sales")
    assert "union all" in found.state


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("insert into public.try_sales (customer) values (1)", "reach public.try_sales"),
        ("update try_sales set total = try_leaks(1)", "calls try_leaks"),
        ("insert into try_leaking (b) values (1)", "calls the function try_leaks"),
        ("update try_sales set id = nextval('public.try_sales_id_seq')", "calls nextval"),
        ("update try_sales set id = U&\"nextva\\006C\"('public.try_sales_id_seq')", "U&"),
        ("update try_sales set id = try_counts()", "uses try_counts, which calls nextval"),
        ("update try_sales set id = try_notes()", "uses try_counts, which calls nextval"),
        (
            "insert into try_lines (sale) select n from try_noted",
            "try_counts, which calls nextval",
        ),
        (
            "update try_sales set total = set_config('search_path', 'a', false)::int",
            "calls set_",
        ),
        ("insert into try_large values (1)", "a default of try_large calls lo_create"),
        ("insert into try_old (b) values (1)", "a default of try_old calls nextval"),
        ("delete from pg_description where objoid = 0", "reach pg_catalog.pg_description"),
        ("truncate try_sales", "'truncate' cannot be tried"),
        ("select 1", "'select' cannot be tried"),
        ("with x as (select 1) select * from x", "writes nothing"),
        ("update try_nothing set a = 1", 'relation "try_nothing" does not exist'),
        ("insert into try_sales (customer) values ('x')", "invalid input syntax"),
        ("insert into try_sales (customer) values (null)", "violates not-null"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_what_may_reach_the_servers_own_tables_is_refused(
    place: Venue, sql: str, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tried(place, sql)
    assert words in str(caught.value)


@pytest.mark.usefixtures("unchanged")
def test_what_returns_something_else_each_time_is_no_answer(place: Venue) -> None:
    with pytest.raises(OracleError, match="differs each time"):
        tried(
            place, "update try_sales set total = 1 where id = 1 returning clock_timestamp()"
        )
