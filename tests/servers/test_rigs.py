"""Servers that only some cases need, and a network that fails."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
from helpers import wait_until

from harness.core.errors import OracleError, ServerError
from harness.servers import local, open_server, parse
from harness.servers.cluster import connect
from harness.servers.proxy import Proxy
from harness.servers.rigs import Rigs, spare

START_AND_WAIT = """
import time
from harness.servers import open_server, parse
from harness.servers.rigs import Rigs
with open_server(parse("wheel")) as server:
    rigs = Rigs(server)
    with rigs.use("spare"), rigs.use("pgbouncer"):
        print("ready", flush=True)
        time.sleep(60)
"""


@pytest.fixture(scope="module")
def server(place):
    """The shared server, if rigs can be beside it."""
    if place.server.binaries is None:
        pytest.skip("rigs stand beside a server of our own only")
    return place.server


@pytest.fixture(scope="module")
def rigs(server):
    made = Rigs(server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def debian():
    """A server with OpenSSL beside which rigs can be."""
    try:
        binaries = local.find()
    except ServerError as error:
        pytest.skip(str(error))
    with open_server(parse(f"local:{binaries}")) as opened:
        yield opened


@pytest.fixture
def empty(monkeypatch):
    """A temporary directory in which nothing may be left."""
    with tempfile.TemporaryDirectory(prefix="test-rigs-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield path


def one(target, query="select 1", **options):
    params = {"host": target.host, "port": target.port, "user": target.user,
              "password": target.password, "dbname": target.dbname}  # fmt: skip
    with psycopg.connect(**params | options, autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def use(rigs, kind):
    if reason := rigs.lacks(kind):
        pytest.skip(reason)
    return rigs.use(kind)


def children():
    return {one.pid for one in psutil.Process().children(recursive=True)}


# -- the life of a rig ---------------------------------------------------------------


def test_rigs_leave_nothing(server, empty):
    before, threads = children(), threading.active_count()
    rigs = Rigs(server)
    passwords = set()
    for kind in ("spare", "standby", "pgbouncer"):
        if not rigs.lacks(kind):
            with rigs.use(kind) as rig:
                passwords |= {place.password for place in rig.targets.values()}
    assert list(empty.iterdir())
    rigs.close()
    assert children() <= before
    assert threading.active_count() == threads
    assert list(empty.iterdir()) == []
    assert passwords


def test_a_run_without_rigs_has_no_thread_for_them(server):
    threads = threading.active_count()
    rigs = Rigs(server)
    assert not rigs.lacks("spare")
    assert threading.active_count() == threads
    rigs.close()


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ends a child with its parent"
)
def test_kill_9_of_the_run_ends_the_rigs(server, empty):
    if reason := Rigs(server).lacks("pgbouncer"):
        pytest.skip(reason)
    run = subprocess.Popen([sys.executable, "-c", START_AND_WAIT], stdout=subprocess.PIPE)
    with run:
        assert run.stdout.readline() == b"ready\n"
        started = psutil.Process(run.pid).children()
        assert {"pgbouncer", "postgres"} == {process.name() for process in started}
        run.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs(started, timeout=60)[1]
    with open_server(parse("wheel")):  # it cleans up
        assert len(list(empty.iterdir())) == 1


def test_a_rig_outlives_the_thread_that_used_it_first(rigs):
    def port():
        with rigs.use("spare") as rig:
            return rig.targets["spare"].port

    with ThreadPoolExecutor(1) as seat:
        first = seat.submit(port).result()
    time.sleep(0.2)
    with rigs.use("spare") as rig:
        assert rig.targets["spare"].port == first
        assert one(rig.targets["spare"]) == 1


def test_one_case_at_a_time(rigs):
    inside = []

    def case(number):
        with rigs.use("spare"):
            inside.append(number)
            assert len(inside) == 1
            time.sleep(0.05)
            inside.remove(number)

    with ThreadPoolExecutor(4) as seats:
        list(seats.map(case, range(4)))


def test_a_rig_that_does_not_start_is_said_once_and_again(server, monkeypatch):
    calls = []

    def fails(_server):
        calls.append(1)
        raise ServerError("no disk")

    monkeypatch.setattr(spare, "open", fails)
    rigs = Rigs(server)
    for _ in range(2):
        with pytest.raises(OracleError, match="spare does not start: no disk"):
            rigs.use("spare").__enter__()
    rigs.close()
    assert len(calls) == 1


def test_beside_a_borrowed_server_there_is_none(server):
    rigs = Rigs(replace(server, managed=False, binaries=None))
    assert "--server wheel or local" in rigs.lacks("spare")
    rigs.close()


# -- spare ---------------------------------------------------------------------------


def test_spare_is_stopped_and_runs_for_the_next_case(rigs):
    with use(rigs, "spare") as rig:
        target = rig.targets["spare"]
        rig.do("stop")
        with pytest.raises(psycopg.OperationalError, match="refused"):
            one(target)
    with rigs.use("spare") as rig:
        assert one(rig.targets["spare"]) == 1
        assert rig.targets["spare"] == target


@pytest.mark.parametrize(("op", "state"), [("restart", "57P01"), ("kill", None)])
def test_spare_ends_under_a_connection(rigs, op, state):
    with use(rigs, "spare") as rig:
        target = rig.targets["spare"]
        with connect(target) as connection:
            rig.do(op)
            with pytest.raises(psycopg.OperationalError) as caught:
                connection.execute("select 1")
        assert caught.value.sqlstate == state
        rig.do("start")
        assert one(target) == 1


def test_nobody_hears_of_a_kill(rigs):
    """As when the power fails: no process is left to say goodbye."""
    with use(rigs, "spare") as rig:
        for _ in range(5):
            with connect(rig.targets["spare"]) as connection:
                rig.do("kill")
                with pytest.raises(psycopg.OperationalError, match="unexpectedly"):
                    connection.execute("select 1")
            rig.do("start")


# -- standby -------------------------------------------------------------------------


def test_standby_follows(rigs):
    with use(rigs, "standby") as rig:
        primary, standby = rig.targets["primary"], rig.targets["standby"]
        assert one(primary, "select pg_is_in_recovery()") is False
        assert one(standby, "select pg_is_in_recovery()") is True
        with connect(primary) as connection:
            connection.execute("create table followed (id int)")
        known = "select to_regclass('followed') is not null"
        assert wait_until(lambda: one(standby, known))
        with pytest.raises(OracleError, match="spare"):
            rig.do("stop")


# -- tls -----------------------------------------------------------------------------


def test_the_wheel_has_no_tls(rigs):
    reason = rigs.lacks("tls")
    assert reason == "" or reason.endswith("without OpenSSL: --server local")


def test_tls(debian):
    rigs = Rigs(debian)
    try:
        with use(rigs, "tls") as rig:
            check_tls(rig)
    finally:
        rigs.close()


def check_tls(rig):
    target, words = rig.targets["tls"], rig.words
    ssl = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
    full = {"sslmode": "verify-full", "sslrootcert": words["tls_ca"]}
    assert one(target, ssl, sslmode="require") is True
    assert one(target, ssl, sslmode="disable") is False
    assert one(target, ssl, **full) is True
    alias = rig.targets["tls_alias"]
    assert one(alias, ssl, **full | {"sslmode": "verify-ca"}) is True
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        one(alias, **full)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        one(target, **full | {"sslrootcert": words["tls_other_ca"]})
    mine = {"sslcert": words["tls_cert"], "sslkey": words["tls_key"]}
    stranger = replace(target, user=words["tls_user"], password="")
    assert one(stranger, "select current_user::text", **full, **mine) == "certuser"
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        one(stranger, **full, sslcert="", sslkey="")
    assert Path(words["tls_key"]).stat().st_mode & 0o777 == 0o600


# -- pgbouncer -----------------------------------------------------------------------


def test_pgbouncer_answers(rigs, server):
    with use(rigs, "pgbouncer") as rig:
        target = rig.targets["pgbouncer"]
        assert target.port != server.target.port
        own = "select application_name from pg_stat_activity where pid = pg_backend_pid()"
        assert one(target, own, application_name="me") == "me"
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            one(target, password="guess")


def test_the_password_of_pgbouncer_is_nobody_elses(server, empty):
    rigs = Rigs(server)
    with use(rigs, "pgbouncer"):
        (file,) = empty.rglob("userlist.txt")
        assert server.target.password in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    rigs.close()
    assert not file.exists()


# -- scenarios -----------------------------------------------------------------------


def test_scenarios_that_need_rigs_can_be_played(debian):
    rigs = Rigs(debian)
    lacking = [reason for kind in Rigs.KINDS if (reason := rigs.lacks(kind))]
    rigs.close()
    if lacking:
        pytest.skip("; ".join(lacking))
    paths = ["connections/multi_host", "connections/tls", "connections/restart",
             "pool/pgbouncer", "types/hstore", "types/xml"]  # fmt: skip
    options = ["--driver=psycopg", "--profile=default", "--format=json"]
    done = subprocess.run(
        [sys.executable, "-m", "harness", "check", *paths, "--server=local", *options],
        capture_output=True,
        text=True,
    )
    checks = json.loads(done.stdout)
    assert {check["scenario"] for check in checks} == set(paths)
    wrong = ("invalid", "skipped", "hung", "crashed", "broken", "lossy")
    found = [check for check in checks if check["verdict"] in wrong]
    # Whether two sessions meet there in one connection, whose prepared statements have the
    # same names, is up to chance: an answer of the other's is then psycopg's.
    met = {"cell": "pool/pgbouncer#busy", "verdict": "lossy"}
    assert [check for check in found if not met.items() <= check.items()] == []


# -- the proxy -----------------------------------------------------------------------


@pytest.fixture
def proxy(server):
    threads = threading.active_count()
    with Proxy(server.target) as opened:
        yield opened
    assert threading.active_count() == threads


def ask(connection, query, seconds=5.0):
    """A query in a thread, for what may take forever."""
    executor = ThreadPoolExecutor(1)
    future = executor.submit(lambda: connection.execute(query).fetchone())
    executor.shutdown(wait=False)
    return future


def test_proxy_forwards(proxy):
    with connect(proxy.target) as connection:
        (size,) = connection.execute("select length(%s)", ["x" * 20_000_000]).fetchone()
        assert size == 20_000_000
        (text,) = connection.execute("select repeat('x', 20000000)").fetchone()
        assert len(text) == 20_000_000


def test_proxy_before_a_unix_socket(server):
    with connect(server.target) as connection:
        (folders,) = connection.execute("show unix_socket_directories").fetchone()
    with Proxy(replace(server.target, host=folders.strip('"'))) as proxy:
        assert one(proxy.target, "select inet_server_addr() is null") is True


def test_proxy_freezes_and_thaws(proxy):
    with connect(proxy.target) as connection:
        proxy.do("freeze")
        answer = ask(connection, "select 42")
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            one(proxy.target, connect_timeout=2)
        assert not answer.done()
        proxy.do("thaw")
        assert answer.result(60) == (42,)


def test_proxy_cuts(proxy):
    with socket.create_connection(("127.0.0.1", proxy.target.port)) as client:
        client.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # SSLRequest
        assert client.recv(1) in b"SN"
        proxy.do("cut")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert one(proxy.target) == 1


def test_proxy_refuses_and_accepts(proxy):
    with connect(proxy.target) as connection:
        proxy.do("refuse")
        with pytest.raises(psycopg.OperationalError, match="refused"):
            one(proxy.target)
        assert connection.execute("select 1").fetchone() == (1,)
        proxy.do("accept")
        assert one(proxy.target) == 1


def test_proxy_before_a_server_that_is_gone(server):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gone = replace(server.target, port=unused.getsockname()[1])
        with Proxy(gone) as proxy, pytest.raises(psycopg.OperationalError):
            one(proxy.target)


def test_the_proxy_may_end_in_any_state(server):
    for op in ("freeze", "refuse", "cut"):
        with Proxy(server.target) as proxy:
            connection = connect(proxy.target)
            proxy.do(op)
        connection.close()
