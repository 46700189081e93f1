"""`bench`: its plan, one whole benchmark, and a server that is left as it was found."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import psutil
import pytest
from commands import FIXTURE_FAILS, ONE, PGDYNO, Ended, check, pgdyno
from helpers import wait_until
from pages import everything

from harness.bench.schedule import PLANS
from harness.cli.bench import default_path
from harness.results import store
from harness.servers.cluster import free_port
from harness.venue.control import Control
from harness.venue.venue import Venue

# --- the plan ---------------------------------------------------------------------------


def test_a_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path) -> None:
    nobody = f"dsn:postgresql://me:hunter2@127.0.0.1:{free_port()}/db"
    ended = pgdyno(
        "bench", "query/point", "--driver", "asyncpg", "--driver", "psycopg2",
        "--effort", "gate", "--dry-run", "--server", nobody, cwd=tmp_path,
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    for words in (
        "query/point#fetch-one",
        "arms: 3: asyncpg, psycopg2, asyncpg (A/A)",
        "references in 3 of 3 cells: null, null-async, pgbench",
        "rounds: 9 to 40",
        "connections: up to ",
        "time: about ",
    ):
        assert words in ended.out
    assert list(tmp_path.iterdir()) == []
    without = pgdyno(
        "bench", "query/point", "--driver", "asyncpg", "--no-aa", "--no-floor", "--dry-run"
    )
    assert "arms: 1: asyncpg\n" in without.out
    assert "references" not in without.out
    elsewhere = pgdyno("bench", "query/types", "--driver", "asyncpg", "--dry-run")
    assert "references" not in elsewhere.out


def planned(*arguments: str, cwd: Path | None = None) -> list[str]:
    ended = pgdyno(
        "bench", *arguments, "--driver", "asyncpg", "--dry-run", "--format", "json", cwd=cwd
    )
    cells: list[str] = json.loads(ended.out)["cells"]
    return cells


def test_a_gate_has_the_quick_cells_or_what_the_project_gates(tmp_path: Path) -> None:
    quick = planned(cwd=tmp_path)
    assert planned("--effort", "gate", cwd=tmp_path) == quick
    (tmp_path / "pgdyno.toml").write_text('gate = ["copy/in"]\ncontrol = ["query/point"]\n')
    gated = planned("--effort", "gate", cwd=tmp_path)
    assert {cell.partition("#")[0] for cell in gated} == {"copy/in", "query/point"}
    assert planned(cwd=tmp_path) == quick
    named = planned("jsonb/fetch", "--effort", "gate", cwd=tmp_path)
    assert {cell.partition("#")[0] for cell in named} == {"jsonb/fetch"}


def test_a_lane_may_have_cells_of_its_own(tmp_path: Path) -> None:
    own = planned("--lane", "start", cwd=tmp_path)
    assert planned("--lane", "start", "--effort", "gate", cwd=tmp_path) == own
    assert {cell.partition("#")[0] for cell in own} == {
        "start/first_use", "start/plan_switch", "connections/connect",
    }  # fmt: skip
    assert not set(own) & set(planned(cwd=tmp_path))
    assert planned("query/point#missing", "--lane", "start", cwd=tmp_path) == [
        "query/point#missing"
    ]
    assert planned("--lane", "memory", cwd=tmp_path) == planned(cwd=tmp_path)


def test_a_plan_for_programs() -> None:
    ended = pgdyno(
        "bench", "query/point", "--driver", "asyncpg", "--dry-run", "--format", "json"
    )
    plan = json.loads(ended.out)
    assert plan["arms"] == ["asyncpg", "asyncpg (A/A)"]
    assert "query/point#fetch-one" in plan["cells"]
    assert plan["references"] == ["null", "null-async", "pgbench"]
    assert plan["seconds"] > 0


@pytest.mark.parametrize(("effort", "most"), [("quick", 11), ("standard", 36)])
def test_an_effort_keeps_its_promise(effort: str, most: int) -> None:
    plan = pgdyno("bench", "--effort", effort, "--dry-run").out
    assert 0 < int(plan.partition("cells: ")[2].split()[0]) <= most


# --- one whole benchmark ------------------------------------------------------------------

EVIL = """
schema = 1
title = "<script>alert(1)</script>"
why = "Rows & <b>bold</b> questions"

[fixture]
scope = "trial"
sql = "create table t (a int)"

[[case]]
name = "read"
op = "fetch_all"
sql = "select i, '<img src=x>' from generate_series(1, 3) i"
[case.bench]

