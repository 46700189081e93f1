"""What counts of a trial: the passes that were left out do not, for nobody."""

from __future__ import annotations

import math
from statistics import median

import fake_runs
import pytest
from fake_runs import arm_facts, bench
from msgspec.structs import replace

from harness.analysis.compare import compare
from harness.analysis.times import (
    Timings,
    has_time,
    measured,
    paired_log_ratios,
    unscreened,
    wall_per_op,
)
from harness.core.verdicts import EXACT, Change
from harness.results.records import Slices, Trial

CELL = fake_runs.cell_facts(fake_runs.CELLS[0])
ARMS = [arm_facts(name) for name in ("psycopg", "asyncpg")]


def trial(walls, left_out=(), arm="psycopg", number=0, **lists) -> Trial:
    slices = Slices(ops=10, lead=2, wall_ns=walls, **{"cpu_ns": walls, **lists})
    return Trial(
        cell=CELL.id,
        arm=arm,
        round=number,
        judgement=EXACT,
        slices=slices,
        left_out=list(left_out),
    )


def test_a_pass_that_was_left_out_is_in_no_number():
    walls = [100, 900, 110, 800, 120]
    told = trial(walls, (1, 3), involuntary_switches=[0, 50, 0, 50, 10])
    series = Timings.of([told], CELL)
    assert wall_per_op(told, CELL) == 11
    assert list(series.walls) == [11]
    assert list(series.slices(0)) == [100, 110, 120]
    assert list(series.per_op["cpu_ns"]) == [11]
    assert list(series.per_op["involuntary_switches"]) == [pytest.approx(1 / 3)]
    assert (series.passes, series.left_out) == (5, {0: (1, 3)})


def test_all_passes_stay_at_hand():
    told = trial([100, 900, 110, 800, 120], (1, 3))
    series = Timings(CELL, [told], screened=False)
    series.add(0, told)
    series.settle()
    assert list(series.walls) == [12]
    assert (series.passes, series.left_out) == (5, {})


def test_a_trend_and_the_share_of_a_core_are_those_of_passes_that_count():
    walls = [100, 100, 100, 100, 100, 100, 900, 900]
    told = trial(walls, (6, 7), cpu_ns=[50] * 6 + [900] * 2)
    series = Timings.of([told], CELL)
    assert list(series.busy) == [0.5]
    assert list(series.trends) == [0.0]


def test_pairs_stay_pairs():
    """The ratio is that of the passes that count, in which the machine drifted."""
    own = trial([200, 999, 400, 800], (1,))
    base = trial([100, 1, 200, 400], (1,), arm="asyncpg")
    (ratio,) = paired_log_ratios(Timings.of([own], CELL), Timings.of([base], CELL))
    assert ratio == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("walls", "left_out"),
    [
        ([70, 100, 1, 1], (0, 3)),  # as many passes, but not the same ones
        ([9, 100], (0,)),  # a reference is in the first passes only
        ([9, 100], ()),
    ],
)
def test_only_slices_of_the_same_pass_are_paired(walls, left_out):
    own = trial([999, 200, 300, 400], (0, 2))
    base = trial(walls, left_out, arm="pgbench")
    (ratio,) = paired_log_ratios(Timings.of([own], CELL), Timings.of([base], CELL))
    assert ratio == pytest.approx(math.log(2))


def test_without_a_pass_in_common_the_medians_are_compared():
    own = trial([999, 200, 300, 400], (0,))
    base = trial([100], arm="pgbench")
    (ratio,) = paired_log_ratios(Timings.of([own], CELL), Timings.of([base], CELL))
    assert ratio == pytest.approx(math.log(3))


def test_of_a_round_that_is_there_twice_the_later_says_what_was_left_out():
    twice = [trial([100, 900], (1,)), trial([100, 300])]
    series = Timings.of(twice, CELL)
    assert list(series.walls) == [20]
    assert (series.passes, series.left_out) == (2, {})


def test_nothing_is_measured_where_nothing_counts():
    assert has_time(trial([100, 900], (1,)))
    assert not has_time(trial([100, 900], (0, 1)))


def test_a_hog_in_a_few_passes_changes_what_all_say_but_not_what_counts():
    quiet = bench(rows=fake_runs.CELLS[:1], arms=ARMS, slices=12, seed=3)
    spoilt = replace(quiet, trials=[slowed(one) for one in quiet.trials])
    for key, series in measured(spoilt).series.items():
        before = measured(quiet).series[key]
        assert median(series.walls) == pytest.approx(median(before.walls), rel=0.01)
        with_all = unscreened(spoilt).series[key]
        assert median(with_all.walls) > 1.15 * median(before.walls)
    assert unscreened(quiet) is measured(quiet)


def slowed(one: Trial) -> Trial:
    """Seven of twelve passes take 1.2 times as long, and are left out."""
    hit = range(0, 12, 2) if one.round % 2 else range(7)
    hit = [*hit, 11] if one.round % 2 else [*hit]
    walls = [
        round(wall * 1.2) if at in hit else wall
        for at, wall in enumerate(one.slices.wall_ns)
    ]
    return replace(one, slices=replace(one.slices, wall_ns=walls), left_out=hit)


def test_a_comparison_does_not_see_what_was_left_out():
    before = bench(run="before", rows=fake_runs.CELLS[:1], arms=ARMS, slices=12, seed=3)
    after = bench(run="after", rows=fake_runs.CELLS[:1], arms=ARMS, slices=12, seed=4)
    spoilt = replace(after, trials=[slowed(one) for one in after.trials])
    found = {change.change for change in compare(before, spoilt).changes}
    assert found == {Change.SAME}
