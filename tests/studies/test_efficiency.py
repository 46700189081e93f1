"""Two commits side by side: what is read of their files, and how it is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fake_runs
import pytest
from fake_runs import arm_facts, bench

from benchmarks import efficiency
from harness.results.store import Writer

ARMS = [arm_facts(name) for name in ("psycopg", "asyncpg")]


def recorded(folder: Path, name: str, run, wall_ns: int) -> efficiency.Figures:
    file = folder / f"{name}.jsonl"
    with Writer(file) as writer:
        for record in (run.header, *run.trials, run.footer):
            writer.write(record)
    efficiency.took_file(file).write_text(json.dumps({"wall_ns": wall_ns}))
    return efficiency.figures(file)


def test_a_commit_without_phases_is_counted_from_its_trials(tmp_path):
    run = bench(rows=fake_runs.CELLS[:2], arms=ARMS, rounds=5)
    found = recorded(tmp_path, "old", run, 10**9)
    assert found.timed_ns == sum(sum(trial.slices.wall_ns) for trial in run.trials)
    assert found.timed == found.timed_ns / 10**9
    assert (found.cells, found.with_interval, found.blocks_disturbed) == (2, 0, 0)
    assert found.passes_left_out is None
    assert found.phases_ns == {}


def test_the_table_has_medians_and_a_dash_where_a_commit_does_not_tell(tmp_path):
    old = bench(rows=fake_runs.CELLS[:2], arms=ARMS, rounds=5)
    new = fake_runs.with_phases(
        bench(rows=fake_runs.CELLS[:2], arms=ARMS, override=fake_runs.beside_a_hog)
    )
    before = [recorded(tmp_path, f"a{at}", old, at * 10**9) for at in (40, 60, 200)]
    after = [recorded(tmp_path, "b", new, 30 * 10**9)]
    lines = [*efficiency.table([("old", before), ("new", after)])]
    cells = {line[:36].strip(): line[36:].split() for line in lines}
    assert cells["wall"] == ["60.0", "s", "30.0", "s", "0.50×"]
    assert cells["cells with an interval"] == ["0", "2", "–"]
    assert cells["passes left out"][0] == "–"
    assert cells["making arms ready"] == ["–", "420", "s", "–"]
    assert [*cells][-6:-4] == ["making arms ready", "timed slices"]


def test_a_run_that_is_there_is_not_made_again(tmp_path, monkeypatch):
    commit = efficiency.Commit("f" * 40, tmp_path)
    begun = []

    def run(command, **values):
        begun.append(command)
        Path(command[-1]).write_text("results")
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(efficiency.subprocess, "run", run)
    first = efficiency.made(commit, ["query/point"], 0)
    assert efficiency.made(commit, ["query/point"], 0) == first
    assert len(begun) == 1
    assert begun[0][1:5] == ["-m", "harness", "bench", "query/point"]
    assert efficiency.made(commit, ["query/point", "--no-aa"], 0) != first
    efficiency.took_file(first).unlink()  # it was cut off
    efficiency.made(commit, ["query/point"], 0)
    assert len(begun) == 3


def test_a_bench_that_failed_ends_it(tmp_path, monkeypatch):
    failed = type("Done", (), {"returncode": 5})
    monkeypatch.setattr(efficiency.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(SystemExit, match="ended with exit code 5"):
        efficiency.made(efficiency.Commit("f" * 40, tmp_path), [], 0)
    assert not list((tmp_path / "runs").glob("*.json"))


def test_what_is_no_option_of_the_script_goes_to_the_bench(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(efficiency, "git", lambda *words: words[-1][:1] * 40)
    monkeypatch.setattr(efficiency.Commit, "prepare", lambda _: None)
    monkeypatch.setattr(efficiency, "made", lambda *call: asked.append(call))
    monkeypatch.setattr(efficiency, "figures", lambda _: None)
    monkeypatch.setattr(efficiency, "table", lambda _: ())
    words = ["--before", "old", "--after", "new", "--runs", "2", "--keep", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["x", *words, "query/point", "--no-aa", "--seed", "4"])
    assert efficiency.main() == 0
    assert [(commit.sha[0], number) for commit, _, number in asked] == [
        ("o", 0), ("n", 0), ("n", 1), ("o", 1),
    ]  # fmt: skip
    assert {tuple(arguments) for _, arguments, _ in asked} == {
        ("query/point", "--no-aa", "--seed", "4")
    }
