"""Counted instructions: a burden is found, equal drivers are not flagged."""

from __future__ import annotations

from pathlib import Path

import fake_runs
from fake_runs import counted, counts
from helpers import Silent
from msgspec.structs import replace

from harness.lanes.instructions import callgrind
from harness.lanes.instructions.record import Count
from harness.results import store
from studies.validity import instructions


def test_the_study_finds_what_was_put_in_and_flags_nothing_else(tmp_path: Path):
    series = instructions.burden_series(tmp_path, 4)
    plain, heavier = (arm.id for arm in series.arms)
    write(series.file, plain, heavier, 1.005)
    assert [outcome.ok for outcome in instructions.burdens(series)] == [True, True]
    series.file.unlink()
    write(series.file, plain, heavier, 1.001)
    assert [outcome.ok for outcome in instructions.burdens(series)] == [False, True]


def test_the_study_without_valgrind_says_so(tmp_path: Path, monkeypatch):
    def told(**repeats):
        return list(instructions.run(None, tmp_path, Silent(), **repeats))

    monkeypatch.setattr(callgrind.shutil, "which", lambda _: None)
    (outcome,) = told(spread_repeats=2, burden_repeats=20)
    assert not outcome.ok
    assert "valgrind is not installed" in outcome.measured
    assert told(spread_repeats=0, burden_repeats=0) == []


def write(file: Path, plain: str, heavier: str, factor: float) -> None:
    arms = [fake_runs.arm_facts("psycopg2")] * 2
    arms = [replace(arm, id=name) for arm, name in zip(arms, (plain, heavier), strict=True)]
    made = counted("v", counts(plain, 100_000, 4), counts(heavier, 100_000 * factor, 4))
    cell = replace(made.header.cells[0], id=instructions.CELL)
    header = replace(made.header, arms=arms, cells=[cell])
    with store.Writer(file) as out:
        out.write(header)
        for count in made.of(Count):
            out.write(replace(count, cell=instructions.CELL))
