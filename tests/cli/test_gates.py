"""`compare` and `bench --confirm` as they are called: arms, settings, fresh data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import fake_runs
import pytest
from fake_runs import arm_facts, bench, cell_facts
from msgspec.structs import replace

from harness.cli import confirming
from harness.cli.bench import add_parser
from harness.cli.main import main
from harness.core.errors import EXIT_FAILED, EXIT_INVALID, EXIT_PASS, EXIT_USAGE
from harness.results.lines import encoded
from harness.results.records import Run

OLD, NEW = "asyncpg==0.31.0", "asyncpg==0.32.0"
ARMS = [arm_facts(OLD, version="0.31.0"), arm_facts(NEW, version="0.32.0")]
ROWS = fake_runs.CELLS[:4]
IDS = [cell_facts(row).id for row in ROWS]


def slower_in(cells: list[str]):
    return lambda cell, arm: 1.1 if arm == NEW and cell in cells else 1.0


def run(name: str = "first", seed: int = 1, **options) -> Run:
    made = {"rows": ROWS, "arms": ARMS, "rounds": 12, "noise": 0.003, **options}
    return bench(run=name, seed=seed, **made)


def written(found: Run, path: Path) -> str:
    path.write_bytes(encoded([found.header, *found.trials, found.footer]))
    return str(path)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Settings are looked for from here upwards."""
    (tmp_path / "pgdyno.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- compare ----------------------------------------------------------------------------


def test_two_arms_of_one_run(folder, capsys):
    path = written(run(factor=slower_in(IDS)), folder / "run.jsonl")
    assert main(["compare", path, "--base", OLD, "--candidate", NEW]) == EXIT_FAILED
    told = capsys.readouterr().out
    assert "differs    version: 0.31.0 → 0.32.0" in told
    assert "REGRESSION  4 slower" in told
    assert main(["compare", path, "--base", NEW, "--candidate", OLD]) == EXIT_PASS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the same run cannot differ from itself"),
        (("--base", OLD), "one arm is named, the other is not"),
        (("--base", OLD, "--candidate", "asyncpg==9"), "has no arm 'asyncpg==9'"),
        (("--base", OLD, "--candidate", OLD), "the same run cannot differ from itself"),
    ],
)
def test_a_request_that_makes_no_sense(folder, capsys, arguments, said):
    path = written(run(), folder / "run.jsonl")
    assert main(["compare", path, *arguments]) == EXIT_USAGE
    assert said in capsys.readouterr().err


def test_an_arm_is_named_as_for_bench(folder, capsys):
    arms = [arm_facts("asyncpg@."), arm_facts("asyncpg@.#HEAD^1")]
    path = written(run(arms=arms), folder / "run.jsonl")
    named = ("--base", "asyncpg@./#HEAD^1", "--candidate", " asyncpg@./")
    assert main(["compare", path, *named]) == EXIT_PASS
    again = options(
        "--confirm", path, "--driver", "asyncpg@./#HEAD^1", "--driver=asyncpg@./"
    )
    assert confirming.confirm(again, Bench(folder, run("fresh"))) == EXIT_PASS
    twin = ("--base", "asyncpg==0.31.0 (A/A)", "--candidate", NEW)
    assert main(["compare", path, *twin]) == EXIT_USAGE
    assert "has no arm 'asyncpg==0.31.0 (A/A)'" in capsys.readouterr().err


def test_an_arm_that_took_no_part_says_why(folder, capsys):
    gone = replace(ARMS[0], problem="there is no asyncpg 0.31.0", terms={})
    found = run(arms=[gone, ARMS[1]])
    trials = [trial for trial in found.trials if trial.arm == NEW]
    path = written(replace(found, trials=trials), folder / "run.jsonl")
    asked = ("--base", OLD, "--candidate", NEW)
    assert main(["compare", path, *asked]) == EXIT_INVALID
    told = capsys.readouterr().out
    assert f"! {OLD} took no part: there is no asyncpg 0.31.0" in told
    assert "nothing measured in common" in told
    assert "differs" not in told


@pytest.mark.parametrize("threshold", ["wide", "nan", "0", "100%", "-3%", "inf", ""])
def test_a_margin_that_is_no_number(capsys, threshold):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "a", "b", f"--threshold={threshold}"])
    assert ended.value.code == EXIT_USAGE
    assert f"'{threshold}'" in capsys.readouterr().err


