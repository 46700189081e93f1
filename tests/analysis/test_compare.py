"""Comparisons of runs that were made up so that the answer is known."""

from __future__ import annotations

import json
import math
import re

import fake_runs
import pytest
from fake_runs import arm_facts, bench, changed
from msgspec.structs import replace

from harness.analysis.changes import Answer, CellChange, Comparison
from harness.analysis.compare import compare
from harness.analysis.gate import Gate
from harness.analysis.times import counting_trials, wall_per_op
from harness.core.errors import UsageError
from harness.core.stats import Estimate
from harness.core.verdicts import Change
from harness.render import comparison as shown
from harness.render import comparison_markdown
from harness.report.comparison import headline

ROWS = fake_runs.CELLS[:4]


def pair(**candidate):
    base = candidate.pop("base", {})
    shared = {"rows": ROWS, **base}
    return (
        bench(run="before", seed=1, **shared),
        bench(run="after", seed=2, **{"rows": ROWS, **candidate}),
    )


def kinds(comparison, arm=None):
    return {one.change for one in comparison.changes if arm in (None, one.arm)}


def test_nothing_changed():
    comparison = compare(*pair())
    assert kinds(comparison) == {Change.SAME}
    assert len(comparison.changes) == len(ROWS) * len(fake_runs.ARMS)
    assert comparison.exit_code == 0
    assert not comparison.shifted


def test_one_driver_became_slower_and_another_faster():
    comparison = compare(*pair(factor={"asyncpg": 1.08, "psqlpy": 0.8}))
    assert kinds(comparison, "asyncpg") == {Change.REGRESSED}
    assert kinds(comparison, "psqlpy") == {Change.IMPROVED}
    assert kinds(comparison, "psycopg") == {Change.SAME}
    assert comparison.exit_code == 1
    worst = comparison.changes[0]
    assert worst.change is Change.REGRESSED
    assert math.exp(worst.shift.point) == pytest.approx(1.08, abs=0.02)
    assert worst.shift.low < worst.shift.point < worst.shift.high
    assert worst.p_adjusted <= 0.05
    assert 0 < worst.detectable < 0.03


def test_a_change_below_the_threshold_is_the_same():
    quiet = {"noise": 0.003}
    comparison = compare(*pair(factor={"asyncpg": 1.015}, base=quiet, **quiet))
    assert kinds(comparison, "asyncpg") == {Change.SAME}


def test_noise_is_inconclusive():
    comparison = compare(*pair(noise=0.15, base={"noise": 0.15}))
    assert Change.INCONCLUSIVE in kinds(comparison)
    assert Change.REGRESSED not in kinds(comparison)
    assert comparison.exit_code == 3


def test_too_few_rounds_are_inconclusive_and_say_so():
    comparison = compare(*pair(rounds=5, factor={"asyncpg": 2}))
    assert kinds(comparison) == {Change.INCONCLUSIVE}
    assert "6 are needed" in comparison.changes[0].reason
    assert comparison.exit_code == 3


def test_six_rounds_are_too_few_for_many_tests():
    slower = pair(rounds=6, base={"rounds": 6}, factor={"asyncpg": 1.5})
    found = [one for one in compare(*slower).changes if one.arm == "asyncpg"]
    assert {one.change for one in found} == {Change.INCONCLUSIVE}
    assert found[0].reason == "too few rounds for so many tests"
    assert found[0].detectable == math.inf


def test_a_slower_machine_is_no_slower_driver():
    everything = dict.fromkeys(fake_runs.ARMS, 1.12)
    comparison = compare(*pair(factor=everything))
    assert comparison.shifted
    assert math.exp(comparison.common_shift) == pytest.approx(1.12, abs=0.02)
    assert kinds(comparison) == {Change.INCONCLUSIVE}
    assert comparison.exit_code == 3
    assert "the machine itself was 12" in shown.text(comparison)


def test_one_slower_driver_of_two_is_no_slower_machine():
    two = [arm_facts("psycopg"), arm_facts("asyncpg")]
    comparison = compare(*pair(arms=two, base={"arms": two}, factor={"asyncpg": 1.2}))
    assert kinds(comparison, "asyncpg") == {Change.REGRESSED}


