"""What a server does not grant is no driver's fault, and is said before anything waits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import scenario
from harness.cli import main
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.verdicts import Verdict
from harness.play.seat import Deadlines, Seat
from harness.results import store
from harness.results.records import Check, Run
from harness.servers import Server, open_server, parse
from harness.servers.cluster import connect
from harness.venue import limits
from harness.venue.control import Control
from harness.venue.venue import opened

ROLES = """
create role narrow login password 'geheim-1' connection limit 3;
create role lonely login password 'geheim-1' connection limit 1;
create role reader login password 'geheim-1';
alter role reader set default_transaction_read_only = on;
create role guest login password 'geheim-1';
grant create on database pgdyno to narrow, lonely, reader;
create schema taken;
"""
SCENARIO = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "plain"
op = "fetch_val"
sql = "select 1"

[[case]]
name = "pool"
op = "fetch_val"
sql = "select 1"
clients = 2
pool = 4

[[case]]
name = "steps"
[[case.step]]
op = "pool_open"
save = "p"
with = { min_size = 1, max_size = 4 }
[[case.step]]
on = "p"
op = "pool_acquire"
save = "c"
[[case.step]]
on = "c"
op = "fetch_val"
sql = "select 1"
expect = { value = 1 }

[[case]]
name = "writing-steps"
[[case.step]]
op = "execute"
sql = "create table x (a int)"
[[case.step]]
op = "fetch_val"
sql = "select 1"
expect = { value = 1 }
"""
FIXED = """
schema = 1
title = "T"
why = "W"

[fixture]
sql = "create table t as select 1 as a"

[[case]]
name = "table"
op = "fetch_val"
sql = "select a from t"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with few sessions, and roles that may do little."""
    with open_server(parse("wheel", max_connections=12)) as running:
        with connect(running.target) as connection:
            connection.execute(ROLES)
            connection.execute("create database small connection limit 3")
            connection.execute("grant create on database small to guest")
        yield running


def dsn(server: Server, role: str, dbname: str = "") -> str:
    target = server.target
    name = f"{role}:geheim-1" if role else f"{target.user}:{target.password}"
    return f"dsn:postgresql://{name}@{target.host}:{target.port}/{dbname or target.dbname}"


def check(
    folder: Path, server: str, text: str = SCENARIO, driver: str = "psycopg"
) -> tuple[int, Run]:
    """A check of a scenario as that user; its exit code, and the run."""
    file, out = folder / "limits.toml", folder / f"{time.monotonic_ns()}.jsonl"
    file.write_text(text)
    argv = ["check", str(file), "--driver", driver, "--server", server, "--out", str(out)]
    return main.main(argv), store.read(out)


def of(run: Run, case: str) -> list[Check]:
    return [found for found in run.checks if found.case == case]


def schemas(server: Server) -> list[str]:
    with connect(server.target) as connection:
        query = "select nspname from pg_namespace where nspname !~ '^pg_' order by 1"
        return [name for (name,) in connection.execute(query).fetchall()]


def cell(text: str, folder: Path) -> Cell:
    file = folder / "cell.toml"
    file.write_text('schema = 1\ntitle = "T"\nwhy = "W"\n' + text)
    return scenario.load(file).cells[0]


# --- sessions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "dbname", "room"),
    [("", "", 11), ("narrow", "", 2), ("lonely", "", 0), ("guest", "small", 2)],
)
def test_the_room_is_what_the_tightest_limit_leaves(
    server: Server, role: str, dbname: str, room: int
) -> None:
    target = replace(server.target, dbname=dbname or server.target.dbname)
    if role:
        target = replace(target, user=role, password="geheim-1")
    with Control(target) as control:
        assert limits.room(control) == room


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg", "psqlpy"])
@pytest.mark.parametrize(("role", "dbname"), [("narrow", ""), ("guest", "small")])
def test_a_cell_that_needs_more_sessions_is_skipped_and_others_are_played(
    server: Server, tmp_path: Path, driver: str, role: str, dbname: str
) -> None:
    before = schemas(server)
    code, run = check(tmp_path, dsn(server, role, dbname), driver=driver)
    assert code == 0
    assert [found.verdict for found in of(run, "plain")] == ["exact", "exact"]
    for found in [*of(run, "pool"), *of(run, "steps")]:
        assert found.verdict == "skipped"
        assert "it takes 4 sessions" in found.detail
        assert "room for 1" in found.detail
    assert schemas(server) == before


def test_without_room_for_a_session_all_is_skipped(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, run = check(tmp_path, dsn(server, "lonely"))
    assert code == 4
    assert {found.verdict for found in run.checks} == {"skipped"}
    assert "room for 0" in capsys.readouterr().err


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg", "psqlpy"])
@pytest.mark.parametrize("case", ["plain", "pool", "connect"])
def test_a_session_that_nobody_gets_is_no_drivers_fault(
    server: Server, tmp_path: Path, driver: str, case: str
) -> None:
    """Somebody else takes the sessions while the check runs."""
    file = tmp_path / "limits.toml"
    file.write_text(
        SCENARIO + '[[case]]\nname = "connect"\nop = "connect"\nexpect.sessions = 1\n'
    )
    cell = next(cell for cell in scenario.load(file).cells if cell.case == case)
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(opened(parse(dsn(server, "reader"))))
        play = place.stage.prepare(cell)
        seat = Seat(Arm(driver), place.stage, place.control, tmp_path, [], Deadlines(9, 9))
        stack.callback(seat.dismiss)
        target = place.server.target
        while limits.room(place.control):
            stack.enter_context(Control(target))
        judged = seat.open(play)
        if judged.verdict is Verdict.EXACT:  # a pool that opens none before it must
            judged = seat.verify(play)
    if judged.verdict is not Verdict.UNSUPPORTED:
        assert judged.verdict is Verdict.SKIPPED, judged
        assert "remaining connection slots" in judged.detail


# --- rights -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "grant"),
    [
        ("reader", "default_transaction_read_only"),
        ("guest", "grant create on database pgdyno to guest"),
    ],
)
def test_who_may_not_write_is_told_what_to_grant_and_reads_all_the_same(
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    role: str,
    grant: str,
) -> None:
    before = schemas(server)
    code, run = check(tmp_path, dsn(server, role))
    assert code == 0
    assert grant in capsys.readouterr().err
    assert {found.verdict for found in of(run, "plain")} == {"exact"}
    for found in of(run, "writing-steps"):
        assert found.verdict == "skipped"
        assert grant in found.detail
    code, run = check(tmp_path, dsn(server, role), FIXED)
    assert code == 4
    assert {found.verdict for found in run.checks} == {"skipped"}
    assert schemas(server) == before


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ('[[case]]\nname = "c"\nop = "fetch_val"\nsql = "select 1"', False),
        ('[[case]]\nname = "c"\nop = "execute"\nsql = "create table x ()"\n'
         'expect.rejected = true', True),
        ('[fixture]\nsql = "select 1"\n[[case]]\nname = "c"\nop = "fetch_val"\n'
         'sql = "select 1"', True),
        ('[[case]]\nname = "c"\n[[case.step]]\nop = "fetch_val"\nsql = "select 1"\n'
         'expect = { value = 1 }', False),
        ('[[case]]\nname = "c"\n[[case.step]]\nop = "execute"\n'
         'sql = "INSERT into t values (1)"\nexpect.rejected = true', True),
    ],
)  # fmt: skip
def test_only_what_writes_needs_a_schema(tmp_path: Path, text: str, needed: bool) -> None:
    assert limits.needs_schema(cell(text, tmp_path)) is needed
