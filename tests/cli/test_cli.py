"""The command as its users meet it: a process, its output, its exit code, its traces.

Almost everything runs against the tests' own server, borrowed by its DSN: nothing has
to be started, and what must never be shown, its password, is known.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers import uri

from harness import scenario
from harness.cli import main
from harness.results import store
from harness.servers.cluster import free_port
from harness.venue.control import Control
from harness.venue.venue import Venue

PGDYNO = [sys.executable, "-m", "harness"]
FIXTURE = Path(__file__).parents[1] / "results" / "files" / "schema-1.jsonl"
SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "scenario.schema.json"
HEAD = 'schema = 1\ntitle = "T"\nwhy = "W"\n'
ONE = HEAD + '[[case]]\nname = "one"\nop = "fetch_val"\nsql = "select 1"\n'


@dataclass(frozen=True)
class Ended:
    """What is left of a command."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that a person has seen."""
        return self.out + self.err


def pgdyno(*arguments: str | Path, **options: Any) -> Ended:
    """Run the command; whatever it was asked, it never shows a traceback."""
    done = subprocess.run(
        [*PGDYNO, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def dsn(place: Venue) -> str:
    """The tests' server as a DSN with its password."""
    return uri(place)


@pytest.fixture
def borrowed(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands use the tests' server by default."""
    monkeypatch.setenv("PGDYNO_DSN", dsn)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Write a scenario file somewhere outside of the repository."""

    def made(text: str, name: str = "outside.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return made


# --- usage ----------------------------------------------------------------------------

USAGE = {
    "scenario": (["check", "query/poitn"], "'query/poitn' is not a scen", "query/point"),
    "family": (["bench", "qeury"], "'qeury' is not a scenario, a", "did you mean query"),
    "far from any": (["check", "§§§"], "'§§§' is not a scenario", "pgdyno list scenarios"),
    "empty": (["check", ""], "'' is not a scenario", "pgdyno list scenarios"),
    "case": (["bench", "query/point#nope"], "no case is called query/point#nope", "list"),
    "file": (["check", "no/such.toml"], "no/such.toml: there is no such file", ""),
    "driver": (["check", "--driver", "asyncgp"], "no driver 'asyncgp'", "asyncpg"),
    "driver of bench": (["bench", "--driver", ""], "no driver ''", "known drivers:"),
    "option": (
        ["check", "query", "--driver", "psycopg2+turbo"],
        "driver 'psycopg2' has no option 'turbo'",
        "it has:",
    ),
    "a reference": (
        ["check", "--driver", "pgbench"],
        "'pgbench' is a reference, not a driver",
        "pgdyno bench adds it by itself",
    ),
    "option of bench": (
        ["bench", "query", "--driver", "asyncpg+turbo"],
        "driver 'asyncpg' has no option 'turbo'",
        "uvloop",
    ),
    "server": (["check", "--server", "oracle:19"], "no server kind 'oracle'", "wheel"),
    "nothing to time": (["bench", "errors"], "nothing in errors can be", "case.bench"),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGE)
def test_a_slip_is_one_sentence_and_a_hint(name: str, tmp_path: Path) -> None:
    arguments, words, hint = USAGE[name]
    ended = pgdyno(*arguments, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert hint in ended.err
    assert ("hint: " in ended.err) == bool(hint)
    assert len(ended.err.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["bench", "--effort", "heroic"], "invalid choice: 'heroic'"),
        (["bench", "--seed", "x"], "invalid int value: 'x'"),
        (["check", "--format", "xml"], "invalid choice: 'xml'"),
        (["check", "--fail-on", "exact"], "invalid choice: 'exact'"),
        (["check", "--transport", "pigeon"], "invalid choice: 'pigeon'"),
        (["compare", "a", "b", "--threshold", "300%"], "must lie between 0 and 100 %"),
        (["report"], "required: RUN"),
        (["report", "x", "--format", "pdf"], "no format 'pdf'"),
        (["list", "wishes"], "invalid choice: 'wishes'"),
        (["check", "--no-such-option"], "unrecognized arguments"),
    ],
)
def test_argparse_says_the_rest(arguments: list[str], words: str) -> None:
    ended = pgdyno(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert ended.err.startswith("usage: pgdyno")


def test_a_version_that_the_wheel_does_not_hold() -> None:
    ended = pgdyno("check", "query/point", "--server", "wheel:9")
    assert ended.code == 5
    assert "the wheel holds no PostgreSQL '9'" in ended.err
    assert "wheel:18" in ended.err


# --- scenario files --------------------------------------------------------------------


def test_a_key_that_is_not_known_names_the_file_and_the_nearest_key(
    file: Callable[..., Path],
) -> None:
    path = file(ONE.replace("sql", "sqll"))
    ended = pgdyno("check", path)
    assert ended.code == 2
    assert str(path) in ended.err
    assert "there is no key `sqll`" in ended.err
    assert "hint: did you mean `sql`?" in ended.err


def test_text_that_is_no_toml_names_the_line(file: Callable[..., Path]) -> None:
    ended = pgdyno("bench", file(ONE + "\nwhat is this"))
    assert ended.code == 2
    assert "outside.toml: not TOML" in ended.err
    assert "line 9" in ended.err


def test_a_capability_that_is_not_known(file: Callable[..., Path]) -> None:
    ended = pgdyno("check", file(ONE + 'requires = ["pipelines"]'))
    assert ended.code == 2
    assert "case 'one': there is no capability 'pipelines'" in ended.err
    assert "did you mean 'pipeline'?" in ended.err


def test_a_borrowed_server_can_never_be_reconfigured(file: Callable[..., Path]) -> None:
    more = "[case.bench]\nserver_settings = { fsync = 'on' }\n"
    ended = pgdyno("bench", file(ONE + more))
    assert ended.code == 2
    assert "bench.server_settings on a server that may be somebody else's" in ended.err
    assert 'hint: needs = ["owned"]' in ended.err


def test_two_files_of_one_name_are_not_mixed_up(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    ended = pgdyno("check", file(ONE), file(ONE, "other/outside.toml"))
    assert ended.code == 2
    assert "are both called 'outside'" in ended.err
    assert "hint: rename one" in ended.err


@pytest.mark.usefixtures("borrowed")
def test_one_file_named_twice_is_checked_once(file: Callable[..., Path]) -> None:
    path = file(ONE)
    twice = (path, f"{path.parent}/./{path.name}", f"{path}#one")
    checks = check(*twice, "--driver", "psycopg2", "--profile", "default")
    assert [one["cell"] for one in checks] == ["outside#one"]


BAD = (
    HEAD
    + """
[[case]]
name = "sql"
op = "fetch_all"
sql = '''
select 1,
  no_such_column
'''

[[case]]
name = "random"
op = "fetch_val"
sql = "select random()"

[[case]]
name = "random-in-a-transaction"
op = "transaction"
statements = [{ sql = "select random()" }]

[[case]]
name = "no-error"
op = "execute"
sql = "select 1"
expect.error = { sqlstate = "23505" }

[[case]]
name = "other-error"
op = "execute"
sql = "select 1 / 0"
expect.error = { sqlstate = "23505" }

[[case]]
name = "good"
op = "fetch_val"
sql = "select 1"
"""
)
FIXTURE_FAILS = (
    HEAD
    + """
[fixture]
sql = '''
create table t (a int);
insert into t values ('x');
'''
[[case]]
name = "fixture"
op = "fetch_val"
sql = "select 1"
"""
)


def check(*arguments: str | Path, code: int = 0, **options: Any) -> list[dict[str, Any]]:
    """The checks of a run, read from stdout."""
    ended = pgdyno("check", *arguments, "--format", "json", **options)
    assert ended.code == code, ended.said
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found


@pytest.fixture(scope="module")
def invalid(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Everything that is the scenario's own fault, in one run of two drivers."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad.toml").write_text(BAD)
    (folder / "fixture.toml").write_text(FIXTURE_FAILS)
    return check(
        folder, "--driver", "psycopg2", "--driver", "asyncpg", "--profile", "default",
        "--server", f"dsn:{dsn}", code=4,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("sql", 'column "no_such_column" does not exist (SQLSTATE 42703) at line 2'),
        ("random", "the answer differs from one evaluation to the next"),
        ("random-in-a-transaction", "the answer differs from one evaluation"),
        ("no-error", "expects SQLSTATE 23505, the server gives no error"),
        ("other-error", "expects SQLSTATE 23505, the server gives 22012"),
        ("fixture", "the fixture of fixture fails: invalid input syntax for type integer"),
    ],
)
def test_a_fault_of_the_scenario_is_charged_to_no_driver(
    invalid: list[dict[str, Any]], case: str, words: str
) -> None:
    found = [one for one in invalid if one["case"] == case]
    assert [one["driver"] for one in found] == ["psycopg2", "asyncpg"]
    assert {one["verdict"] for one in found} == {"invalid"}
    assert all(words in one["detail"] for one in found), found


def test_the_cases_beside_it_are_judged_all_the_same(invalid: list[dict[str, Any]]) -> None:
    good = [one["verdict"] for one in invalid if one["case"] == "good"]
    assert good == ["exact", "exact"]


KEYS = {
    "scenario",
    "case",
    "driver",
    "profile",
    "verdict",
    "detail",
    "observed",
    "expected",
}


def test_json_is_one_array_of_objects_with_the_same_keys(
    invalid: list[dict[str, Any]],
) -> None:
    assert len(invalid) == 7 * 2
    assert all(KEYS | {"cell"} <= set(one) for one in invalid)
    assert len({tuple(one) for one in invalid}) == 1
    assert all(isinstance(one[key], str) for one in invalid for key in KEYS)


# --- connecting -------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["check", "bench", "doctor"])
@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_wrong_password_is_said_and_not_shown(
    dsn: str, place: Venue, tmp_path: Path, verb: str, by: str
) -> None:
    wrong = dsn.replace(place.server.target.password, "hunter2")
    paths = [] if verb == "doctor" else ["query/point", "--out", "run.jsonl"]
    server = f"dsn:{wrong}" if by == "option" else "dsn"
    environment = os.environ | ({"PGDYNO_DSN": wrong} if by == "variable" else {})
    ended = pgdyno(verb, *paths, "--server", server, cwd=tmp_path, env=environment)
    assert ended.code == 5
    assert "password authentication failed" in ended.said
    assert "the user or the password is wrong" in ended.said
    assert "hunter2" not in ended.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("dsn:postgresql://me:hunter2@127.0.0.1:{port}/db", "port {port} failed"),
        ("postgresql://me:hunter2@127.0.0.1:{port}/db", "port {port} failed"),
        ("dsn:host=127.0.0.1 port={port} user=me password = hunter2", "port {port} failed"),
        (
            "dsn:postgresql://me:hunter2@127.0.0.1:{port}/db?sslmode=verify-full",
            "'sslmode'",
        ),
        ("dsn:postgresql://me:hun%zzter2@127.0.0.1/db", "neither a URI nor key=value"),
        ("dsn", "there is no DSN"),
    ],
)
def test_a_server_that_is_not_there(server: str, words: str, tmp_path: Path) -> None:
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key != "PGDYNO_DSN"}
    ended = pgdyno(
        "check", "query/point", "--server", server.format(port=port),
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert ended.code == 5
    assert words.format(port=port) in ended.err
    assert "hint: " in ended.err
    assert "hunter2" not in ended.said


@pytest.mark.usefixtures("borrowed")
def test_an_extension_that_is_missing_is_skipped_with_its_reason(
    file: Callable[..., Path], place: Venue
) -> None:
    if "hstore" in place.facts.extensions:
        pytest.skip("the server has hstore")
    ended = pgdyno("check", file(ONE + 'needs = ["extension:hstore"]'))
    assert ended.code == 4
    assert "skipped" in ended.out
    assert "the extension hstore is not there" in ended.err


# --- writing --------------------------------------------------------------------------


@pytest.mark.usefixtures("borrowed")
@pytest.mark.parametrize("verb", ["check", "bench"])
def test_results_are_never_overwritten(
    verb: str, file: Callable[..., Path], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_text("kept")
    path = file(ONE + "[case.bench]\n")
    ended = pgdyno(verb, path, "--driver", "psycopg2", "--out", kept)
    assert ended.code == 4
    assert f"{kept} exists already" in ended.err
    assert "hint: results are never overwritten" in ended.err
    assert kept.read_text() == "kept"


@pytest.mark.usefixtures("borrowed")
def test_a_folder_that_cannot_be_made(file: Callable[..., Path]) -> None:
    path = file(ONE)
    ended = pgdyno("check", path, "--out", path / "below" / "run.jsonl")
    assert ended.code == 4
    assert "run.jsonl cannot be written: Not a directory" in ended.err
    assert "hint: name another --out" in ended.err
    ended = pgdyno("report", FIXTURE, "--format", "markdown", "--out", path / "below")
    assert ended.code == 4
    assert "report.md cannot be written: Not a directory" in ended.err
    assert path.read_text() == ONE


@pytest.mark.usefixtures("borrowed")
def test_a_full_disk_keeps_what_was_checked_before(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    many = "[case.axes]\nn = [" + ", ".join(map(str, range(60))) + "]\n"
    path = file(ONE.replace("select 1", "select ${n}") + many)
    out = tmp_path / "run.jsonl"
    room = 32_000  # the header needs about 20,000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    arguments = ("check", path, "--driver", "psycopg2", "--out", out)
    ended = pgdyno(*arguments, preexec_fn=limit)
    assert ended.code == 4, ended.said
    assert f"{out} cannot be written to the end: " in ended.err
    assert "hint: what was measured before is kept" in ended.err
    run = store.read(out)
    assert 10 < len(run.checks) < 120
    assert room - 1000 < out.stat().st_size <= room


# --- reading --------------------------------------------------------------------------


def spoilt(folder: Path, name: str) -> Path:
    """The committed run, spoilt in one way."""
    lines = FIXTURE.read_text().splitlines(keepends=True)
    lines[0] = lines[0].replace('"run":"', '"run":"another-', 1)
    newer = lines[0].replace('"schema":1', '"schema":999', 1)
    texts: Mapping[str, Sequence[str]] = {
        "cut": [*lines[:-2], lines[-2][:30]],
        "newer": [newer, *lines[1:]],
        "no json": [*lines[:4], "oops\n", *lines[5:]],
        "another file": ["<html>\n"],
        "empty": [],
        "checks only": [one for one in lines if '"record":"trial"' not in one],
    }
    path = folder / f"{name}.jsonl"
    if name in texts:
        path.write_text("".join(texts[name]))
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("newer", "has schema 999; this pgdyno reads up to 2"),
        ("no json", "line 5: not a JSON object"),
        ("another file", "line 1: not a JSON object"),
        ("empty", "holds no complete line"),
        ("missing", "cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("verb", ["report", "compare"])
def test_a_file_that_cannot_be_read_is_named(
    verb: str, name: str, words: str, tmp_path: Path
) -> None:
    path = spoilt(tmp_path, name)
    arguments = [FIXTURE, path] if verb == "compare" else [path, "--out", tmp_path / "r"]
    ended = pgdyno(verb, *arguments)
    assert (ended.code, ended.out) == (4, "")
    assert f"{path}" in ended.err
    assert words in ended.err
    assert not (tmp_path / "r").exists()


def test_a_cut_file_is_reported_and_compared_with_a_warning(tmp_path: Path) -> None:
    path = spoilt(tmp_path, "cut")
    ended = pgdyno("report", path, "--format", "text", "--out", tmp_path)
    assert ended.code == 0
    assert "its last line was cut" in (tmp_path / "report.txt").read_text()
    ended = pgdyno("compare", FIXTURE, path)
    assert ended.code in (0, 3)
    assert f"{path} is truncated: its last line was cut" in " ".join(ended.out.split())


def test_a_run_without_times_cannot_be_compared(tmp_path: Path) -> None:
    ended = pgdyno("compare", FIXTURE, spoilt(tmp_path, "checks only"))
    assert ended.code == 4, ended.said


# --- help and lists ---------------------------------------------------------------------


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The whole command and each verb."""
    parser = main.build_parser()
    (verbs,) = [
        one for one in parser._actions if isinstance(one, argparse._SubParsersAction)
    ]
    return {"": parser, **verbs.choices}


@pytest.mark.parametrize("verb", ["", *main.VERBS])
def test_help_fits_and_names_every_option(verb: str) -> None:
    ended = pgdyno(*filter(None, [verb]), "--help", env=os.environ | {"COLUMNS": "80"})
    assert (ended.code, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= 80
    for action in parsers()[verb]._actions:
        for name in action.option_strings or [action.metavar or ""]:
            assert name in ended.out
        assert action.help != ""
    assert all(one in ended.out for one in (main.VERBS if not verb else ()))


def test_without_a_verb_the_help_is_shown() -> None:
    assert pgdyno().out == pgdyno("--help").out
    assert pgdyno("--version").out.startswith("pgdyno 0.")


LISTS = ("scenarios", "cases", "drivers", "servers")
HEAVY = ("psycopg", "psycopg2", "asyncpg", "psqlpy", "uvloop", "matplotlib", "numpy")


def test_lists_and_help_load_neither_drivers_nor_charts() -> None:
    code = f"""
import sys
from harness.cli.main import main
for arguments in {[["list", one] for one in LISTS]}:
    assert main(arguments) == 0
try:
    main(["--help"])
except SystemExit as ended:
    assert not ended.code
print("loaded:", *(one for one in {HEAVY} if one in sys.modules))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_a_list_says_what_the_profile_configured_registers() -> None:
    lines = pgdyno("list", "profiles").out.splitlines()
    assert max(map(len, lines)) <= 80
    said = " ".join(" ".join(lines).split())
    assert "`register_adapter(dict, Json)`; uuid is `uuid.UUID`: `register_uuid`" in said
    assert "psqlpy nothing" in said


@pytest.mark.parametrize("what", LISTS)
def test_lists_are_for_people_and_for_programs(what: str) -> None:
    rows = json.loads(pgdyno("list", what, "--format", "json").out)
    lines = pgdyno("list", what).out.splitlines()
    assert len(rows) == len(lines) > 3
    assert max(map(len, lines)) <= 80
    assert len({tuple(one) for one in rows}) == 1  # all rows have the same keys
    first = [next(iter(one.values())) for one in rows]
    assert len(set(first)) == len(first)
    for name, line in zip(first, lines, strict=True):
        assert line.startswith(name[:80])


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m harness list cases | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


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


@pytest.mark.parametrize(("effort", "most"), [("quick", 11), ("standard", 36)])
def test_an_effort_keeps_its_promise(effort: str, most: int) -> None:
    plan = pgdyno("bench", "--effort", effort, "--dry-run").out
    assert 0 < int(plan.partition("cells: ")[2].split()[0]) <= most


# --- verdicts and exit codes --------------------------------------------------------------

SMALL = (
    HEAD
    + """
[[case]]
name = "rows"
op = "fetch_all"
sql = "select i from generate_series(1, 5) i"
"""
)


@pytest.mark.usefixtures("borrowed", "miniatures")
@pytest.mark.parametrize(
    ("driver", "options", "more", "code"),
    [
        ("psycopg2", [], "", 0),
        ("one-short", [], "", 1),
        ("one-short", ["--fail-on", "broken"], "", 0),
        ("wrong-type", [], "", 0),
        ("wrong-type", ["--fail-on", "differs"], "", 1),
        ("segfaults", [], "", 1),
        ("psycopg2", [], 'needs = ["version>=99"]', 4),
        ("psycopg2", [], 'requires = ["pipeline"]', 0),
        ("missing-library", [], "", 4),
    ],
)
def test_the_exit_code_of_a_check(
    driver: str, options: list[str], more: str, code: int, file: Callable[..., Path]
) -> None:
    ended = pgdyno("check", file(SMALL + more), "--driver", driver, *options)
    assert ended.code == code, ended.said
    assert ended.out.endswith("\n")
    commands = [line for line in ended.out.splitlines() if "pgdyno " in line]
    assert max(len(line) for line in ended.out.splitlines() if line not in commands) <= 80
    assert f"exit {code}: " in ended.out.splitlines()[-1]
    if code == 4:
        assert "pgdyno: all skipped: " in ended.err


@pytest.mark.usefixtures("borrowed", "miniatures")
@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_every_form_tells_what_is_wrong(form: str, file: Callable[..., Path]) -> None:
    ended = pgdyno(
        "check", file(SMALL), "--driver", "one-short", "--format", form,
        "--profile", "default", *["--details"] * (form == "text"),
    )  # fmt: skip
    assert ended.code == 1
    assert "lossy" in ended.out
    assert "outside" in ended.out
    assert ended.out.endswith("\n")
    assert form == "markdown" or "4 rows instead of 5" in ended.out


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


def processes(place: Venue) -> list[psutil.Process]:
    """The postmaster and its helpers, where they are on this machine."""
    if not place.server.pid:
        return []
    postmaster = psutil.Process(place.server.pid)
    return [postmaster, *postmaster.children()]


def settled(place: Venue, wanted: Sequence[str]) -> Sequence[str]:
    """The state, once the sessions of a finished run are gone."""
    deadline = time.monotonic() + 5
    while (found := state(place)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def bench(place: Venue, dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A quick benchmark of a file outside the repository, on a borrowed server."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "<i>evil.toml").write_text(EVIL)
    before = state(place)
    ended = pgdyno(
        "bench", "<i>evil.toml", "--driver", "psycopg2", "--driver", "asyncpg",
        "--server", f"dsn:{dsn}", "--out", "deep/run.jsonl", "--report", "report",
        "--no-aa", cwd=folder,
    )  # fmt: skip
    after = settled(place, before)
    return Bench(ended, folder / "deep" / "run.jsonl", folder, before, after)


def test_a_benchmark_of_a_file_outside_the_repository(bench: Bench) -> None:
    assert bench.ended.code in (0, 3), bench.ended.said  # 3 where others use the machine
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
    assert lines[-1].startswith(f"exit {bench.ended.code}: ") or lines[-2].startswith(
        f"exit {bench.ended.code}: "
    )
    assert "preparing <i>evil#read" in bench.ended.err


def test_names_in_a_scenario_are_text_in_the_report(bench: Bench) -> None:
    page = (bench.folder / "report" / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<b>bold" not in page
    assert "<i>evil" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;i&gt;evil" in page


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
    ended = pgdyno("check", file(ONE), "--driver", "psycopg2", *server_option, "--out", out)
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
    before = state(place)
    path = file(EVIL)
    out = tmp_path / "killed.jsonl"
    command = [*PGDYNO, "bench", str(path), "--driver", "psycopg2", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not (out.exists() and b'"record":"trial"' in out.read_bytes()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert state(place)[0] != before[0]  # its schemas are still there
    assert store.read(out).truncated == "it has no footer"
    time.sleep(0.2)  # the server sees that the session is gone
    assert pgdyno("check", file(ONE, "next.toml"), "--driver", "psycopg2").code == 0
    assert settled(place, before) == before


# --- other versions of the server ---------------------------------------------------------


@pytest.mark.parametrize("server", ["wheel:16", "wheel:18"])
def test_the_everyday_families_on_each_version(server: str, tmp_path: Path) -> None:
    checks = check(
        "errors", "query", "transactions/commit", "fetch/rows#all@shape=wide,rows=1000",
        "--driver", "psycopg2", "--driver", "asyncpg", "--profile", "configured",
        "--server", server, "--out", tmp_path / "run.jsonl",
    )  # fmt: skip
    worse = [one for one in checks if one["verdict"] in ("invalid", "skipped")]
    assert worse == []
    families = {one["scenario"].partition("/")[0] for one in checks}
    assert families == {"errors", "query", "transactions", "fetch"}
    run = store.read(tmp_path / "run.jsonl")
    assert run.header.server.version.startswith(server.removeprefix("wheel:"))
    assert len(run.checks) == len(checks)


# --- for editors --------------------------------------------------------------------------


def test_the_schema_for_editors_is_current() -> None:
    made = json.dumps(scenario.json_schema(), indent=1, sort_keys=True, ensure_ascii=False)
    assert SCHEMA_FILE.read_text() == made + "\n", "write json_schema() into it again"


def test_the_schema_names_every_key_that_scenarios_use() -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    keys = {key for one in schema["$defs"].values() for key in one["properties"]}
    assert {"sql", "as", "at_least", "sqlstate", "reset", "check", "axes"} <= keys
    assert all(not one["additionalProperties"] for one in schema["$defs"].values())


def test_every_scenario_of_the_library_loads() -> None:
    files = sorted(scenario.library().rglob("*.toml"))
    assert len(files) > 10
    assert all(scenario.load(one).cells for one in files)
    assert shutil.which("pgdyno") is None or len(scenario.select([])) == len(files)


# --- show takes what check printed --------------------------------------------------------

TWO = ONE + '[[case]]\nname = "two"\nop = "fetch_val"\nsql = "select 2"\n'


@pytest.mark.usefixtures("borrowed", "miniatures")
def test_show_takes_the_id_and_the_command_that_check_printed(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    file(SMALL, "deep/er/mine.toml")
    ended = pgdyno("check", "deep/er/mine.toml", "--driver", "one-short", cwd=tmp_path)
    assert "mine#rows: " in ended.out
    (command,) = [line.split() for line in ended.out.splitlines() if "pgdyno show" in line]
    assert command[2:] == ["deep/er/mine.toml#rows", "--driver", "one-short", "--run"]
    for cell in (command[2], "mine#rows", "mine"):
        shown = pgdyno("show", cell, "--driver", "one-short", cwd=tmp_path)
        assert shown.code == 0, shown.said
        assert "mine#rows" in shown.out


def test_show_names_a_form_that_works(file: Callable[..., Path], tmp_path: Path) -> None:
    file(TWO, "mine.toml")
    ended = pgdyno("show", "mine", "--driver", "psycopg", cwd=tmp_path)
    assert ended.code == 2
    assert "mine names 2 cells" in ended.err
    assert "name one: mine.toml#one, mine.toml#two" in ended.err
    ended = pgdyno("show", "yours#one", "--driver", "psycopg", cwd=tmp_path)
    assert "a file of your own is named by its path: pgdyno show PATH/yours.toml#one" in (
        ended.err
    )
    (tmp_path / "other").mkdir()
    file(TWO, "other/mine.toml")
    ended = pgdyno("show", "mine#one", "--driver", "psycopg", cwd=tmp_path)
    assert ended.code == 2
    assert "several files are called mine.toml: mine.toml, other/mine.toml" in ended.err


STEPS = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "unread"
[[case.step]]
op = "fetch_val"
sql = "selec"
expect.trait = true

[[case]]
name = "silent"
op = "fetch_val"
sql = "select 41 + 1"
expect.rejected = true
"""


@pytest.mark.usefixtures("borrowed")
def test_show_tells_the_message_of_an_exception_that_is_a_trait(
    file: Callable[..., Path],
) -> None:
    shown = pgdyno("show", f"{file(STEPS)}#unread", "--driver", "psycopg2")
    assert shown.code == 0, shown.said
    assert "step 1     raised psycopg2.errors.SyntaxError" in shown.out
    assert 'syntax error at or near "selec"' in shown.out


@pytest.mark.usefixtures("borrowed")
def test_no_error_tells_the_value_that_came(file: Callable[..., Path]) -> None:
    ended = pgdyno("check", f"{file(STEPS)}#silent", "--driver", "psycopg2")
    assert ended.code == 1
    assert "42" in ended.out
    assert "no error came but" in " ".join(ended.out.split())