def test_a_driver_of_another_version_does_not_speak_for_the_machine():
    before = [arm_facts("psycopg"), arm_facts("asyncpg", version="0.31.0")]
    after = [arm_facts("psycopg"), arm_facts("asyncpg", version="0.32.0")]
    comparison = compare(*pair(arms=after, base={"arms": before}, factor={"asyncpg": 1.2}))
    assert kinds(comparison, "asyncpg") == {Change.REGRESSED}
    assert "asyncpg, version: 0.31.0 → 0.32.0" in comparison.differences


def lose(kind):
    def override(trial):
        if trial.arm == "psqlpy":
            return changed(trial, verdict=kind, detail="its fault", slices=None)
        return trial

    return override


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        ("lossy", Change.REGRESSED, 1),
        ("unsupported", Change.REGRESSED, 1),
        ("crashed", Change.REGRESSED, 1),
        ("skipped", Change.NOT_COMPARABLE, 4),
        ("invalid", Change.NOT_COMPARABLE, 4),
        ("differs", Change.NOT_COMPARABLE, 4),
    ],
)
def test_a_lost_verdict(kind, change, code):
    comparison = compare(*pair(override=lose(kind)))
    lost = [one for one in comparison.changes if one.arm == "psqlpy"]
    assert {one.change for one in lost} == {change}
    assert f"was exact, is {kind}" in lost[0].reason
    assert comparison.exit_code == code


def test_a_won_verdict_costs_nothing():
    base, candidate = pair(base={"override": lose("lossy")})
    comparison = compare(base, candidate)
    assert kinds(comparison, "psqlpy") == {Change.IMPROVED}
    assert comparison.changes[0].reason == "was lossy, is exact"
    assert comparison.exit_code == 0


def test_one_bad_round_is_the_verdict_of_the_cell():
    def override(trial):
        if trial.arm == "psqlpy" and trial.round == 7:
            return changed(trial, verdict="lossy", detail="one row short", slices=None)
        return trial

    assert kinds(compare(*pair(override=override)), "psqlpy") == {Change.REGRESSED}


def test_unequal_work_is_not_compared():
    base, candidate = pair(factor={"asyncpg": 3})
    cells = [replace(cell, digest="other") for cell in candidate.header.cells]
    candidate = replace(candidate, header=replace(candidate.header, cells=cells))
    comparison = compare(base, candidate)
    assert kinds(comparison) == {Change.NOT_COMPARABLE}
    assert "definition" in comparison.changes[0].reason
    assert comparison.answer is Answer.INVALID


def test_what_candidate_did_not_measure_is_a_row():
    comparison = compare(
        *pair(override=lambda trial: None if trial.arm == "psqlpy" else trial)
    )
    assert kinds(comparison, "psqlpy") == {Change.NOT_COMPARABLE}
    assert comparison.exit_code == 4


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"machine": replace(fake_runs.MACHINE, cpu="other")}, "different machines"),
        ({"server": replace(fake_runs.SERVER, version_num=160004)}, "different servers"),
        ({"server": replace(fake_runs.SERVER, transport="tcp")}, "different transports"),
        ({"placement": {"mode": "none"}}, "different placements"),
        ({"rows": fake_runs.CELLS[6:8]}, "nothing measured in common"),
    ],
)
def test_what_cannot_be_compared(other, said):
    comparison = compare(*pair(**other))
    assert comparison.exit_code == 4
    assert said in " ".join(comparison.invalid)
    assert said in " ".join(shown.text(comparison).split())


def test_patterns_that_mean_nothing_are_told() -> None:
    base, candidate = pair()
    family, arm = base.header.cells[0].id.partition("/")[0], base.header.arms[0].id
    rules = Gate(cells=(family, "copi/in"), controls=(arm, "nobody*"))
    told = compare(base, candidate, rules=rules).warnings
    assert "`gate` names 'copi/in', and no cell is called so" in told
    assert "'nobody*' is named as a control, and no cell or arm is called so" in told
    assert not any(f"'{known}'" in text for known in (family, arm) for text in told)


