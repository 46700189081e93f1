"""The fixtures, in sessions of pytest of their own: a server, times, comparisons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.core.calls import Target
from harness.core.errors import UsageError
from harness.environments import programs
from harness.pytest_plugin import comparing
from harness.pytest_plugin.racing import SourceText
from harness.pytest_plugin.reporting import ReplayClock
from harness.pytest_plugin.targets import uri
from harness.pytest_plugin.timing import plan, warm_up_ops
from harness.venue.venue import Venue

pytest_plugins = ["pytester"]

BENCHED = """
import asyncio, asyncpg, pytest

def test_sync(pg_bench):
    assert pg_bench(lambda: sum(range(100))) == 4950

@pytest.mark.benchmark(group="mine")
def test_async(pg_bench, pg_target):
    async def run():
        connection = await asyncpg.connect(pg_target.dsn)
        loop = asyncio.get_running_loop()
        async def op():
            assert asyncio.get_running_loop() is loop
            return await connection.fetchval("select current_schema()")
        try:
            return await pg_bench(op)
        finally:
            await connection.close()
    assert asyncio.run(run()) == pg_target.schema

def test_coroutine_without_a_loop(pg_bench):
    async def op():
        await asyncio.sleep(0)
        return 7
    assert pg_bench(op) == 7

def test_plain():
    pass
"""
TARGETS = """
import psycopg, pytest

seen = set()

@pytest.mark.parametrize("number", [1, 2])
def test_each_has_a_schema(pg_target, pg_server, number):
    assert pg_server.password not in repr(pg_target)
    assert pg_server.port == pg_target.port and pg_server.schema == ""
    with psycopg.connect(pg_target.dsn) as connection:
        connection.execute("create table t (a int)")
        found = connection.execute("select current_schema(), count(*) from t").fetchone()
    assert found == (pg_target.schema, 0)
    assert pg_target.schema not in seen
    seen.add(pg_target.schema)
