"""Are counted instructions exact, and is half a per cent more of them found?

Each series is a bench run of the instruction lane in a file of its own; a complete file
is not made again. Comparisons go through the very rule that `pgdyno compare` uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import scenario
from harness.analysis.changes import CellChange
from harness.bench import orders, schedule
from harness.bench.runner import Progress
from harness.core.arms import Arm
from harness.core.verdicts import Change
from harness.lanes.instructions import LANE, callgrind
from harness.lanes.instructions.comparison import judge
from harness.lanes.instructions.meaning import ArmInstructions, arm_instructions
from harness.results import store
from harness.validity import kept
from harness.validity.outcome import Outcome
from harness.validity.trials import fail
from harness.venue.venue import Venue

CELL = "query/point#fetch-one"
EXACT = ("psycopg", "psycopg2", "asyncpg")
"""Their spread must be small; that of others is only stated."""
STATED = ("psycopg-async", "psqlpy")
SPREAD = 0.001
BURDEN = 0.005
BURDENED = "psycopg2"
PAIR = 2
"""Repeats on each side of a comparison: the fewest that the rule takes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many repeats of which arms, and the file that keeps them."""

    file: Path
    arms: tuple[Arm, ...]
    repeats: int


def spread_series(folder: Path, repeats: int, drivers: Sequence[str]) -> Counts:
    """The same drivers again and again."""
    name = f"instructions-spread-{len(drivers)}-drivers-{repeats}.jsonl"
    return Counts(folder / name, tuple(map(Arm, drivers)), repeats)


def burden_series(folder: Path, repeats: int) -> Counts:
    """One driver without and with a burden."""
    arms = tuple(Arm(BURDENED, burden=burden) for burden in (0.0, BURDEN))
    return Counts(folder / f"instructions-burden-{repeats}.jsonl", arms, repeats)


def measure(place: Venue, series: Counts, progress: Progress) -> None:
    """Count what is not there yet."""
    scenarios, cells = scenario.select_cells([CELL])
    plan = replace(schedule.PLANS["gate"], repeats=series.repeats)
    rules = kept.rules(cells, plan, arms=[arm.id for arm in series.arms])
    kept.claim(series.file.parent, place.facts, series.file.stem, rules)
    if kept.complete(series.file):
        return
    series.file.unlink(missing_ok=True)
    order = orders.Order(scenarios, cells, series.arms, plan, "gate", 0, "instructions")
    orders.measure(place, order, series.file, progress, fail)


# --- what the files say -------------------------------------------------------------------


def spreads(series: Counts) -> Iterator[Outcome]:
    """How far the repeats of each driver lie apart."""
    for side in _sides(series):
        driver, seen = side.arm.driver, side.spread
        must = driver in EXACT
        told = f"{side.verdict}: {side.detail}" if seen is None else f"{seen:.4%}"
        yield Outcome(
            f"instructions, A/A spread of {driver}, {series.repeats} processes",
            f"below {SPREAD:.1%}" if must else "stated",
            told,
            seen is not None and (seen < SPREAD or not must),
        )


def burdens(series: Counts) -> Iterator[Outcome]:
    """A burden is found each time; no arm without one is flagged.

    Every slope comes from a process of its own, as it does for a user.
    """
    sides = list(_sides(series))
    plain, heavier = (side.slopes for side in sides) if len(sides) == 2 else ((), ())
    found = [
        _change(_window(plain, at), _window(heavier, at + PAIR)) is Change.REGRESSED
        for at in range(series.repeats)
    ]
    flagged = [
        _change(_window(plain, at), _window(plain, at + PAIR)) is not Change.SAME
        for at in range(series.repeats)
    ]
    every = series.repeats
    whole = len(plain) == len(heavier) == every
    yield Outcome(
        f"instructions, +{BURDEN:.1%} put in",
        f"{every} of {every} found",
        f"{sum(found)} of {every} found",
        whole and all(found),
    )
    yield Outcome(
        "instructions, nothing put in",
        f"0 of {every} flagged",
        f"{sum(flagged)} of {every} flagged",
        whole and not any(flagged),
    )


def _window(slopes: Sequence[float], start: int) -> list[float]:
    """So many repeats from one on, in a circle: each comparison has others."""
    return [slopes[(start + at) % len(slopes)] for at in range(PAIR)] if slopes else []


def _change(base: Sequence[float], candidate: Sequence[float]) -> Change:
    row = CellChange(CELL, BURDENED, Change.INCONCLUSIVE)
    return judge(row, base, candidate, LANE.threshold).change


def _sides(series: Counts) -> Iterator[ArmInstructions]:
    """The sides of a series in the order of its arms."""
    known = arm_instructions(store.read(series.file))
    yield from (known[CELL, arm.id] for arm in series.arms if (CELL, arm.id) in known)


def run(
    place: Venue,
    folder: Path,
    progress: Progress,
    *,
    spread_repeats: int,
    burden_repeats: int,
    drivers: Sequence[str] = (*EXACT, *STATED),
) -> Iterator[Outcome]:
    """What has repeats; nothing where valgrind is missing but an outcome that says so.

    `burden_repeats` are at least 4, so that the sides of a comparison differ.
    """
    if not spread_repeats and not burden_repeats:
        return
    if reason := callgrind.why_not():
        yield Outcome("instructions", "counted", f"not run: {reason}", ok=False)
        return
    if spread_repeats:
        again = spread_series(folder, spread_repeats, drivers)
        measure(place, again, progress)
        yield from spreads(again)
    if burden_repeats:
        burdened = burden_series(folder, burden_repeats)
        measure(place, burdened, progress)
        yield from burdens(burdened)
