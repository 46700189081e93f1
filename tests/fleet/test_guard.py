"""The process beside a job: neither outlives the other, and no folder stays behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.fleet import guard

JOB = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """A guard whose job runs, and its job."""
    folder = tmp_path / "job"
    folder.mkdir()
    job = [sys.executable, "-c", JOB, str(folder / "runs")]
    command = [sys.executable, "-m", guard.__name__, str(folder), *job]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not (folder / "runs").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (child,) = psutil.Process(process.pid).children()
        yield process, child
        process.kill()


def test_a_job_does_not_outlive_a_guard_that_is_killed(guarded) -> None:
    """Else it would measure on beside the next one."""
    process, job = guarded
    process.kill()
    assert psutil.wait_procs([job], timeout=20)[1] == []


def test_what_nobody_wants_any_more_ends_and_its_folder_goes(guarded, tmp_path) -> None:
    """So it is, too, where a worker was killed: nobody else would take the folder away."""
    process, job = guarded
    process.stdin.close()
    process.wait(20)
    assert not job.is_running()
    assert not (tmp_path / "job").exists()
