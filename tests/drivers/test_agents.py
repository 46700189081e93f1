"""google-adk's session service over the stores of SQLSpec, on a real server."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from clients import needs_server
from helpers import plain

pytest.importorskip("sqlspec")
pytest.importorskip("google.adk")

from harness import scenario
from harness.core.calls import ADK
from harness.core.cells import Cell
from harness.core.errors import Unsupported
from harness.core.verdicts import EXACT, Verdict
from harness.drivers.sqlspec import acts_agents, acts_agents_blocking, adk
from harness.play.seat import Deadlines, Seat
from harness.venue.venue import Venue

pytestmark = needs_server

DRIVERS = ("sqlspec-psycopg", "sqlspec-psycopg-async", "sqlspec-asyncpg", "sqlspec-psqlpy")
TABLES = "('adk_session', 'adk_event', 'adk_app_state', 'adk_user_state')"
COLUMNS = f"""
select c.relname, c.reloptions::text, a.attname, format_type(a.atttypid, a.atttypmod),
  a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = %s::regnamespace and c.relname in {TABLES} order by 1, a.attnum
"""
INDEXES = f"""
select tablename, replace(indexdef, schemaname || '.', '') from pg_indexes
where schemaname = %s and tablename in {TABLES} order by 1, 2
"""
REFERENCES = """
select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
where connamespace = %s::regnamespace and contype = 'f'
  and conrelid::regclass::text like '%%adk_event'
"""

every_store = pytest.mark.parametrize("client", DRIVERS, indirect=True)


def cells(name: str) -> dict[str, Cell]:
    file = Path(scenario.__file__).parents[2] / "scenarios" / "adk" / f"{name}.toml"
    return {cell.id.partition("#")[2]: cell for cell in scenario.load(file).cells}


@pytest.fixture
def schema(control) -> Iterator[Any]:
    """Makes an empty schema, which is dropped at the end."""
    made: list[str] = []

    def make(name: str) -> str:
        control.execute(f"drop schema if exists {name} cascade")
        control.execute(f"create schema {name}")
        made.append(name)
        return name

    yield make
    for name in made:
        control.execute(f"drop schema {name} cascade")


def in_schema(target: Any, name: str) -> Any:
    return dataclasses.replace(target, settings=(("search_path", name),))


def shape(control: Any, name: str) -> list[list[Any]]:
    """Columns, indexes and references of the tables of a store."""
    control.execute(f"set search_path to {name}")
    try:
        queries = (COLUMNS, INDEXES, REFERENCES)
        return [control.execute(query, [name]).fetchall() for query in queries]
    finally:
        control.execute("reset search_path")


# --- the tables -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_fixture(control) -> list[list[list[Any]]]:
    """The tables of a store as the fixtures make them."""
    shapes = []
    for name in ("agents_reading", "agents_writing"):
        fixture = next(iter(cells(name).values())).fixture.sql
        control.execute("create schema by_fixture")
        control.execute("set search_path to by_fixture")
        control.execute(fixture)
        shapes.append(shape(control, "by_fixture"))
        control.execute("drop schema by_fixture cascade")
    return shapes


@every_store
def test_fixtures_make_the_tables_that_the_store_makes(
    client, target, control, schema, by_fixture
):
    """Or what is timed would be another table than that of the store's users."""
    pool = client.open_pool(in_schema(target, schema("by_store")), 2)
    made = adk.store_of(pool._config).create_tables()
    if pool._config.is_async:
        client.wait(made)
    by_store = shape(control, "by_store")
    assert len(by_store[0]) == 20
    assert by_fixture == [by_store, by_store]


# --- the calls --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ADK)
def test_an_agent_has_every_call_and_its_arguments(name):
    """`prepared` makes the configuration of a call out of two of its arguments."""
    from harness.drivers.sqlspec import agent  # google-adk takes seconds to import

    takes = getattr(agent.Agent, name).__code__.co_varnames
    assert set(ADK[name]) <= set(takes)


@pytest.fixture(scope="module")
def seats(place: Venue, tmp_path_factory: Any) -> Iterator[Callable[[str], Seat]]:
    """A worker for each driver, which imports google-adk once."""
    folder, taken = tmp_path_factory.mktemp("agents"), {}

    def seat(driver: str) -> Seat:
        if driver not in taken:
            arm, seconds = plain(driver), Deadlines()
            taken[driver] = Seat(arm, place.stage, place.control, folder, [], seconds)
        return taken[driver]

    yield seat
    for seated in taken.values():
        seated.dismiss()


@pytest.mark.parametrize(
    ("case", "driver"),
    [("append-event", "sqlspec-psycopg"), ("whole-life", "sqlspec-asyncpg")],
)
def test_agents_work_again_and_again(place: Venue, seats, case, driver):
    """A second verification begins with new tables, whose sessions nobody holds."""
    play, seat = (
        place.stage.prepare(cells("agents_writing")[f"{case}@agents=16"]),
        seats(driver),
    )
    assert seat.open(play).verdict is Verdict.EXACT
    assert seat.verify(play) == EXACT
    seat.ask("warm", 60, ops=3)
    assert seat.verify(play) == EXACT
    seat.close()


def test_the_last_events_of_a_store_are_the_first(place: Venue, seats):
    play = place.stage.prepare(cells("agents_reading")["get-session-recent@agents=1"])
    seat = seats("sqlspec-asyncpg")
    seat.open(play)
    judged = seat.verify(play)
    seat.close()
    assert judged.verdict is Verdict.LOSSY
    assert "event-1-1'" in judged.observed
    assert "event-1-16'" in judged.expected


# --- the questions ----------------------------------------------------------------------


def test_every_question_is_asked():
    asked = [
        step.arguments["question"]
        for cell in cells("service").values()
        for step in cell.steps
        if step.op == "adk_differs"
    ]
    assert set(asked) == set(acts_agents._QUESTIONS)


def differs(client: Any, pool: Any, question: str) -> str:
    acts = acts_agents if pool._config.is_async else acts_agents_blocking
    return str(client.wait(acts.adk_differs(pool._config, question)))


@pytest.mark.parametrize("client", ["sqlspec-psycopg", "sqlspec-asyncpg"], indirect=True)
def test_services_agree_or_say_in_what_they_differ(client, target, schema):
    pool = client.open_pool(in_schema(target, schema("questions")), 2)
    assert differs(client, pool, "created") == ""
    assert differs(client, pool, "id_taken") == ""
    assert (
        differs(client, pool, "last_events")
        == "store: ['e1', 'e2']; in memory: ['e4', 'e5']"
    )
    with pytest.raises(Exception, match="duplicate key value") as caught:
        differs(client, pool, "id_of_another_user")
    assert client.driver.describe_error(caught.value).sqlstate == "23505"
    with pytest.raises(NotImplementedError, match="there is no question 'why'"):
        differs(client, pool, "why")


# --- what may be missing ----------------------------------------------------------------


def test_without_the_extra_the_reason_has_the_command(monkeypatch):
    def no_google(_: str) -> Any:
        raise ModuleNotFoundError("No module named 'google'", name="google")

    monkeypatch.setattr(importlib, "import_module", no_google)
    with pytest.raises(Unsupported, match=r"pip install 'pgdyno\[adk\]'"):
        adk.store_of(SimpleNamespace())


def test_a_store_that_moved_is_named():
    config = type(
        "AsyncpgOtherConfig", (), {"__module__": "sqlspec.adapters.asyncpg.config"}
    )
    with pytest.raises(
        Unsupported, match=r"no sqlspec.adapters.asyncpg.adk.AsyncpgOtherADK"
    ):
        adk.store_of(config())