[[case]]
name = "write"
op = "execute"
sql = "insert into t values ($1)"
params = "select 7"
expect.state = "select a from t"
[case.bench]
reset = "truncate t"
"""


@dataclass(frozen=True)
class Bench:
    """A finished benchmark, with the state of the server around it."""

    ended: Ended
    out: Path
    folder: Path
    before: Sequence[str]
    after: Sequence[str]


STATE = (
    # pg_temp_* are PostgreSQL's own: it keeps one for every slot that ever had a
    # temporary table.
    "select string_agg(nspname, ',' order by 1) from pg_namespace"
    " where nspname !~ '^pg_(toast_)?temp_'",
    "select count(*)::text from pg_largeobject_metadata",
    "select count(*)::text from pg_prepared_xacts",
    "select count(*)::text from pg_class",
    "select count(*)::text from pg_proc",
    "select string_agg(t::text, ',' order by 1) from pg_roles t",
    "select string_agg(t::text, ',' order by 1) from pg_extension t",
    "select string_agg(d::text, ',' order by 1) from pg_database d",
    "select string_agg(s::text, ',' order by 1) from pg_db_role_setting s",
    "select string_agg(name || '=' || coalesce(setting, ''), ',' order by name)"
    " from pg_settings where source not in ('client', 'session')",
    "select string_agg(f::text, ',' order by 1) from pg_file_settings f",
    "select count(*)::text from pg_locks where locktype = 'advisory'",
    "select count(*)::text from pg_prepared_xacts",
    "select pg_postmaster_start_time()::text",
)


def state(place: Venue) -> list[str]:
    """What a visitor could have changed."""
    found = []
    for one in processes(place):
        with contextlib.suppress(psutil.NoSuchProcess):  # a session that just ended
            found.append(str(one.cpu_affinity()))
    with Control(place.server.target) as control:
        return [control.value(query) for query in STATE] + sorted(set(found))


def sessions(place: Venue) -> int:
    """How many there are now."""
    query = "select count(*) from pg_stat_activity where backend_type = 'client backend'"
    return int(place.control.value(query))


def processes(place: Venue) -> list[psutil.Process]:
    """The postmaster and its helpers, where they are on this machine."""
    if not place.server.pid:
        return []
    postmaster = psutil.Process(place.server.pid)
    return [postmaster, *postmaster.children()]


def settled(place: Venue, wanted: Sequence[str]) -> Sequence[str]:
    """The state, once the sessions of a finished run are gone."""
    deadline = time.monotonic() + 60
    while (found := state(place)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def bench(place: Venue, dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A benchmark of a file outside the repository, on a borrowed server."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "<i>evil.toml").write_text(EVIL)
    before = state(place)
    two_rounds = replace(PLANS["quick"], min_rounds=2, max_rounds=2)
    with mock.patch.dict(PLANS, {"quick": two_rounds}):
        ended = pgdyno(
            "bench", "<i>evil.toml", "--driver", "psycopg2", "--driver", "asyncpg",
            "--server", f"dsn:{dsn}", "--out", "deep/run.jsonl", "--report", "report",
            "--no-aa", cwd=folder,
        )  # fmt: skip
    after = settled(place, before)
    return Bench(ended, folder / "deep" / "run.jsonl", folder, before, after)


def test_a_benchmark_of_a_file_outside_the_repository(bench: Bench) -> None:
    assert bench.ended.code == 3, bench.ended.said  # two rounds are not enough to rank
    run = store.read(bench.out)
    assert run.footer is not None
    assert run.footer.reason == "complete"
    assert {one.cell for one in run.trials} == {"<i>evil#read", "<i>evil#write"}
    assert {one.arm for one in run.trials} == {"psycopg2", "asyncpg"}
    assert {one.verdict for one in run.trials} == {"exact"}


def test_results_go_to_stdout_and_progress_does_not(bench: Bench) -> None:
    lines = bench.ended.out.splitlines()
    assert lines[0] == "results: deep/run.jsonl"
    paths = [one for one in lines if one.startswith(("results: ", "report: report/"))]
    assert len(paths) > 3
    assert all((bench.folder / one.partition(": ")[2]).exists() for one in paths)
    assert lines[len(paths)].startswith("bench  2 questions × 2 drivers · ")
    last = max(number for number, line in enumerate(lines) if line.startswith("exit "))
    assert lines[last].startswith(f"exit {bench.ended.code}: ")
    assert last >= len(lines) - 4  # a long sentence goes on in the next lines
    assert "preparing <i>evil#read" in bench.ended.err


@pytest.mark.usefixtures("borrowed")
def test_a_document_has_stdout_for_itself(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    """A program reads where the time went, what was left out, and each interval."""
    ended = pgdyno(
        "bench", file(ONE + "[case.bench]\n"), "--driver", "psycopg2", "--no-aa",
        "--format", "json", "--out", "run.jsonl", "--report", "report", cwd=tmp_path,
    )  # fmt: skip
    assert ended.code in (0, 3), ended.said  # 3 where others use the machine
    found = json.loads(ended.out)
    assert 0 < found["timed_ns"] < found["wall_ns"]
    assert found["timed_share"] == pytest.approx(found["timed_ns"] / found["wall_ns"])
    assert sum(found["phases_ns"].values()) <= found["wall_ns"]
    assert found["phases_ns"]["timed slices"] > 0
    (cell,) = found["cells"]
    assert cell["interval"] == (ended.code == 0)
    # without one there may have been no quiet block either
    assert ended.code == 3 or cell["passes"] > cell["passes_left_out"] >= 0
    (wall,) = [row for row in found["numbers"] if row["metric"] == "wall_ns"]
    assert wall["estimate"] > 0
    assert (wall["low"] is not None) == cell["interval"]
    assert "results: run.jsonl" in ended.err
    assert "report: report/report.html" in ended.err


def test_names_in_a_scenario_are_text_in_the_report(bench: Bench) -> None:
    page = (bench.folder / "report" / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<b>bold" not in page
    assert "<i>evil" not in page
    assert "<img src=x" not in page
    told = everything(page)
    assert "<script>alert(1)</script>" in told  # in the data, as a text
    assert "<i>evil" in told


def test_no_password_is_in_anything_that_is_kept(bench: Bench, place: Venue) -> None:
    secret = place.server.target.password
    assert secret not in bench.ended.said
    kept = [one for one in bench.folder.rglob("*") if one.is_file()]
    assert len(kept) >= 4
    assert not [one for one in kept if secret.encode() in one.read_bytes()]
    assert "dsn:…" in store.read(bench.out).header.command


@pytest.mark.parametrize(
    "form", ["dsn:{uri}", "dsn:{pairs}", "{uri}", "--server=dsn:{pairs}"]
)
def test_no_form_of_a_dsn_is_kept(
    form: str, dsn: str, place: Venue, file: Callable[..., Path], tmp_path: Path
) -> None:
    to = place.server.target
    pairs = f"host={to.host} port={to.port} user={to.user} dbname={to.dbname} password = "
    server = form.format(uri=dsn, pairs=pairs + to.password)
    server_option = [server] if server.startswith("--") else ["--server", server]
    out = tmp_path / "run.jsonl"
    wanted = ("--driver", "psycopg2", "--profile", "default")
    ended = pgdyno("check", file(ONE), *wanted, *server_option, "--out", out)
    assert ended.code == 0, ended.said
    assert to.password not in ended.said + out.read_text()
    assert str(to.port) not in json.dumps(store.read(out).header.command)


# --- a borrowed server is left as it was found ------------------------------------------


def test_a_benchmark_leaves_the_server_as_it_was(bench: Bench) -> None:
    assert bench.after == bench.before


@pytest.mark.usefixtures("borrowed")
def test_a_check_leaves_the_server_as_it_was(place: Venue) -> None:
    before = state(place)
    checks = check(
        "errors", "classic/writes", "--driver", "psycopg2", "--driver", "psycopg"
    )
    assert len(checks) > 20
    assert settled(place, before) == before


@pytest.mark.usefixtures("borrowed")
@pytest.mark.parametrize("verb", ["check", "bench"])
def test_a_fixture_that_fails_leaves_nothing_either(
    verb: str, place: Venue, file: Callable[..., Path], tmp_path: Path
) -> None:
    before = state(place)
    path = file(FIXTURE_FAILS + "[case.bench]\n")
    out = tmp_path / "run.jsonl"
    ended = pgdyno(verb, path, "--driver", "psycopg2", "--out", out)
    assert ended.code == 4
    assert settled(place, before) == before
    run = store.read(out)
    assert {one.verdict for one in (*run.trials, *run.checks)} == {"invalid"}


@pytest.mark.usefixtures("borrowed")
def test_what_a_killed_run_left_is_removed_by_the_next(
    place: Venue, file: Callable[..., Path], tmp_path: Path
) -> None:
    before, others = state(place), sessions(place)
    path = file(EVIL)
    out = tmp_path / "killed.jsonl"
    command = [*PGDYNO, "bench", str(path), "--driver", "psycopg2", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 90
    while not (out.exists() and b'"record":"trial"' in out.read_bytes()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert state(place)[0] != before[0]  # its schemas are still there
    assert store.read(out).truncated == "it has no footer"
    assert wait_until(lambda: sessions(place) <= others)  # the server sees that it is gone
    assert pgdyno("check", file(ONE, "next.toml"), "--driver", "psycopg2").code == 0
    assert settled(place, before) == before


def test_two_runs_at_once_have_files_of_their_own() -> None:
    assert default_path() != default_path()
