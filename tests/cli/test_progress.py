"""What is going on, for people and for logs: few lines, and no count of nothing."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import fake_runs
import pytest

from harness.cli import progress
from harness.cli.progress import BenchProgress, CheckProgress

CELL = fake_runs.cell_facts(fake_runs.CELLS[0])


@pytest.fixture
def every_line(monkeypatch):
    """Do not wait for the next line of a log."""
    monkeypatch.setattr(progress, "LOG_EVERY_S", -1.0)


@pytest.mark.usefixtures("every_line")
def test_nothing_is_counted_where_there_is_no_count(capsys):
    with BenchProgress() as shown:
        shown.preparing(CELL)
        shown.step("a part", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "preparing point/by-key#one-row",
        "a part",
    ]


@pytest.mark.usefixtures("every_line")
def test_a_bench_says_what_runs_what_is_known_and_what_is_left(capsys):
    with BenchProgress() as shown:
        shown.block(0, CELL, 0, 12, 0.0)
        shown.block(6, CELL, 7, 12, 41.4, 3)
    assert capsys.readouterr().err.splitlines() == [
        "0/12 round 1: point/by-key#one-row",
        "7/12 round 7: point/by-key#one-row 3 with interval, about 41 s left",
    ]


@pytest.mark.usefixtures("every_line")
def test_a_long_time_is_told_in_minutes(capsys):
    with BenchProgress() as shown:
        shown.block(0, CELL, 1, 12, 1_039.0)
    assert capsys.readouterr().err.rstrip().endswith("about 17 min left")


def test_the_names_of_two_sweep_points_stay_apart():
    loop, helper = (
        progress.in_short(f"round 1: many/strategies#insert@rows=1000,strategy={way}", 40)
        for way in ("loop", "helper")
    )
    assert loop.endswith(",strategy=loop")
    assert helper.startswith("round 1: many/stra")
    assert len(loop) == len(helper) == 40


def test_a_log_gets_a_line_now_and_then(capsys):
    checks = fake_runs.check().checks
    with CheckProgress(len(checks)) as shown:
        for check in checks:
            shown.checked(check)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"1/{len(checks)} exact: psycopg values/int2#read"]


@pytest.mark.usefixtures("every_line")
def test_a_check_shows_verdicts_and_how_many_are_not_exact(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SHOW_EVERY_S", -1.0)
    checks = fake_runs.check().checks
    with CheckProgress(len(checks)) as shown:
        for check in checks:
            shown.checked(check)
    lines = capsys.readouterr().err.splitlines()
    worse = 0
    for number, (line, check) in enumerate(zip(lines, checks, strict=True), 1):
        worse += check.verdict != "exact"
        told = progress.in_short(f"{check.verdict}: {check.driver} {check.cell}", 50)
        counted = f" {worse} not exact" if worse else ""
        assert line == f"{number}/{len(checks)} {told}{counted}"
    assert worse


def test_hundreds_of_checks_in_a_second_draw_few_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_EVERY_S", -1.0)
    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(looks) / 1000)  # a second of checks
    monkeypatch.setattr(progress, "time", clock)
    drawn = []
    monkeypatch.setattr(CheckProgress, "show", lambda *what: drawn.append(what))
    with CheckProgress(500) as shown:
        for check in fake_runs.check().checks[:1] * 500:
            shown.checked(check)
    assert 1 <= len(drawn) < 50


@pytest.mark.usefixtures("every_line")
def test_names_command_no_terminal(capsys):
    with BenchProgress() as shown:
        shown.step("a\x1b[2J\nb", 1, 2)
    assert capsys.readouterr().err == "1/2 a\\x1b[2J\\nb\n"
