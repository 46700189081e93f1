"""Which tests the study takes, in which order, and how often it repeats each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from harness.core.conditions import Condition
from harness.machine import host
from harness.validity import disturbers, live, refusals, suite
from harness.validity.outcome import Outcome
from harness.validity.suite import Part, Workbench
from studies.validity import by_hand, instructions, many, others, slices
from studies.validity.others import in_a_row


@dataclass(frozen=True, slots=True)
class Extent:
    """How often each test is repeated: runs on the fake clock, live trials of so many
    rounds of so many slices, those for the line and those beside a hog, rounds of long
    slices and of hand-written loops, blocks with and without a hog, cells of the two
    complete runs, processes that count instructions; and other tools."""

    repeats: int
    trials: int
    rounds: int
    slices: int
    line_trials: int
    line_slices: int
    hog_trials: int
    by_hand_rounds: int
    slice_rounds: int
    blocks: int
    complete_cells: int
    spread_repeats: int
    burden_repeats: int
    others: others.Blocks


MOST_UNDER_A_CONDITION = 5
"""Trials: the marks are about more of them, this is whether a way changes anything."""

FULL = Extent(
    repeats=2_000,
    trials=100,
    rounds=10,
    slices=100,
    line_trials=10,
    line_slices=60,
    hog_trials=100,
    by_hand_rounds=36,
    slice_rounds=30,
    blocks=60,
    complete_cells=6,
    spread_repeats=2,
    burden_repeats=20,
    others=others.FULL,
)


def at_most(extent: Extent, trials: int) -> Extent:
    """The same with fewer trials: each test then says how many it has."""
    return replace(
        extent,
        trials=min(extent.trials, trials),
        line_trials=min(extent.line_trials, trials),
        hog_trials=min(extent.hog_trials, trials),
        burden_repeats=min(extent.burden_repeats, max(4, trials)),
    )


def parts(extent: Extent) -> tuple[tuple[str, Part], ...]:
    """The tests by their names, the cheap ones first."""
    repeats = extent.repeats
    return (
        ("on a fake clock", partial(suite.on_a_fake_clock, repeats=repeats)),
        (
            "passes left out, on a fake clock",
            partial(
                suite.beside_others_on_a_fake_clock,
                runs=max(40, repeats // 10),
                worlds=tuple(disturbers.WORLDS),
            ),
        ),
        ("broken drivers", suite.broken_drivers),
        ("whose processor time, whose memory", suite.whose_time_whose_memory),
        ("A/A and power", partial(_live, extent=extent)),
        ("calibration", partial(_line, extent=extent)),
        ("A/A beside a hog", partial(suite.beside_a_hog, trials=extent.hog_trials)),
        (
            "a hog switched on and off",
            partial(suite.a_hog_comes_and_goes, blocks=extent.blocks),
        ),
        ("short slices against long ones", partial(_slices, rounds=extent.slice_rounds)),
        (
            "the loop against hand-written ones",
            partial(_by_hand, rounds=extent.by_hand_rounds),
        ),
        ("open loop, a server that stalls", suite.a_server_stalls),
        (
            "two complete runs",
            partial(suite.two_complete_runs, cells=extent.complete_cells),
        ),
        ("instructions", partial(_instructions, extent=extent)),
        ("other tools", partial(_others, repeats=repeats, blocks=extent.others)),
    )


def under(conditions: Sequence[Condition], extent: Extent) -> tuple[tuple[str, Part], ...]:
    """What must hold under each condition."""
    trials = min(extent.trials, MOST_UNDER_A_CONDITION)
    return suite.under(conditions, trials=trials, blocks=8 * trials)


def _live(bench: Workbench, *, extent: Extent) -> Iterator[Outcome]:
    trials, rounds, each = extent.trials, extent.rounds, extent.slices
    said = suite.told(bench, trials=trials, rounds=rounds, slices=each)
    yield from live.false_alarms(said)
    yield from live.power(said)
    if trials > 1:  # a single trial makes no table and no line
        yield from many.matrices(said)
        yield from many.calibration(said)
    yield from refusals.refused(said.series.file(0))


def _line(bench: Workbench, *, extent: Extent) -> Iterator[Outcome]:
    trials, rounds, each = extent.line_trials, extent.rounds, extent.line_slices
    said = suite.told(bench, trials=trials, rounds=rounds, slices=each, kind="line")
    yield from many.calibration(said)


def _slices(bench: Workbench, *, rounds: int) -> Iterator[Outcome]:
    yield from slices.against_long(bench.place, rounds)


def _by_hand(bench: Workbench, *, rounds: int) -> Iterator[Outcome]:
    yield from by_hand.against_hand(bench.place, rounds)


def _instructions(bench: Workbench, *, extent: Extent) -> Iterator[Outcome]:
    yield from instructions.run(
        bench.place,
        bench.folder,
        bench.progress,
        spread_repeats=extent.spread_repeats,
        burden_repeats=extent.burden_repeats,
    )


def _others(bench: Workbench, *, repeats: int, blocks: others.Blocks) -> Iterator[Outcome]:
    """What people use now, put to the same tests."""
    # Its own placement is left alone: tools run as people run them, the server stays.
    with host.placed(bench.place.server):
        pass
    yield from in_a_row.one_after_the_other(repeats)
    yield from others.run(
        bench.place,
        blocks,
        bench.folder,
        lambda block: bench.progress.step(block, 0, 0),
    )
