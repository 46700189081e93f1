"""Environments as they are made, shared, left half made, and removed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from harness import environments
from harness.core.arms import parse
from harness.core.errors import DriverError
from harness.environments import cache as kept
from harness.environments import installers, programs, scratch

MAKE = """
import sys
from harness import environments
from harness.core.arms import parse
made = environments.of(parse(sys.argv[1]), lambda text: print("making", flush=True))
print(made.python, flush=True)
"""


def maker(arm: str, folder: Path) -> subprocess.Popen[str]:
    """Another run that needs the environment of an arm."""
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, arm],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PGDYNO_ENVIRONMENTS": str(folder),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )


def test_a_worker_there_sees_its_own_packages_and_our_rooms_only(shared):
    made = environments.of(parse("asyncpg==0.30.0"))
    code = (
        "import json, sys, harness.worker.trial, pgdyno.plugin, asyncpg\n"
        "import importlib.util as u\n"
        "names = ('msgspec', 'rich', 'psycopg', 'tests', 'scenarios')\n"
        "print(json.dumps([asyncpg.__version__, [n for n in names if u.find_spec(n)]]))"
    )
    done = subprocess.run(
        [made.python, "-c", code],
        env={**os.environ, "PYTHONPATH": str(made.rooms)},
        cwd=made.rooms, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == ["0.30.0", []]
    assert sorted(path.name for path in made.rooms.iterdir()) == ["harness", "pgdyno"]


def test_a_version_is_looked_up_once_and_then_known(shared):
    told: list[str] = []
    first = environments.of(parse("asyncpg==0.30.0"), told.append)
    before = len(told)
    environments._known.clear()
    assert environments.of(parse("asyncpg==0.30.0"), told.append) == first
    assert len(told) == before
    assert first.packages["asyncpg"] == "0.30.0"
    assert {"numpy", "pgvector"} <= set(first.packages)


def test_without_a_pin_there_is_nothing_to_make(own):
    assert environments.of(parse("asyncpg")) is environments.HERE
    assert not own.exists()


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        ("asyncpg==9.9.9", r"asyncpg==9\.9\.9 \(CPython .+\) cannot be installed"),
        ("asyncpg%3.99", "there is no CPython 3.99"),
        ("asyncpg@nowhere", "there is no folder"),
    ],
)
def test_what_cannot_be_made_is_said_and_said_again(own, arm, why):
    for _ in range(2):
        with pytest.raises(DriverError, match=why):
            environments.of(parse(arm))
    assert not [*own.glob("asyncpg*/")]


@pytest.mark.skipif(not programs.uv(), reason="pip builds already to resolve")
def test_a_build_that_failed_is_not_tried_again_within_the_hour(plugin, library, own):
    arm, told = parse(f"tiny@{library}"), list[str]()
    (library / "backend.py").write_text("def build_wheel(*_, **__):\n    raise OSError\n")
    for times in (1, 2):
        environments._known.clear()
        with pytest.raises(DriverError, match="installed: Failed to build") as error:
            environments.of(arm, told.append)
        assert len(told) == 1, f"it was tried in run {times}"
    log = next(own.glob("logs/*.log"))
    assert f"{log}; remove it to try at once" in str(error.value.hint)
    os.utime(log, (time.time() - 3601,) * 2)
    environments._known.clear()
    with pytest.raises(DriverError, match="installed: Failed to build"):
        environments.of(arm, told.append)
    assert len(told) == 2


def test_the_others_are_made_all_the_same(shared):
    arms = [parse("asyncpg==9.9.9"), parse("asyncpg==0.30.0")]
    told: list[str] = []
    environments.prepare(arms, told.append)
    assert environments.of(arms[1]).packages["asyncpg"] == "0.30.0"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PGDYNO_ENVIRONMENTS", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(environments, "_known", {})
    with pytest.raises(DriverError, match="no environment can be made in") as error:
        environments.of(parse("asyncpg==0.30.0"))
    assert "PGDYNO_ENVIRONMENTS" in error.value.hint


# --- two runs, and a killed one ---------------------------------------------------------


def test_two_runs_make_an_environment_once(plugin, library, own):
    makers = [maker(f"tiny@{library}", own) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].split() for process in makers]
    assert sorted(map(len, said)) == [1, 2]  # one of them says that it makes it
    assert said[0][-1] == said[1][-1]
    assert len([*kept.manifests()]) == 1


def test_what_a_killed_run_left_is_made_anew(plugin, library, own):
    process = maker(f"tiny@{library}", own)
    assert process.stdout is not None
    assert process.stdout.readline() == "making\n"
    deadline = time.monotonic() + 60
    while not [*own.glob("tiny-*.partial/")] and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not [*kept.manifests()]
    made = environments.of(parse(f"tiny@{library}"))
    assert made.packages["tiny-library"] == "3.0"
    assert not [*own.glob("*.partial")]


def test_an_environment_without_its_interpreter_is_made_anew(plugin, library, own):
    made = Path(environments.of(parse(f"tiny@{library}")).python)
    made.unlink()
    made.symlink_to("/nowhere/python")
    environments._known.clear()
    assert Path(environments.of(parse(f"tiny@{library}")).python).exists()


# --- the verb ---------------------------------------------------------------------------


def test_clear_removes_all_but_what_is_in_use(plugin, library, own, monkeypatch):
    name = Path(environments.of(parse(f"tiny@{library}")).python).parents[1].name
    assert kept.clear() == ([], [name])
    for lock in kept._held.values():
        os.close(lock)
    monkeypatch.setattr(kept, "_held", {})
    other = os.open(own / f"{name}.lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_SH)
    assert kept.clear() == ([], [name])
    os.close(other)
    (own / f"{name}.partial").mkdir()
    assert kept.clear() == ([name], [])
    assert not [*own.glob("*/")]
    assert kept.clear() == ([], [])


def test_an_empty_cache_has_nothing_to_list_or_clear(own):
    assert not [*kept.manifests()]
    assert kept.clear() == ([], [])


def test_the_folder_is_of_the_users_cache_or_named(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PGDYNO_ENVIRONMENTS", str(tmp_path))
    assert kept.root() == tmp_path
    monkeypatch.delenv("PGDYNO_ENVIRONMENTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if sys.platform == "linux":
        assert kept.root() == tmp_path / "cache" / "pgdyno" / "environments"


# --- installers -------------------------------------------------------------------------


def test_pip_makes_them_where_there_is_no_uv(plugin, library, own, monkeypatch):
    if not programs.has_pip():
        pytest.skip("our interpreter has no pip")
    monkeypatch.setattr(programs, "uv", lambda: "")
    assert isinstance(installers.installer(), installers.Pip)
    made = environments.of(parse(f"tiny@{library}"))
    assert made.packages == {"tiny-library": "3.0"}


def test_without_either_that_is_said(monkeypatch):
    monkeypatch.setattr(programs, "uv", lambda: "")
    monkeypatch.setattr(programs, "has_pip", lambda: False)
    with pytest.raises(DriverError, match="neither is there"):
        installers.installer()


@pytest.mark.parametrize(
    ("said", "gist"),
    [
        (
            "error: No solution\n  cause: Because there is no b==1.",
            "No solution; Because there is no b==1",
        ),
        ("Preparing\nERROR: No matching distribution", "No matching distribution"),
        ("error: Build failed\n  × x\n  ╰─▶ y", "Build failed; x; y"),
        ("something else", "something else"),
        (
            "error: No solution\n  cause: Because there is no b==1 and you\n    require b.",
            "No solution; Because there is no b==1 and you require b",
        ),
        (
            "error: Failed to build `b`\n  cause: It failed (exit\n   status: 1)\n\n"
            "  [stdout]\n  copying a\n\n  [stderr]\n  error: no compiler.\n",
            "Failed to build `b`; It failed (exit status: 1); error: no compiler",
        ),
        (
            "error: subprocess\n  × Building b\n  │ exit code: 1\n"
            "  ╰─> [111 lines of output]\n      running x\n      error: no gcc",
            "subprocess; Building b; exit code: 1; error: no gcc",
        ),
        ("", ""),
    ],
)  # fmt: skip
def test_the_gist_of_what_an_installer_said(said, gist):
    assert installers.gist(said) == gist


def test_no_password_of_an_address_is_kept():
    done = programs.run(["sh", "-c", "echo https://u:secret@host/x >&2; exit 1"], 10)
    assert not done.ok
    assert done.said == "https://…@host/x\n"


def test_a_program_that_does_not_end_is_ended():
    done = programs.run(["sleep", "30"], 0.2)
    assert (done.ok, done.said) == (False, "sleep did not end within 0 s")


def test_of_a_long_complaint_the_reason_at_its_end_is_kept():
    said = f"error: {'copying ' * 100}\n  cause: No space left on device"
    assert installers.gist(said).endswith("No space left on device")
    assert len(installers.gist(said)) < 410


def test_a_program_that_was_killed_is_said_to_be():
    done = programs.run(["sh", "-c", "kill -9 $$"], 10)
    assert (done.ok, done.said) == (False, "sh ended by signal 9 and said nothing")


def test_a_file_in_place_of_the_cache_is_said(monkeypatch, tmp_path: Path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PGDYNO_ENVIRONMENTS", str(tmp_path / "file"))
    for what in (lambda: list(kept.manifests()), kept.clear):
        with pytest.raises(DriverError, match=r"no environment can be read in .*/file"):
            what()
    with pytest.raises(DriverError, match="it is no folder"), kept.usable_root():
        pass


HOLD = """
from harness.environments import scratch
with scratch.folder() as folder:
    print(folder, flush=True)
    input()
"""


def test_what_a_killed_run_needed_meanwhile_is_removed(monkeypatch, tmp_path: Path):
    """Neither what is in use goes, nor what was made a moment ago."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    runs = [subprocess.Popen([sys.executable, "-c", HOLD], **pipes, env=env) for _ in "ab"]
    used, ruin = (Path(run.stdout.readline().decode().strip()) for run in runs)
    runs[1].kill()
    runs[1].communicate()
    with scratch.folder():
        assert used.is_dir()
        assert ruin.is_dir()
    for folder in (used, ruin):
        os.utime(folder, (0, 0))
    with scratch.folder() as own:
        assert sorted(tmp_path.iterdir()) == sorted([used, own])
    runs[0].communicate(b"\n")
    assert not list(tmp_path.iterdir())