def test_an_arm_that_took_no_part_says_why() -> None:
    run = bench(rows=ROWS)
    arms = [
        replace(arm, problem="no wheel for it") if arm.id == "psqlpy" else arm
        for arm in run.header.arms
    ]
    trials = [trial for trial in run.trials if trial.arm != "psqlpy"]
    run = replace(run, header=replace(run.header, arms=arms), trials=trials)
    told = compare(run, run, base_arm="asyncpg", candidate_arm="psqlpy")
    assert told.invalid[-1] == "psqlpy took no part: no wheel for it"


def test_trimmed_means_stand_beside_ranks():
    comparison = compare(*pair(factor={"psqlpy": 1.2}))
    row = next(one for one in comparison.changes if one.arm == "psqlpy" and one.trimmed)
    assert row.trimmed.point == pytest.approx(row.shift.point, abs=0.02)
    assert not row.torn
    assert "Yuen" in comparison_markdown.render(comparison)


def test_ranks_and_trimmed_means_that_disagree_are_told():
    row = CellChange(
        "query/point#one",
        "psycopg",
        Change.INCONCLUSIVE,
        base_number=100.0,
        shift=Estimate(0.02, 0.001, 0.04, 8, 0.96),
        trimmed=Estimate(0.02, -0.001, 0.041, 8, 0.95),
        detectable=0.03,
    )
    assert row.torn
    comparison = Comparison("a", "b", False, 0.03, 0.05, changes=(row,))
    assert "by trimmed means (Yuen)" in shown.text(comparison, every=True)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ((), Answer.PASS),
        ((Change.SAME, Change.IMPROVED), Answer.PASS),
        ((Change.SAME, Change.INCONCLUSIVE), Answer.INCONCLUSIVE),
        ((Change.INCONCLUSIVE, Change.NOT_COMPARABLE), Answer.INVALID),
        ((Change.NOT_COMPARABLE, Change.REGRESSED), Answer.REGRESSION),
    ],
)
def test_the_answer_is_that_of_the_worst_row(changes, answer):
    rows = tuple(CellChange("cell", "arm", one, base_number=1.0) for one in changes)
    comparison = Comparison("a", "b", False, 0.03, 0.05, changes=rows)
    assert comparison.answer is answer
    assert headline(comparison).startswith(answer.upper())


def test_a_truncated_file_warns_if_it_has_enough_rounds():
    comparison = compare(*pair(truncated="it has no footer"))
    assert comparison.exit_code == 0
    assert any("truncated" in warning for warning in comparison.warnings)
    assert compare(*pair(truncated="it has no footer", rounds=2)).exit_code == 4


def test_two_arms_of_one_run_are_paired():
    # Rounds differ by 20 %, arms of one round hardly: only pairing can see 4 %.
    def weather(trial):
        slow = 1 + 0.2 * (trial.round % 3)
        times = [int(one * slow) for one in trial.slices.wall_ns]
        return changed(trial, slices=replace(trial.slices, wall_ns=times))

    arms = [
        arm_facts("asyncpg"),
        arm_facts("asyncpg (A/A)", twin="asyncpg"),
        arm_facts("psqlpy"),
    ]
    run = bench(rows=ROWS, arms=arms, override=weather, twin_factor=1.04)
    comparison = compare(run, run, base_arm="asyncpg", candidate_arm="asyncpg (A/A)")
    assert comparison.paired
    assert kinds(comparison) <= {Change.REGRESSED, Change.INCONCLUSIVE}
    assert all(one.shift.excludes_zero for one in comparison.changes)
    assert comparison.changes[0].arm == "asyncpg → asyncpg (A/A)"


def test_threads_are_not_compared_with_tasks():
    run = bench(rows=fake_runs.CELLS[10:11])
    comparison = compare(run, run, base_arm="psycopg", candidate_arm="asyncpg")
    assert kinds(comparison) == {Change.NOT_COMPARABLE}


def test_requests_that_make_no_sense():
    run = bench(rows=ROWS[:1])
    with pytest.raises(UsageError, match="same run"):
        compare(run, run)
    with pytest.raises(UsageError, match="other is not"):
        compare(run, run, base_arm="psycopg")
    with pytest.raises(UsageError, match="no arm 'oracle'"):
        compare(run, run, base_arm="psycopg", candidate_arm="oracle")


