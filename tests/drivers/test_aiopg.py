"""aiopg: its transactions, its queue of notifications, and what it stands on."""

from __future__ import annotations

import pytest
from clients import needs_server

from harness.plugin import act_modules, contract

pytestmark = needs_server
aiopg = pytest.mark.parametrize("client", ["aiopg"], indirect=True)


@pytest.fixture
def play(client, target):
    """Plays an act on a connection of its own."""
    found, _ = act_modules.load(*act_modules.places(client.driver.acts))
    place = f"{target.user}:{target.password}@{target.host}:{target.port}/{target.dbname}"
    connection = client.wait(found["connect"](f"postgresql://{place}"))
    yield lambda name, *given, **named: client.wait(
        found[name](connection, *given, **named)
    )
    client.wait(found["close"](connection))


@aiopg
def test_transactions(client, play, table):
    play("begin", isolation="serializable", read_only=False)
    assert play("transaction_status") == "in transaction"
    assert play("fetch_val", "show transaction_isolation") == "serializable"
    play("execute", "insert into items values (1, 'one')")
    play("rollback")
    assert table() == []
    play("nested_block", "insert into items values (1, 'one')",
         "insert into items values (2, 'two')", True)  # fmt: skip
    assert table() == [(1, "one")]
    assert play("transaction_status") == "idle"
    with pytest.raises(NotImplementedError, match="read_uncommitted"):
        play("begin", isolation="read_uncommitted")
    with pytest.raises(NotImplementedError, match="there is none"):
        play("commit")


@aiopg
def test_notifications(client, play, control):
    play("listen", 'a "b"')
    control.execute("""select pg_notify('a "b"', 'first'), pg_notify('a "b"', 'second')""")
    assert play("notifications", 5.0, 2) == [('a "b"', "first"), ('a "b"', "second")]
    assert play("notifications", 0.05) == []


@aiopg
def test_names_are_quoted(client, play):
    assert play("identifier", 'x"; select 2; --') == 'x"; select 2; --'


def test_the_terms_of_both_layers_are_recorded():
    terms = contract.terms_of(contract.load(contract.parse_arm("aiopg")))
    assert (terms["wraps"], terms["wrapped_library"]) == ("psycopg2", "psycopg2")
    assert (terms["binds"], terms["wrapped_binds"]) == ("client", "client")
