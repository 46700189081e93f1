"""Ways to a server and a network before it, with real connections of psycopg."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
from helpers import wait_until

from harness.core.conditions import DIRECT, Condition
from harness.core.errors import OracleError, ServerError
from harness.machine import host
from harness.machine.contention import FOREIGN_LIMIT
from harness.machine.watch import Watch
from harness.results.records import NullOps, Route
from harness.servers import bouncer, certificates, local, open_server, parse
from harness.servers.cluster import made
from harness.servers.postmaster import free_port
from harness.servers.relay.gate import ALPN
from harness.servers.routes import Routes, pgbouncer, promise, tls, unix
from harness.servers.routes.relayed import relayed
from harness.servers.routes.way import connect

SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
GSS_REQUEST = (8).to_bytes(4, "big") + (80877104).to_bytes(4, "big")
NETWORK = Condition("direct", 5.0)
TLS = Condition("tls")
BOUNCER = Condition("pgbouncer")
UNIX = Condition("unix")

START_AND_WAIT = """
import sys
import time
from harness.core.conditions import Condition
from harness.servers import open_server, parse
from harness.servers.routes import Routes
with open_server(parse(sys.argv[1])) as server:
    routes = Routes(server)
    for condition in (Condition("direct", 0.2), Condition("pgbouncer")):
        if not routes.lacks(condition):
            routes.target(condition, server.target)
    print(*routes.pids(), flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module", autouse=True)
def furnished(tmp_path_factory):
    """Keys are made once: they take more of the processor than all that is tested."""
    if certificates.lacks():
        yield None
        return
    files = tmp_path_factory.mktemp("certificates")
    tls._furnish(files)
    with pytest.MonkeyPatch.context() as patch:
        copied = functools.partial(shutil.copytree, files, dirs_exist_ok=True)
        patch.setattr(tls, "_furnish", copied)
        yield files


@pytest.fixture(scope="module")
def server(place):
    return place.server


@pytest.fixture(scope="module")
def routes(server):
    made = Routes(server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def borrowed(server):
    """The shared server as if it were somebody else's."""
    target = server.target
    uri = f"postgresql://{target.user}:{target.password}@{target.host}:{target.port}"
    with open_server(parse(f"dsn:{uri}/{target.dbname}")) as opened:
        yield opened


@pytest.fixture(scope="module")
def far(server):
    """A relay that holds everything for 20 ms."""
    with relayed(orders(server.target, 40)) as relay:
        yield replace(server.target, host="127.0.0.1", port=relay.port)


def orders(target, rtt_ms):
    rtt_ns = round(rtt_ms * 1e6)
    return {"host": target.host, "port": target.port,
            "rtt_ns": rtt_ns, "hold_ns": rtt_ns // 2}  # fmt: skip


def reach(routes, condition, target):
    if reason := routes.lacks(condition):
        pytest.skip(reason)
    return routes.target(condition, target)


def raw(target):
    return socket.create_connection((target.host, target.port), timeout=20)


def answer(connection, query):
    return connection.execute(query).fetchone()[0]


# --- every way ------------------------------------------------------------------------


def test_a_plain_connection_goes_where_it_always_went(server, monkeypatch):
    """Not a process, not a thread, and not another target."""
    routes = Routes(server)
    monkeypatch.setattr(routes, "_keeper", None)
    assert not routes.lacks(DIRECT)
    assert routes.target(DIRECT, server.target) is server.target
    assert routes.pids() == []
    assert not routes.takes(DIRECT)


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        ("server", UNIX),
        ("server", NETWORK),
        ("borrowed", UNIX),
        ("borrowed", Condition("tls", 1.0)),
        ("borrowed", Condition("pgbouncer", 1.0)),
    ],
    ids=str,
)
def test_every_way_leads_to_the_server_with_its_settings(request, kind, condition):
    server = request.getfixturevalue(kind)
    routes = Routes(server)
    try:
        settings = (("search_path", '"a ""b"" c", pg_catalog'), ("extra_float_digits", "0"))
        target = reach(routes, condition, replace(server.target, settings=settings))
        query = "select current_setting('search_path') || current_setting($1)"
        with connect(target) as over, connect(server.target) as plain:
            found = psycopg.ClientCursor(over).execute(
                query.replace("$1", "'extra_float_digits'")
            )
            assert found.fetchone() == ('"a ""b"" c", pg_catalog0',)
            started = "select pg_postmaster_start_time()::text || current_database()"
            assert answer(over, started) == answer(plain, started)
            assert over.pgconn.ssl_in_use == (condition.via == "tls")
    finally:
        routes.close()


def test_routes_are_shared_and_leave_nothing(server, tmp_path, monkeypatch):
    before, threads = psutil.Process().children(recursive=True), threading.active_count()
    routes = Routes(server)
    for condition in (TLS, BOUNCER, NETWORK):
        reach(routes, condition, server.target)
        port = reach(routes, condition, server.target).port
        assert routes.target(condition, server.target).port == port
        assert routes.takes(condition)
    assert len(routes.pids()) == 3
    authority = routes.target(TLS, server.target).tls
    assert Path(authority).exists()
    routes.close()
    assert not Path(authority).exists()
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= {
        child.pid for child in before
    }
    assert threading.active_count() == threads


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ends a child with its parent"
)
def test_kill_9_of_the_run_ends_its_routes(dsn):
    command = [sys.executable, "-c", START_AND_WAIT, dsn]
    run = subprocess.Popen(command, stdout=subprocess.PIPE)
    with run:
        started = [psutil.Process(int(pid)) for pid in run.stdout.readline().split()]
        assert started
        run.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs(started, timeout=60)[1]


