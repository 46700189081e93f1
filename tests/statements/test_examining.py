"""What the server says of a statement before any driver is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.core.errors import OracleError, UsageError
from harness.statements import Proposal, examined
from harness.statements.examining import PARAMETERS, affordable
from harness.venue.control import Control, connected
from harness.venue.venue import Venue

TABLES = """
create table public.try_orders (id int primary key, total numeric not null, note text);
insert into public.try_orders select i, i / 4.0, 'n' from generate_series(1, 1000) i;
create function public.try_writes() returns int language sql volatile
  as 'update public.try_orders set total = 0 where id = 1 returning 1';
create function public.try_shouts() returns text language plpgsql stable
  as $$ begin execute 'select pg_notify(''a'', ''b'')'; return ''; end $$;
create view public.try_noisy as select public.try_shouts() as shout;
"""


@pytest.fixture(scope="module")
def control(place: Venue) -> Iterator[Control]:
    """A connection of its own: it looks where a user looks."""
    with connected(place.server.target) as control:
        control.run(TABLES)
        yield control
        control.run(
            "drop view public.try_noisy; drop table public.try_orders;"
            "drop function public.try_writes, public.try_shouts"
        )


def refused(control: Control, *asked: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        examined(control, Proposal(*asked))
    return caught.value


def test_a_statement_is_asked_with_its_parameters(control: Control) -> None:
    sql = "select total from try_orders where id = $1 order by id"
    found = examined(control, Proposal(sql, "select id from try_orders limit 7"))
    assert (found.sql, found.params) == (sql, "select id from try_orders limit 7")
    assert (found.calls, found.offered, found.unordered) == (7, 7, False)
    assert examined(control, Proposal("select id from try_orders")).unordered
    first = Proposal("select id from try_orders", "", "fetch_one")
    assert not examined(control, first).unordered


def test_parameters_are_a_sample_of_what_there_is(control: Control) -> None:
    sql = "select total from try_orders where id = $1"
    found = examined(control, Proposal(sql, "select id from try_orders"))
    assert found.offered == PARAMETERS
    assert found.params.startswith(
        "select * from (\nselect id from try_orders\n) params limit"
    )
    far = examined(control, Proposal(sql, "select id from try_orders limit 50", rtt_s=0.04))
    assert far.calls in (1, 2)  # by how long the statement took just now
    assert far.offered == 50
    assert far.params.endswith(f"limit {far.calls}")


def test_a_cycle_is_as_long_as_there_is_time_for() -> None:
    assert affordable(0.001, 1) == 100
    assert affordable(0.001, 1, cycle_s=0.025) == 25
    assert affordable(30.0, 1) == 1
    assert affordable(0.0001, 50_000) == 2


@pytest.mark.parametrize(
    ("sql", "params", "words"),
    [
        (
            "select * form try_orders",
            "",
            'syntax error at or near "form" (SQLSTATE 42601)\n'
            "LINE 1: select * form try_orders\n"
            "                 ^",
        ),
        (
            "select id,\n  price from try_orders",
            "",
            'column "price" does not exist (SQLSTATE 42703)\n'
            "LINE 2:   price from try_orders\n"
            "          ^",
        ),
        ("select * from try_nothing", "", 'relation "try_nothing" does not exist'),
        ("select total from try_orders where id = $1", "", "nothing gives $1 a value"),
        (
            "select $1::int + $2::int",
            "select 1",
            "$2 has no value: --params gives 1 column",
        ),
        ("select 1", "select 1", "the statement has 0 placeholders"),
        ("select $1::int", "select 'a'", "$1 is of type int4, and --params gives text"),
        ("select $1::int", "select 1 where false", "--params gives no rows"),
        ("select $1::int", "selec 1", '--params: syntax error at or near "selec"'),
        ("select $1::int", "select 1 / 0", "--params: division by zero"),
        ("select 1 / $1::int", "select 0", "the statement: division by zero"),
        ("create table t (a int)", "", "returns no rows, so there is nothing to verify"),
        ("select i from generate_series(1, 100001) i", "", "more than 100,000 rows"),
        ("select repeat('x', 1000000) from generate_series(1, 70) i", "", "70 MB of text"),
        ("insert into try_orders values (0, 0)", "", "writes, and try only reads"),
        ("select try_writes()", "", "writes, and try only reads"),
        ("select id from try_orders for update", "", "writes, and try only reads"),
        ("select pg_notify('a', 'b')", "", "calls pg_notify"),
        ("select 1 where $1", "select PG_Catalog.pg_reload_conf()", "calls pg_reload_conf"),
        (
            "select set_config('default_transaction_read_only', 'off', false)",
            "",
            "set_config",
        ),
        ("select pg_terminate_backend(0)", "", "calls pg_terminate_backend"),
        ("select pg_advisory_unlock_all()", "", "calls pg_advisory_unlock_all"),
        ("select * from try_noisy", "", "uses try_shouts, which calls pg_notify"),
    ],
)
def test_what_cannot_be_played_is_told(
    control: Control, sql: str, params: str, words: str
) -> None:
    assert words in str(refused(control, sql, params))


@pytest.mark.parametrize(
    "sql",
    [
        "select * from try_orders where id = %s",
        "select :id",
        "select * from try_orders where id = ?",
        "select * from try_orders where id = ? and total > 1",
    ],
)
def test_placeholders_of_others_are_recognised(control: Control, sql: str) -> None:
    assert refused(control, sql).hint == "placeholders are written $1, $2, …"


def test_an_answer_that_differs_each_time_is_no_answer(control: Control) -> None:
    with pytest.raises(OracleError, match="answers differently each time") as caught:
        examined(control, Proposal("select clock_timestamp()"))
    assert caught.value.exit_code == 4
    shuffled = "select i from generate_series(1, 500) i order by random()"
    with pytest.raises(OracleError, match="in another order each time"):
        examined(control, Proposal(shuffled))


def test_what_takes_too_long_is_ended(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.statements.examining.LONGEST_S", 1)
    told = refused(control, "select pg_sleep(5)")
    assert "no end within 1 s: select pg_sleep(5)" in str(told)


def test_the_connection_may_write_again_afterwards(control: Control) -> None:
    refused(control, "select try_writes()")
    assert control.value("show default_transaction_read_only") == "off"
