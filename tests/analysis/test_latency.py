"""Lines over round-trip times: t₀ and k, is it a line, and are these the counted turns."""

from __future__ import annotations

import random

import latency_runs as made
import pytest
from fake_runs import changed
from msgspec.structs import replace

from harness.analysis.latency import LatencyLine, fitted, latency_lines


def only(run, **given) -> LatencyLine:
    (line,) = latency_lines(run, **given)
    return line


def test_a_line_through_points_is_found_whatever_they_weigh():
    rtts, times = [0, 1, 5], [30e3, 2.03e6, 10.03e6]
    for weights in ([1, 1, 1], [1, 10, 0.001]):
        line = fitted(rtts, times, weights)
        assert line.fixed_ns == pytest.approx(30e3)
        assert line.turns == pytest.approx(2)


def test_a_far_point_that_weighs_little_moves_little():
    heavy = fitted([0, 1, 5], [0, 1e6, 6e6], [1, 1, 1])
    light = fitted([0, 1, 5], [0, 1e6, 6e6], [1, 1, 1e-6])
    assert heavy.turns == pytest.approx(1.2, abs=0.02)
    assert light.turns == pytest.approx(1, abs=1e-4)


def test_turns_and_fixed_time_are_recovered():
    line = only(made.run({"asyncpg": (33.0, 2)}))
    assert line.cell == made.CELL
    assert line.turns.point == pytest.approx(2, abs=0.01)
    assert line.turns.low < 2 < line.turns.high
    assert line.fixed.point == pytest.approx(33e3, rel=0.03)
    assert line.straight
    assert line.whole


def test_the_intervals_hold_what_they_promise():
    """Signed-rank intervals of eight rounds: 96 or 97 of 100 hold the truth."""
    held = {"fixed": 0, "turns": 0}
    times = 300
    for seed in range(times):
        turns = random.Random(seed).choice([1, 2, 5])
        run = made.run({"psycopg": (40.0, turns)}, rtts=(0, 0.2, 1, 5), seed=seed)
        line = only(run)
        held["turns"] += line.turns.low <= turns <= line.turns.high
        held["fixed"] += line.fixed.low <= 40e3 <= line.fixed.high
    for count in held.values():
        assert 0.92 <= count / times <= 0.995


def test_five_rounds_have_no_interval():
    line = only(made.run({"psycopg": (40.0, 1)}, rounds=5))
    assert line.turns.point == pytest.approx(1, abs=0.05)
    assert line.turns.low is None
    assert (line.whole, line.as_counted) == (None, None)
    assert only(made.run({"psycopg": (40.0, 1)}, rounds=1)).turns.point == pytest.approx(
        1, abs=0.05
    )


def test_two_rtts_are_no_line():
    assert latency_lines(made.run({"psycopg": (40.0, 1)}, rtts=(0, 5))) == ()


def test_rounds_that_lack_an_rtt_do_not_count():
    run = made.run({"psycopg": (40.0, 1)}, rounds=8)
    far = f"{made.CELL}[rtt=45]"
    trials = [trial for trial in run.trials if (trial.cell, trial.round) != (far, 3)]
    line = only(replace(run, trials=trials))
    assert sorted(line.rounds) == [0, 1, 2, 4, 5, 6, 7]


def test_without_a_common_round_there_is_a_line_of_medians():
    """Of each RTT another round was quiet."""
    run = made.run({"psycopg": (40.0, 1)}, rtts=(0, 1, 5), rounds=3)
    kept = {f"{made.CELL}{mark}": at for at, mark in enumerate(("", "[rtt=1]", "[rtt=5]"))}
    trials = [trial for trial in run.trials if trial.round == kept[trial.cell]]
    line = only(replace(run, trials=trials))
    assert line.turns.point == pytest.approx(1, abs=0.05)
    assert (line.turns.n, line.turns.low) == (1, None)


def test_an_arm_without_a_time_at_three_rtts_has_no_line():
    def broken(trial):
        far = trial.cell.endswith(("[rtt=1]", "[rtt=5]", "[rtt=45]"))
        return changed(trial, verdict="hung", slices=None) if far else trial

    run = made.run({"psycopg": (40.0, 1)})
    assert latency_lines(replace(run, trials=list(map(broken, run.trials)))) == ()