def test_settings_are_the_rules_and_a_threshold_is_for_all_cells(folder, capsys):
    path = written(run(factor=slower_in(IDS[:1])), folder / "run.jsonl")
    asked = ["compare", path, "--base", OLD, "--candidate", NEW]
    assert main(asked) == EXIT_FAILED
    (folder / "pgdyno.toml").write_text(f"[margins]\n'{IDS[0]}' = '25%'")
    assert main(asked) == EXIT_PASS
    assert main([*asked, "--threshold", "3%"]) == EXIT_FAILED
    (folder / "pgdyno.toml").write_text(f"gate = ['{IDS[1]}', 'rows']")
    assert main(asked) == EXIT_PASS
    (folder / "pgdyno.toml").write_text("gate = ['vacuum']")
    capsys.readouterr()
    assert main(asked) == EXIT_INVALID
    assert "no cell is gated" in capsys.readouterr().out
    (folder / "pgdyno.toml").write_text("[margins]\n'copy' = 'much'")
    assert main(asked) == EXIT_USAGE
    assert "pgdyno.toml: margins.\"copy\": 'much'" in capsys.readouterr().err


def test_a_control_that_is_named(folder, capsys):
    path = written(run(factor=slower_in(IDS)), folder / "run.jsonl")
    asked = ["compare", path, "--base", OLD, "--candidate", NEW, "--format", "json"]
    assert main([*asked, "--control", IDS[0]]) != EXIT_FAILED
    found = json.loads(capsys.readouterr().out)
    assert [row["cell"] for row in found["controls"]] == [IDS[0]]
    assert found["controls_moved_ratio"] == pytest.approx(1.1, abs=0.02)


@pytest.mark.parametrize("name", ["markdown", "junit", "json", "text"])
def test_every_format(folder, capsys, name):
    path = written(run(factor=slower_in(IDS)), folder / "run.jsonl")
    asked = ["compare", path, "--base", OLD, "--candidate", NEW]
    assert main([*asked, "--format", name]) == EXIT_FAILED
    start = {"markdown": "### REGRESSION", "junit": "<?xml", "json": "{", "text": "base "}
    assert capsys.readouterr().out.startswith(start[name])


# --- fresh data -------------------------------------------------------------------------


def test_fresh_data_decide(folder, capsys):
    path = written(run(factor=slower_in(IDS[:2])), folder / "run.jsonl")
    fresh = written(
        run("fresh", 2, rows=ROWS[:2], factor=slower_in(IDS[:1])), folder / "fresh.jsonl"
    )
    asked = ["compare", path, "--base", OLD, "--candidate", NEW, "--confirm", fresh]
    assert main(asked) == EXIT_FAILED
    told = capsys.readouterr().out
    assert "REGRESSION  1 slower · 0 faster · 3 same" in told
    assert "measured again" in told


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return parser.parse_args(["bench", *arguments])


class Bench:
    """Measures by writing a run that was made up, and remembers what it was asked."""

    def __init__(self, folder: Path, found: Run) -> None:
        self.path = folder / "fresh.jsonl"
        self.found = found
        self.asked: argparse.Namespace | None = None

    def __call__(self, asked: argparse.Namespace) -> Path:
        self.asked = asked
        written(self.found, self.path)
        return self.path


def test_only_what_regressed_is_measured_again(folder, capsys):
    path = written(run(factor=slower_in(IDS[1:3])), folder / "run.jsonl")
    fresh = run("fresh", 2, rows=ROWS[1:3], factor=slower_in(IDS[1:2]))
    again = Bench(folder, fresh)
    code = confirming.confirm(options("--confirm", path), again)
    assert code == EXIT_FAILED
    assert again.asked.path == IDS[1:3]
    assert again.asked.driver == [OLD, NEW]
    assert (again.asked.effort, again.asked.profile) == ("gate", "configured")
    told = capsys.readouterr().out
    assert told.startswith(f"regressed, and measured again: {IDS[1]}, {IDS[2]}\n")
    assert "REGRESSION  1 slower · 0 faster · 3 same" in told


