"""The rules of a gate: margins, controls, what counts, and what fresh data confirm."""

from __future__ import annotations

import math

import fake_runs
import pytest
from fake_runs import arm_facts, bench, changed
from msgspec.structs import replace

from harness.analysis import gate
from harness.analysis.changes import CellChange, Comparison
from harness.analysis.compare import compare
from harness.analysis.gate import Gate
from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_PASS
from harness.core.stats import Estimate
from harness.core.verdicts import Change
from harness.report import comparison as told
from harness.report.comparison import Request

ROWS = fake_runs.CELLS[:4]
IDS = [fake_runs.cell_facts(row).id for row in ROWS]
OLD, NEW = "asyncpg==0.31.0", "asyncpg==0.32.0"
VERSIONS = [
    arm_facts(OLD, version="0.31.0"),
    arm_facts(NEW, version="0.32.0"),
    arm_facts(f"{OLD} (A/A)", twin=OLD, version="0.31.0"),
]


def versions(slower=1.0, **options):
    """One run with two versions of a driver as arms, and an A/A arm."""
    factor = slower if callable(slower) else {NEW: slower}
    made = {"rows": ROWS, "arms": VERSIONS, "noise": 0.004, **options}
    return bench(factor=factor, **made)


def asked(run, **options):
    return compare(run, run, base_arm=OLD, candidate_arm=NEW, rules=Gate(**options))


def kinds(comparison):
    return {row.cell: row.change for row in comparison.changes}


# --- arms of one run --------------------------------------------------------------------


def test_versions_in_one_run_are_paired_and_say_what_differs():
    found = asked(versions(1.10, rounds=12))
    assert found.paired
    assert set(kinds(found).values()) == {Change.REGRESSED}
    assert "version: 0.31.0 → 0.32.0" in found.differences
    assert asked(versions(rounds=12)).exit_code == EXIT_PASS


# --- margins ----------------------------------------------------------------------------


def row(low, point, high, p=0.001, margin=0.03):
    return CellChange(
        "copy/in#rows", "asyncpg", Change.INCONCLUSIVE, base_number=1.0, margin=margin,
        shift=Estimate(point, low, high, 12, 0.95), p=p, p_adjusted=p, spread=0.01,
    )  # fmt: skip


TITLE = Comparison("a", "b", True, 0.03, 0.05)


@pytest.mark.parametrize(
    ("low", "point", "high", "p", "change"),
    [
        (0.031, 0.05, 0.07, 0.001, Change.REGRESSED),
        (0.029, 0.05, 0.07, 0.001, Change.INCONCLUSIVE),  # it does not clear the margin
        (0.031, 0.05, 0.07, 0.051, Change.INCONCLUSIVE),  # Holm does not let it pass
        (-0.07, -0.05, -0.031, 0.001, Change.IMPROVED),
        (-0.07, -0.05, -0.02, 0.001, Change.INCONCLUSIVE),
        (-0.02, 0.0, 0.02, 1.0, Change.SAME),
        (0.01, 0.02, 0.029, 0.001, Change.SAME),  # there, but too small to matter
        (-0.01, 0.0, 0.031, 1.0, Change.INCONCLUSIVE),
    ],
)
def test_a_change_clears_its_margin_and_same_lies_within(low, point, high, p, change):
    assert gate.judge(row(low, point, high, p), TITLE).change is change


def test_holm_counts_every_gated_cell():
    rows = [row(0.05, 0.06, 0.07, p=0.02), *[row(-0.1, 0.0, 0.1, p=0.9)] * 2]
    alone = gate.judge_all(rows[:1], TITLE, Gate())
    assert [one.change for one in alone] == [Change.REGRESSED]
    three = gate.judge_all(rows, TITLE, Gate())
    assert three[0].p_adjusted == pytest.approx(0.06)
    assert three[0].change is Change.INCONCLUSIVE


def test_cells_have_margins_of_their_own():
    rules = Gate(0.03, {"copy": 0.05, "copy/in": 0.08, "copy/in#rows": 0.10, "*": 0.01})
    assert rules.margin("copy/in#rows") == 0.10
    assert rules.margin("copy/in#bytes") == 0.08
    assert rules.margin("copy/out#rows") == 0.05
    assert rules.margin("query/point#one") == 0.01
    assert Gate(0.03, {"copy": 0.05}).margin("query/point#one") == 0.03