def test_ways_have_lines_of_their_own():
    plain = made.run({"psycopg": (40.0, 1)})
    tls = made.run({"psycopg": (55.0, 1)}, via="tls")
    cells = [*plain.header.cells, *tls.header.cells]
    both = replace(
        plain,
        header=replace(plain.header, cells=cells),
        trials=[*plain.trials, *tls.trials],
    )
    first, second = latency_lines(both)
    assert (first.cell, second.cell) == (made.CELL, f"{made.CELL}[via=tls]")
    assert second.fixed.point - first.fixed.point == pytest.approx(15e3, rel=0.15)


def test_clients_that_share_connections_and_arrivals_have_no_line():
    many = made.cell(clients=16)
    assert latency_lines(made.run({}, cells=[(many, {"asyncpg": (30.0, 1)})])) == ()
    due = replace(made.cell(), arrivals="poisson")
    assert latency_lines(made.run({}, cells=[(due, {"asyncpg": (30.0, 1)})])) == ()


def test_measured_rtts_take_the_place_of_promised_ones():
    """A delay that is 4 % longer than promised would make 1.04 turns of one."""
    run = made.run({"psycopg": (40.0, 1)}, rtts=(0, 1.04, 5.2, 46.8))
    promised = {1.04: 1.0, 5.2: 5.0, 46.8: 45.0}
    renamed = {
        f"{made.CELL}[rtt={real:g}]": f"{made.CELL}[rtt={told:g}]"
        for real, told in promised.items()
    }
    cells = [replace(c, id=renamed.get(c.id, c.id)) for c in run.header.cells]
    trials = [replace(t, cell=renamed.get(t.cell, t.cell)) for t in run.trials]
    run = replace(run, header=replace(run.header, cells=cells), trials=trials)
    assert only(run).turns.point == pytest.approx(1.04, abs=0.005)
    line = only(
        replace(run, routes=[made.route(told, real) for real, told in promised.items()])
    )
    assert line.turns.point == pytest.approx(1, abs=0.005)
    assert [point.promised_ms for point in line.points] == [0, 1, 5, 45]
    assert line.points[-1].rtt_ms == 46.8


# --- is it a line? ----------------------------------------------------------------------


def test_a_bend_is_no_line():
    """A window that fills beyond 1 ms: from then on an answer takes two turns."""
    line = only(made.run({"psqlpy": lambda rtt: 60 + 1e3 * (rtt if rtt <= 1 else 2 * rtt)}))
    assert not line.straight
    assert line.worst.promised_ms in (1, 5)


def test_a_step_within_the_delays_promise_is_a_line():
    """40 µs at every RTT but 0: the delay's own, and less than it promises."""
    line = only(made.run({"psycopg": lambda rtt: 40 + 1e3 * rtt + (40 if rtt else 0)}))
    assert line.straight
    assert line.turns.point == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("turns", "whole"), [(1, True), (2, True), (1.5, False)])
def test_turns_that_are_not_whole_are_seen(turns, whole):
    assert only(made.run({"psycopg": (40.0, turns)})).whole is whole


@pytest.mark.parametrize(
    ("turns", "counted", "agree"),
    [
        (2, (2, 2), True),
        (2, (1, 1), False),
        (2, (3, 3), False),
        (2, (1, 3), True),
        (1.5, (1, 2), True),
        (102, (101, 101), True),  # within 2 %
        (105, (101, 101), False),
    ],
)
def test_turns_are_held_against_what_was_counted(turns, counted, agree):
    told = {(made.CELL, "psycopg"): counted}
    line = only(made.run({"psycopg": (40.0, turns)}), counted=told)
    assert line.counted == counted
    assert line.as_counted is agree


def test_what_nobody_counted_is_not_held_against_anything():
    line = only(made.run({"psycopg": (40.0, 1)}), counted={(made.CELL, "asyncpg"): (1, 1)})
    assert line.counted is None
    assert line.as_counted is None
