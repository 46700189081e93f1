"""pyro-postgres: what it has beside the ops, and what an old server is told."""

from __future__ import annotations

import dataclasses

import pytest
from clients import Client, needs_server
from helpers import no_wheel

from harness.core.calls import ErrorFields
from harness.core.errors import NotConfigured
from harness.plugin import act_modules, contract
from harness.servers import open_server, parse

# A pipeline of pyro's that the garbage collector meets in another thread raises there.
pytestmark = [
    needs_server,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
both = pytest.mark.parametrize("client", ["pyro", "pyro-async"], indirect=True)


def acts_of(client):
    found, _ = act_modules.load(*act_modules.places(client.driver.acts))
    return found


@both
def test_acts(client, target, table):
    act = acts_of(client)
    place = f"{target.user}:{target.password}@{target.host}:{target.port}/{target.dbname}"
    connection = client.wait(act["connect"](f"postgresql://{place}?application_name=pyro"))

    def play(name, *arguments):
        return client.wait(act[name](connection, *arguments))

    play("insert_many", [(1, "one"), (2, "two")])
    assert table() == [(1, "one"), (2, "two")]
    assert play("row_count", "update items set name = 'x'") == 2
    assert play("cursor_count", "select generate_series(1, 250)", 100) == 250
    assert play("pipeline", ["select 1", "select 2"]) == [[(1,)], [(2,)]]
    assert client.wait(act["run_prepared"](play("prepare", "select 5"))) == [(5,)]
    with pytest.raises(ValueError, match="the block fails"):
        play("block", ["delete from items"], True)
    assert len(table()) == 2
    outcomes = play("pipeline_outcomes", ["select 1", "select 1/0", "select 3"])
    assert outcomes[0] == [(1,)]
    assert all(isinstance(outcome, Exception) for outcome in outcomes[1:])
    play("close")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            'PostgreSQL error: ERROR: null value in column "name" of relation "items" '
            "violates (SQLSTATE 23502)\nDETAIL: Failing row.",
            ("23502", "", "items", "name"),
        ),
        (
            'PostgreSQL error: ERROR: a "b" constraint "c" (SQLSTATE 23505)',
            ("23505", "c", "", ""),
        ),
        ("Protocol error: Expected ParseComplete", ("", "", "", "")),
    ],
)
def test_the_text_of_an_error_is_all_there_is(text, fields):
    errors = pytest.importorskip("pyro_postgres.error")
    driver = contract.load(contract.parse_arm("pyro"))
    found = driver.describe_error(errors.PostgresError(text))
    told = (found.sqlstate, found.constraint, found.table, found.column)
    assert (told, found.on) == (fields, "str(error)" if fields[0] else "")
    assert driver.describe_error(ValueError(text)) == ErrorFields(message=text)


@pytest.fixture(scope="module")
def old_server():
    if reason := no_wheel():
        pytest.skip(reason)
    with open_server(parse("wheel:16")) as server:
        yield server.target


@pytest.mark.parametrize("spec", ["pyro", "pyro-async"])
def test_an_old_server_is_told_why(old_server, spec):
    client = Client(spec)
    try:
        with pytest.raises(NotConfigured, match=r"protocol 3\.2.*since 18.*17\+"):
            client.open(old_server)
    finally:
        client.close()


@both
def test_another_failure_to_connect_stays_what_it_is(client, target):
    errors = pytest.importorskip("pyro_postgres.error")
    with pytest.raises(errors.PostgresError, match="3D000"):
        client.open(dataclasses.replace(target, dbname="nowhere"))
