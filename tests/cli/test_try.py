"""`try`: a statement on a borrowed server that is left as it was found."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import PGDYNO, Ended, check, pgdyno
from helpers import uri, wait_until

from harness.bench import schedule
from harness.cli import try_
from harness.core.verdicts import Verdict
from harness.results import store
from harness.scenario import load
from harness.venue.control import Control, connected
from harness.venue.venue import Venue

TABLES = """
set search_path = public;
create table try_cli (id int primary key, total numeric(10,2) not null, lent interval);
insert into try_cli
  select i, i / 4.0, i * interval '1 month' from generate_series(1, 500) i;
"""
LEFT = """
select (select string_agg(t::text, ';' order by id) from public.try_cli t) || ' ' ||
  (select string_agg(nspname, ',' order by nspname) from pg_namespace
   where nspname !~ '^pg_toast|^pg_temp')
"""


@pytest.fixture(scope="module")
def owner(place: Venue) -> Iterator[Control]:
    """The server's user, who has a table."""
    with connected(place.server.target) as control:
        control.run(TABLES)
        yield control
        control.run("drop table public.try_cli")


@pytest.fixture
def server(place: Venue, owner: Control) -> Iterator[str]:
    """That server as a borrowed one, which is left as it was found."""
    before = owner.value(LEFT)
    yield f"dsn:{uri(place)}"
    assert owner.value(LEFT) == before


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timing has two rounds."""
    plan = replace(schedule.PLANS["quick"], min_rounds=2, max_rounds=2)
    monkeypatch.setitem(schedule.PLANS, "quick", plan)  # type: ignore[arg-type]
    monkeypatch.setattr(try_, "_MOST_ROUNDS", 2)


def ended(folder: Path, server: str, *words: str) -> Ended:
    return pgdyno("try", *words, "--server", server, "--seconds", "1", cwd=folder)


def found(folder: Path, server: str, *words: str, code: int | None = None) -> Any:
    done = ended(folder, server, *words, "--format", "json")
    assert code is None or done.code == code, done.said
    document = json.loads(done.out)
    assert document["exit"] == done.code
    return document


def test_a_read_says_values_turns_times_and_the_file_that_repeats_it(
    server: str, tmp_path: Path, place: Venue
) -> None:
    done = ended(
        tmp_path, server, "select id, total from try_cli where id = $1",
        "--params", "select id from try_cli limit 5", "--driver", "psycopg",
        "--driver", "asyncpg", "--save", "mine.toml", "--out", "run.jsonl",
    )  # fmt: skip
    assert done.code in (0, 3), done.said  # a busy machine leaves it unranked
    assert {"✓ psycopg: exact", "✓ asyncpg: exact"} <= set(done.out.splitlines())
    assert "5 parameters · PostgreSQL" in done.out
    assert "turns" in done.out
    assert done.out.rstrip().rpartition("exit ")[2].startswith(f"{done.code}: ")
    assert max(map(len, done.out.splitlines())) <= 80
    (cell,) = load(tmp_path / "mine.toml").cells
    run = store.read(tmp_path / "run.jsonl")
    assert [facts.id for facts in run.header.cells] == [cell.id] == ["mine#statement"]
    assert run.header.cells[0].digest == cell.digest
    assert {trial.verdict for trial in run.trials} == {Verdict.EXACT}
    password = place.server.target.password
    assert password
    for file in tmp_path.rglob("*.*"):
        assert password not in file.read_text()
    assert password not in done.said


def test_who_changes_a_value_gets_no_time(server: str, tmp_path: Path) -> None:
    document = found(
        tmp_path, server, "select lent from try_cli where id <= 3",
        "--driver", "psycopg", "--driver", "psqlpy", code=1,
    )  # fmt: skip
    verdicts = {check["driver"]: check for check in document["checks"]}
    assert {check["verdict"] for check in verdicts.values()} == {"lossy"}
    assert verdicts["psycopg"]["expected"] == "interval: 'P1M'"
    assert "psycopg is lossy" in document["conclusion"]
    assert (document["run"], document["numbers"]) == ("", [])


@pytest.mark.usefixtures("short")
def test_a_statement_that_writes_works_on_copies(
    server: str, owner: Control, tmp_path: Path
) -> None:
    sql = "update try_cli set total = total + $2 where id = $1 returning total"
    params = "select id, 0.25 from try_cli limit 4"
    refused = ended(tmp_path, server, sql, "--params", params)
    assert refused.code == 2
    assert "--writes" in refused.err
    document = found(
        tmp_path, server, sql, "--params", params, "--writes", "--driver", "psycopg2",
        "--save", "mine.toml",
    )  # fmt: skip
    assert document["exit"] in (0, 3), document
    assert [check["verdict"] for check in document["checks"]] == ["exact"]
    (cell,) = load(tmp_path / "mine.toml").cells
    assert (cell.fixture.scope, cell.search_path) == ("trial", "")
    assert cell.bench is not None
    assert cell.bench.reset.startswith('truncate "try_cli" restart identity')
    checked = pgdyno(
        "check", "mine.toml", "--driver", "psycopg2", "--server", server, cwd=tmp_path
    )
    assert checked.code == 0, checked.said
    assert owner.value("select total from public.try_cli where id = 1") == "0.25"


def test_a_file_of_the_servers_tables_only_reads_beside_one_that_makes_its_own(
    server: str, tmp_path: Path
) -> None:
    """Both are played by the same connections in one run."""
    head = 'schema = 1\ntitle = "T"\nwhy = "W"\n'
    case = '[[case]]\nname = "{0}"\nop = "fetch_all"\nsql = "{1}"\n'
    theirs = case.format("reads", "select total from try_cli order by id limit 3")
    theirs += case.format("writes", "delete from try_cli returning id")
    ours = '[fixture]\nsql = "create table try_cli as select 7 as a"\n'
    ours += case.format("own", "select a from try_cli")
    (tmp_path / "theirs.toml").write_text(f'{head}search_path = "server"\n{theirs}')
    (tmp_path / "ours.toml").write_text(head + ours)
    checks = check(
        "theirs.toml", "ours.toml", "--driver", "asyncpg", "--server", server,
        "--profile", "configured", cwd=tmp_path, code=4,
    )  # fmt: skip
    verdicts = {check["case"]: check["verdict"] for check in checks}
    assert verdicts == {"reads": "exact", "writes": "invalid", "own": "exact"}
    refusal = next(check["detail"] for check in checks if check["case"] == "writes")
    assert "read-only transaction" in refusal


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["select 1; select 2"], 2, "several statements"),
        (["selec 1"], 2, "LINE 1: selec 1\n        ^"),
        (["select clock_timestamp()"], 4, "answers differently each time"),
        (["select 1", "--save", "there.toml"], 2, "it exists already"),
        (["select 1", "--save", "mine.txt"], 2, "ends in .toml"),
        (["select 1", "--save", "no/mine.toml"], 2, "there is no folder no"),
        (["select 1", "--out", "there.toml"], 4, "there.toml exists already"),
        (["select 1", "--seconds", "0"], 2, "seconds above 0"),
        (["select 1", "--seconds", "x"], 2, "--seconds: seconds above 0"),
        (["-- nothing\n;"], 2, "the statement is empty"),
        (["select 1", "--rtt", "x"], 2, "'x' is no round-trip time"),
        (["select 1", "--driver", "no-such"], 2, "no-such"),
    ],
)
def test_what_cannot_be_tried_is_told(
    words: list[str], code: int, told: str, server: str, tmp_path: Path
) -> None:
    (tmp_path / "there.toml").write_text("mine")
    driver = [] if "--driver" in words else ["--driver", "psycopg2"]
    done = pgdyno("try", *words, *driver, "--server", server, cwd=tmp_path)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert (tmp_path / "there.toml").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["there.toml"]


def test_a_ctrl_c_keeps_what_was_found(server: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PGDYNO, "try", "select 1 as a", "--driver", "psycopg2", "--server", server,
         "--seconds", "60", "--out", "run.jsonl"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    run = tmp_path / "run.jsonl"
    assert wait_until(lambda: run.exists() and '"record":"trial"' in run.read_text())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "psycopg2              exact" in out
    assert "the scenario that repeats this:" in out
    footer = store.read(run).footer
    assert footer is not None
    assert footer.reason == "interrupted"


def test_markdown_has_stdout_for_itself(server: str, tmp_path: Path) -> None:
    done = ended(
        tmp_path, server, "select lent from try_cli where id <= 3", "--driver", "psycopg",
        "--format", "markdown",
    )  # fmt: skip
    assert done.code == 1
    assert done.out.startswith("**try select lent from try\\_cli")
    assert "| psycopg | lossy: " in done.out
    assert "✗ psycopg: lossy" in done.err
