"""`pgdyno import` on a borrowed server: from statements to a scenario that runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from commands import pgdyno
from helpers import uri
from psycopg import sql

from harness.bench import schedule
from harness.cli import try_
from harness.scenario import load
from harness.servers import ServerSpec, cluster
from harness.venue.venue import Venue

TEN = """\
-- weight: 50
select abalance from pgbench_accounts where aid = 4711;
-- weight: 20
select aid, abalance, filler from pgbench_accounts
where aid between 100 and 120 order by aid;
-- weight: 10
select bid, bbalance from pgbench_branches order by bid;
select tid, tbalance from pgbench_tellers where bid = 1 order by tid; -- weight: 8
select a.aid, b.bbalance from pgbench_accounts a join pgbench_branches b using (bid)
where a.aid in (1, 2, 3) order by 1;
select count(*) from pgbench_accounts where bid = 1;
select t.tid, b.bid from pgbench_tellers t, pgbench_branches b
where t.bid = b.bid and t.tid > 5 order by tid limit 7;
select bid, sum(tbalance) from pgbench_tellers
group by bid having count(*) > 3 order by bid;
with rich as (select aid from pgbench_accounts where abalance >= 0)
select count(*) from rich where aid < 50;
select 1;
"""
DEBIANS = Path("/usr/lib/postgresql/15/bin")
STATISTICS = Path("/usr/share/postgresql/15/extension/pg_stat_statements.control")
SNAPSHOT = """
select string_agg(c::text, '|' order by c::text) from (
  select oid, relname, relkind, relnatts, relhastriggers from pg_class
  where relnamespace not in (select oid from pg_namespace where nspname ~ '^pg_')
  union all select oid, nspname, 's', 0, false from pg_namespace where nspname !~ '^pg_'
  union all select 0, sum(hashtext(a::text))::text, 'd', 0, false from pgbench_accounts a
  union all select 0, setconfig::text, 'c', 0, false from pg_db_role_setting
) c
"""


@pytest.fixture(scope="module")
def bank(place: Venue) -> Iterator[str]:
    """The DSN of a database that pgbench has filled."""
    if place.server.binaries is None:
        pytest.skip(
            "the tests' server is not one of ours: where its pgbench is, is unknown"
        )
    to = place.server.target
    with psycopg.connect(uri(place), autocommit=True) as connection:
        connection.execute("drop database if exists bank")
        connection.execute("create database bank")
        subprocess.run(
            [place.server.binaries / "pgbench", "-iq", "-h", to.host, "-p", str(to.port),
             "-U", to.user, "bank"],
            env={**os.environ, "PGPASSWORD": to.password},
            check=True, capture_output=True,
        )  # fmt: skip
        yield f"dsn:{uri(place).rpartition('/')[0]}/bank"
        connection.execute("drop database bank with (force)")


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    path = tmp_path / "ten.sql"
    path.write_text(TEN)
    return path


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has a round."""
    plan = replace(schedule.PLANS["quick"], slice_ns=200_000, slices=2, min_rounds=1,
                   max_rounds=1)  # fmt: skip
    monkeypatch.setitem(schedule.PLANS, "quick", plan)  # type: ignore[arg-type]
    monkeypatch.setattr(try_, "_MOST_ROUNDS", 1)


def snapshot(dsn: str) -> str:
    with psycopg.connect(dsn.removeprefix("dsn:")) as connection:
        return str(connection.execute(SNAPSHOT).fetchone())


@pytest.mark.usefixtures("short")
def test_ten_statements_of_a_pgbench_database_become_a_mix_that_runs(
    bank: str, ten: Path, tmp_path: Path
) -> None:
    """The server is only read: its catalog and its data are as they were."""
    before = snapshot(bank)
    out = tmp_path / "bank.toml"
    ended = pgdyno("import", "--from", "sql", ten, "--server", bank, "--out", out)
    assert ended.code == 0, ended.said
    assert "10 of 10 statements, 100 % of the calls" in ended.out
    *cases, mix = load(out).cells
    assert len(cases) == 10
    weights = {share.cell.case: share.weight for share in mix.mix}
    assert weights["pgbench-accounts-1"] == "50"
    assert "4711" not in out.read_text()
    moved = pgdyno("diff", "psycopg2", "asyncpg", out, "--times", "--server", bank)
    assert moved.code == 0, moved.said
    assert "11 of 11 checks come out alike" in moved.out
    assert "Moving from psycopg2 to asyncpg changes your client time by" in moved.out
    assert "10 statements by weight" in moved.out
    assert snapshot(bank) == before


