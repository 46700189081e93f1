"""Interpreters are found by version or by path; a worker runs on each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.arms import parse
from harness.core.errors import DriverError
from harness.core.interpreter import OFF, ON, SWITCHED_ON, gil_state
from harness.environments import interpreters
from harness.environments.rooms import rooms_for
from harness.play.process import WorkerProcess

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t")

IMPORT_ALL = """
import importlib, pkgutil
for room in ("core", "values", "plugin", "judge", "worker"):
    package = importlib.import_module(f"harness.{room}")
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)
import harness.drivers.psycopg, pgdyno.plugin
from harness.core.verdicts import Verdict
assert f"{Verdict.EXACT}" == str(Verdict.EXACT) == "exact"
from harness.values import iso
assert iso.moment("2024-02-29 12:30:00.5+00").isoformat() == (
    "2024-02-29T12:30:00.500000+00:00")
from harness.core.sql import to_format
assert to_format("select E'\\\\'$1', '$1', $1").sql == "select E'\\\\'$1', '$1', %s"
print("imported")
"""


def found(version: str) -> interpreters.Interpreter:
    """The interpreter of a version; a machine need not have it."""
    try:
        return interpreters.find(version)
    except DriverError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_workers_rooms_import_on(version, own):
    interpreter = found(version)
    done = subprocess.run(
        [interpreter.program, "-c", IMPORT_ALL],
        env={**os.environ, "PYTHONPATH": str(rooms_for("psycopg"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "imported", done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_a_worker_runs_on(version, plugin, library, own, tmp_path):
    interpreter = found(version)
    worker = WorkerProcess(parse(f"tiny@{library}%{version}"), tmp_path, [])
    try:
        hello = worker.greet()
    finally:
        worker.stop()
    assert hello["python"] == f"CPython {interpreter.version}"
    assert hello["gil"] == (OFF if interpreter.free_threaded else ON)
    assert hello["terms"]["version"] == hello["packages"]["tiny-library"] == "3.0"
    assert hello["source"].startswith("folder ")


def test_no_version_is_our_own():
    own = interpreters.find("")
    assert own.program == sys.executable
    assert own.version == ".".join(map(str, sys.version_info[:3]))
    assert own.fits(f"3.{sys.version_info.minor}")
    assert not own.fits("3.1")
    assert own.fits("3.11t") == own.free_threaded


def test_a_path_is_that_program(tmp_path: Path):
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert interpreters.find(str(link)).version == interpreters.find("").version


def test_a_program_that_is_not_there_is_said():
    with pytest.raises(DriverError, match=r"there is no program \./nowhere"):
        interpreters.find("./nowhere")


@pytest.mark.parametrize("path", ["/bin/true", "/tmp"])
def test_what_is_no_interpreter_is_said(path):
    with pytest.raises(DriverError, match="is no Python interpreter"):
        interpreters.find(path)


def test_a_version_that_is_not_there_is_said():
    with pytest.raises(DriverError, match=r"there is no CPython 3\.99 on this machine"):
        interpreters.find("3.99")


def test_an_interpreter_that_is_too_old_is_refused(tmp_path: Path):
    old = tmp_path / "python"
    old.write_text(
        "#!/bin/sh\n"
        'echo \'{"implementation": "CPython", "version": "3.9.1", "abi": "", '
        '"free_threaded": false, "base": "/old"}\'\n'
    )
    old.chmod(0o755)
    with pytest.raises(DriverError, match=r"cannot run on CPython 3\.9\.1"):
        interpreters.find(str(old))


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [(True, True, ON), (False, False, OFF), (False, True, SWITCHED_ON)],
)
def test_an_import_that_switches_the_gil_on_is_told(before, after, state):
    assert gil_state(before, after) == state
