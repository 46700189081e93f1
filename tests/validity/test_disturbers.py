"""Passes left out on a fake clock: what disturbs is seen, and who hides a bias is told."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from harness.machine import screening
from harness.validity import disturbers, screened
from harness.validity.disturbers import DRIVERS, MS, WORLDS, BusyWorld, Core, Hog, block
from harness.validity.screened import simulated


def alone(*spans):
    return lambda rng: iter(spans)


@pytest.mark.parametrize(
    ("world", "exposed", "longer"),
    [
        (BusyWorld(alone((2 * MS, 4 * MS))), 1.0, 1 * MS),  # 2 ms of half speed
        (
            BusyWorld(alone((2 * MS, 4 * MS))),
            0.5,
            2 / 3 * MS,
        ),  # half of it goes on elsewhere
        (BusyWorld(alone((2 * MS, 4 * MS)), takes=1.0), 1.0, 2 * MS),
        (BusyWorld(alone((9 * MS, 10 * MS))), 1.0, 0.0),  # later
        (BusyWorld(alone((-4 * MS, 1 * MS), (2 * MS, 3 * MS))), 1.0, 1 * MS),
    ],
)
def test_what_somebody_else_on_a_core_costs(world, exposed, longer):
    core = Core(world, world.disturber(random.Random(0)))
    assert core.run(5 * MS, exposed) == pytest.approx(longer)
    assert core.now == pytest.approx(5 * MS + longer)


def test_a_hog_takes_its_share_of_each_period():
    spans = list(itertools.islice(Hog(0.3, 10 * MS)(random.Random(1)), 5))
    assert all(end - start == pytest.approx(3 * MS) for start, end in spans)
    assert all(b[0] - a[0] == pytest.approx(10 * MS) for a, b in itertools.pairwise(spans))
    assert spans[0][0] <= 0


def test_the_passes_with_a_hog_are_those_left_out():
    """The hog is there from 60 ms on, and stays."""
    made = block(BusyWorld(alone((60 * MS, math.inf))), True, random.Random(2))
    assert made.left_out == list(range(made.left_out[0], len(made.stolen)))
    assert 2 <= made.left_out[0] <= 5
    assert len(made.stolen) == 3 * disturbers.PLAN.slices


def test_a_quiet_block_ends_with_the_passes_that_are_wanted():
    made = block(WORLDS["nobody"], True, random.Random(3))
    assert len(made.stolen) == disturbers.PLAN.slices
    assert made.left_out == []
    assert not made.disturbed


def test_who_shares_a_core_is_not_disturbed_by_that():
    made = block(BusyWorld(disturbers.nobody, shared=True), True, random.Random(4))
    assert made.left_out == []
    assert all(turn.share > 0.15 for turns in made.turns.values() for turn in turns)


@pytest.mark.parametrize("name", ["nobody", "bursts", "a hog of 30 %", "steal"])
def test_alarms_are_nominal_and_the_slope_is_one(name):
    said = simulated(name, WORLDS[name], 16).screened
    assert [outcome.ok for outcome in screened.judged(name, said)] == [True, True]


def test_a_hog_costs_precision_where_passes_are_left_out_and_answers_where_blocks_are():
    ways = simulated("a hog of 30 %", BusyWorld(Hog(0.3, 100 * MS)), 6)
    assert 0.4 < ways.kept < 0.8
    assert ways.screened.answered == 1
    assert ways.screened.width < ways.by_block.width


def slowest_only(turns, stolen, *, exact):
    """Leaves out passes by how long slices took, which favours who is slow by chance."""
    slowed = [turn.wall_ns for turn in turns["slowed"]]
    limit = sorted(slowed)[len(slowed) // 2]
    return [number for number, wall in enumerate(slowed) if wall > limit]


def test_a_choice_by_times_would_be_told(monkeypatch):
    monkeypatch.setattr(screening, "left_out", slowest_only)
    said = simulated("nobody", WORLDS["nobody"], 16).screened
    alarms, slope = screened.judged("nobody", said)
    assert alarms.ok
    assert not slope.ok


def test_an_alarm_would_be_told():
    said = screened.Said(runs=40, cells=80, alarms=9)
    alarms, slope = screened.judged("x", said)
    assert not alarms.ok
    assert not slope.ok
    assert slope.measured == "too few intervals"


def test_the_slowed_arm_spends_it_in_the_client():
    base, slowed = DRIVERS["base"], DRIVERS["slowed"]
    server = slowed.ns_per_op * (1 - slowed.client)
    assert server == pytest.approx(base.ns_per_op * (1 - base.client))