def test_only_the_last_undisturbed_attempt_counts():
    run = bench(rows=ROWS[:1], rounds=3)
    facts = run.header.cells[0]
    cell = facts.id
    again = [
        changed(one, attempt=1, disturbed="again" if one.arm == "psqlpy" else "")
        for one in run.trials
        if one.round == 1
    ]
    better = [
        changed(one, attempt=1, slices=replace(one.slices, ops=one.slices.ops * 2))
        for one in run.trials
        if one.round == 2
    ]
    counted = counting_trials(replace(run, trials=[*run.trials, *again, *better]))
    kept = counted[cell, "psycopg"]
    assert [(one.round, one.attempt) for one in kept] == [(0, 0), (2, 1)]
    assert wall_per_op(kept[1], facts) < wall_per_op(kept[0], facts) * 0.6


def test_a_a_arms_are_left_out():
    assert not any("A/A" in one.arm for one in compare(*pair()).changes)


def test_text_fits_and_tells():
    comparison = compare(*pair(factor={"asyncpg": 1.08}))
    for every in (False, True):
        text = shown.text(comparison, every=every)
        lines = text.splitlines()
        assert max(map(len, lines)) <= 80
        assert any(line.startswith("REGRESSION  4 slower · ") for line in lines)
        assert "\x1b" not in text
        assert "Mann–Whitney" in text
        assert lines[-1] == "exit 1"
        assert ("REGRESSED" in text) == every


def test_text_charts_what_changed_and_says_what_is_undecided():
    found = compare(*pair(factor={"asyncpg": 1.34, "psqlpy": 0.7}, noise=0.02))
    lines = shown.text(found).splitlines()
    (axis,) = [line for line in lines if line.strip().startswith("−50 %")]
    slower = [line for line in lines if re.match(r" +asyncpg +\|.*●.* +\+3", line)]
    faster = [line for line in lines if re.match(r" +psqlpy .*●.* +−(2|3)", line)]
    assert len(slower) == len(faster) == len(ROWS)
    zero = axis.index("0", axis.index("%"))
    assert all(line.index("●") > zero for line in slower)
    assert all(line.index("●") < zero for line in faster)


def test_what_is_undecided_is_counted_and_the_next_command_told():
    few = shown.text(compare(*pair(rounds=5, base={"rounds": 5}))).splitlines()
    assert f"inconclusive: {len(ROWS) * 6} with fewer than 6 rounds" in few
    assert any(line.startswith("next: pgdyno bench --effort gate ") for line in few)
    assert few[-1] == "exit 3"
    arms = [arm_facts("psycopg"), arm_facts("psqlpy")]
    wide = {"noise": 0.1, "arms": arms}
    noisy = shown.text(compare(*pair(base=wide, **wide)))
    assert "with an interval that is too wide" in noisy
    assert "most suspicious: " in noisy
    same = {"noise": 0.001, "rounds": 12}
    assert "next:" not in shown.text(compare(*pair(base=same, **same)))


def test_names_in_files_command_no_terminal():
    base, candidate = pair()
    header = replace(candidate.header, run="a\x1b[2J\u202eb")
    found = compare(base, replace(candidate, header=header))
    for rendered in (shown.text(found), comparison_markdown.render(found)):
        assert {char for char in rendered if not char.isprintable()} <= {"\n"}


def test_json_and_markdown():
    comparison = compare(*pair(factor={"asyncpg": 1.08}))
    data = json.loads(shown.json(comparison))
    assert data["exit_code"] == 1
    assert data["counts"]["regressed"] == len(ROWS)
    first = data["changes"][0]
    assert first["change"] == "regressed"
    assert first["ratio"] == pytest.approx(1.08, abs=0.02)
    assert first["ratio_low"] < first["ratio"] < first["ratio_high"]
    markdown = comparison_markdown.render(comparison)
    assert "| regressed |" in markdown
    json.loads(shown.json(compare(*pair(rounds=5))))


def test_markdown_escapes_what_files_say():
    base, candidate = pair()
    header = replace(candidate.header, run="a|b <script>")
    markdown = comparison_markdown.render(compare(base, replace(candidate, header=header)))
    assert "<script>" not in markdown
