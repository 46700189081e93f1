"""How much memory a step took is asked where it counts, of systems that tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core import memory
from harness.core.calls import Op
from harness.core.expect import StepExpect
from harness.core.steps import Step
from harness.core.tasks import Expected, Task
from harness.core.verdicts import Verdict
from harness.drivers.psycopg2 import Psycopg2
from harness.venue.venue import Venue
from harness.worker import actor


def player(steps: tuple[Step, ...], place: Venue) -> actor.Actor:
    made = actor.Actor(Psycopg2(frozenset()), None)
    task = Task("c", Op.EXECUTE, Expected(), steps=steps)
    made.begin(task, {"main": place.server.target})
    return made


def test_a_step_without_a_limit_reads_nothing_of_the_system(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_STATUS", Path("/no/such/file"))
    step = Step("main", "fetch_val", {"sql": "select 1"}, expect=StepExpect(value=(1,)))
    limited = Step("main", "fetch_val", {"sql": "select 1"}, expect=StepExpect(grows_mb=9))
    made = player((step, limited), place)
    try:
        assert made.step(0, {})["judged"].verdict is Verdict.EXACT
        assert made.step(1, {})["judged"].verdict is Verdict.SKIPPED
    finally:
        made.end()