@pytest.mark.usefixtures("short")
def test_an_imported_statement_can_be_tried(bank: str, ten: Path, tmp_path: Path) -> None:
    out = tmp_path / "bank.toml"
    assert pgdyno("import", "--from", "sql", ten, "--server", bank, "--out", out).code == 0
    case = load(out).cells[0]
    ended = pgdyno("try", case.sql, "--params", case.params, "--server", bank,
                   "--driver", "psycopg", "--seconds", "0.1",
                   "--out", tmp_path / "try.jsonl")  # fmt: skip
    assert "psycopg" in ended.out
    assert "exact" in ended.said, ended.said


def test_a_hidden_column_is_nowhere_in_the_file(
    bank: str, tmp_path: Path, ten: Path
) -> None:
    ten.write_text("select aid from pgbench_accounts where filler = 'secret' and aid = 1;"
                   "select aid, filler from pgbench_accounts where aid = 2;")  # fmt: skip
    out = tmp_path / "bank.toml"
    ended = pgdyno("import", "--from", "sql", ten, "--server", bank, "--out", out,
                   "--hide", "pgbench_accounts.filler")  # fmt: skip
    assert ended.code == 0, ended.said
    text = out.read_text()
    assert "secret" not in text
    assert "r.filler" not in text
    assert "repeat(chr(120), length(filler))" in text


def test_nothing_that_can_be_repeated_writes_no_file(
    bank: str, tmp_path: Path, ten: Path
) -> None:
    ten.write_text("update pgbench_accounts set abalance = 77;\n\\d\n")
    ended = pgdyno("import", "--from", "sql", ten, "--server", bank, "--out", tmp_path)
    assert ended.code == 4
    assert "update pgbench_accounts set abalance = $1: it writes (1 call)" in ended.err
    assert "\\d is a command of psql" in ended.err
    assert [file.name for file in tmp_path.iterdir()] == ["ten.sql"]


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (["--from", "nowhere"], "there is no such source", 2),
        (["--from", "log"], "--from log takes one file", 2),
        (["--from", "pg_stat_statements", "x"], "takes no file", 2),
        (["--from", "sql", "missing.sql"], "missing.sql cannot be read", 2),
        (["--from", "sql", "TEN", "--hide", "pgbench_accounts.balance"],
         "did you mean pgbench_accounts.abalance?", 2),
        (["--from", "sql", "TEN", "--out", "TEN"], "neither a folder nor a TOML file", 2),
        (["--from", "sql", "TEN", "--top", "0"], "is no number from 1 to 1000", 2),
        (["--from", "pg_stat_statements"], "this database has no pg_stat_statements", 5),
    ],
)  # fmt: skip
def test_a_slip_says_what_to_do(
    bank: str, ten: Path, tmp_path: Path, words: list[str], told: str, code: int
) -> None:
    words = [str(ten) if word == "TEN" else word for word in words]
    ended = pgdyno("import", *words, "--server", bank, cwd=tmp_path)
    assert told in ended.err
    assert ended.code == code


def test_an_empty_server_of_ones_own_has_no_workload(ten: Path, tmp_path: Path) -> None:
    ended = pgdyno("import", "--from", "sql", ten, "--server", "wheel", cwd=tmp_path)
    assert ended.code == 2
    assert "--server wheel starts a server that is empty" in ended.err


def test_a_file_that_exists_is_kept(bank: str, ten: Path, tmp_path: Path) -> None:
    """The default name is the database's."""
    (tmp_path / "bank.toml").write_text("mine")
    ended = pgdyno("import", "--from", "sql", ten, "--server", bank, cwd=tmp_path)
    assert ended.code == 2
    assert "bank.toml exists already" in ended.err
    assert (tmp_path / "bank.toml").read_text() == "mine"


def test_the_first_statements_are_taken(bank: str, ten: Path, tmp_path: Path) -> None:
    out = tmp_path / "bank.toml"
    ended = pgdyno("import", "--from", "sql", ten, "--server", bank, "--out", out,
                   "--top", "2")  # fmt: skip
    assert [case.case for case in load(out).cells] == [
        "pgbench-accounts-1", "pgbench-accounts-2", "workload",
    ]  # fmt: skip
    assert "not among the first 2 by calls" in ended.err


