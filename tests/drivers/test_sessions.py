"""Every driver keeps the contract and opens, sets and closes its sessions."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import psycopg
import pytest
from clients import (
    ARMS,
    NO_COPY_IN,
    NO_METHOD,
    POOL_OPS,
    SESSION_OPS,
    Client,
    every_driver,
    needs_server,
    sessions_of,
)

from harness.core.calls import Op
from harness.core.capabilities import Capability
from harness.core.errors import DriverError
from harness.plugin import contract as drivers
from harness.servers import open_server, parse

pytestmark = needs_server

MORE_POOL_OPS = {"psqlpy": {Op.PIPELINE}}
"""What a library documents of its pool, and others of sessions only."""


# -- the contract ----------------------------------------------------------------------


@every_driver
def test_terms_are_complete(client):
    terms = drivers.terms_of(client.driver)
    assert all(terms.values()), terms


@every_driver
def test_ops_are_claimed_by_methods(client, session, target):
    missing = {op for op in SESSION_OPS if not drivers.claims(session, op)}
    assert missing == NO_METHOD[client.arm.driver]
    pool = client.open_pool(target, 2)
    more = MORE_POOL_OPS.get(client.arm.driver, set())
    assert {op for op in Op if drivers.claims(pool, op)} == POOL_OPS | more


@every_driver
def test_capabilities_agree_with_the_methods(client, session):
    capabilities = client.driver.capabilities
    assert (Capability.PIPELINE in capabilities) == drivers.claims(session, Op.PIPELINE)
    able = {
        (source, form)
        for (source, form), without in NO_COPY_IN.items()
        if client.arm.driver not in without
    }
    for form in ("text", "csv", "binary"):
        claimed = Capability(f"copy-{form}") in capabilities
        assert claimed == any((source, form) in able for source in ("rows", "bytes"))
    for source in ("rows", "bytes"):
        claimed = Capability(f"copy-{source}") in capabilities
        assert claimed == any((source, form) in able for form in ("text", "csv", "binary"))


@pytest.mark.parametrize("name", ["asyncpg", "psycopg", "psycopg-async", "sqlspec-asyncpg"])
def test_noprepare_gives_up_the_capability(name):
    assert Capability.PREPARED in drivers.load(drivers.parse_arm(name)).capabilities
    driver = drivers.load(drivers.parse_arm(f"{name}+noprepare"))
    assert Capability.PREPARED not in driver.capabilities
    assert driver.terms().statement_cache.startswith("off")


PREPARED = "select count(*)::int from pg_prepared_statements where not from_sql"


@pytest.mark.parametrize(
    ("client", "kept"),
    [
        ("psycopg", True),
        ("psycopg+noprepare", False),
        ("psycopg-async", True),
        ("psycopg-async+noprepare", False),
        ("asyncpg+noprepare", False),
        ("sqlspec-psycopg", True),
        ("sqlspec-psycopg+noprepare", False),
        ("sqlspec-psycopg-async+noprepare", False),
        ("sqlspec-asyncpg+noprepare", False),
        ("sqlalchemy-core-psycopg", True),
        ("sqlalchemy-core-psycopg+noprepare", False),
        ("sqlalchemy-orm-psycopg-async+noprepare", False),
    ],
    indirect=["client"],
)
def test_noprepare_keeps_no_statement_at_the_server(client, kept, target):
    opened = [client.open(target), client.open_pool(target, 2)]
    for session in opened:
        ask = client.bind(session, "fetch_val", sql="select $1::int", params=((7,),))
        assert [client.wait(ask()) for _ in range(20)] == [7] * 20
        assert (client.run(session, "fetch_val", sql=PREPARED) > 0) == kept


def test_unknown_option():
    with pytest.raises(DriverError, match="no option 'turbo'"):
        drivers.load(drivers.parse_arm("psycopg+turbo"))


def test_the_python_implementation_needs_a_fresh_process():
    if psycopg.pq.__impl__ == "python":
        pytest.skip("this process runs the Python implementation already")
    with pytest.raises(DriverError, match="implementation is loaded already"):
        drivers.load(drivers.parse_arm("psycopg+python"))


PRINT_IMPLEMENTATION = """
import sys
from harness.plugin import contract as driver
from harness.core.errors import DriverError
try:
    terms = driver.load(driver.parse_arm(sys.argv[1])).terms()
except DriverError as error:
    sys.exit(str(error))
print(terms.implementation)
"""


@pytest.mark.parametrize("spec", ["psycopg+python", "psycopg-async+python"])
def test_the_python_implementation(spec):
    done = subprocess.run(
        [sys.executable, "-c", PRINT_IMPLEMENTATION, spec], capture_output=True, text=True
    )
    if "cannot be imported" in done.stderr:
        pytest.skip(f"there is no libpq: {done.stderr}")
    assert done.stdout.strip() == "python", done.stderr


# -- sessions --------------------------------------------------------------------------


@every_driver
def test_settings_travel_as_startup_options(client, target):
    settings = (("search_path", "pg_catalog, public"), ("TimeZone", "Asia/Tokyo"))
    session = client.open(dataclasses.replace(target, settings=settings))
    for name, value in (*settings, ("application_name", "test-drivers")):
        query = f"select current_setting('{name}')"
        assert client.run(session, "fetch_val", sql=query) == value
        reset = f"select reset_val from pg_settings where name = '{name}'"
        assert client.run(session, "fetch_val", sql=reset) == value


@every_driver
def test_a_backslash_in_a_setting(client, target):
    value = r"a\b c"
    changed = dataclasses.replace(target, settings=(("pgdyno.test", value),))
    session = client.open(changed)
    query = "select current_setting('pgdyno.test')"
    assert client.run(session, "fetch_val", sql=query) == value


@every_driver
def test_sessions_are_in_autocommit(client, target, control):
    session = client.open(dataclasses.replace(target, application_name="autocommit"))
    client.run(session, "fetch_all", sql="select 1")
    query = "select state from pg_stat_activity where application_name = 'autocommit'"
    assert control.execute(query).fetchone() == ("idle",)


@every_driver
def test_close_ends_the_session(client, target, control):
    changed = dataclasses.replace(target, application_name="closing")
    session = client.wait(client.driver.open(changed, "default"))
    assert sessions_of(control, "closing", 1) == 1
    client.wait(session.close())
    assert sessions_of(control, "closing", 0) == 0


@every_driver
def test_connect(client, target, control):
    changed = dataclasses.replace(target, application_name="connecting")
    op = client.driver.connect(changed, "configured")
    client.wait(op())
    client.wait(op())
    assert sessions_of(control, "connecting", 0) == 0
    query = "select current_setting('application_name')"
    op = client.driver.connect_query(changed, "configured", query)
    assert client.wait(op()) == "connecting"
    assert sessions_of(control, "connecting", 0) == 0


def test_unix_sockets():
    with open_server(parse("wheel", transport="unix")) as server:
        for spec in ARMS:
            client = Client(spec)
            try:
                session = client.open(server.target)
                assert client.run(session, "fetch_val", sql="select 1") == 1, spec
            finally:
                client.close()