def test_a_route_that_ended_is_told(server):
    routes = Routes(server)
    try:
        routes.target(NETWORK, server.target)
        for pid in routes.pids():
            psutil.Process(pid).kill()
            psutil.Process(pid).wait(20)
        with pytest.raises(OracleError, match=r"5 ms: .* has ended"):
            routes.target(NETWORK, server.target)
    finally:
        routes.close()


def test_a_route_to_nowhere_is_told_once(server):
    gone = replace(server, target=replace(server.target, port=free_port()))
    routes = Routes(gone)
    try:
        for _ in range(2):
            with pytest.raises(OracleError, match=r"5 ms: it cannot be opened: .*refused"):
                routes.target(NETWORK, gone.target)
    finally:
        routes.close()


# --- what a way lacks -----------------------------------------------------------------


def elsewhere(server, **changes):
    return replace(server, target=replace(server.target, **changes))


def test_a_unix_socket_is_the_same_servers_or_none(server, monkeypatch):
    assert unix.lacks(elsewhere(server, port=free_port())).startswith("the server cannot")
    other = ("other", str(server.target.port), [unix._found(server).host])
    monkeypatch.setattr(unix, "_asked", lambda _: other)
    assert "no Unix socket on this machine" in unix.lacks(server)


def test_a_port_before_an_open_socket_is_refused(server):
    sockets = elsewhere(server, host="/somewhere", password="")
    for condition in (TLS, NETWORK):
        assert "would let everybody" in Routes(sockets).lacks(condition) or (
            condition == TLS
        )


def test_a_pooler_that_is_missing_or_too_old_is_told(server, monkeypatch):
    monkeypatch.setattr(bouncer, "version", lambda _: "1.9.0")
    monkeypatch.setattr(bouncer, "found", lambda: "/opt/pgbouncer")
    told = Routes(server).lacks(BOUNCER)
    assert told == "/opt/pgbouncer is PgBouncer 1.9.0, older than 1.12: update it"
    monkeypatch.setattr(bouncer, "found", lambda: None)
    assert "there is no pgbouncer program" in Routes(server).lacks(BOUNCER)


