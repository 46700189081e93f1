"""What disturbs a block is told, and what does not is not."""

from __future__ import annotations

import pytest

from harness.machine.contention import ROUNDS_FOR_A_NORM, Norms, Signs, disturbance

CELL, ARM = "query/point#one", "psycopg"


def norms(count: float, rounds: int = ROUNDS_FOR_A_NORM) -> Norms:
    known = Norms()
    for _ in range(rounds):
        known.learn(CELL, {ARM: count})
    return known


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        (Signs(work="a checkpoint"), "busy with a checkpoint"),
        (Signs(foreign=0.11), "11 % of the processors went to others"),
        (Signs(passes=36, left_out=34, wanted=12), "too few passes were quiet"),
        (Signs(passes=9, left_out=8, wanted=3), "too few passes were quiet"),
        (Signs(passes=2, left_out=2, wanted=1), "too few passes were quiet"),
        (Signs(switches={ARM: 0.3}), "0.30 times per op instead of 1.00"),
        (Signs(switches={ARM: 2.0}), "2.00 times per op instead of 1.00"),
    ],
)
def test_what_disturbs_is_told(signs: Signs, words: str):
    assert words in disturbance(signs, CELL, norms(1.0))


@pytest.mark.parametrize(
    "signs",
    [
        Signs(),
        Signs(foreign=0.09),
        Signs(passes=36, left_out=33, wanted=12),
        Signs(passes=9, left_out=7, wanted=3),
        Signs(passes=2, left_out=1, wanted=1),
        Signs(passes=2, wanted=2),
        Signs(switches={ARM: 1.2}),
        Signs(switches={"another arm": 7.0}),
    ],
)
def test_what_does_not_disturb_is_not_told(signs: Signs):
    assert disturbance(signs, CELL, norms(1.0)) == ""


def test_rare_switches_have_no_norm_to_break():
    assert disturbance(Signs(switches={ARM: 0.06}), CELL, norms(0.01)) == ""


def test_a_norm_needs_rounds():
    few = norms(1.0, ROUNDS_FOR_A_NORM - 1)
    assert few.of(CELL, ARM) is None
    assert disturbance(Signs(switches={ARM: 5.0}), CELL, few) == ""
