"""Two lines over round-trip times: where drivers cross, and what a pipeline saves."""

from __future__ import annotations

import latency_runs as made
import pytest

from harness.analysis.latency import latency_lines
from harness.analysis.latency_pairs import crossings, savings


def crossed(lines, **given):
    return crossings(latency_lines(made.run(lines, **given)))


# --- crossings --------------------------------------------------------------------------


def test_fewer_turns_win_from_a_distance_on():
    """60 + 1·R = 30 + 2·R at 30 µs."""
    (found,) = crossed({"asyncpg": (30.0, 2), "psqlpy": (60.0, 1)})
    assert (found.below, found.above) == ("asyncpg", "psqlpy")
    assert found.rtt_ms.point == pytest.approx(0.03, rel=0.1)
    assert found.rtt_ms.low < 0.03 < found.rtt_ms.high
    assert not found.beyond


def test_the_interval_of_a_crossing_holds_it():
    """5 ms between 2 and 1 turns: in 96 or 97 of 100 runs."""
    held = 0
    for seed in range(100):
        (found,) = crossed(
            {"asyncpg": (50.0, 2), "psqlpy": (5050.0, 1)}, rtts=(0, 1, 20), seed=seed
        )
        held += found.rtt_ms.low <= 5 <= found.rtt_ms.high
    assert held >= 90


def test_drivers_that_wait_equally_often_never_cross():
    for seed in range(20):
        lines = {"asyncpg": (30.0, 1), "psycopg": (60.0, 1), "psqlpy": (200.0, 1)}
        assert crossed(lines, seed=seed) == ()


def test_whoever_has_more_of_both_never_crosses():
    assert crossed({"asyncpg": (30.0, 1), "psqlpy": (60.0, 2)}) == ()


def test_a_crossing_needs_rounds():
    assert crossed({"asyncpg": (30.0, 2), "psqlpy": (60.0, 1)}, rounds=5) == ()


def test_a_crossing_farther_than_any_rtt_says_so():
    (found,) = crossed({"asyncpg": (100.0, 2), "psqlpy": (80_100.0, 1)})
    assert found.rtt_ms.point == pytest.approx(80, rel=0.01)
    assert found.beyond
    assert crossed({"asyncpg": (100.0, 2), "psqlpy": (2_000_100.0, 1)}) == ()


def test_crossings_stand_in_the_order_of_their_distance():
    found = crossed(
        {"asyncpg": (30.0, 3), "psqlpy": (1030.0, 1), "psycopg": (130.0, 2)}, noise=0.002
    )
    assert [(each.below, each.above) for each in found] == [
        ("asyncpg", "psycopg"),
        ("asyncpg", "psqlpy"),
        ("psycopg", "psqlpy"),
    ]


# --- savings ----------------------------------------------------------------------------


def strategies(**lines):
    """A case along an axis of words."""
    name = "execute_many/strategies#insert"
    return [
        (made.cell(name, point={"rows": 3, "strategy": way}), {"psycopg": line})
        for way, line in lines.items()
    ]


def saved(cells, **given):
    return savings(latency_lines(made.run({}, cells=cells, **given)))


def test_each_way_is_held_against_the_first():
    found = saved(strategies(loop=(300.0, 3), unnest=(200.0, 1), values=(200.0, 1)))
    assert [(each.way, each.instead_of, each.axis) for each in found] == [
        ("unnest", "loop", "strategy"),
        ("values", "loop", "strategy"),
    ]
    unnest = found[0]
    assert unnest.turns.point == pytest.approx(2, abs=0.02)
    assert unnest.fixed.point == pytest.approx(100e3, rel=0.2)
    assert unnest.from_ms == 0
    at = dict(unnest.saved)
    assert at[0.0].point == pytest.approx(100e3, rel=0.2)
    assert at[45.0].point == pytest.approx(90.1e6, rel=0.01)
    assert at[45.0].low < 90.1e6 < at[45.0].high


def test_what_costs_time_here_pays_from_a_distance_on():
    (found,) = saved(strategies(loop=(300.0, 3), unnest=(700.0, 1)))
    assert found.from_ms == pytest.approx(0.2, rel=0.1)


def test_what_waits_as_often_and_takes_longer_never_pays():
    (found,) = saved(strategies(loop=(300.0, 3), batch=(700.0, 3)))
    assert found.from_ms is None


def test_what_waits_more_often_and_takes_less_pays_up_to_a_distance():
    """400 + 1·R = 100 + 2·R at 0.3 ms."""
    (found,) = saved(strategies(loop=(400.0, 1), helper=(100.0, 2)))
    assert found.from_ms is None
    assert found.until_ms == pytest.approx(0.3, rel=0.1)
    for line in ((700.0, 2), (400.0, 1), (100.0, 1)):
        (found,) = saved(strategies(loop=(400.0, 1), helper=line))
        assert found.until_ms is None


def test_a_pipeline_is_held_against_its_statements_one_by_one():
    """The pipeline stands first in its file."""
    few, many = {"statements": 10}, {"statements": 99}
    ahead = made.cell("pipeline/selects#pipeline", op="pipeline", point=few)
    waiting = made.cell("pipeline/selects#sequential", op="sequential", point=few)
    more = made.cell("pipeline/selects#sequential", op="sequential", point=many)
    lines = ((400.0, 1), (300.0, 10), (900.0, 99))
    cells = [
        (facts, {"psycopg": line})
        for facts, line in zip((ahead, waiting, more), lines, strict=True)
    ]
    (found,) = saved(cells)
    assert (found.way, found.instead_of, found.cell) == (
        "pipeline", "sequential", "pipeline/selects#pipeline@statements=10",
    )  # fmt: skip
    assert found.turns.point == pytest.approx(9, abs=0.05)


def test_a_driver_that_lacks_a_way_saves_nothing_by_it():
    cells = strategies(loop=(300.0, 3), helper=(200.0, 1))
    (first, line), second = cells
    assert saved([(first, {"asyncpg": line["psycopg"]}), second]) == ()


def test_sizes_are_no_ways():
    cells = [
        (made.cell("fetch/rows#all", point={"rows": rows}), {"psycopg": (30.0 * rows, 1)})
        for rows in (1, 100)
    ]
    assert saved(cells) == ()