def test_tls_lacks_its_program_or_a_server_that_talks_plainly(server, monkeypatch):
    closed = elsewhere(server, port=free_port())
    assert "takes no connection without TLS" in tls.lacks(closed)
    monkeypatch.setattr(certificates.shutil, "which", lambda _: None)
    assert tls.lacks(server) == "tls: there is no openssl program"


# --- TLS ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(routes, server):
    return reach(routes, TLS, server.target)


def test_a_plain_client_is_refused_clearly(secure):
    with pytest.raises(psycopg.OperationalError, match="takes TLS only"):
        psycopg.connect(host=secure.host, port=secure.port, user="x", sslmode="disable")


def test_the_certificate_is_verified(secure, server, tmp_path):
    with connect(replace(secure, host="localhost")) as connection:
        assert answer(connection, "select 1") == 1
    certificates.authority(tmp_path, "ca")
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        connect(replace(secure, tls=str(tmp_path / "ca.crt")))


def test_gss_is_asked_for_first_and_bytes_come_one_by_one(secure):
    with raw(secure) as plain:
        for byte in GSS_REQUEST:
            plain.sendall(bytes([byte]))
        assert plain.recv(10) == b"N"
        plain.sendall(SSL_REQUEST)
        assert plain.recv(10) == b"S"
        trust = ssl.create_default_context(cafile=secure.tls)
        with trust.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped:
            assert wrapped.version() == "TLSv1.3"
            wrapped.sendall(startup(secure))
            assert wrapped.recv(1) == b"R"


def test_tls_may_begin_at_once(secure):
    trust = ssl.create_default_context(cafile=secure.tls)
    trust.set_alpn_protocols([ALPN])
    with trust.wrap_socket(raw(secure), server_hostname="localhost") as wrapped:
        assert wrapped.selected_alpn_protocol() == ALPN
        wrapped.sendall(startup(secure))
        assert wrapped.recv(1) == b"R"


