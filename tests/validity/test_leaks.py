"""A leak of known size: what must be told of it, and of a driver that keeps nothing."""

from __future__ import annotations

import pytest

from harness.core.stats import Estimate
from harness.core.verdicts import Verdict
from harness.lanes.memory.meaning import ArmMemory, Growth
from harness.validity import memory


def held(per_op: float, *, leaks: bool) -> ArmMemory:
    growth = Growth((Estimate(per_op, per_op - 1, per_op + 1, 25, 0.95),), leaks)
    return ArmMemory("c", "psycopg2", Verdict.EXACT, "", 1, growth=growth)


@pytest.mark.parametrize(
    ("per_op", "leaks", "ok"),
    [(104, True, True), (104, False, False), (80, True, False), (0, False, False)],
)
def test_a_leak_must_be_told_with_its_size(per_op, leaks, ok):
    assert memory.leak_told(held(per_op, leaks=leaks), 104).ok is ok


@pytest.mark.parametrize("leaks", [True, False])
def test_a_healthy_driver_must_not_be_accused(leaks):
    assert memory.nobody_accused(held(104, leaks=leaks)).ok is not leaks


def test_without_a_number_nothing_is_proved():
    assert not memory.leak_told(None, 104).ok
    hung = ArmMemory("c", "psycopg2", Verdict.HUNG, "it broke")
    assert memory.nobody_accused(hung).measured == "no number: hung: it broke"
