"""Scenario files as tests, in sessions of pytest of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import helpers
import psutil
import pytest

from harness.venue.venue import Venue

pytest_plugins = ["pytester"]

HEAD = 'schema = 1\ntitle = "T"\nwhy = "W"\n'
RIGHT = '[[case]]\nname = "right"\nop = "fetch_val"\nsql = "select 1"\n'
ORDERS = (
    HEAD
    + RIGHT
    + """
[[case]]
name = "drifted"
op = "fetch_val"
sql = "select 2"

[[case]]
name = "surprise"
op = "fetch_val"
sql = "select 3"

[[case]]
name = "declared"
op = "fetch_val"
sql = "select 4"

[[case]]
name = "ended"
op = "fetch_val"
sql = "select 5"

[[case]]
name = "lacking"
op = "fetch_val"
sql = "select 6"
needs = ["version>=99"]

[[case]]
name = "expected"
op = "fetch_val"
sql = "select 7"

[[case]]
name = "faulty"
op = "fetch_val"
sql = "select nothing"
"""
)
PLUGIN = '''"""psycopg by another name, which changes some values."""
from harness.drivers.psycopg import Psycopg

class Mine(Psycopg):
    name = "mine"

    def open(self, target, profile):
        session = super().open(target, profile)
        bind = session.fetch_val

        def fetch_val(call):
            op = bind(call)
            return lambda: {3: 30, 4: 40, 7: 70}.get(value := op(), value)

        session.fetch_val = fetch_val
        return session
'''
DEVIATIONS = "".join(
    f'[[deviation]]\ncell = "orders#{case}"\nverdict = "{verdict}"\n'
    f'reason = "It is known."\nlink = "https://example.org/{case}"\n'
    for case, verdict in (("declared", "lossy"), ("ended", "lossy"))
)


@pytest.fixture
def mine(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver `mine` from outside."""
    site = pytester.mkdir("site")
    info = site / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pgdyno.drivers]\nmine = mine_driver:Mine\n")
    (site / "mine_driver.py").write_text(PLUGIN)
    (site / "mine_driver.deviations.toml").write_text(DEVIATIONS)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)


def scenario(pytester: pytest.Pytester, text: str, name: str = "orders") -> Path:
    file = pytester.path / "pgdyno" / f"{name}.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def outcomes(file: Path) -> dict[str, tuple[str, str]]:
    """Of a JUnit file: test → what became of it, and the text."""
    found = {}
    for case in ET.parse(file).getroot().iter("testcase"):
        children = [child for child in case if child.tag != "properties"]
        kind = children[0].get("type") or children[0].tag if children else "passed"
        text = f"{children[0].get('message')} {children[0].text}" if children else ""
        found[case.get("name", "")] = (kind, text)
    return found


def properties(file: Path, name: str) -> dict[str, str]:
    (case,) = (
        case
        for case in ET.parse(file).getroot().iter("testcase")
        if case.get("name") == name
    )
    return {it.get("name", ""): it.get("value", "") for it in case.iter("property")}


def test_a_verdict_becomes_an_outcome(
    session: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
    mine: None,
    place: Venue,
) -> None:
    scenario(pytester, ORDERS)
    major = place.facts.version_num // 10_000
    folder = pytester.path / f"results/baselines/pg{major}"
    folder.mkdir(parents=True)
    for driver, case in (("psycopg", "drifted"), ("mine", "expected")):
        about = {"schema": 1, "driver": driver, "server": major, "version": "psycopg 3.0"}
        cells = {f"orders#{case}": {"default": "lossy"}}
        (folder / f"{driver}.json").write_text(json.dumps({**about, "cells": cells}))
    drivers = ("--pgdyno-driver=psycopg", "--pgdyno-driver=mine")
    ended = session("--pgdyno", *drivers, "--junit-xml=out.xml", "-rA")
    found = outcomes(pytester.path / "out.xml")
    kinds = {name: kind for name, (kind, _) in found.items()}
    assert kinds == {
        "right[psycopg]": "passed",
        "right[mine]": "passed",
        "drifted[psycopg]": "failure",
        "drifted[mine]": "passed",
        "surprise[psycopg]": "passed",
        "surprise[mine]": "failure",
        "declared[psycopg]": "passed",
        "declared[mine]": "pytest.xfail",
        "ended[psycopg]": "passed",
        "ended[mine]": "failure",
        "lacking[psycopg]": "pytest.skip",
        "lacking[mine]": "pytest.skip",
        "expected[psycopg]": "passed",
        "expected[mine]": "passed",
        "faulty[psycopg]": "failure",
        "faulty[mine]": "failure",
    }
    ended.assert_outcomes(passed=8, failed=5, skipped=2, xfailed=1)
    drift = found["drifted[psycopg]"][1]
    assert "drift: exact instead of lossy; the version differs" in drift
    assert "pgdyno show 'pgdyno/orders.toml#drifted' --driver psycopg" in drift
    assert "no baseline expects it" in found["surprise[mine]"][1]
    assert "It is known. https://example.org/declared" in found["declared[mine]"][1]
    assert "exact, though lossy is declared" in found["ended[mine]"][1]
    assert "PostgreSQL 99 is needed" in found["lacking[mine]"][1]
    assert "the scenario or pgdyno is at fault" in found["faulty[mine]"][1]
    assert "Traceback" not in ended.stdout.str()
    ended.stdout.fnmatch_lines(["SKIPPED * pgdyno/orders.toml:1: PostgreSQL 99 is needed*"])
    told = properties(pytester.path / "out.xml", "right[psycopg]")
    assert told.pop("version").startswith("psycopg 3.")
    assert told == {
        "verdict": "exact",
        "code": "right",
        "driver": "psycopg",
        "profile": "default",
        "postgresql": place.facts.version,
        "sql": "select 1",
    }


