"""Replayed gates: few of them here, five hundred by `python -m studies.replayed_gates`."""

from __future__ import annotations

from harness.analysis.changes import Answer
from harness.core.verdicts import Change
from harness.validity.simulated import calm, drift
from studies.replayed_gates import World, answers, gate

GATES = 20


def test_identical_versions_are_the_same_or_inconclusive():
    for noise in (calm, drift):
        assert not answers(World(noise), GATES, "identical")[Answer.REGRESSION]


def test_a_version_that_is_slower_by_5_percent_regressed():
    for noise in (calm, drift):
        found = answers(World(noise, slower=0.05), GATES, "slower")
        assert found[Answer.REGRESSION] >= GATES - 1


def test_a_gate_is_confirmed_and_seeded():
    found = gate(World(calm, slower=0.05), "seed")
    regressed = [row for row in found.changes if row.change is Change.REGRESSED]
    assert regressed
    assert all(row.fresh is not None for row in regressed)
    assert gate(World(calm, slower=0.05), "seed") == found
