"""However a run ends: its file is readable, and nothing of it is left behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from harness.lanes.wire.record import Wire
from harness.results import store
from harness.results.records import Run

PGDYNO = [sys.executable, "-m", "harness"]
DRIVERS = ["--profile", "default", "--driver", "psycopg", "--driver", "asyncpg"]
BENCH = ["bench", "query/point", "--no-floor", "--no-aa", *DRIVERS, "--effort", "full"]
SHORT = ["bench", "query/point#fetch-one", "--no-floor", *DRIVERS, "--effort", "quick"]
CHECK = ["check", "types", *DRIVERS]
EVERYTHING = ["check", "--profile", "default"]
TO_END_S = 60
"""Within so many seconds an interrupted run has ended its server, too; beside other tests
on the same cores that takes a while."""


@pytest.fixture(autouse=True)
def not_under_nohup() -> Iterator[None]:
    """Whoever runs the tests may ignore SIGHUP, and children inherit that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


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


def start(
    out: Path, *arguments: str, program: Sequence[str] = PGDYNO
) -> subprocess.Popen[str]:
    command = [*program, *(arguments or BENCH), "--out", str(out)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
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
    return [one for one in found if "harness.worker" in command_line(one)]


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


ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
MEASURING = [(sent, "measuring") for sent in ENDING[:2]]
"""All four have the same handler, which does not ask what came; that each has it is seen
where that costs least, while a run starts."""


@pytest.mark.parametrize(
    ("sent", "phase"), [*((sent, "starting") for sent in ENDING), *MEASURING]
)
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
    _, said = process.communicate(timeout=TO_END_S)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    wait_for(lambda: gone(family))
    assert list(scratch.iterdir()) == []
    assert out.exists() == (phase == "measuring")  # no file without a header
    if phase == "measuring":
        footer = read(out).footer
        assert footer is not None
        assert footer.reason == "interrupted"


def test_an_interrupted_wire_lane_charges_no_driver(scratch: Path, tmp_path: Path) -> None:
    """Arms are counted side by side: all of them are ended in the middle of a cell."""
    out = tmp_path / "run.jsonl"
    process = start(out, "bench", "pipeline", *DRIVERS, "--lane", "wire")
    wait_for(lambda: out.exists() and b'"record":"wire"' in out.read_bytes())
    family = descendants(process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=TO_END_S)
    assert process.returncode == 130
    assert "Traceback" not in said
    wait_for(lambda: gone(family))
    assert list(scratch.iterdir()) == []
    run = store.read(out)
    assert run.footer is not None
    assert run.footer.reason == "interrupted"
    assert {record.verdict for record in run.of(Wire)} <= {"exact", "unsupported"}


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
    wait_for(lambda: gone(family))
    assert read(out).truncated
    assert any(scratch.iterdir())
    again = start(tmp_path / "again.jsonl", *CHECK)
    wait_for(lambda: has_checks(tmp_path / "again.jsonl"))
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=TO_END_S)
    assert list(scratch.iterdir()) == []


def test_a_killed_worker_is_a_record_and_the_run_goes_on(
    scratch: Path, tmp_path: Path
) -> None:
    """The run is a short one: it has to come to its end."""
    out = tmp_path / "run.jsonl"
    process = start(out, *SHORT)
    wait_for(lambda: has_trials(out) and len(workers(process)) == 3)

    def killed_at_work() -> bool:
        """Between two rounds workers end anyway, and nobody misses one."""
        for victim in workers(process)[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        return "SIGKILL" in out.read_text()

    wait_for(killed_at_work)
    process.communicate(timeout=120)
    assert process.returncode in (0, 3)  # 3 where every block was disturbed by others
    run = read(out)
    assert run.footer is not None
    assert run.footer.reason == "complete"
    told = [trial.detail for trial in run.trials if trial.verdict == "crashed"]
    told += [note.text for note in run.notes]  # where it had not begun to work
    assert any("SIGKILL" in text for text in told)


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
    wait_for(lambda: gone(family))
    assert list(scratch.iterdir()) == []
    footer = read(out).footer
    assert footer is not None
    assert footer.reason == "failed"


def has_checks(out: Path) -> bool:
    return out.exists() and out.read_bytes().count(b'"record":"check"') >= 3


@pytest.mark.parametrize(
    ("sent", "verb"), [(signal.SIGINT, EVERYTHING), (signal.SIGTERM, CHECK)]
)
def test_an_interrupted_check_ends_quickly_and_keeps_its_checks(
    scratch: Path, tmp_path: Path, sent: signal.Signals, verb: list[str]
) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out, *verb)
    wait_for(lambda: has_checks(out))
    family = descendants(process)
    process.send_signal(sent)
    process.communicate(timeout=TO_END_S)
    assert process.returncode == 130
    wait_for(lambda: gone(family))
    assert list(scratch.iterdir()) == []
    run = store.read(out)
    assert run.checks
    assert run.footer is not None
    assert run.footer.reason == "interrupted"


