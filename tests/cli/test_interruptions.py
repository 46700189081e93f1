"""However a run ends: its file is readable, and nothing of it is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.results import store
from harness.results.records import Run

PGDYNO = [sys.executable, "-m", "harness"]
BENCH = [
    "bench",
    "query/point",
    "--no-floor",
    "--driver",
    "psycopg",
    "--driver",
    "asyncpg",
    "--effort",
    "full",
]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of this test's own, so that leftovers can be seen."""
    folder = tmp_path / "t"
    folder.mkdir()
    folder.chmod(0o777)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(parent.stat().st_mode | 0o011)  # root gives its servers to 'nobody'
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def start(out: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [*PGDYNO, *(arguments or BENCH), "--out", str(out)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def has_trials(out: Path) -> bool:
    return out.exists() and out.read_bytes().count(b'"record":"trial"') >= 3


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = descendants(process)
    return [one for one in found if "harness.worker.main" in command_line(one)]


def command_line(process: psutil.Process) -> str:
    """What a process was started with; empty if it ended meanwhile."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def gone(processes: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != "zombie" for one in processes)


def read(out: Path) -> Run:
    run = store.read(out)
    assert run.trials
    return run


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", ["starting", "measuring"])
def test_an_interrupt_keeps_what_was_measured(
    scratch: Path, tmp_path: Path, sent: signal.Signals, phase: str
) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out)
    if phase == "measuring":
        wait_for(lambda: has_trials(out))
    else:
        wait_for(lambda: any(scratch.iterdir()))
    family = descendants(process)
    process.send_signal(sent)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    wait_for(lambda: gone(family), 10)
    assert list(scratch.iterdir()) == []
    if phase == "measuring":
        footer = read(out).footer
        assert footer is not None
        assert footer.reason == "interrupted"


def test_a_killed_parent_leaves_no_process_and_the_next_run_cleans_up(
    scratch: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out)
    wait_for(lambda: has_trials(out))
    family = descendants(process)
    assert any("postgres" in one.name() for one in family)
    process.kill()
    process.communicate()
    wait_for(lambda: gone(family), 10)
    assert read(out).truncated
    assert any(scratch.iterdir())
    again = start(tmp_path / "again.jsonl")
    wait_for(lambda: has_trials(tmp_path / "again.jsonl"))
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=30)
    assert list(scratch.iterdir()) == []


def test_a_killed_worker_is_a_record_and_the_run_goes_on(
    scratch: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out)
    wait_for(lambda: has_trials(out) and len(workers(process)) == 3)
    victim = workers(process)[0]
    victim.kill()
    process.communicate(timeout=120)
    assert process.returncode in (0, 3)  # 3 where every block was disturbed by others
    run = read(out)
    assert run.footer is not None
    assert run.footer.reason == "complete"
    assert "crashed" in {trial.verdict for trial in run.trials}
    assert any("SIGKILL" in trial.detail for trial in run.trials)


def test_a_killed_server_ends_the_run_with_a_reason(scratch: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out)
    wait_for(lambda: has_trials(out))
    family = descendants(process)
    for one in family:
        if "postgres" in one.name():
            with_pid = one.pid
            os.kill(with_pid, signal.SIGKILL)
            break
    _, said = process.communicate(timeout=90)
    assert process.returncode == 5, said
    assert "server" in said
    wait_for(lambda: gone(family), 10)
    assert list(scratch.iterdir()) == []
    footer = read(out).footer
    assert footer is not None
    assert footer.reason == "failed"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_check_ends_quickly_and_keeps_its_checks(
    scratch: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out, "check")
    wait_for(lambda: out.exists() and out.read_bytes().count(b'"record":"check"') >= 3)
    family = descendants(process)
    process.send_signal(sent)
    begun = time.monotonic()
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - begun < 15
    wait_for(lambda: gone(family), 10)
    assert list(scratch.iterdir()) == []
    run = store.read(out)
    assert run.checks
    assert run.footer is not None
    assert run.footer.reason == "interrupted"