def test_a_wide_margin_forgives_what_a_narrow_one_does_not():
    run = versions(1.05, rounds=12, noise=0.002)
    found = asked(run, margins={IDS[0]: 0.2})
    assert kinds(found) == {IDS[0]: Change.SAME} | dict.fromkeys(IDS[1:], Change.REGRESSED)
    assert "±3 … 20 %" in told.score(found)


# --- what counts ------------------------------------------------------------------------


def test_only_gated_cells_count():
    run = versions(lambda cell, arm: 1.2 if arm == NEW and cell == IDS[0] else 1.0)
    assert asked(run).exit_code == 1
    found = asked(run, cells=tuple(IDS[1:]))
    assert set(kinds(found)) == set(IDS[1:])
    assert found.exit_code != 1
    assert "1 of 4 cells are not gated" in found.warnings


@pytest.mark.parametrize("rules", [{"cells": ("vacuum",)}, {"controls": ("*",)}])
def test_a_gate_without_cells_is_invalid(rules):
    found = asked(versions(), **rules)
    assert found.exit_code == EXIT_INVALID
    assert "no cell is gated" in found.invalid[0]


# --- controls ---------------------------------------------------------------------------


def test_the_a_a_arm_is_a_control_of_its_run():
    quiet = asked(versions(rounds=12))
    assert {one.arm for one in quiet.controls} == {f"{OLD} → {OLD} (A/A)"}
    assert quiet.drift == 0
    moved = asked(versions(1.05, rounds=12, twin_factor=1.05))
    assert moved.drift == pytest.approx(math.log(1.05), abs=0.01)
    assert set(kinds(moved).values()) == {Change.INCONCLUSIVE}
    assert "controls that cannot have changed moved, too" in moved.changes[0].reason
    assert "moved by at least" in " ".join(told.doubts(moved))


def test_what_controls_moved_by_is_taken_off_same():
    still = gate.judge(row(-0.02, 0.0, 0.02, 1.0), TITLE)
    drifted = Comparison("a", "b", True, 0.03, 0.05, drift=0.015)
    assert still.change is Change.SAME
    assert gate.judge(row(-0.02, 0.0, 0.02, 1.0), drifted).change is Change.INCONCLUSIVE
    assert gate.judge(row(0.04, 0.05, 0.06), drifted).change is Change.INCONCLUSIVE
    assert gate.judge(row(0.05, 0.06, 0.07), drifted).change is Change.REGRESSED


def test_a_named_cell_is_a_control_and_not_gated():
    run = versions(lambda cell, arm: 1.2 if arm == NEW and cell == IDS[0] else 1.0)
    found = asked(run, controls=(IDS[0],))
    assert IDS[0] not in kinds(found)
    assert IDS[0] in {one.cell for one in found.controls}
    assert found.drift > 0.1
    assert found.exit_code == EXIT_INCONCLUSIVE


def test_a_named_arm_is_a_control_of_two_runs():
    arms = [arm_facts("psycopg2"), arm_facts("asyncpg")]
    made = {"rows": ROWS, "arms": arms, "rounds": 12, "noise": 0.004}
    base = bench(run="before", seed=1, **made)
    both = bench(run="after", seed=2, factor={"psycopg2": 1.06, "asyncpg": 1.06}, **made)
    found = compare(base, both, rules=Gate(controls=("psycopg2",)))
    assert {one.arm for one in found.changes} == {"asyncpg"}
    assert found.drift == pytest.approx(math.log(1.06), abs=0.015)
    assert found.common_shift is None
    assert Change.REGRESSED not in kinds(found).values()
    alone = bench(run="after", seed=2, factor={"asyncpg": 1.06}, **made)
    found = compare(base, alone, rules=Gate(controls=("psycopg2",)))
    assert Change.REGRESSED in kinds(found).values()


def test_a_folder_of_the_same_version_does_not_speak_for_the_machine():
    checkout = [arm_facts("psycopg@../psycopg", version="3.4.0.dev0")]
    base = bench(run="before", seed=1, rows=ROWS, arms=checkout, rounds=12, noise=0.004)
    after = bench(run="after", seed=2, rows=ROWS, arms=checkout, rounds=12, noise=0.004,
                  factor={"psycopg@../psycopg": 1.2})  # fmt: skip
    found = compare(base, after)
    assert set(kinds(found).values()) == {Change.REGRESSED}
    assert found.common_shift is None