@pytest.mark.parametrize(
    "said", [SSL_REQUEST + b"more", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01garbage" * 9],
    ids=["more than a request", "another protocol", "no TLS"],
)  # fmt: skip
def test_what_is_no_client_is_sent_away(secure, said):
    with raw(secure) as plain:
        plain.sendall(said)
        told = b""
        while more := plain.recv(1000):
            told += more
        assert b"R\0" not in told  # nobody asked it for a password


def startup(target):
    body = b"".join(word.encode() + b"\0" for word in ("user", target.user, "database",
                                                     target.dbname, ""))  # fmt: skip
    return (len(body) + 8).to_bytes(4, "big") + (3 << 16).to_bytes(4, "big") + body


RULES = """
hostssl all secret 127.0.0.1/32 scram-sha-256
host all secret 127.0.0.1/32 reject
"""


@pytest.fixture(scope="module")
def tls_only(furnished):
    """A borrowed server whose user may come over TLS only."""
    if furnished is None:
        pytest.skip(certificates.lacks())
    try:
        binaries = local.find()
    except ServerError as error:
        pytest.skip(str(error))

    def furnish(folder):
        for name in ("server.crt", "server.key"):
            shutil.copy(furnished / name, folder.data / name)
            folder.own(folder.data / name)
        rules = folder.data / "pg_hba.conf"
        rules.write_text(RULES + rules.read_text())

    settings = {"ssl": "on", "shared_buffers": "16MB", "max_connections": "30"}
    with made(binaries, settings, furnish) as cluster:
        with connect(cluster.target) as connection:
            connection.execute("create role secret login password 'p'")
        at = f"127.0.0.1:{cluster.target.port}/{cluster.target.dbname}"
        with open_server(parse(f"dsn:postgresql://secret:p@{at}")) as opened:
            yield opened


def test_a_server_that_takes_tls_only(tls_only):
    routes = Routes(tls_only)
    query = "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()"
    try:
        assert "takes no connection without TLS" in routes.lacks(TLS)
        for condition in (DIRECT, NETWORK, BOUNCER):
            with connect(reach(routes, condition, tls_only.target)) as connection:
                assert answer(connection, query) == "true"
    finally:
        routes.close()


# --- PgBouncer ------------------------------------------------------------------------


def test_entries_stand_side_by_side_in_transaction_mode(routes, server):
    first, second = (
        reach(routes, BOUNCER, replace(server.target, settings=(("search_path", path),)))
        for path in ("a", "b")
    )
    assert first.port == second.port
    with connect(first) as first_a, connect(second) as other, connect(first) as first_b:
        paths = [answer(each, "show search_path") for each in (first_a, other, first_b)]
        assert paths == ["a", "b", "a"]
        pid = "select pg_backend_pid()"
        assert answer(first_a, pid) == answer(first_b, pid) != answer(other, pid)
        with first_a.transaction():  # which keeps its session to itself
            assert answer(first_a, pid) != answer(first_b, pid)
    way = routes.about(BOUNCER)
    assert way.label == f"PgBouncer {bouncer.version(bouncer.found())}, transaction mode"


def test_pgbouncer_has_a_password_of_its_own(routes, server):
    target = reach(routes, BOUNCER, server.target)
    assert target.password != server.target.password
    with pytest.raises(psycopg.OperationalError, match="SASL authentication failed"):
        connect(replace(target, password=server.target.password))


def test_no_file_has_the_servers_password_while_pgbouncer_works(server):
    own = Routes(server)
    try:
        for path in "ab":
            target = own.target(
                BOUNCER, replace(server.target, settings=(("search_path", path),))
            )
            with connect(target) as session:
                assert answer(session, "show search_path") == path
        (pid,) = own.pids()
        folder = Path(psutil.Process(pid).cwd())
        texts = [file.read_text() for file in folder.rglob("*") if file.is_file()]
        assert texts
        assert not any(server.target.password in text for text in texts)
    finally:
        own.close()


def test_a_full_pooler_says_so(routes, server, monkeypatch):
    reach(routes, BOUNCER, server.target)
    monkeypatch.setattr(pgbouncer, "POOL_SIZE", 1)
    monkeypatch.setattr(pgbouncer, "FULL_S", 1)
    narrow = Routes(server)
    try:
        target = narrow.target(BOUNCER, server.target)
        with connect(target) as holds, holds.transaction():
            answer(holds, "select 1")
            waits = connect(target)
            with pytest.raises(psycopg.OperationalError, match="query_wait_timeout"):
                answer(waits, "select 1")
    finally:
        narrow.close()


# --- a network ------------------------------------------------------------------------


def kept(extras, rtt_ms):
    seen = [
        NullOps(connections=each.connections, ops=len(each.more_ns), base_ns=each.base_ns,
                median_ns=each.median_ns, p5_ns=0, p95_ns=0)
        for each in extras
    ]  # fmt: skip
    return Route(via="direct", rtt_ms=rtt_ms, label="", null_ops=seen).broken


@pytest.mark.parametrize("rtt_ms", [0.2, 5.0])
def test_a_network_keeps_its_promise(server, rtt_ms, quiet):
    condition = Condition("direct", rtt_ms)
    routes = Routes(server)
    try:
        with host.placed(server) as placement:
            routes.settle(placement.server, placement.clients, placement.priority)
            for _ in range(3):
                busy = Watch(placement.clients + placement.server, [os.getpid()])
                single, several = extras = routes.measured(condition, anew=True)
                foreign = busy.foreign()
                if not (broken := kept(extras, rtt_ms)):
                    break
    finally:
        routes.close()
    if broken and foreign > FOREIGN_LIMIT:
        pytest.skip(f"{foreign:.0%} of the processors went to others: {broken}")
    assert not broken
    assert (single.connections, several.connections) == (1, promise.TOGETHER)
    assert several.percentile_ns(5) <= several.median_ns <= several.percentile_ns(95)


def test_connecting_costs_a_round_trip_more(far):
    def seconds(target):
        begun = time.monotonic()
        with raw(target) as sock:
            sock.sendall(SSL_REQUEST)
            sock.recv(1)
            asked = time.monotonic()
            sock.sendall(startup(target))
            sock.recv(1)
        return asked - begun, time.monotonic() - asked

    first, second = map(min, zip(*[seconds(far) for _ in range(5)], strict=True))
    assert first >= 0.080
    assert 0.040 <= second < first


@pytest.mark.parametrize("way", ["far", "secure"])
def test_a_stream_passes_whole_and_in_order(request, way):
    target = request.getfixturevalue(way)
    sent = b"".join(b"%d\t%s\n" % (n, b"x" * (n % 97)) for n in range(40_000))
    assert len(sent) > 2 << 20
    with connect(target) as connection:
        connection.execute("create temp table streamed (id int, body text)")
        with connection.cursor().copy("copy streamed from stdin") as copy:
            copy.write(sent)
        ordered = "copy (select * from streamed order by id) to stdout"
        with connection.cursor().copy(ordered) as copy:
            assert b"".join(bytes(block) for block in copy) == sent


def test_nothing_is_overtaken_when_a_network_comes_nearer(echo):
    address, _, _, relay = echo
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(b"first ")
        time.sleep(0.005)
        relay.hold(0)
        sock.sendall(b"second")
        told = b""
        while len(told) < 12:
            told += sock.recv(100)
    assert told == b"first second"


@pytest.mark.parametrize("way", ["far", "secure"])
def test_a_query_can_be_cancelled(request, way):
    with connect(request.getfixturevalue(way)) as connection:
        cancelling = threading.Timer(0.3, connection.cancel)
        cancelling.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(30)")
        cancelling.join()


@pytest.fixture
def echo():
    """A server that says again what it was told, and its last word after the client's."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                try:
                    while data := sock.recv(65536):
                        sock.sendall(data)
                    sock.sendall(b"bye")
                except OSError as error:
                    seen.append(type(error))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address = type("Address", (), {"host": "127.0.0.1", "port": listener.getsockname()[1]})
    with relayed(orders(address, 20)) as relay:
        yield ("127.0.0.1", relay.port), seen, listener, relay
    listener.close()


def test_a_half_closed_connection_is_answered(echo):
    address, _, _, _ = echo
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        told = b""
        while more := sock.recv(100):
            told += more
    assert told == b"hellobye"


def test_a_reset_reaches_the_other_side(echo):
    address, seen, _, _ = echo
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert wait_until(lambda: seen == [ConnectionResetError])


def test_a_server_that_is_gone_resets_who_comes(echo):
    address, _, listener, _ = echo
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    with (
        socket.create_connection(address, timeout=20) as sock,
        pytest.raises(ConnectionResetError),
    ):
        sock.recv(100)


def test_who_writes_too_fast_has_to_wait():
    """Nobody reads at the other side: the relay's memory stays bounded."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = type("Address", (), {"host": "127.0.0.1", "port": listener.getsockname()[1]})
    with listener, relayed(orders(address, 1)) as relay:
        probing, _ = listener.accept()
        probing.close()
        sock = socket.create_connection(("127.0.0.1", relay.port), timeout=0.5)
        silent, _ = listener.accept()
        with sock, silent:
            with pytest.raises(TimeoutError):
                sock.sendall(bytes(100 << 20))
            assert psutil.Process(relay.pid).memory_info().rss < 150 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="others keep the limit they have")
def test_a_route_may_have_many_connections(routes, server):
    reach(routes, NETWORK, server.target)
    relay = routes._open[NETWORK].relay
    assert wait_until(lambda: len(set(limits(relay.pid))) == 1)


def limits(pid):
    return psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE)


def test_many_connections_at_once(far):
    def ask(number):
        with connect(far) as connection:
            return [answer(connection, f"select {number}") for _ in range(5)]

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(ask, range(16))) == [[n] * 5 for n in range(16)]
