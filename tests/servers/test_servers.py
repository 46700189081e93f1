"""Real servers, and real ways in which they end."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import psutil
import psycopg
import pytest
from helpers import no_wheel, wait_until

from harness.core.errors import MissingExtra, ServerError, UsageError
from harness.servers import (
    ServerSpec,
    cluster,
    container,
    dsn,
    folder,
    local,
    open_server,
    parse,
    wheel,
)
from harness.servers.cluster import connect

AS_ROOT = os.name == "posix" and os.geteuid() == 0

RUN_AND_WAIT = """
import time
from harness.servers import open_server, parse
with open_server(parse("wheel")) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


pytestmark = pytest.mark.skipif(bool(no_wheel()), reason=no_wheel())


@pytest.fixture
def place(monkeypatch, tmp_path_factory):
    """A temporary directory of our own that a server's user can enter; empty at the end."""
    tmp_path_factory.getbasetemp()  # before it would be made in here
    path = Path(tempfile.mkdtemp(prefix="test-servers-", dir="/tmp"))
    path.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    yield path
    left = list(path.iterdir())
    shutil.rmtree(path)
    assert left == []


@pytest.fixture(scope="module")
def shared():
    """One server for the tests that only look at it."""
    with open_server(parse("wheel", max_connections=20)) as server:
        yield server


def data_of(server):
    return Path(psutil.Process(server.pid).cwd())


def gone(pid):
    return (
        not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    )


def one(server, query, **changes):
    with connect(dataclasses.replace(server.target, **changes)) as connection:
        return connection.execute(query).fetchone()[0]


def uri(server, password=None, dbname=None):
    target = server.target
    return (
        f"postgresql://{target.user}:{password or target.password}"
        f"@{target.host}:{target.port}/{dbname or target.dbname}"
    )


# -- managed: what is promised -------------------------------------------------------


@pytest.mark.parametrize(("version", "transport"), [(16, "tcp"), (18, "unix")])
def test_a_server_comes_up_and_leaves_nothing(place, version, transport):
    with open_server(parse(f"wheel:{version}", transport=transport)) as server:
        assert one(server, "show server_version").startswith(str(version))
        assert one(server, "select inet_server_addr() is null") == (transport == "unix")
        assert (
            one(server, "select count(*) from pg_extension where extname = 'vector'") == 1
        )
        assert server.managed
        assert server.transport == transport
        assert psutil.Process(server.pid).ppid() == os.getpid()
    assert gone(server.pid)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_scram_is_required(shared, transport):
    host = shared.target.host
    if transport == "unix":
        host = one(
            shared, "select trim('\"' from current_setting('unix_socket_directories'))"
        )
    assert one(shared, "select 1", host=host) == 1
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        one(shared, "select 1", host=host, password="guess")
    stored = one(shared, "select rolpassword from pg_authid where rolname = current_user")
    assert stored.startswith("SCRAM-SHA-256$")


def test_the_profile_is_what_the_server_has(shared):
    with connect(shared.target) as connection:
        for name, value in shared.profile.items():
            assert connection.execute(f"show {name}").fetchone()[0] == value
        assert connection.execute("show server_encoding").fetchone()[0] == "UTF8"
    assert shared.profile["max_connections"] == "20"


def test_variables_of_another_server_do_not_matter(shared, monkeypatch):
    for name in ("PGHOSTADDR", "PGOPTIONS", "PGSSLMODE"):
        monkeypatch.setenv(name, {"PGSSLMODE": "require"}.get(name, "192.0.2.1"))
    assert one(shared, "select 1") == 1


def test_no_password_in_a_repr(shared):
    assert shared.target.password not in repr(shared)
    assert "secret" not in repr(parse("dsn:postgresql://me:secret@there/db"))


def test_a_long_temporary_directory(place, monkeypatch):
    deep = place / ("long" * 20) / ("longer" * 20)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with open_server(parse("wheel", transport="unix")) as server:
        assert data_of(server).is_relative_to(deep)
        assert not Path(server.target.host).is_relative_to(deep)
        assert one(server, "select 1") == 1
    assert not Path(server.target.host).exists()
    assert list(deep.iterdir()) == []
    shutil.rmtree(place / ("long" * 20))