# --- a server that is silent --------------------------------------------------------------

HASTY = """
import sys
from harness.bench import crew
from harness.check import checker
from harness.cli.main import main
from harness.play.seat import Deadlines
from harness.venue import control

assert min(crew.DEADLINES.verify, checker.DEADLINES.verify, control.ORACLE_S) > 8
crew.DEADLINES = checker.DEADLINES = Deadlines(open=8, verify=8, measure=8)
control.ORACLE_S, control.MARGIN_S = 8, 1
sys.exit(main(sys.argv[1:]))
"""
"""The command that waits a fourth as long for an answer."""


def silence(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Stop every process of the run's server, as a stalled disk does; the whole family."""
    family = descendants(process)
    for member in family:
        with contextlib.suppress(psutil.Error):
            if "postgres" in member.name():
                member.suspend()
    return family


@pytest.mark.parametrize(("verb", "begun"), [(BENCH, has_trials), (CHECK, has_checks)])
def test_a_silent_server_ends_the_run_and_what_was_measured_is_kept(
    scratch: Path, tmp_path: Path, verb: list[str], begun: Callable[[Path], bool]
) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out, *verb, program=[sys.executable, "-c", HASTY])
    wait_for(lambda: begun(out))
    family = silence(process)
    _, said = process.communicate(timeout=150)
    assert process.returncode == 5, said
    assert "the server does not answer" in said
    assert "Traceback" not in said
    wait_for(lambda: gone(family))
    assert list(scratch.iterdir()) == []
    run = store.read(out)
    assert run.trials or run.checks
    assert not {"hung", "crashed"} & {one.verdict for one in [*run.trials, *run.checks]}
    assert run.footer is not None
    assert run.footer.reason == "failed"


@pytest.mark.parametrize(("verb", "begun"), [(BENCH, has_trials), (CHECK, has_checks)])
def test_an_interrupt_does_not_wait_for_a_silent_server(
    scratch: Path, tmp_path: Path, verb: list[str], begun: Callable[[Path], bool]
) -> None:
    out = tmp_path / "run.jsonl"
    process = start(out, *verb)
    wait_for(lambda: begun(out))
    family = silence(process)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=TO_END_S)
    assert process.returncode == 130, said
    wait_for(lambda: gone(family))
    assert list(scratch.iterdir()) == []
    footer = store.read(out).footer
    assert footer is not None
    assert footer.reason == "interrupted"


# --- twice, and at any moment -------------------------------------------------------------

STUCK = """
import sys, time
from harness.core import interrupt
from harness.servers import folder

interrupt.install()
with folder.scratch() as path:
    try:
        print(path, flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print("tidying up", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("times", [2, 3])
def test_a_second_interrupt_ends_what_does_not_end(scratch: Path, times: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as told:
        assert Path(told.readline().strip()).parent == scratch
        process.send_signal(signal.SIGINT)
        assert told.readline() == "tidying up\n"
        begun = time.monotonic()
        for _ in range(times - 1):
            time.sleep(0.3)  # later than an echo of the first
            process.send_signal(signal.SIGINT)
        assert process.wait(TO_END_S) == 130
    assert times == 3 or time.monotonic() - begun > 4  # there was time to tidy up
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("seed", range(4))
def test_whenever_a_signal_comes_nothing_is_left(
    scratch: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    out = tmp_path / "run.jsonl"
    process = start(out, *chance.choice([BENCH, EVERYTHING]))
    wait_for(lambda: any(scratch.iterdir()))  # until then it has nothing to leave
    time.sleep(chance.uniform(0, 8))
    family = descendants(process)
    process.send_signal(chance.choice(ENDING))
    _, said = process.communicate(timeout=TO_END_S)
    assert process.returncode == 130, said
    wait_for(lambda: gone(family))
    assert list(scratch.iterdir()) == []
    if out.exists():
        footer = store.read(out).footer
        assert footer is not None
        assert footer.reason == "interrupted"


# --- output that nobody takes -------------------------------------------------------------


def test_a_full_standard_output_is_said_and_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PGDYNO, "list", "servers"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 5
    assert ended.stderr == "pgdyno: the output is not complete: No space left on device\n"


def test_a_reader_that_went_away_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [*PGDYNO, "list", "cases"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_run_outlives_its_terminal(scratch: Path, tmp_path: Path) -> None:
    """Its streams are gone (EIO), but nobody told it to end: the file is whole."""
    out = tmp_path / "run.jsonl"
    ours, theirs = os.openpty()
    command = [*PGDYNO, "check", "query/point", "--driver", "psycopg", "--out", str(out)]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    os.close(ours)
    assert process.wait(120) == 5  # the matrix was never seen
    run = store.read(out)
    assert run.footer is not None
    assert run.footer.reason == "complete"
    assert list(scratch.iterdir()) == []