# --- verdicts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "change"),
    [
        ("rejected", "crashed", Change.REGRESSED),
        ("unsupported", "lossy", Change.REGRESSED),
        ("crashed", "rejected", Change.IMPROVED),
        ("lossy", "exact", Change.IMPROVED),
        ("exact", "lossy", Change.REGRESSED),
        ("skipped", "lossy", Change.NOT_COMPARABLE),
        ("exact", "differs", Change.NOT_COMPARABLE),
    ],
)
def test_changed_verdicts_count(was, now, change):
    def verdicts(trial):
        verdict = {OLD: was, NEW: now}.get(trial.arm, "exact")
        slices = trial.slices if verdict in ("exact", "differs") else None
        return changed(trial, verdict=verdict, slices=slices)

    broken = versions(override=verdicts, rows=ROWS[:1])
    healthy = versions(rows=ROWS[1:])
    run = replace(
        healthy,
        header=replace(healthy.header, cells=[*broken.header.cells, *healthy.header.cells]),
        trials=[*broken.trials, *healthy.trials],
    )
    found = asked(run)
    assert kinds(found)[IDS[0]] is change
    assert (found.exit_code == 1) == (change is Change.REGRESSED)


# --- fresh data -------------------------------------------------------------------------


def confirmed(run, fresh):
    return told.compare(Request(run, run, OLD, NEW, fresh=fresh))


SLOW = versions(1.10, rounds=12)


def test_a_regression_that_is_there_again_counts():
    found = confirmed(SLOW, versions(1.10, rounds=12, run="fresh", seed=5))
    assert found.exit_code == 1
    assert {row.reason for row in found.changes} == {"confirmed"}
    assert all(row.fresh and row.fresh.shift for row in found.changes)


def test_a_regression_that_fresh_data_do_not_show_does_not_count():
    found = confirmed(SLOW, versions(rounds=12, run="fresh", seed=5))
    assert set(kinds(found).values()) == {Change.SAME}
    assert found.changes[0].reason == "regressed at first, same on fresh data"
    noisy = versions(rounds=12, run="fresh", seed=5, noise=0.2)
    found = confirmed(SLOW, noisy)
    assert set(kinds(found).values()) == {Change.INCONCLUSIVE}
    assert found.exit_code == EXIT_INCONCLUSIVE
    assert "that fresh data do not confirm" in told.undecided(found)


def test_what_was_not_measured_again_still_counts():
    found = confirmed(SLOW, versions(1.1, rounds=12, run="fresh", rows=ROWS[:1]))
    reasons = {row.cell: row.reason for row in found.changes}
    assert reasons[IDS[0]] == "confirmed"
    assert reasons[IDS[1]] == "not measured again"
    assert found.exit_code == 1


def test_two_runs_are_confirmed_against_the_base():
    arms = [arm_facts("asyncpg"), arm_facts("psycopg2")]
    made = {"rows": ROWS, "arms": arms, "rounds": 12, "noise": 0.004}
    base = bench(run="before", seed=1, **made)
    slow = bench(run="after", seed=2, factor={"asyncpg": 1.2}, **made)
    again = bench(run="fresh", seed=3, factor={"asyncpg": 1.2}, **made)
    quiet = bench(run="fresh", seed=3, **made)
    assert told.compare(Request(base, slow, fresh=again)).exit_code == 1
    found = told.compare(Request(base, slow, fresh=quiet))
    assert Change.REGRESSED not in {row.change for row in found.changes}


def test_fresh_data_from_elsewhere_confirm_nothing():
    arms = [arm_facts("asyncpg"), arm_facts("psycopg2")]
    made = {"rows": ROWS, "arms": arms, "rounds": 12, "noise": 0.004}
    base = bench(run="before", seed=1, **made)
    slow = bench(run="after", seed=2, factor={"asyncpg": 1.2}, **made)
    other = replace(fake_runs.MACHINE, cpu="other")
    fresh = bench(run="fresh", seed=3, machine=other, **made)
    found = told.compare(Request(base, slow, fresh=fresh))
    assert found.exit_code == EXIT_INVALID
    assert found.invalid[0].startswith("the fresh data: different machines")
