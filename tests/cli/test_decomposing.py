"""`bench --decompose`: who takes part, and what is said where nobody can."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from commands import pgdyno

from harness.cli import decomposing
from harness.cli.bench import with_aa
from harness.core.arms import Arm, Pin
from harness.core.errors import DriverError, LibraryMissingError, UsageError
from harness.plugin.stacks import Stacks, candidates

FOUND = Stacks(
    wraps={
        "orm-asyncpg": "core-asyncpg",
        "core-asyncpg": "asyncpg",
        "adapter-asyncpg": "asyncpg",
        "adapter-psycopg": "psycopg",
    },
    problems={
        "absent-asyncpg": LibraryMissingError("driver 'absent-asyncpg' is not installed"),
        "moved-asyncpg": DriverError("moved has no connect", hint="another version"),
        "absent-psqlpy": LibraryMissingError("driver 'absent-psqlpy' is not installed"),
        "absent-psycopg-async": LibraryMissingError("…"),
    },
)


@pytest.fixture
def found(monkeypatch):
    monkeypatch.setattr(decomposing, "stacks", lambda drivers: FOUND)


def asked(*names: str) -> list[str]:
    return [arm.id for arm in decomposing.with_layers(list(map(Arm, names)))]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(
    ("names", "arms"),
    [
        (["asyncpg"], ["asyncpg", "adapter-asyncpg", "core-asyncpg", "orm-asyncpg"]),
        (["orm-asyncpg"], ["asyncpg", "core-asyncpg", "orm-asyncpg"]),
        (["adapter-asyncpg", "asyncpg"],
         ["asyncpg", "adapter-asyncpg", "core-asyncpg", "orm-asyncpg"]),
        (["psycopg", "adapter-asyncpg"],
         ["psycopg", "adapter-psycopg", "asyncpg", "adapter-asyncpg"]),
        (["psycopg2", "psycopg"], ["psycopg2", "psycopg", "adapter-psycopg"]),
    ],
)  # fmt: skip
def test_layers_follow_the_driver_that_they_stand_on(names, arms):
    assert asked(*names) == arms


@pytest.mark.usefixtures("found")
def test_what_cannot_be_loaded_is_told_and_others_go_on(capsys):
    assert "core-asyncpg" in asked("asyncpg")
    told = capsys.readouterr().err
    assert "not installed, so left out: absent-asyncpg\n" in told
    assert "pip install 'pgdyno[absent-asyncpg]'" in told
    assert "moved has no connect: it is left out" in told
    assert "psqlpy" not in told
    asked("psycopg")
    assert capsys.readouterr().err == ""  # of psycopg-async is not of psycopg


@pytest.mark.usefixtures("found")
def test_without_a_layer_there_is_a_command_to_get_one():
    with pytest.raises(
        UsageError, match="no layer that stands on psqlpy is installed"
    ) as e:
        asked("psqlpy")
    assert e.value.hint == "pip install 'pgdyno[absent-psqlpy]'"
    with pytest.raises(UsageError, match="no layer that pgdyno knows stands on psycopg2"):
        asked("psycopg2")


@pytest.mark.usefixtures("found")
def test_layers_are_taken_as_they_are_installed():
    with pytest.raises(UsageError, match=r"as they are installed, not asyncpg==0\.30") as e:
        decomposing.with_layers([Arm("asyncpg", pin=Pin(version="0.30"))])
    assert e.value.hint == "pgdyno bench --decompose --driver asyncpg"


def test_the_first_driver_runs_twice_and_is_no_layer():
    arms = with_aa(list(map(Arm, ["asyncpg", "core-asyncpg"])), wanted=True)
    assert arms[-1].id == "asyncpg (A/A)"


def test_a_plug_in_that_hangs_or_ends_its_process_keeps_nobody(outside, monkeypatch):
    """Of a file that comes first on the path of workers, too."""
    monkeypatch.setenv("PYTHONPATH", str(outside), prepend=os.pathsep)
    (outside / "out_single.py").write_text("import os; os._exit(3)")
    (outside / "out_package" / "__init__.py").write_text("raise SystemExit")
    told = decomposing.stacks(["psqlpy"])
    assert told.problems.keys() >= {"out", "single", "both"}
    assert "ended with exit code 3" in str(told.problems["single"])


def test_outside_layers_may_have_any_name():
    known = {"mine": "mine:Mine", "sqlspec-psqlpy": "harness.x:X", "adbc": "harness.y:Y"}
    assert candidates(["psqlpy"], known) == ["mine", "sqlspec-psqlpy"]
    assert candidates(["sqlalchemy-orm-psqlpy"], known) == ["mine", "sqlspec-psqlpy"]
    assert candidates(["adbc"], known) == ["mine", "adbc"]


def test_layers_that_wrap_each_other_end():
    assert Stacks({"a": "b", "b": "a"}, {}).chain("a") == ["b", "a"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--lane", "memory"], "--decompose compares times, and --lane memory takes none"),
        (["--confirm", "run.jsonl"], "--confirm measures what regressed"),
    ],
)
def test_what_does_not_go_with_it(options, says):
    ended = pgdyno("bench", "--decompose", "--driver", "asyncpg", *options)
    assert ended.code == 2
    assert says in ended.err


def test_a_library_that_is_not_there_ends_with_the_command(tmp_path: Path, monkeypatch):
    """As where no extra is installed: importing SQLSpec fails."""
    missing = "raise ModuleNotFoundError(\"No module named 'sqlspec'\", name='sqlspec')"
    (tmp_path / "sqlspec.py").write_text(missing)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    ended = pgdyno("bench", "--decompose", "--driver", "psqlpy", "--dry-run")
    assert ended.code == 2
    assert "no layer that stands on psqlpy is installed" in ended.err
    assert "pip install 'pgdyno[sqlspec-psqlpy]'" in ended.err


def test_a_plan_names_the_layers_and_those_alone():
    pytest.importorskip("sqlspec", reason="the extra 'sqlspec' is not installed")
    ended = pgdyno(
        "bench", "query/point#fetch-one", "--decompose", "--driver", "psqlpy",
        "--dry-run", "--no-aa", "--no-floor",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "arms: 2: psqlpy, sqlspec-psqlpy\n" in ended.out
    assert "layers over answers from memory: 1: sqlspec-psqlpy\n" in ended.out
    assert "references" not in ended.out
