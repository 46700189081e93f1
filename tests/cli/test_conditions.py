"""Conditions on the command line: options, names of cells, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import SMALL, pgdyno

from harness.core.conditions import Condition
from harness.core.errors import UsageError
from harness.scenario import select_cells

STEPS = (
    SMALL
    + """
[[case]]
name = "stepped"
[[case.step]]
op = "fetch_val"
sql = "select 1"
expect.value = 1
"""
)
TIMED = (
    SMALL
    + """
[case.bench]
[case.conditions]
via = ["direct", "unix"]
"""
)


# -- names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "condition"),
    [
        ("query/point#fetch-one", Condition()),
        ("query/point#fetch-one[via=tls]", Condition("tls")),
        ("query/point#fetch-one[via=pgbouncer,rtt=0.2]", Condition("pgbouncer", 0.2)),
    ],
)
def test_a_path_may_name_a_cell_under_a_condition(path: str, condition: Condition) -> None:
    _, (cell,) = select_cells([path])
    assert (cell.id, cell.condition) == (path, condition)


def test_a_cell_and_the_same_under_a_condition_are_two() -> None:
    _, cells = select_cells(["query/point#fetch-one", "query/point#fetch-one[rtt=5]"])
    assert [cell.id for cell in cells] == [
        "query/point#fetch-one", "query/point#fetch-one[rtt=5]",
    ]  # fmt: skip


def test_a_condition_that_there_is_not_is_said() -> None:
    with pytest.raises(UsageError, match="'smoke' is no way to a server"):
        select_cells(["query/point#fetch-one[via=smoke]"])


def planned(*words: str | Path) -> list[str]:
    """The cells of a dry run."""
    ended = pgdyno("bench", *words, "--dry-run", "--format", "json")
    assert ended.code == 0, ended.said
    found: list[str] = json.loads(ended.out)["cells"]
    return found


def test_options_cross_plain_cells_only(file: Callable[..., Path]) -> None:
    name = "query/point#fetch-one"
    assert planned(name, f"{name}[via=tls]", "--rtt", "0,5") == [
        name, f"{name}[rtt=5]", f"{name}[via=tls]",
    ]  # fmt: skip
    path = file(TIMED)
    assert planned(path) == ["outside#rows", "outside#rows[via=unix]"]
    assert planned(path, "--via", "tls") == ["outside#rows[via=tls]"]


def test_a_dry_run_knows_what_a_network_takes() -> None:
    def seconds(*words: str) -> float:
        ended = pgdyno(
            "bench", "query", "--effort", "full", "--driver", "psycopg", *words,
            "--dry-run", "--format", "json",
        )  # fmt: skip
        return float(json.loads(ended.out)["seconds"])

    assert seconds() < seconds("--rtt", "1") < seconds("--rtt", "45")


# -- verbs -----------------------------------------------------------------------------


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of pgdyno's own, whatever the environment says."""
    monkeypatch.delenv("PGDYNO_DSN", raising=False)


@pytest.mark.usefixtures("wheel")
def test_check_and_show_over_a_network(file: Callable[..., Path]) -> None:
    path = file(STEPS)
    words = ("--driver", "psycopg2", "--profile", "default")
    ended = pgdyno("check", path, *words, "--rtt", "0,2", "--format", "json")
    assert ended.code == 0, ended.said
    found = [(told["cell"], told["verdict"]) for told in json.loads(ended.out)]
    assert found == [
        ("outside#rows", "exact"), ("outside#rows[rtt=2]", "exact"),
        ("outside#stepped", "exact"),
    ]  # fmt: skip
    assert "1 case of steps connects to places of its own: left out" in ended.err
    shown = pgdyno("show", f"{path}#rows[rtt=2]", "--driver", "psycopg2", "--run")
    assert shown.code == 0, shown.said
    assert "outside#rows[rtt=2]" in shown.out
    assert "reached    RTT 2 ms" in shown.out
    assert "run: it shows what the check saw" in shown.out


def test_show_takes_one_condition_and_no_steps(file: Callable[..., Path]) -> None:
    path = file(STEPS)
    words = ("--driver", "psycopg2")
    ended = pgdyno("show", f"{path}#rows", *words, "--rtt", "0,2")
    assert ended.code == 2
    assert "2 conditions, one can be shown" in ended.err
    assert "outside#rows[rtt=2]" in ended.err
    ended = pgdyno("show", f"{path}#stepped", *words, "--rtt", "2")
    assert ended.code == 2
    assert "a case of steps connects by itself" in ended.err


def test_no_baseline_of_a_condition(file: Callable[..., Path], tmp_path: Path) -> None:
    ended = pgdyno(
        "check", file(SMALL), "--driver", "psycopg2", "--rtt", "5", "--update", "--force",
        "--baselines", tmp_path / "baselines",
    )  # fmt: skip
    assert ended.code == 2
    assert "accepts what drivers do over a plain connection" in ended.err
    assert not (tmp_path / "baselines").exists()