def test_no_socket_folder_is_short_enough(place, monkeypatch):
    assert folder.socket_folder(Path("/x" * 60), bases=()) is None
    monkeypatch.setattr(folder, "socket_folder", lambda path: None)
    spec = parse("wheel", transport="unix")
    with pytest.raises(ServerError, match="short enough"), open_server(spec):
        pass


def test_two_at_once_do_not_meet(place):
    with open_server(parse("wheel")) as first, open_server(parse("wheel")) as second:
        assert first.target.port != second.target.port
        assert data_of(first) != data_of(second)
        folder.reap()
        assert one(first, "select 1") == one(second, "select 1") == 1


def test_tcp_needs_no_socket_folder_and_survives_a_port_that_is_taken(place, monkeypatch):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        ports = iter([squatter.getsockname()[1], cluster.free_port()])
        monkeypatch.setattr(cluster, "free_port", lambda: next(ports))
        monkeypatch.setattr(folder, "socket_folder", lambda path: None)
        with open_server(parse("wheel")) as server:
            assert one(server, "show unix_socket_directories") == ""


def test_a_server_that_does_not_start_says_why(place, monkeypatch):
    monkeypatch.setattr(cluster, "profile", lambda spec: {"shared_buffers": "nonsense"})
    said = r'ended with status 1[^"]*"shared_buffers": "nonsense"'
    with pytest.raises(ServerError, match=said), open_server(parse("wheel")):
        pass


# -- managed: how it ends ------------------------------------------------------------


def test_a_ctrl_c_while_a_session_is_busy(place):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(open_server(parse("wheel")))
        connection = stack.enter_context(contextlib.closing(connect(server.target)))
        connection.pgconn.send_query(b"select pg_sleep(100)")
        with pytest.raises(KeyboardInterrupt), stack:
            raise KeyboardInterrupt
    assert gone(server.pid)


def test_somebody_kills_it_in_the_middle(place):
    with open_server(parse("wheel")) as server:
        busy = connect(server.target)
        backend = busy.info.backend_pid
        # It neither sleeps nor waits, so it does not notice that its postmaster is gone.
        busy.pgconn.send_query(
            b"select count(*) from pg_class a, pg_class b, pg_class c, pg_class d"
        )
        os.kill(server.pid, signal.SIGKILL)
    assert gone(server.pid)
    assert gone(backend)
    busy.close()


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ends a child with its parent"
)
def test_kill_9_of_the_run_ends_the_server_and_the_next_run_cleans_up(place):
    run = subprocess.Popen([sys.executable, "-c", RUN_AND_WAIT], stdout=subprocess.PIPE)
    with run:
        pid = int(run.stdout.readline())
        assert len(list(place.iterdir())) == 1
        run.kill()
    assert wait_until(lambda: gone(pid))
    ruins = list(place.iterdir())
    with open_server(parse("wheel")) as server:
        assert list(place.iterdir()) == [data_of(server).parent]
    assert ruins
    assert not ruins[0].exists()


# -- reaping -------------------------------------------------------------------------


def abandoned(place, stack):
    """A live server in a folder whose run is dead: a copy without anybody's lock."""
    server = stack.enter_context(open_server(parse("wheel")))
    home = data_of(server).parent
    record = (home / folder.OWNER).read_bytes()
    (home / folder.OWNER).unlink()
    (home / folder.OWNER).write_bytes(record)
    return server, home


def test_reap_stops_a_server_that_outlived_its_run(place):
    with contextlib.ExitStack() as stack:
        server, home = abandoned(place, stack)
        assert home in folder.reap()  # and perhaps a stranger's ruin in /tmp
        assert gone(server.pid)
        assert not home.exists()


def test_reap_leaves_a_fresh_folder_and_takes_an_old_one(place):
    home = Path(tempfile.mkdtemp(prefix=f"pgdyno-{os.geteuid()}-"))
    assert home not in folder.reap()
    os.utime(home, (0, 0))
    assert home in folder.reap()


def test_reap_follows_no_link_and_believes_no_name(place, tmp_path):
    (tmp_path / folder.OWNER).write_text("{}")
    link = place / f"pgdyno-{os.geteuid()}-link"
    link.symlink_to(tmp_path)
    home = Path(tempfile.mkdtemp(prefix=f"pgdyno-{os.geteuid()}-"))
    (home / folder.OWNER).write_text(f'{{"sockets": "{tmp_path}"}}')
    (home / "data").symlink_to(tmp_path)
    assert home in folder.reap()
    assert (tmp_path / folder.OWNER).exists()
    link.unlink()