def test_what_a_driver_does_not_offer_is_skipped(session, pytester):
    scenario(pytester, HEAD + RIGHT.replace("fetch_val", "pipeline").replace(
        'sql = "select 1"', 'statements = [{ sql = "select 1" }, { sql = "select 2" }]'
    ))  # fmt: skip
    ended = session("--pgdyno", "--pgdyno-driver=psycopg2", "-rs")
    ended.assert_outcomes(skipped=1)
    ended.stdout.fnmatch_lines(["SKIPPED * unsupported: *"])


# --- what is collected ------------------------------------------------------------------


def test_nothing_of_it_is_there_without_its_flag(session, pytester):
    scenario(pytester, ORDERS)
    pytester.makepyfile(
        """
        import sys

        def test_loaded():
            ours = {name for name in sys.modules if name.startswith("harness.")}
            assert ours == {f"harness.pytest_plugin{end}" for end in ("", ".plugin")}
        """
    )
    session("-p", "no:benchmark").assert_outcomes(passed=1)


def test_settings_of_pytest_and_what_is_chosen(session, pytester):
    scenario(pytester, ORDERS)
    scenario(pytester, "schema = 7\n", "broken")
    (pytester.path / "other.toml").write_text("schema = 1\n")
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        pgdyno = true
        pgdyno_driver = ["psycopg", "asyncpg"]
        pgdyno_profile = "both"
        """
    )
    broken = session("--collect-only", "-q")
    assert "broken.toml" in broken.stdout.str()
    assert "schema" in broken.stdout.str()
    assert "Traceback" not in broken.stdout.str()
    (pytester.path / "pgdyno/broken.toml").unlink()
    lines = session("--collect-only", "-q", "-k", "right or drifted").outlines
    chosen = [line for line in lines if "::" in line]
    names = (
        "psycopg-default",
        "asyncpg-default",
        "psycopg-configured",
        "asyncpg-configured",
    )
    assert sorted(chosen) == sorted(
        f"pgdyno/orders.toml::{case}[{name}]"
        for case in ("right", "drifted")
        for name in names
    )
    marked = session("--collect-only", "-q", "-m", "pgdyno(driver='asyncpg')").outlines
    assert sum("::" in line for line in marked) == 16
    single = "pgdyno/orders.toml::right[asyncpg-default]"
    assert single in session("--collect-only", "-q", single).outlines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pgdyno-driver=nobody"], "nobody"),
        (["-o", "pgdyno_profile=none"], "'none' is not default, configured or both"),
    ],
)
def test_what_is_not_there_is_a_usage_error(session, pytester, arguments, words):
    scenario(pytester, ORDERS)
    ended = session("--pgdyno", "--collect-only", *arguments)
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    assert words in ended.stderr.str()


def test_two_files_of_one_name_are_refused(session, pytester):
    scenario(pytester, HEAD + RIGHT)
    other = pytester.mkdir("second") / "orders.toml"
    other.write_text(HEAD + RIGHT)
    ended = session("--pgdyno", "--pgdyno-driver=psycopg", "--collect-only")
    assert "are both called 'orders'" in ended.stdout.str()


# --- one server for all processes -------------------------------------------------------

SERVERS = """
import pathlib, psycopg, pytest, time

@pytest.mark.parametrize("number", range(4))
def test_writes(pg_target, pg_server, number, tmp_path_factory):
    with psycopg.connect(pg_target.dsn) as connection:
        connection.execute("create table t (a int)")
        line = connection.execute(
            "select split_part(pg_read_file('postmaster.pid'), chr(10), 1)").fetchone()[0]
    folder = pathlib.Path("{folder}")
    (folder / f"{{number}}").write_text(line)
    time.sleep({waits_s})
"""


def postmasters(folder: Path) -> set[int]:
    """The servers that the tests of a session met."""
    return {int(file.read_text()) for file in folder.glob("[0-9]") if file.read_text()}


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_processes_of_xdist_share_a_server_that_ends_with_them(session, pytester):
    folder = pytester.mkdir("met")
    pytester.makepyfile(SERVERS.format(folder=folder, waits_s=0))
    scenario(
        pytester, HEAD + RIGHT + RIGHT.replace("right", "alone") + 'needs = ["owned"]\n'
    )
    chosen = ("--pgdyno", "--pgdyno-driver=psycopg")
    ended = session(*chosen, "-n", "2", "--dist=each", server="wheel")
    ended.assert_outcomes(passed=12)
    (pid,) = postmasters(folder)
    assert helpers.wait_until(lambda: is_gone(pid), 30)


@pytest.mark.parametrize("ends_by", [signal.SIGINT, signal.SIGKILL])
def test_no_server_is_left_of_a_session_that_was_ended(pytester, ends_by):
    folder = pytester.mkdir("met")
    pytester.makepyfile(SERVERS.format(folder=folder, waits_s=120))
    started = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--pgdyno-server=wheel", "-n", "2",
         f"--basetemp={pytester.path / 'temporary'}"],
        cwd=pytester.path, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert helpers.wait_until(lambda: len(postmasters(folder)) == 1, 90)
        (pid,) = postmasters(folder)
        os.killpg(started.pid, ends_by)
        assert helpers.wait_until(lambda: is_gone(pid), 60)
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