# --- pg_stat_statements -----------------------------------------------------------------


@pytest.fixture(scope="module")
def counted() -> Iterator[Callable[[str], str]]:
    """A server with pg_stat_statements, as `owner` or `guest` sees it."""
    if not (STATISTICS.exists() and (DEBIANS / "postgres").exists()):
        pytest.skip("contrib's pg_stat_statements is not installed: Debian's PostgreSQL 15")
    settings = cluster.profile(ServerSpec("local", max_connections=20)) | {
        "shared_preload_libraries": "pg_stat_statements",
        "shared_buffers": "16MB",
    }
    with cluster.made(DEBIANS, settings) as made:
        to = made.target
        owner = f"postgresql://{to.user}:{to.password}@{to.host}:{to.port}/{to.dbname}"
        with psycopg.connect(owner, autocommit=True) as connection:
            fill(connection)
        guest = owner.replace(f"{to.user}:{to.password}@", "guest:guest@")
        yield {"owner": f"dsn:{owner}", "guest": f"dsn:{guest}"}.__getitem__


def fill(connection: psycopg.Connection) -> None:
    for statement in (
        "create extension pg_stat_statements",
        "create table users (id int primary key, email text)",
        "insert into users select i, 'user' || i from generate_series(1, 100) i",
        "create table secrets (id int)",
        "create role guest login password 'guest'",
        "grant select on users to guest",
        "select pg_stat_statements_reset()",
    ):
        connection.execute(sql.SQL(statement))
    for _ in range(8):
        connection.execute("select email from users where id = 7 and email <> 'bob'")
    for _ in range(2):
        connection.execute("select id from users order by id limit 5")
    connection.execute("select count(*) from secrets")
    connection.execute("select now() - interval '1 day'")
    connection.execute("delete from secrets")


def test_what_the_server_counted_becomes_a_mix(
    counted: Callable[[str], str], tmp_path: Path
) -> None:
    out = tmp_path / "own.toml"
    ended = pgdyno("import", "--from", "pg_stat_statements", "--server", counted("owner"),
                   "--out", out)  # fmt: skip
    assert ended.code == 0, ended.said
    *cases, mix = load(out).cells
    sqls = {case.case: case.sql for case in cases}
    assert sqls["users-1"] == "SELECT email FROM users WHERE id = $1 AND email <> $2"
    assert sqls["users-2"] == "SELECT id FROM users ORDER BY id LIMIT $1"
    weights = {share.cell.case: float(share.weight) for share in mix.mix}
    assert (weights["users-1"], weights["users-2"]) == (8, 2)
    assert "delete from secrets: it writes (1 call)" in ended.err
    again = pgdyno("import", "--from", "pg_stat_statements", "--server", counted("owner"),
                   "--out", tmp_path / "again.toml")  # fmt: skip
    assert again.code == 0
    *_, mix = load(tmp_path / "again.toml").cells
    assert {share.cell.case: float(share.weight) for share in mix.mix}["users-1"] == 8


def test_texts_of_others_are_counted_and_said(
    counted: Callable[[str], str], tmp_path: Path
) -> None:
    with psycopg.connect(counted("guest").removeprefix("dsn:")) as connection:
        connection.execute("select email from users where id = 3")
    out = tmp_path / "guest.toml"
    ended = pgdyno("import", "--from", "pg_stat_statements", "--server", counted("guest"),
                   "--out", out)  # fmt: skip
    assert ended.code == 0, ended.said
    assert (
        "statements of other users, whose texts only pg_read_all_stats may see"
        in " ".join(ended.err.split())
    )


def test_a_table_that_may_not_be_read_is_said(
    counted: Callable[[str], str], tmp_path: Path
) -> None:
    script = tmp_path / "own.sql"
    script.write_text("select id from users where id = 1; select count(*) from secrets;")
    ended = pgdyno("import", "--from", "sql", script, "--server", counted("guest"),
                   "--out", tmp_path / "own.toml")  # fmt: skip
    told = " ".join(ended.err.split())
    assert "no permission: permission denied for table secrets" in told
    assert max(map(len, ended.err.splitlines())) <= 80
