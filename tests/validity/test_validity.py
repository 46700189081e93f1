"""The tests of the measurements are tested: what must be found is, and a liar is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from helpers import Silent

from harness.core.errors import ResultsError
from harness.validity import interference, live, simulated
from harness.validity.kept import complete
from harness.validity.outcome import found_mark, most_by_chance
from harness.validity.simulated import World


def test_a_fake_clock_gives_back_what_was_put_in():
    world = World(simulated.calm, math.log1p(0.05), offset=0.001)
    found = simulated.rounds(world, 200, simulated.seeded("test"))
    assert sum(found) / len(found) == pytest.approx(math.log1p(0.05), abs=0.003)


def test_a_wrong_interval_would_be_told(monkeypatch):
    honest = simulated.stats.hodges_lehmann
    monkeypatch.setattr(
        simulated.stats, "hodges_lehmann", lambda values: honest(values, confidence=0.8)
    )
    assert not any(one.ok for one in simulated.coverage(150))


def test_a_favoured_arm_would_be_told(monkeypatch):
    monkeypatch.setattr(
        simulated.schedule, "pass_order", lambda rng, arms, passes: [list(arms)] * passes
    )
    found = {one.test: one.ok for one in simulated.bias(60)}
    assert not found["bias, drift"] or not found["bias, step"]


def test_the_order_of_a_pass_favours_nobody():
    assert all(one.ok for one in simulated.bias(300))


@pytest.mark.parametrize(("n", "most"), [(200, 16), (10, 2)])
def test_how_many_false_alarms_chance_allows(n, most):
    assert most_by_chance(n, 0.05) == most


@pytest.mark.parametrize(
    ("n", "share", "least"), [(100, 0.95, 95), (100, 0.8, 80), (2, 0.8, 1), (12, 0.95, 10)]
)
def test_how_many_slowed_arms_must_be_found(n, share, least):
    assert found_mark(n, share)[1] == least


@pytest.fixture(scope="module")
def series(place, quiet, tmp_path_factory) -> live.Series:
    """One short trial, with a burden that nobody could miss."""
    folder = tmp_path_factory.mktemp("validity")
    made = live.Series(folder, 1, 3, 8, burdens=(0.5,))
    live.measure(place, made, Silent())
    return made


def test_a_trial_goes_on_until_rounds_were_quiet(tmp_path: Path):
    idle = live.Series(tmp_path, 1, 6, 8).plan
    assert (idle.min_rounds, idle.max_rounds, idle.budget_s) == (6, 18, 95)
    hog = live.Series(tmp_path, 1, 6, 8, kind="hog").plan
    assert hog == idle


def test_a_burden_that_nobody_timed_is_an_error(series: live.Series, tmp_path: Path):
    old = live.Series(tmp_path, 1, 6, 8, burdens=(0.5,))
    lines = [json.loads(line) for line in series.file(0).read_text().splitlines()]
    for line in lines:
        (line.get("slices") or {}).pop("burden_ns", None)
    old.file(0).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ResultsError, match="an older pgdyno"):
        live.read(old)


def test_a_burden_is_put_in_and_found(series: live.Series):
    (trial,) = live.read(series).trials
    assert [one.burden for one in trial] == [0.0, 0.0, 0.5]
    assert 0.2 < trial[2].put < 0.8
    assert trial[2].shift > 0.15
    assert trial[2].spent is not None
    assert 0.2 < trial[2].spent < 0.8


def test_a_complete_trial_is_not_run_again(place, series: live.Series):
    before = series.file(0).stat().st_mtime_ns
    live.measure(place, series, Silent())
    assert series.file(0).stat().st_mtime_ns == before


def test_a_trial_that_was_cut_off_is_not_complete(series: live.Series, tmp_path: Path):
    cut = live.Series(tmp_path, 1, 6, 8, burdens=(0.5,))
    lines = series.file(0).read_text().splitlines(keepends=True)
    cut.file(0).write_text("".join(lines[:5]))
    assert not complete(cut.file(0))
    assert complete(series.file(0))


def test_a_mark_is_false_only_where_the_host_took_nothing():
    hit = [interference.Seen("busy", 0, 0.0)] * 19 + [interference.Seen("", 0, 0.0)]
    without = [interference.Seen("", 0, 0.0), interference.Seen("stolen", 0, 0.3)]
    assert [one.ok for one in interference.judged(without, hit)] == [True, True]
    without.append(interference.Seen("busy", 0, 0.0))
    found, false = interference.judged(without, hit)
    assert found.ok
    assert not false.ok
    assert false.measured == "1 of 2; busy; from 1 more others took 3 ms or more"


def test_a_host_that_took_every_block_proves_nothing():
    _, false = interference.judged([interference.Seen("", 0, 0.3)], [])
    assert not false.ok
