"""How many passes were left out, and what all of them would have said."""

from __future__ import annotations

import json
import math

import fake_runs
import pytest
from fake_runs import arm_facts, bench
from msgspec.structs import replace

from harness.cli.bench import outcome
from harness.core.phases import Phase
from harness.render import html, markdown, text
from harness.render import json as drawn
from harness.render import measured as ending
from harness.report import measured, numbers, view
from harness.report.summary import summary

ARMS = [arm_facts(name) for name in ("psycopg", "asyncpg")]


def shown(run):
    return view.build([run]).runs[0]


def some(**values):
    return bench(**{"rows": fake_runs.CELLS[:1], "arms": ARMS, "slices": 12, **values})


def watched(trial, left_out=()):
    """A trial whose waiting was read; in some passes there was some."""
    walls = trial.slices.wall_ns
    waits = [wall if at in left_out else 0 for at, wall in enumerate(walls)]
    return replace(
        trial,
        slices=replace(trial.slices, client_wait_ns=waits, server_wait_ns=[0] * len(walls)),
        left_out=list(left_out),
    )


def unfair(trial):
    """In seven of twelve passes psycopg is twice as slow; these do not count."""
    slices = trial.slices
    if trial.arm == "psycopg":
        walls = [wall * (1 + (at < 7)) for at, wall in enumerate(slices.wall_ns)]
        slices = replace(slices, wall_ns=walls)
    return watched(replace(trial, slices=slices), range(7))


def test_where_nobody_looked_nothing_is_said():
    assert shown(some()).screening is None


def test_where_nobody_waited_all_passes_count():
    found = shown(some(override=watched)).screening
    assert found.sentence == "All 120 passes count: nobody had to wait."
    assert found.effect == ""
    assert found.shifts == ()


def test_what_was_left_out_is_counted_once_for_all_arms():
    found = shown(some(override=lambda trial: watched(trial, (3, 4)))).screening
    assert (found.left_out, found.passes) == (20, 120)
    assert found.sentence == (
        "20 of 120 passes (17 %) were left out, for all drivers alike, because somebody "
        "had to wait for a processor."
    )
    assert found.effect == (
        "With all passes counted, no time would differ by more than 1 % and no rank "
        "would change."
    )


def test_a_driver_that_all_passes_would_have_wronged():
    run = some(override=unfair, factor={"psycopg": 0.7}, noise=0.002)
    found = shown(run).screening
    (shift,) = [shift for shift in found.shifts if shift.arm == "psycopg"]
    assert math.exp(shift.change) == pytest.approx(0.5, abs=0.02)
    assert shift.ranks == ("1", "2")
    assert "would differ by more than 1 % (at most +9" in found.effect
    assert found.effect.endswith("and 2 ranks would change.")


def test_cells_that_lost_much_more_than_others_are_named():
    def beside_a_hog(trial):
        return watched(trial, (0, 1, 2) if trial.cell.endswith("one-row") else ())

    run = some(rows=fake_runs.CELLS[:2], override=beside_a_hog)
    assert "most of all 25 % in point/by-key#one-row" in shown(run).screening.sentence


def test_blocks_that_do_not_count_have_no_passes_either():
    def troubled(trial):
        trial = watched(trial, (0,))
        return replace(trial, disturbed="busy") if trial.round < 2 else trial

    found = shown(some(override=troubled)).screening
    assert (found.left_out, found.passes) == (8, 96)


def test_where_no_block_was_quiet_nobody_says_that_all_passes_count():
    """Disturbed blocks stand in for a median, and of them no pass is left out."""

    def busy(trial):
        return replace(watched(trial), disturbed="0 of 36 passes were quiet")

    run = some(override=busy)
    assert shown(run).screening is None
    (cell,) = summary(run, shown(run))["cells"]
    assert (cell["passes"], cell["blocks_disturbed"]) == (None, 10)


def test_every_form_says_it():
    run = fake_runs.with_phases(some(override=unfair, factor={"psycopg": 0.7}))
    report = view.build([run])
    end = measured.build(run, report.runs[0], outcome(run))
    forms = (
        text.render(report),
        markdown.render(report),
        html.render(report),
        ending.render(end),
    )
    for form in forms:
        flat = " ".join(form.split())
        assert "70 of 120 passes (58 %) were left out" in flat
        assert "With all passes counted, 1 of 2 times would differ" in flat
        if form != forms[-1]:
            assert "the rest: 7 min making arms ready, 4 min starting workers" in flat


# --- where the time went ----------------------------------------------------------------


def test_the_timed_share_holds_slices_that_do_not_count():
    run = some(override=lambda trial: watched(trial, (3, 4)))
    found = shown(run).spending
    slices = sum(sum(trial.slices.wall_ns) for trial in run.trials)
    assert found.timed_ns == slices
    assert found.wall_ns == run.footer.elapsed_ns
    assert found.phases == ()
    assert found.sentence.endswith("were timed.")


def test_phases_begin_before_the_recording():
    run = some()
    longer = run.footer.elapsed_ns + 5_000_000_000
    phases = {Phase.READY: longer - 1_000_000_000, Phase.TIMED: 1_000_000_000}
    found = shown(fake_runs.with_phases(run, phases)).spending
    assert found.wall_ns == longer
    assert [phase.name for phase in found.phases] == ["making arms ready", "timed slices"]
    assert found.sentence.endswith("the rest: 19 min 16 s making arms ready.")


def test_a_truncated_run_does_not_know_how_long_it_took():
    assert shown(some(truncated="it has no footer")).spending is None


# --- for programs -----------------------------------------------------------------------


def test_a_run_in_one_object():
    run = fake_runs.with_phases(some(override=unfair, factor={"psycopg": 0.7}))
    told = shown(run)
    every = list(numbers.numbers(told))
    found = json.loads(drawn.run(summary(run, told), every))
    assert found["timed_share"] == told.spending.timed
    assert found["phases_ns"]["making arms ready"] == 420_000_000_000
    assert found["passes"]["left_out"] == 70
    (differing,) = [one for one in found["passes"]["differing"] if one["arm"] == "psycopg"]
    assert differing["ratio"] == pytest.approx(0.5, abs=0.02)
    assert differing["rank_changes"] is True
    (cell,) = found["cells"]
    assert cell == {
        "cell": "point/by-key#one-row",
        "interval": True,
        "ranked": True,
        "rounds": 10,
        "blocks_disturbed": 0,
        "passes": 120,
        "passes_left_out": 70,
    }
    walls = [row for row in found["numbers"] if row["metric"] == "wall_ns"]
    assert all(row["low"] < row["estimate"] < row["high"] for row in walls)


def test_a_file_that_does_not_tell_is_null_to_a_program():
    run = some(truncated="it has no footer")
    found = summary(run, shown(run))
    assert [found[key] for key in ("wall_ns", "timed_ns", "passes")] == [None] * 3
    assert found["phases_ns"] == {}