def test_a_margin_says_what_is_measured_again(folder, capsys):
    path = written(run(factor=slower_in(IDS[1:3])), folder / "run.jsonl")
    again = Bench(folder, run("fresh"))
    asked = options("--confirm", path, "--threshold", "25%")
    assert confirming.confirm(asked, again) == EXIT_PASS
    assert again.asked is None
    asked = options("--confirm", path, "--control", IDS[1])
    confirming.confirm(asked, again)
    assert "controls" in capsys.readouterr().out
    assert main(["bench", "--threshold", "3%"]) == EXIT_USAGE
    assert "they go with --confirm" in capsys.readouterr().err


def test_nothing_is_measured_where_nothing_regressed(folder, capsys):
    path = written(run(), folder / "run.jsonl")
    again = Bench(folder, run("fresh"))
    assert confirming.confirm(options("--confirm", path), again) == EXIT_PASS
    assert again.asked is None
    assert "nothing regressed" in capsys.readouterr().out


def test_two_runs_are_confirmed_with_the_arms_of_the_candidate(folder):
    base = run("base", arms=[arm_facts("asyncpg"), arm_facts("psycopg2")])
    slow = run("slow", 2, arms=[arm_facts("asyncpg"), arm_facts("psycopg2")],
               factor=lambda cell, arm: 1.3 if arm == "asyncpg" else 1.0)  # fmt: skip
    paths = [written(base, folder / "base.jsonl"), written(slow, folder / "slow.jsonl")]
    again = Bench(folder, replace(slow, header=replace(slow.header, run="fresh")))
    asked = options("--confirm", paths[0], "--confirm", paths[1])
    assert confirming.confirm(asked, again) == EXIT_FAILED
    assert again.asked.driver == ["asyncpg", "psycopg2"]


def test_a_scenario_of_ones_own_is_named_by_its_file(folder):
    found = run(factor=slower_in(IDS[:1]))
    name = IDS[0].replace("point/by-key", "mine")
    cells = [replace(cell, id=cell.id.replace("point/by-key", "mine"))
             for cell in found.header.cells]  # fmt: skip
    trials = [replace(trial, cell=trial.cell.replace("point/by-key", "mine"))
              for trial in found.trials]  # fmt: skip
    found = replace(found, header=replace(found.header, cells=cells), trials=trials)
    again = Bench(folder, replace(found, header=replace(found.header, run="fresh")))
    path = written(found, folder / "run.jsonl")
    confirming.confirm(options("there/mine.toml", "--confirm", path), again)
    assert again.asked.path == [f"there/{name.replace('mine', 'mine.toml')}"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_run_is_confirmed_for_two_arms(folder, capsys, count):
    names = ("asyncpg", "psycopg", "psqlpy")[:count]
    found = run(arms=[*map(arm_facts, names)])
    path = written(found, folder / "run.jsonl")
    assert main(["bench", "--confirm", path]) == EXIT_USAGE
    told = capsys.readouterr().err
    assert f"is confirmed for two arms, and these are {count}" in told
    assert "--driver BASE --driver CANDIDATE" in told
    three = [word for _ in range(3) for word in ("--confirm", path)]
    assert main(["bench", *three]) == EXIT_USAGE
    assert "--confirm is given 3 times" in capsys.readouterr().err


def test_the_plan_of_a_confirmation(folder, capsys):
    cell = replace(cell_facts(ROWS[0]), id="query/point#fetch-one", scenario="query/point")
    other = replace(cell, id="query/point#fetch-row", case="fetch-row")
    arms = [arm_facts("psycopg2"), arm_facts("asyncpg")]
    slow = {("asyncpg", IDS[0]): 3.0, ("asyncpg", IDS[1]): 0.5}
    found = run(
        rows=ROWS[:2], arms=arms, factor=lambda cell, arm: slow.get((arm, cell), 1.0)
    )
    names = dict(zip(IDS, (cell.id, other.id), strict=False))
    trials = [replace(trial, cell=names[trial.cell]) for trial in found.trials]
    header = replace(found.header, cells=[cell, other])
    path = written(replace(found, header=header, trials=trials), folder / "run.jsonl")
    assert main(["bench", "--confirm", path, "--dry-run"]) == EXIT_PASS
    told = capsys.readouterr().out
    assert "regressed, and measured again: query/point#fetch-one\n" in told
    assert "cells: 1\n" in told
    assert "arms: 3: psycopg2, asyncpg, psycopg2 (A/A)" in told
    assert "rounds: 7 to 40" in told