"""


def schemas(place: Venue) -> set[str | None]:
    found = place.control.table("select nspname from pg_namespace")
    assert found is not None
    return {row[0] for row in found.rows}


def test_a_target_is_a_schema_that_goes_with_its_test(session, pytester, place):
    before = schemas(place)
    pytester.makepyfile(TARGETS)
    session().assert_outcomes(passed=2)
    assert schemas(place) == before


def test_a_schema_that_stays_locked_is_told_and_goes_with_the_session(
    session, pytester, place
):
    before = schemas(place)
    pytester.makepyfile(
        """
        import psycopg

        def test_keeps_a_lock(pg_target):
            global kept
            kept = psycopg.connect(pg_target.dsn)
            kept.execute("create table t (a int)")

        def test_lets_go():
            kept.close()
        """
    )
    ended = session()
    ended.assert_outcomes(passed=2, errors=1)
    assert "cannot be dropped" in ended.stdout.str()
    assert "Traceback" not in ended.stdout.str()
    assert schemas(place) == before


@pytest.mark.parametrize(
    ("settings", "host", "expected"),
    [
        ((), "h", "postgresql://u%40:p%2F@h:1/d%20b"),
        ((("search_path", '"a", "b"'),), "::1",
         "postgresql://u%40:p%2F@[::1]:1/d%20b?options=-c%20search_path%3D%22a%22%2C%5C%20%22b%22"),
        ((), "/run/pg", "postgresql://u%40:p%2F@%2Frun%2Fpg:1/d%20b"),
    ],
)  # fmt: skip
def test_a_target_as_uri(settings, host, expected):
    assert uri(Target(host, 1, "u@", "p/", "d b", settings)) == expected


# --- pg_bench -----------------------------------------------------------------------------


def test_times_go_through_pytest_benchmark(session, pytester):
    pytester.makepyfile(BENCHED)
    ended = session("--benchmark-json=times.json", "--benchmark-only")
    ended.assert_outcomes(passed=3, skipped=1)
    file = pytester.path / "times.json"
    found = {it["name"]: it for it in json.loads(file.read_text())["benchmarks"]}
    assert set(found) == {"test_sync", "test_async", "test_coroutine_without_a_loop"}
    assert found["test_async"]["group"] == "mine"
    for name, entry in found.items():
        stats = entry["stats"]
        assert 5 <= stats["rounds"] == len(stats["data"]) <= 100, name
        assert 0 < stats["min"] <= stats["median"] <= stats["max"]
        assert entry["options"]["timer"] == "pgdyno"
    compared = subprocess.run(
        [Path(sys.executable).with_name("pytest-benchmark"), "compare", str(file)],
        capture_output=True, text=True, check=True, cwd=pytester.path,
    )  # fmt: skip
    assert "test_async" in compared.stdout


def test_without_pytest_benchmark_there_is_a_table(session, pytester):
    pytester.makepyfile(BENCHED)
    ended = session("-p", "no:benchmark", "--junit-xml=out.xml", "-W",
                    "ignore::pytest.PytestUnknownMarkWarning")  # fmt: skip
    ended.assert_outcomes(passed=4)
    ended.stdout.fnmatch_lines(["*pgdyno: time per call*", "*calls *::test_sync"])
    names = [it.get("name") for it in ET.parse(pytester.path / "out.xml").iter("property")]
    assert names.count("pg_bench_median_ns") == 3


def test_where_benchmarks_are_off_a_function_runs_once(session, pytester):
    pytester.makepyfile(
        """
        calls = []

        def test_once(pg_bench):
            assert pg_bench(lambda: calls.append(1)) is None
            assert len(calls) == 1

        def test_twice(pg_bench):
            pg_bench(int)
            pg_bench(int)
        """
    )
    ended = session("--benchmark-disable")
    ended.assert_outcomes(passed=1, failed=1)
    assert "pg_bench times one function of a test" in ended.stdout.str()


@pytest.mark.parametrize(
    ("ns_per_op", "ops", "lead", "slices"),
    [
        (1.0, 5_000_000, 1_000_000, 100),
        (1_000.0, 5_000, 1_000, 100),
        (4_000_000.0, 1, 1, 100),
        (50_000_000.0, 1, 0, 20),
        (3_000_000_000.0, 1, 0, 5),
    ],
)
def test_slices_are_some_milliseconds_and_end(ns_per_op, ops, lead, slices):
    chosen = plan(ns_per_op)
    assert (chosen.ops, chosen.lead, chosen.slices) == (ops, lead, slices)


def test_what_takes_long_is_warmed_up_less():
    assert [warm_up_ops(ns) for ns in (0, 1e3, 1e8, 1e10)] == [12, 12, 5, 1]


def test_a_clock_replays_what_was_measured():
    clock = ReplayClock()
    clock.load([0.25, 0.5])
    readings = [clock() for _ in range(4)]
    assert [readings[1] - readings[0], readings[3] - readings[2]] == [0.25, 0.5]


# --- pg_arm -------------------------------------------------------------------------------

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "toy-library"
version = "1.0"
[tool.hatch.build.targets.wheel]
include = ["toy_library.py"]
"""
LIBRARY = """
import time

def same():
    return sum(range(100))

def slower():
    time.sleep({sleep_s})

async def waits():
    return 1
"""
COMPARED = """
def same():
    import toy_library
    return toy_library.same

def slower():
    from toy_library import slower
    return slower

async def waits(target):
    import toy_library
    assert target.schema.startswith("pgdyno_")
    return toy_library.waits

def new():
    import toy_library
    return toy_library.breaks

def gone():
    import toy_library
    return toy_library.gone

def test_slower(pg_arm):
    pg_arm(slower, base="git:main", margin=0.5)

def test_waits(pg_arm):
    result = pg_arm(waits, base="git:main", margin=0.9)
    assert result.rounds >= 6 and result.low <= result.ratio <= result.high

def test_new(pg_arm):
    pg_arm(new, base="git:main")

def test_gone(pg_arm):
    pg_arm(gone, base="git:main")

def test_no_base(pg_arm):
    pg_arm(same, base="git:nowhere")

def test_other_form(pg_arm):
    pg_arm(same, base="main")

def test_outside(pg_arm):
    pg_arm(lambda: same, base="git:main")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library in a repository, whose working tree has got slower in one place."""
    if not programs.uv() and not programs.has_pip():
        pytest.skip("neither uv nor pip is there")
    kept = os.environ.get("PGDYNO_TEST_ENVIRONMENTS") or str(
        pytester.path / ".environments"
    )
    monkeypatch.setenv("PGDYNO_ENVIRONMENTS", kept)
    folder = pytester.path
    (folder / ".gitignore").write_text(".environments\n*.xml\ntest_*.py\nrunpytest-*\n")
    (folder / "pyproject.toml").write_text(PROJECT)
    source = folder / "toy_library.py"
    source.write_text(LIBRARY.format(sleep_s=0.0001) + "\ngone = same\n")
    git = ["git", "-C", str(folder), "-c", "user.name=Tester"]
    git += ["-c", "user.email=tester@example.org"]
    for words in ("init -q -b main", "add .", "commit -q -m First"):
        subprocess.run([*git, *words.split()], check=True)
    source.write_text(LIBRARY.format(sleep_s=0.01) + "\nbreaks = same\n")
    return folder


def test_a_regression_fails_and_nothing_else_does(session, pytester, project):
    pytester.makepyfile(COMPARED)
    session("--junit-xml=out.xml", "-rs")
    cases = {it.get("name"): it for it in ET.parse(project / "out.xml").iter("testcase")}
    told = {
        name: {child.tag: child.get("message", "") for child in case}
        for name, case in cases.items()
    }
    assert "regressed: × " in told["test_slower"]["failure"]
    assert set(told["test_waits"]) == {"properties"}
    assert "base cannot run it" in told["test_new"]["skipped"]
    assert "head cannot run it" in told["test_gone"]["failure"]
    assert "has no commit 'nowhere'" in told["test_no_base"]["skipped"]
    assert 'base="git:main"' in told["test_other_form"]["failure"]
    assert "pg_arm needs a plain `def`" in told["test_outside"]["failure"]
    noted = {it.get("name"): it.get("value") for it in cases["test_waits"].iter("property")}
    assert noted["pg_arm_change"] in ("same", "inconclusive")


def test_without_a_repository_there_is_nothing_to_compare_with(session, pytester):
    (pytester.path / "pyproject.toml").write_text(PROJECT)
    pytester.makepyfile(
        """
        def op():
            return int

        def test_it(pg_arm):
            pg_arm(op, base="git:main")
        """
    )
    ended = session("-rs")
    ended.assert_outcomes(skipped=1)
    assert "nothing to compare with" in ended.stdout.str()


def uses_the_module(target: ET.Element):
    return os.getcwd


def test_a_function_must_have_everything_inside():
    def alone():
        import json

        return json.dumps

    assert comparing.source_of(alone) == SourceText(
        "def alone():\n    import json\n\n    return json.dumps\n", "alone", False
    )
    with pytest.raises(UsageError, match="uses os from outside"):
        comparing.source_of(uses_the_module)
