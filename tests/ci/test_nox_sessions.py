"""The jobs of the noxfile: listed with a sentence, and calling verbs that there are."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import build_parser
from studies import recipes
from studies.validity import __main__ as validity

ROOT = Path(__file__).parent.parent.parent
WANTED = ("bench", "check", "compare", "report", "trend", "validity", "tests")
STUDIES = {"studies.validity": validity.parser, "studies.recipes": recipes.parser}


class Recorder:
    """A session that remembers its commands instead of running them."""

    bin_paths = ("environment/bin",)

    def __init__(self, *posargs: str) -> None:
        self.posargs = list(posargs)
        self.env: dict[str, str] = {}
        self.commands: list[list[str]] = []

    def install(self, *words: str) -> None: ...

    def run(self, *words: str, **options: Any) -> None:
        self.commands.append(list(words))

    def error(self, text: str) -> None:
        raise SystemExit(text)


@pytest.fixture(scope="module")
def loaded() -> Any:
    """The noxfile as a module; nox keeps what it registers."""
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with contextlib.chdir(ROOT):
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def noxfile(loaded: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The jobs, in a folder with a run."""
    monkeypatch.setattr(loaded, "install_programs", lambda session: None)
    monkeypatch.chdir(tmp_path)
    loaded.RUNS.mkdir(parents=True)
    arms = [{"id": "psqlpy"}, {"id": "psqlpy (A/A)", "twin": "psqlpy"}]
    header = {"kind": "bench", "cells": [{"id": "copy/in#rows@rows=10"}], "arms": arms}
    written = f"{json.dumps(header)}\n"
    (loaded.RUNS / "one.jsonl").write_text(written)
    monkeypatch.setattr(loaded.time, "strftime", lambda _: "now")
    (loaded.RUNS / "bench-now.jsonl").write_text(written)
    return loaded


def understood(command: list[str]) -> argparse.Namespace | None:
    """A command of ours, read by its own parser; None of any other."""
    if command[0] == "pgdyno":
        return build_parser().parse_args(command[1:])
    if command[:2] == ["python", "-m"]:
        return STUDIES[command[2]]().parse_args(command[3:])
    if command[0] == "python":
        assert (ROOT / command[1]).is_file()
    return None


@pytest.mark.parametrize(
    ("job", "given", "verbs"),
    [
        ("bench", [], ["bench", "check", "report"]),
        ("bench", ["--effort", "standard"], ["bench", "check", "report"]),
        ("check", [], ["check"]),
        ("check", ["types", "--driver", "psqlpy"], ["check"]),
        ("compare", ["a.jsonl", "b.jsonl", "--format", "markdown"], ["compare"]),
        ("compare", ["asyncpg==0.31.0", "asyncpg==0.32.0"], ["bench", "compare"]),
        ("compare", ["asyncpg", "asyncpg@.", "copy/in"], ["bench", "compare"]),
        ("report", [], ["report"]),
        ("report", ["run.jsonl", "--format", "csv"], ["report"]),
        ("trend", ["copy", "--out", "copy.png"], ["store", "trend"]),
        ("validity", [], []),
        ("validity", ["--trials", "1"], []),
        ("recipes", [], []),
        ("benchmarks", [], []),
        ("tests", [], []),
        ("tests", ["tests/core"], []),
    ],
)
def test_a_job_gives_commands_that_are_understood(noxfile, job, given, verbs):
    session = Recorder(*given)
    getattr(noxfile, job)(session)
    assert session.commands
    read = [understood(command) for command in session.commands]
    assert [asked.verb for asked in read if hasattr(asked, "verb")] == verbs


def test_versions_are_compared_in_the_run_that_was_measured(noxfile):
    session = Recorder("asyncpg==0.31.0", "asyncpg==0.32.0", "copy/in")
    noxfile.compare(session)
    bench, compare = map(understood, session.commands)
    assert bench.path == ["copy/in"]
    assert bench.driver == [compare.base, compare.candidate] == session.posargs[:2]
    assert bench.out == compare.base_run
    assert bench.effort == "gate"


def test_what_was_timed_is_checked_and_reported_together(noxfile):
    session = Recorder("--server", "local")
    noxfile.bench(session)
    bench, check, report = map(understood, session.commands)
    assert (check.path, check.driver) == (["copy/in#rows@rows=10"], ["psqlpy"])
    assert check.server == bench.server == "local"
    assert report.runs == [bench.out, check.out]


def test_the_newest_run_of_each_kind_is_reported(noxfile):
    checked = noxfile.RUNS / "checked.jsonl"
    checked.write_text('{"kind": "check"}\n')
    session = Recorder()
    noxfile.report(session)
    (report,) = map(understood, session.commands)
    assert len(report.runs) == 2
    assert checked in report.runs


@pytest.mark.parametrize(
    ("job", "given", "said"),
    [
        ("compare", ["asyncpg"], "name two: nox -s compare -- BASE CANDIDATE"),
        ("trend", [], "name a cell or a family"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_installed(noxfile, job, given, said):
    with pytest.raises(SystemExit, match=said):
        getattr(noxfile, job)(Recorder(*given))


def test_without_runs_there_is_no_report(noxfile):
    for run in noxfile.RUNS.iterdir():
        run.unlink()
    with pytest.raises(SystemExit, match="nox -s bench makes one"):
        noxfile.report(Recorder())


def test_every_job_is_listed_with_a_sentence():
    listed = subprocess.run(
        [sys.executable, "-m", "nox", "--list", "--noxfile", str(ROOT / "noxfile.py")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    lines = [line for line in listed.splitlines() if line.startswith(("- ", "* "))]
    told = dict(line[2:].split(" -> ", 1) for line in lines)
    assert len(lines) == len(told)
    assert set(WANTED) <= set(told)
    assert not [
        name for name, sentence in told.items() if not sentence.endswith((".", "?"))
    ]
