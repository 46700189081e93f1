"""Every driver over TLS: it verifies the server, by the authority that it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from clients import Client

from harness.core.calls import Call, Op
from harness.core.errors import ServerError, Unsupported
from harness.drivers.pgbench import Pgbench, ProgramError
from harness.plugin import contract
from harness.servers import certificates, local
from harness.servers.rigs import tls as tls_rig

ENCRYPTED = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
BY_LIBRARY = [
    "psycopg",
    "psycopg-async+noprepare",
    "psycopg2",
    "asyncpg",
    "psqlpy",
    "pg8000",
    "aiopg",
    "adbc",
    "django-psycopg",
    "sqlspec-psycopg",
    "sqlspec-psycopg-async",
    "sqlspec-asyncpg",
    "sqlspec-psqlpy",
    "sqlalchemy-core-psycopg",
    "sqlalchemy-core-psycopg-async",
    "sqlalchemy-core-psycopg2",
    "sqlalchemy-core-asyncpg",
    "sqlalchemy-orm-psycopg",
    "sqlalchemy-orm-psycopg-async",
    "sqlalchemy-orm-psycopg2",
    "sqlalchemy-orm-asyncpg",
]
ALONE = ["django-psycopg2"]
"""They need a process of their own."""
CANNOT = ["pyro", "pyro-async"]


@pytest.fixture(scope="module")
def tls(place):
    """A server with TLS, told of its authority; and told of one that signed nothing."""
    try:
        server = replace(place.server, binaries=local.find())
    except ServerError as error:
        pytest.skip(str(error))
    if reason := certificates.lacks():
        pytest.skip(reason)
    with tls_rig.open(server) as rig:
        target = rig.targets["tls"]
        yield [replace(target, tls=rig.words[word]) for word in WORDS]


WORDS = ("tls_ca", "tls_other_ca")


def tried(spec, right, wrong):
    """What a driver sees of its own connection, opened in every way that it has."""
    client = Client(spec)
    driver, profile = client.driver, client.arm.profile
    try:
        session = client.open(right)
        seen = [client.wait(driver.connect_query(right, profile, ENCRYPTED)())]
        client.wait(driver.connect(right, profile)())
        (row,) = session.rows(client.run(session, "fetch_all", sql=ENCRYPTED))
        seen.append(row[0])
        if hasattr(driver, "open_pool"):
            pool = client.open_pool(right, 2)
            seen.append(client.run(pool, "fetch_val", sql=ENCRYPTED))
        try:
            client.open(wrong)
        except BaseException as error:
            return seen, f"{type(error).__name__}: {error}"
        return seen, ""
    finally:
        client.close()


def proven(seen, refused):
    """Each connection was encrypted, and an unknown authority was refused."""
    assert set(seen) == {True}, seen
    assert "certificate" in refused.lower() or "tls" in refused.lower(), refused


@pytest.mark.parametrize("spec", BY_LIBRARY)
def test_a_driver_verifies_the_server(spec, tls):
    proven(*tried(spec, *tls))


@pytest.mark.parametrize("spec", ALONE)
def test_a_driver_in_a_process_of_its_own(spec, tls):
    places = [{name: getattr(target, name) for name in target.__slots__} for target in tls]
    script = (
        "import json, sys; from harness.core.calls import Target; import test_tls;"
        f"print(json.dumps(test_tls.tried({spec!r}, *(Target(**place) for place in"
        " json.load(sys.stdin)))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(places),
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr
    proven(*json.loads(done.stdout))


@pytest.mark.parametrize("spec", CANNOT)
def test_what_cannot_verify_says_so(spec, tls):
    client = Client(spec)
    with pytest.raises(Unsupported, match="cannot verify the certificate"):
        client.open(tls[0])
    with pytest.raises(Unsupported, match="cannot verify the certificate"):
        client.driver.connect(tls[0], "default")
    client.close()


def test_every_driver_is_in_one_of_the_lists():
    named = {contract.parse_arm(spec).driver for spec in (*BY_LIBRARY, *ALONE, *CANNOT)}
    ours = {
        name
        for name, point in contract.entry_points().items()
        if point.value.startswith("harness.")
    }
    assert named == ours


def test_pgbench_verifies_the_server(tls, monkeypatch):
    monkeypatch.setenv("PATH", str(local.find()), prepend=":")
    right, wrong = tls
    driver = Pgbench(frozenset())
    session = driver.open(right, "default")
    session.fetch_all(Call(Op.FETCH_ALL, sql=ENCRYPTED))
    assert session.texts() == [[("t",)]]
    with pytest.raises(ProgramError, match="certificate"):
        driver.open(wrong, "default")


def test_a_pgbench_without_tls_says_so(tls, place, monkeypatch):
    if place.server.binaries is None or tls_library(place) != "":
        pytest.skip("these programs have TLS, or there are none")
    monkeypatch.setenv("PATH", str(place.server.binaries), prepend=":")
    with pytest.raises(Unsupported, match="built without TLS"):
        Pgbench(frozenset()).open(tls[0], "default")


def tls_library(place):
    """The library for TLS of the server's programs; empty without one."""
    return place.control.value("show ssl_library")