@pytest.mark.skipif(not AS_ROOT, reason="only root can make another user's folder")
def test_reap_leaves_what_belongs_to_another_user(place):
    home = Path(tempfile.mkdtemp(prefix="pgdyno-0-"))
    os.chown(home, 65534, 65534)
    os.utime(home, (0, 0))
    assert home not in folder.reap()
    home.rmdir()


def test_only_processes_of_this_data_directory_are_stopped(shared, tmp_path):
    folder.stop_processes(tmp_path)
    assert one(shared, "select 1") == 1


# -- binaries ------------------------------------------------------------------------


def test_local_with_an_installed_postgresql(place):
    try:
        binaries = local.find()
    except ServerError as error:
        pytest.skip(str(error))
    with open_server(parse(f"local:{binaries}", transport="unix")) as server:
        version = int(one(server, "show server_version_num")) // 10_000
        assert version == cluster.version_of(binaries)


@pytest.mark.skipif(not AS_ROOT, reason="only root gives up its rights")
def test_root_with_binaries_that_others_cannot_reach(place, tmp_path):
    closed = tmp_path / "closed"
    package = wheel.find()[18].parents[1]
    for name in (f"{package.name}/pginstall18", f"{package.name}.libs"):
        source = package.parent / name
        shutil.copytree(source, closed / name, symlinks=True, copy_function=os.link)
    binaries = closed / package.name / "pginstall18/bin"
    private = binaries.parent / "share/postgresql/postgres.bki"
    content = private.read_bytes()
    private.unlink()
    private.write_bytes(content)
    private.chmod(0o600)
    closed.chmod(0o700)
    with open_server(parse(f"local:{binaries}")) as server:
        program = Path(psutil.Process(server.pid).exe())
        assert program.is_relative_to(data_of(server).parent)
        assert program.samefile(binaries / "postgres")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert private.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not AS_ROOT, reason="only root gives up its rights")
def test_root_with_a_temporary_directory_that_others_cannot_enter(place):
    place.chmod(0o700)
    with open_server(parse("wheel")) as server:
        assert data_of(server).parent.parent in (Path("/tmp"), Path("/var/tmp"))
        assert psutil.Process(server.pid).uids().real != 0
    assert place.stat().st_mode & 0o777 == 0o700


def test_local_without_programs(tmp_path):
    with pytest.raises(ServerError, match="initdb and postgres"):
        local.open(ServerSpec("local", str(tmp_path)))


def test_the_wheel_names_the_versions_it_holds():
    with pytest.raises(ServerError, match="'9'") as caught:
        wheel.open(ServerSpec("wheel", "9"))
    assert "wheel:16, wheel:18" in caught.value.hint


def test_the_wheel_is_not_installed(monkeypatch):
    monkeypatch.setattr(wheel, "PACKAGE", "not_installed_at_all")
    with pytest.raises(MissingExtra) as caught:
        wheel.open(ServerSpec("wheel"))
    assert "pgdyno[server]" in caught.value.hint


