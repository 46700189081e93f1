"""The knee of a sweep, by numbers whose corner is known."""

from __future__ import annotations

import random

import pytest

from harness.core.stats.saturation import AskedRate, knee, share_kept
from studies.knee import coverage
from studies.queues import Queue, slot

REPEATS = 6


def asked(rate: float, achieved: float, *, repeats: range = range(REPEATS)) -> AskedRate:
    """A rate at which all repeats achieve nearly the same."""
    spread = [1 + 0.001 * (repeat - 2) for repeat in repeats]
    return AskedRate(
        rate,
        {n: achieved * by for n, by in zip(repeats, spread, strict=True)},
        {n: min(1.0, achieved / rate) for n in repeats},
    )


def test_the_knee_is_the_corner_of_both_pieces():
    found = knee([asked(r, min(r, 2_500)) for r in (4_000, 500, 8_000, 1_000, 2_000)])
    assert found.capacity is not None
    assert found.capacity.point == pytest.approx(2_500, rel=0.002)
    assert found.capacity.low is not None
    assert found.capacity.low < 2_500 < found.capacity.high
    assert (found.keeps_up_to, found.below) == (2_000, 0)


def test_without_saturation_the_knee_is_beyond_all_rates():
    found = knee([asked(rate, rate) for rate in (500, 1_000, 2_000)], least=500)
    assert found.capacity is None
    assert (found.keeps_up_to, found.below) == (2_000, 0)


def test_saturated_at_the_least_rate_the_knee_is_below_it():
    found = knee([asked(rate, 300) for rate in (500, 1_000)], least=500)
    assert found.capacity is None
    assert (found.keeps_up_to, found.below) == (0, 500)


def test_where_lower_rates_do_not_count_the_flat_piece_alone_tells_the_capacity():
    found = knee([asked(1_000, 300)], least=500)
    assert found.capacity is not None
    assert found.capacity.point == pytest.approx(300, rel=0.002)
    assert (found.keeps_up_to, found.below) == (0, 0)


def test_between_the_pieces_a_rate_counts_only_if_nothing_beyond_was_asked():
    kept, edge, far = asked(1_000, 1_000), asked(2_000, 1_850), asked(4_000, 2_000)
    both, alone = knee([kept, edge, far]).capacity, knee([kept, edge]).capacity
    assert both is not None
    assert alone is not None
    assert both.point == pytest.approx(2_000, rel=0.002)
    assert alone.point == pytest.approx(1_850, rel=0.002)


def test_repeats_that_end_at_other_rates_all_count():
    found = knee(
        [
            asked(1_000, 1_000),
            asked(4_000, 2_000, repeats=range(3)),
            asked(6_000, 2_000, repeats=range(3, REPEATS)),
        ]
    )
    assert list(found.logs) == list(range(REPEATS))
    assert found.capacity is not None
    assert found.capacity.low is not None


def test_few_repeats_have_no_interval():
    rates = [asked(r, min(r, 1_500), repeats=range(5)) for r in (1_000, 2_000)]
    found = knee(rates).capacity
    assert found is not None
    assert found.low is None


def test_the_share_that_is_kept_is_free_of_when_ops_were_due():
    assert share_kept(1_000, 1_000, behind_s=1) == 0.5  # two seconds' time for one's ops
    assert share_kept(1_000, 1_000, behind_s=-0.1) == 1
    assert share_kept(1, 1, behind_s=0) == 1  # one op, due at once


def test_no_rate_has_no_knee():
    found = knee([])
    assert (found.capacity, found.keeps_up_to, found.below) == (None, 0, 0)


# --- against queues of known capacity ---------------------------------------------------


def test_a_saturated_queue_answers_its_capacity():
    queue = Queue(2_000, servers=4, service="exponential")
    held = slot(random.Random(1), queue, 8_000, seconds=1)
    assert len(held.response_ns) / held.wall_ns * 1e9 == pytest.approx(2_000, rel=0.04)
    calm = slot(random.Random(1), Queue(2_000), 20, seconds=10)
    assert min(calm.response_ns) == 500_000


@pytest.mark.parametrize("service", ["fixed", "exponential"])
def test_intervals_hold_the_capacity_of_queues(service):
    """By far fewer sweeps than the study has: of 15, 95 % are 14."""
    queue = Queue(1_400, 1, service, between=0.03, within=0.01)
    found = coverage(queue, repeats=6, sweeps=15, seconds=0.2)
    assert found.known == 15
    assert found.covered >= 0.8
    assert abs(found.bias) < 0.015
