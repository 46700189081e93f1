"""How a load is dealt, which rates it asks, and what its processes say: no process."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from fake_runs import judged
from hypothesis import given
from hypothesis import strategies as st

from harness.bench import schedule
from harness.core.verdicts import EXACT, Code, Verdict, failed
from harness.lanes.load import merging, sweep
from harness.lanes.load.record import Load
from harness.lanes.load.splitting import Portion, dealt, split
from harness.lanes.load.sweep import Sweep

MS = 1_000_000


@given(
    due=st.lists(st.integers(0, 10**9)).map(sorted),
    processes=st.integers(1, 9),
    seed=st.integers(0, 2**31),
)
def test_all_hands_together_are_the_schedule(
    due: list[int], processes: int, seed: int
) -> None:
    hands = dealt(due, processes, random.Random(seed))
    assert len(hands) == processes
    assert sorted(moment for hand in hands for moment in hand) == due
    assert all(hand == sorted(hand) for hand in hands)


def test_each_process_sends_a_poisson_process_of_its_own() -> None:
    """Kolmogorov and Smirnov against exponential distances at its share of the rate."""
    rng = random.Random(7)
    due = schedule.moments("poisson", 9_000, 1.0, rng)
    for hand in dealt(due, 3, rng):
        gaps = sorted(
            after - before for before, after in zip([0, *hand], hand, strict=False)
        )
        n = len(gaps)
        assert 2_700 < n < 3_300
        reached = [1 - math.exp(-gap * 3_000 / 1e9) for gap in gaps]
        distance = max(
            max(abs(share - number / n), abs(share - (number + 1) / n))
            for number, share in enumerate(reached)
        )
        assert distance < 1.63 / math.sqrt(n)  # at 1 %


@given(clients=st.integers(1, 200), pool=st.integers(1, 64), processes=st.integers(1, 20))
def test_clients_and_pool_are_split_evenly(clients: int, pool: int, processes: int) -> None:
    portions = split(clients, pool, processes)
    assert len(portions) == min(clients, processes)
    assert sum(portion.clients for portion in portions) == clients
    assert max(s.clients for s in portions) - min(s.clients for s in portions) <= 1
    assert all(portion.pool >= 1 for portion in portions)
    assert sum(portion.pool for portion in portions) == max(pool, len(portions))


def test_a_share_without_a_pool_has_a_session_for_each_client() -> None:
    assert Portion(8).sessions == 8
    assert Portion(8, 3).sessions == 3


def slot(
    rate: float, *, behind: float = 1.0, p99_ms: float = 1.0, lag_ms: float = 0.0
) -> Load:
    slow, planned = round(p99_ms * MS), round(200 / rate * 1e9)
    return Load(
        cell="c",
        arm="a",
        repeat=0,
        judgement=judged(),
        processes=2,
        sessions=4,
        rate=rate,
        planned_ns=planned,
        wall_ns=round(planned * behind),
        lag_ns=[0] * 190 + [round(lag_ms * MS)] * 10,
        response_ns=[MS] * 190 + [slow] * 10,
    )


def asked(swept: Sweep, *slots: Any) -> list[float]:
    found = []
    for played in slots:
        if swept.rate is None:
            break
        found.append(swept.rate)
        swept.saw(played(swept.rate))
    return found


def test_rates_rise_until_a_driver_falls_behind_and_a_little_beyond() -> None:
    swept = Sweep(sweep.rates(500))
    found = asked(
        swept,
        *[slot] * 3,
        *[lambda rate: slot(rate, behind=1.2)] * 9,
    )
    assert found == [500, 1125, 2532, 5697, 12819, 28842]
    assert swept.knee == 5697


def test_beyond_the_knee_ops_are_due_for_as_many_ops_as_at_it() -> None:
    swept = Sweep(sweep.rates(500))
    assert swept.share == 1
    swept.saw(slot(500, behind=1.2))
    assert swept.share == pytest.approx(500 / 1125)


def test_slow_responses_are_a_knee_unless_the_generator_was_late() -> None:
    late = Sweep(sweep.rates(500))
    asked(late, lambda rate: slot(rate, p99_ms=80, lag_ms=79))
    assert late.knee is None
    slow = Sweep(sweep.rates(500))
    asked(slow, lambda rate: slot(rate, p99_ms=80))
    assert slow.knee == 500


def test_a_slot_without_numbers_is_the_last() -> None:
    bare = Load(cell="c", arm="a", repeat=0, judgement=failed("too many"), rate=500)
    swept = Sweep(sweep.rates(500))
    swept.saw(bare)
    assert swept.rate is None
    assert swept.knee is None


def test_later_repeats_begin_below_the_knee() -> None:
    rates = list(sweep.rates(500, knee=3798))
    assert rates[:5] == [500, 1125, 1688, 2532, 3798]
    assert list(sweep.rates(500, knee=750))[:3] == [500, 750, 1125]
    assert list(sweep.rates(500, knee=500))[:3] == [500, 750, 1125]
    assert list(sweep.rates(500, asked=(4000.0, 1000.0, 4000.0))) == [1000, 4000]


# --- what processes tell ----------------------------------------------------------------


def answer(due: list[int], **more: Any) -> dict[str, Any]:
    told = {
        "begun_ns": 1_000,
        "ended_ns": 9_000,
        "cpu_ns": 10,
        "due_ns": due,
        "lag_ns": [number + 1 for number in due],
        "response_ns": [number + 100 for number in due],
        "mixed_up": 0,
        "mixed": [],
        "errors": 0,
        "failures": [],
    }
    return told | more


def test_ops_of_all_processes_are_merged_in_the_order_in_which_they_were_due() -> None:
    answers = [answer([10, 40]), answer([20, 30], begun_ns=1_200, ended_ns=9_500)]
    assert merging.merged(answers, [[10, 40], [20, 30]]) == {
        "planned_ns": 40,
        "wall_ns": 9_500,
        "lag_ns": [11, 21, 31, 41],
        "response_ns": [110, 120, 130, 140],
        "cpu_ns": 20,
        "start_spread_ns": 200,
    }
    closed = merging.merged(answers, [None, None])
    assert (closed["lag_ns"], closed["planned_ns"]) == ([], 0)
    assert closed["wall_ns"] == 9_500 - 1_000


def test_a_process_may_have_nothing_to_send() -> None:
    idle = answer([], begun_ns=1_100, ended_ns=0)
    found = merging.merged([answer([0]), idle], [[0], []])
    assert (found["lag_ns"], found["response_ns"]) == ([1], [100])
    assert (found["planned_ns"], found["wall_ns"]) == (0, 9_000)


def test_few_ops_are_no_saturation() -> None:
    from msgspec.structs import replace

    one_op = replace(slot(1), planned_ns=0, wall_ns=MS, lag_ns=[0], response_ns=[MS])
    swept = Sweep(sweep.rates(1, asked=(1.0, 2.0)))
    swept.saw(one_op)
    assert (swept.knee, swept.rate) == (None, 2.0)


def test_another_calls_rows_are_broken_whatever_else_happened() -> None:
    wrong = answer([1, 2], mixed_up=1, mixed=[["7", "8"]])
    raised = answer([3], errors=2, failures=["OSError: lost"], judgement=told(failed("x")))
    found = merging.judged([raised, wrong], EXACT)
    assert found.verdict is Verdict.BROKEN
    assert found.code is Code.DESYNC
    assert (found.observed, found.expected) == ("8", "7")
    assert found.facts == {"mixed_up": 1, "ops": 3}
    assert merging.faults([raised, wrong]) == {
        "mixed_up": 1,
        "errors": 2,
        "failures": ["OSError: lost"],
    }


def test_an_error_is_no_time() -> None:
    raised = answer([3], errors=1, failures=["x"], judgement=told(failed("x")))
    assert merging.judged([answer([1]), raised], EXACT).verdict is Verdict.REJECTED
    assert merging.judged([answer([1])], EXACT) is EXACT


def told(judgement: Any) -> dict[str, Any]:
    return {name: getattr(judgement, name) for name in judgement.__slots__}


# --- the record -------------------------------------------------------------------------


def test_a_record_without_faults_is_sound() -> None:
    assert list(slot(500).problems()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"response_ns": [0]}, "zero or less"),
        ({"wall_ns": 0}, "zero or less"),
        ({"lag_ns": []}, "different lengths"),
        ({"rate": 0.0}, "different lengths"),
        ({"lag_ns": [-1] * 200}, "below zero"),
        ({"processes": 0}, "no process"),
        ({"sessions": 1}, "fewer sessions"),
        ({"response_ns": [], "lag_ns": [1]}, "different lengths"),
    ],
)
def test_a_record_of_which_nothing_follows_says_so(
    change: dict[str, Any], said: str
) -> None:
    from msgspec.structs import replace

    assert said in "; ".join(replace(slot(500), **change).problems())