def test_the_wheels_package_is_not_imported():
    code = (
        "import sys; from harness.servers import wheel; wheel.find();"
        "sys.exit(wheel.PACKAGE in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# -- borrowed ------------------------------------------------------------------------


def snapshot(server):
    queries = (
        "select array_agg(datname::text order by 1) from pg_database",
        "select array_agg(rolname::text order by 1) from pg_roles",
        "select array_agg(nspname::text order by 1) from pg_namespace",
        "select array_agg(extname::text order by 1) from pg_extension",
        "select array_agg(name || '=' || setting order by 1) from pg_settings"
        " where source not in ('client', 'session')",
        "select count(*) from pg_class",
    )
    return [one(server, query) for query in queries]


def test_a_borrowed_server_stays_as_it_was(shared):
    before = snapshot(shared)
    with open_server(parse(uri(shared))) as server:
        assert not server.managed
        assert server.target == shared.target
        assert server.pid == shared.pid
        assert server.transport == "tcp"
        assert one(server, "select 1") == 1
    assert snapshot(shared) == before
    assert not gone(shared.pid)


def test_defaults_come_from_where_libpq_takes_them(shared, monkeypatch, tmp_path):
    target = shared.target
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:*:{target.password}\n")
    passwords.chmod(0o600)
    sockets = one(
        shared, "select trim('\"' from current_setting('unix_socket_directories'))"
    )
    monkeypatch.setenv("PGDYNO_DSN", f"port={target.port}")
    monkeypatch.setenv("PGHOST", sockets)
    monkeypatch.setenv("PGUSER", target.user)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    with open_server(parse("dsn")) as server:
        assert server.target == dataclasses.replace(target, host=sockets)
        assert server.transport == "unix"
        assert server.pid == shared.pid


def fails(text):
    with pytest.raises(ServerError) as caught, open_server(parse(text)):
        pass
    shown, error = [], caught.value
    while error is not None:
        shown += [str(error), getattr(error, "hint", "")]
        error = error.__cause__ or (
            None if error.__suppress_context__ else error.__context__
        )
    return "\n".join(shown)


def test_a_wrong_password(shared):
    shown = fails(f"dsn:{uri(shared, password='s3cr3t%21')}")
    assert "password authentication failed" in shown
    assert "the user or the password is wrong" in shown
    assert "s3cr3t" not in shown


def test_a_password_that_is_in_the_message_anyway(shared):
    shown = fails(f"dsn:{uri(shared, password='s3cr3t', dbname='s3cr3t')}")
    assert "s3cr3t" not in shown


def test_an_unknown_database(shared):
    shown = fails(f"dsn:{uri(shared, dbname='nowhere')}")
    assert '"nowhere" does not exist' in shown
    assert "name a database that exists" in shown
    assert shared.target.password not in shown


def test_nobody_is_there():
    port = cluster.free_port()
    shown = fails(f"dsn:postgresql://me:s3cr3t@127.0.0.1:{port}/db")
    assert f"port {port}" in shown
    assert "is the server running there" in shown
    assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:s3cr3t%zz@127.0.0.1/db",
        "postgresql://me:s3cr3t@mark@127.0.0.1:1/db",
        "postgresql://me:s3cr3t/mark@127.0.0.1:1/db",
        "host=127.0.0.1 password=a s3cr3t",
        "host=127.0.0.1 port=1 password=s3cr3t options=-cjit=on",
        "postgresql://me:s3cr3t@127.0.0.1:1/db?sslmode=verify-full",
        "postgresql://me:s3cr3t@127.0.0.1:1/db?s3cr3t=1",
    ],
)
def test_a_dsn_that_cannot_be_used_is_not_quoted(text):
    shown = fails(f"dsn:{text}")
    assert shown
    assert "s3cr3t" not in shown
    assert "mark" not in shown


def test_no_dsn_at_all(monkeypatch):
    monkeypatch.delenv("PGDYNO_DSN", raising=False)
    assert "PGDYNO_DSN" in fails("dsn")


def test_a_server_that_is_too_old():
    dsn.check_version(130000)
    with pytest.raises(ServerError, match=r"PostgreSQL 12\.22") as caught:
        dsn.check_version(120022)
    assert "13" in caught.value.hint


def test_a_kind_that_does_not_exist():
    with pytest.raises(UsageError, match="'moon'"):
        parse("moon:18")
    with pytest.raises(UsageError) as caught:
        parse("user=me password=s3cr3t:x")
    assert "s3cr3t" not in str(caught.value)


# -- containers ----------------------------------------------------------------------


def test_a_container():
    image = os.environ.get("PGDYNO_TEST_IMAGE", "postgres:18")
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # docker's and testcontainers' own
        refusal = ""
        try:
            server = stack.enter_context(open_server(parse(f"container:{image}")))
        except (ServerError, MissingExtra) as error:
            refusal = str(error)
        if refusal:
            gc.collect()  # sockets that docker left open are its own as well
            pytest.skip(refusal)
        assert server.managed
        assert server.pid == 0
        for name, value in server.profile.items():
            assert one(server, f"show {name}") == value


def test_a_container_needs_an_image_and_tcp():
    with pytest.raises(ServerError, match="no image"):
        container.open(parse("container")).__enter__()
    with pytest.raises(ServerError, match="TCP only"):
        container.open(parse("container:postgres:18", transport="unix")).__enter__()
