"""What an actor plays besides acts: two calls in one tick, what a library logs."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.core.calls import Op
from harness.core.expect import StepExpect
from harness.core.steps import Step
from harness.core.tasks import Expected, Task
from harness.core.verdicts import Verdict
from harness.drivers.asyncpg import Asyncpg
from harness.drivers.psycopg2 import Psycopg2
from harness.venue.venue import Venue
from harness.worker import actor

ONE, TWO = {"sql": "select 1"}, {"sql": "select 2"}


@contextmanager
def playing(driver: Any, loop: Any, place: Venue, *steps: Step) -> Iterator[actor.Actor]:
    made = actor.Actor(driver, loop)
    made.begin(
        Task("c", Op.EXECUTE, Expected(), steps=steps), {"main": place.server.target}
    )
    try:
        yield made
    finally:
        made.end()


def brought(made: actor.Actor, index: int) -> Any:
    told = made.step(index, {})
    return told["judged"].verdict, told.get("line", "")


@pytest.mark.parametrize(("with_next", "refused"), [(True, True), (False, False)])
def test_two_begin_in_one_tick_of_the_loop(
    place: Venue, with_next: bool, refused: bool
) -> None:
    """asyncpg refuses a second query while one is out; 50 ms later the first is back."""
    trait = StepExpect(trait=True)
    steps = (
        Step("main", "fetch_val", ONE),
        Step("main", "fetch_val", ONE, start="a", with_next=with_next),
        Step("main", "fetch_val", TWO, start="b"),
        Step("main", "", join="a", expect=StepExpect(value=(1,))),
        Step("main", "", join="b", expect=trait),
    )
    loop = asyncio.new_event_loop()
    with playing(Asyncpg(frozenset()), loop, place, *steps) as made:
        for index in range(3):
            made.step(index, {})
        assert brought(made, 3)[0] is Verdict.EXACT
        assert brought(made, 4)[1].startswith("raised") is refused
    loop.close()


def test_a_session_that_the_library_cannot_open_is_charged_to_the_library(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the step expects an error: it was not about this one."""
    step = Step("main", "fetch_val", ONE, expect=StepExpect(rejected=True))
    with playing(Psycopg2(frozenset()), None, place, step) as made:

        def connect(dsn: str) -> Any:
            raise ValueError("the types cannot be read")

        monkeypatch.setitem(made.acts, "connect", connect)
        made.ready(0)
        judged = made.step(0, {})["judged"]
    assert judged.verdict is Verdict.REJECTED
    assert judged.detail.startswith("while opening its session: ValueError: the types")


def test_a_blocking_library_begins_both_as_threads(place: Venue) -> None:
    steps = (
        Step("main", "fetch_val", ONE, start="a", with_next=True),
        Step("main", "fetch_val", TWO, start="b"),
        Step("main", "", join="a", expect=StepExpect(value=(1,))),
        Step("main", "", join="b", expect=StepExpect(value=(2,))),
    )
    with playing(Psycopg2(frozenset()), None, place, *steps) as made:
        assert made.step(0, {})["judged"].verdict is Verdict.EXACT
        assert made.pending == {}
        assert [brought(made, index)[0] for index in (1, 2, 3)] == [Verdict.EXACT] * 3


def test_what_is_logged_is_told_once_and_nothing_stays(place: Venue) -> None:
    before = logging.getLogger().handlers[:], warnings.showwarning, warnings.filters[:]
    steps = (Step("main", "logged"), Step("main", "logged"))
    with playing(Psycopg2(frozenset()), None, place, *steps) as made:
        logging.getLogger("lib").warning("%s of %d", object(), 2)
        logging.getLogger("lib").info("not at the level of a plain program")
        for _ in range(2):  # a program sees it once; that it was said before must not count
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        verdict, line = brought(made, 0)
        assert verdict is Verdict.EXACT
        assert line == (
            "['WARNING lib: <builtins.object object> of 2', 'DeprecationWarning: old', "
            "'DeprecationWarning: old']"
        )
        assert brought(made, 1)[1] == "[]"
    now = logging.getLogger().handlers[:], warnings.showwarning, warnings.filters[:]
    assert now == before


def test_without_the_step_nothing_is_listened_to(place: Venue) -> None:
    before = logging.getLogger().handlers[:]
    with playing(Psycopg2(frozenset()), None, place, Step("main", "fetch_val", ONE)):
        assert logging.getLogger().handlers == before
