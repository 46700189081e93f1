"""A seat and its worker: what is started, what is ended, and by whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness import scenario
from harness.core import offspring
from harness.core.arms import Arm
from harness.core.errors import WorkerGone
from harness.core.verdicts import Verdict
from harness.play.process import Launch, WorkerProcess
from harness.play.seat import Deadlines, Seat
from harness.venue.stage import Playable
from harness.venue.venue import Venue

PLAIN = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "plain"
op = "fetch_val"
sql = "select 1"
"""
PARENT = """
import subprocess, sys, threading, time
from harness.core import offspring
import signal

def start():
    child = subprocess.Popen(offspring.command(["sleep", "60"], signal.SIGKILL))
    print(child.pid, flush=True)
    time.sleep(60)

threading.Thread(target=start).start()
"""


@pytest.fixture
def play(place: Venue, tmp_path: Path) -> Playable:
    file = tmp_path / "plain.toml"
    file.write_text(PLAIN)
    return place.stage.prepare(scenario.load(file).cells[0])


@pytest.fixture
def seat(place: Venue, tmp_path: Path) -> Iterator[Seat]:
    made = Seat(Arm("psycopg"), place.stage, place.control, tmp_path, [], Deadlines())
    yield made
    made.dismiss()


def test_no_worker_is_started_to_be_told_that_the_cell_is_over(
    seat: Seat, play: Playable
) -> None:
    assert seat.open(play).verdict is Verdict.EXACT
    os.kill(seat.pid, signal.SIGKILL)
    assert seat.verify(play).verdict is Verdict.CRASHED
    assert seat.close() == ""
    assert seat.pid == 0


def test_closing_a_seat_whose_driver_cannot_start_raises_nothing(
    place: Venue, tmp_path: Path
) -> None:
    seat = Seat(Arm("no-such"), place.stage, place.control, tmp_path, [], Deadlines())
    assert seat.close() == ""
    seat.dismiss()


def test_a_killed_seat_starts_no_worker_any_more(seat: Seat, play: Playable) -> None:
    assert seat.open(play).verdict is Verdict.EXACT
    threading.Timer(0.3, seat.kill).start()
    with pytest.raises(WorkerGone):
        _ask_on(seat, 30)
    with pytest.raises(WorkerGone, match="has ended"):
        seat.spawn()


def test_a_process_beside_goes_with_its_seat(seat: Seat) -> None:
    beside = seat.beside()
    assert beside.worker.pid != seat.worker.pid
    seat.part()
    assert beside.pid == 0
    assert seat.pid
    for end in (seat.dismiss, seat.kill):
        another = seat.beside()
        process = another.worker
        end()
        assert not process.alive
    with pytest.raises(WorkerGone, match="has ended"):
        seat.beside().spawn()


def _ask_on(seat: Seat, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seat.ask("collect", 10)


def test_a_child_ends_with_a_parent_that_is_killed() -> None:
    """Also one that a thread started: no code of ours runs between fork and exec."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as told:
        child = psutil.Process(int(told.readline()))
    deadline = time.monotonic() + 60
    while child.name() != "sleep":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_child_whose_parent_died_meanwhile_does_not_start(tmp_path: Path) -> None:
    made = tmp_path / "made"
    command = offspring.command(["touch", str(made)], signal.SIGKILL)
    command[5] = "1"  # the id of a parent that is not there any more
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "has ended" in ended.stderr
    assert not made.exists()


def test_a_program_that_cannot_be_run_is_named() -> None:
    command = offspring.command(["/no/such/program"], signal.SIGKILL)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "/no/such/program cannot be run: No such file" in ended.stderr


def test_nothing_of_ours_runs_between_fork_and_exec() -> None:
    source = Path(offspring.__file__).parent.parent
    users = [file for file in source.rglob("*.py") if "preexec_fn=" in file.read_text()]
    assert users == []


@pytest.mark.usefixtures("miniatures")
def test_an_import_that_does_not_end_is_waited_for_once(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalogue has thousands of cells, and each would wait as long again."""
    waited: list[WorkerProcess] = []
    greet = WorkerProcess.greet
    monkeypatch.setattr(
        WorkerProcess, "greet", lambda self: (waited.append(self), greet(self))[1]
    )
    launch = Launch(start_seconds=1.0)
    arm = Arm("hang-at-import")
    seat = Seat(arm, place.stage, place.control, tmp_path, [], Deadlines(), launch=launch)
    for _ in range(2):
        with pytest.raises(WorkerGone) as gone:
            _ = seat.worker
        assert gone.value.verdict == Verdict.HUNG
    assert len(waited) == 1


def test_a_worker_that_starts_while_its_seat_is_ended_is_ended_too(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat(Arm("psycopg2"), place.stage, place.control, tmp_path, [], Deadlines())
    started: list[WorkerProcess] = []

    def slowly(*arguments: Any) -> WorkerProcess:
        started.append(WorkerProcess(*arguments))
        seat.kill()  # as another thread does at that moment
        return started[-1]

    monkeypatch.setattr("harness.play.seat.WorkerProcess", slowly)
    with pytest.raises(WorkerGone, match="the run has ended"):
        seat.spawn()
    assert not started[0].alive
