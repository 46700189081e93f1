"""Which tests are run: a quick selection, or as many as the marks ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from harness.bench.runner import Progress
from harness.bench.schedule import PLANS
from harness.machine import host
from harness.validity import (
    Outcome,
    attribution,
    by_hand,
    instructions,
    interference,
    live,
    memory,
    others,
    refusals,
    rejected,
    simulated,
    slices,
    stalled,
    twice,
)
from harness.venue.venue import Venue

COMPLETE_CELLS = (
    "query/point#fetch-one",
    "fetch/rows#all@shape=types,rows=1000",
    "jsonb/fetch#one@size=1000",
    "pipeline/selects#pipeline@statements=10",
    "classic/reads#pg-type",
    "query/constant#select-1",
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each test is repeated: runs on the fake clock, live trials of so many
    rounds of so many slices, those for the line and those beside a hog, rounds of the
    others, blocks with and without a hog, cells of the two complete runs, processes that
    count instructions; and other tools, if any."""

    repeats: int
    trials: int
    rounds: int
    slices: int
    line_trials: int
    line_slices: int
    hog_trials: int
    hog_rounds: int
    hog_slices: int
    by_hand_rounds: int
    slice_rounds: int
    blocks: int
    complete_cells: int
    spread_repeats: int
    burden_repeats: int
    others: others.Effort | None = None


QUICK = Effort(
    repeats=300,
    trials=1,
    rounds=8,
    slices=60,
    line_trials=0,
    line_slices=0,
    hog_trials=1,
    hog_rounds=6,
    hog_slices=12,
    by_hand_rounds=0,  # a few rounds cannot tell 1 %
    slice_rounds=0,
    blocks=8,
    complete_cells=1,
    spread_repeats=0,
    burden_repeats=0,
)
FULL = Effort(
    repeats=2_000,
    trials=100,
    rounds=10,
    slices=100,
    line_trials=10,
    line_slices=60,
    hog_trials=100,
    hog_rounds=6,
    hog_slices=12,
    by_hand_rounds=36,
    slice_rounds=30,
    blocks=60,
    complete_cells=6,
    spread_repeats=2,
    burden_repeats=20,
    others=others.FULL,
)


def at_most(effort: Effort, trials: int) -> Effort:
    """The effort with fewer trials: each test then says how many it has."""
    return replace(
        effort,
        trials=min(effort.trials, trials),
        line_trials=min(effort.line_trials, trials),
        hog_trials=min(effort.hog_trials, trials),
        burden_repeats=min(effort.burden_repeats, max(4, trials)),
    )


@dataclass(frozen=True, slots=True)
class Bench:
    """What the tests are given."""

    place: Venue
    effort: Effort
    folder: Path
    progress: Progress


Part = Callable[[Bench], Iterator[Outcome]]


def _simulated(bench: Bench) -> Iterator[Outcome]:
    yield from simulated.run(bench.effort.repeats)


def _live(bench: Bench) -> Iterator[Outcome]:
    effort = bench.effort
    series = live.Series(bench.folder, effort.trials, effort.rounds, effort.slices)
    live.measure(bench.place, series, bench.progress)
    told = live.read(series)
    yield from live.false_alarms(told)
    yield from live.power(told)
    if effort.trials > 1:  # one trial makes no table and no line
        yield from live.matrices(told)
        yield from live.calibration(told)
    yield from refusals.refused(series.file(0))


def _line(bench: Bench) -> Iterator[Outcome]:
    effort = bench.effort
    if not effort.line_trials:
        return
    series = live.Series(
        bench.folder, effort.line_trials, effort.rounds, effort.line_slices, kind="line"
    )
    live.measure(bench.place, series, bench.progress)
    yield from live.calibration(live.read(series))


def _hog(bench: Bench) -> Iterator[Outcome]:
    effort = bench.effort
    series = live.Series(
        bench.folder, effort.hog_trials, effort.hog_rounds, effort.hog_slices, kind="hog"
    )
    live.measure(bench.place, series, bench.progress)
    yield from live.false_alarms(live.read(series))


def _interference(bench: Bench) -> Iterator[Outcome]:
    yield from interference.noticed(bench.place, bench.effort.blocks)


def _slices(bench: Bench) -> Iterator[Outcome]:
    if bench.effort.slice_rounds:
        yield from slices.against_long(bench.place, bench.effort.slice_rounds)


def _by_hand(bench: Bench) -> Iterator[Outcome]:
    if bench.effort.by_hand_rounds:
        yield from by_hand.against_hand(bench.place, bench.effort.by_hand_rounds)


def _stalled(bench: Bench) -> Iterator[Outcome]:
    yield from stalled.stall(bench.place)


def _twice(bench: Bench) -> Iterator[Outcome]:
    cells = [*COMPLETE_CELLS[: bench.effort.complete_cells]]
    pair = twice.Pair(bench.folder, cells, PLANS["quick"])
    twice.measure(bench.place, pair, bench.progress)
    yield from twice.agreement(pair)
    yield from twice.same_report(pair.file(0))


def _rejected(bench: Bench) -> Iterator[Outcome]:
    yield from rejected.rejected(bench.place, bench.folder)


def _memory(bench: Bench) -> Iterator[Outcome]:
    yield from attribution.run(bench.place, bench.folder)
    yield from memory.run(bench.place, bench.folder, bench.progress)


def _instructions(bench: Bench) -> Iterator[Outcome]:
    yield from instructions.run(
        bench.place,
        bench.folder,
        bench.progress,
        spread_repeats=bench.effort.spread_repeats,
        burden_repeats=bench.effort.burden_repeats,
    )


def _others(bench: Bench) -> Iterator[Outcome]:
    """What people use now, put to the same tests."""
    if bench.effort.others is None:
        return
    # Its own placement is left alone: tools run as people run them, the server stays.
    with host.placed(bench.place.server):
        pass
    yield from simulated.one_after_the_other(bench.effort.repeats)
    yield from others.run(
        bench.place,
        bench.effort.others,
        bench.folder,
        lambda block: bench.progress.step(block, 0, 0),
    )


PARTS: tuple[tuple[str, Part], ...] = (
    ("on a fake clock", _simulated),
    ("broken drivers", _rejected),
    ("whose processor time, whose memory", _memory),
    ("A/A and power", _live),
    ("calibration", _line),
    ("A/A beside a hog", _hog),
    ("a hog switched on and off", _interference),
    ("short slices against long ones", _slices),
    ("the loop against hand-written ones", _by_hand),
    ("open loop, a server that stalls", _stalled),
    ("two complete runs", _twice),
    ("instructions", _instructions),
    ("other tools", _others),
)


def run(bench: Bench) -> Iterator[Outcome]:
    """Every test, the cheap ones first."""
    for number, (name, part) in enumerate(PARTS):
        bench.progress.step(name, number, len(PARTS))
        yield from part(bench)
