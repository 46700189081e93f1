"""The tests that anybody can run in five minutes, the cheap ones first.

Each part is one subject; the long study takes the same parts with larger numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.bench.runner import Progress
from harness.bench.schedule import PLANS
from harness.core.conditions import Condition
from harness.validity import (
    attribution,
    interference,
    kept,
    live,
    memory,
    refusals,
    rejected,
    screened,
    simulated,
    stalled,
    twice,
)
from harness.validity.outcome import AA_IDLE, Outcome
from harness.venue.venue import Venue


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the tests are given: a server, a folder for what is kept, who is told."""

    place: Venue
    folder: Path
    progress: Progress


Part = Callable[[Workbench], Iterator[Outcome]]

COMPLETE_CELLS = (
    "query/point#fetch-one",
    "fetch/rows#all@shape=types,rows=1000",
    "jsonb/fetch#one@size=1000",
    "pipeline/selects#pipeline@statements=10",
    "classic/reads#pg-type",
    "query/constant#select-1",
)
"""What two complete runs measure, as many of them as there is time for."""


def on_a_fake_clock(bench: Workbench, *, repeats: int) -> Iterator[Outcome]:
    """Intervals, bias and false alarms in worlds whose truth is known."""
    del bench
    yield from simulated.run(repeats)


def beside_others_on_a_fake_clock(
    bench: Workbench, *, runs: int, worlds: Sequence[str]
) -> Iterator[Outcome]:
    """Passes are left out in which somebody waited: are known answers still right?"""
    del bench
    yield from screened.run(runs, worlds)


def broken_drivers(bench: Workbench) -> Iterator[Outcome]:
    """What must not be timed."""
    yield from rejected.rejected(bench.place, bench.folder)


def whose_time_whose_memory(bench: Workbench) -> Iterator[Outcome]:
    """Processor time and bytes that were put in, by other clocks."""
    yield from attribution.run(bench.place, bench.folder)
    yield from memory.run(bench.place, bench.folder, bench.progress)


def told(
    bench: Workbench, *, trials: int, rounds: int, slices: int, kind: live.Purpose = "idle"
) -> live.Told:
    """What trials of equal and slowed arms say; those that are missing are measured."""
    series = live.Series(bench.folder, trials, rounds, slices, kind=kind)
    live.measure(bench.place, series, bench.progress)
    return live.read(series)


def equal_and_slowed(bench: Workbench) -> Iterator[Outcome]:
    """A/A and power from a single trial, which then goes the ways of spoilt files."""
    said = told(bench, trials=1, rounds=8, slices=60)
    yield from live.false_alarms(said)
    yield from live.power(said)
    yield from refusals.refused(said.series.file(0))


def beside_a_hog(bench: Workbench, *, trials: int) -> Iterator[Outcome]:
    """Equal and slowed arms while somebody else computes on the server's core."""
    said = told(bench, trials=trials, rounds=6, slices=12, kind="hog")
    yield from live.false_alarms(said)
    yield from live.power(said)


def a_hog_comes_and_goes(bench: Workbench, *, blocks: int) -> Iterator[Outcome]:
    """Which blocks are marked as disturbed."""
    yield from interference.noticed(bench.place, blocks)


def under_a_condition(
    bench: Workbench, *, condition: Condition, trials: int, blocks: int
) -> Iterator[Outcome]:
    """Equal arms, and a hog that comes and goes, where clients take another way."""
    if reason := bench.place.stage.routes.lacks(condition):
        yield Outcome(condition.of(AA_IDLE), "the server can be reached", reason, ok=False)
        return
    driver = "psycopg2" if condition.has_sessions else "psycopg+noprepare"
    series = live.Series(
        bench.folder, trials, 8, 40, driver=driver, burdens=(), condition=condition
    )
    live.measure(bench.place, series, bench.progress)
    yield from live.false_alarms(live.read(series))
    yield from interference.noticed(bench.place, blocks, condition)


def a_server_stalls(bench: Workbench) -> Iterator[Outcome]:
    """Open loops meet a backend that stands still."""
    yield from stalled.stall(bench.place)


def two_complete_runs(bench: Workbench, *, cells: int) -> Iterator[Outcome]:
    """Do they agree, and is a report the same each time?"""
    pair = twice.Twice(bench.folder, [*COMPLETE_CELLS[:cells]], PLANS["quick"])
    twice.measure(bench.place, pair, bench.progress)
    yield from twice.agreement(pair)
    yield from twice.same_report(pair.file(0))


QUICK: tuple[tuple[str, Part], ...] = (
    ("on a fake clock", partial(on_a_fake_clock, repeats=300)),
    (
        "passes left out, on a fake clock",
        partial(beside_others_on_a_fake_clock, runs=40, worlds=screened.QUICK),
    ),
    ("broken drivers", broken_drivers),
    ("whose processor time, whose memory", whose_time_whose_memory),
    ("A/A and power", equal_and_slowed),
    ("A/A beside a hog", partial(beside_a_hog, trials=1)),
    ("a hog switched on and off", partial(a_hog_comes_and_goes, blocks=8)),
    ("open loop, a server that stalls", a_server_stalls),
    ("two complete runs", partial(two_complete_runs, cells=1)),
)


def under(
    conditions: Sequence[Condition], *, trials: int = 1, blocks: int = 8
) -> tuple[tuple[str, Part], ...]:
    """What must hold under each condition; a minute each, with one trial and 8 blocks."""
    return tuple(
        (
            condition.of("A/A, and a hog switched on and off"),
            partial(under_a_condition, condition=condition, trials=trials, blocks=blocks),
        )
        for condition in conditions
    )


def run(bench: Workbench, parts: Sequence[tuple[str, Part]] = QUICK) -> Iterator[Outcome]:
    """Every test of these parts; a folder with stale trials is refused before any."""
    kept.enter(bench.folder, bench.place.facts)
    for number, (name, part) in enumerate(parts):
        bench.progress.step(name, number, len(parts))
        yield from part(bench)
