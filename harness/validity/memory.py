"""A driver that keeps a known number of bytes at each op, beside a healthy one.

One run of the memory lane on a real server. If its file is complete it is not run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import scenario
from harness.bench import orders, schedule
from harness.bench.runner import Progress
from harness.core.arms import Arm
from harness.lanes.memory import meaning as memory
from harness.lanes.memory.meaning import ArmMemory
from harness.results import store
from harness.validity import dose, kept
from harness.validity.outcome import Outcome
from harness.validity.trials import fail, findable
from harness.venue.venue import Venue

CELL = "query/point#fetch-one"
HEALTHY = "psycopg2"
LEAKY = "spiked-leak"
TOLERANCE = 0.2


def measure(place: Venue, file: Path, progress: Progress) -> None:
    """Run the two drivers, unless that was done."""
    scenarios, cells = scenario.select_cells([CELL])
    plan, arms = schedule.PLANS["quick"], [Arm(HEALTHY), Arm(LEAKY)]
    rules = kept.rules(cells, plan, arms=[arm.id for arm in arms])
    kept.claim(file.parent, place.facts, file.stem, rules)
    if kept.complete(file):
        return
    file.unlink(missing_ok=True)
    order = orders.Order(
        scenarios,
        cells,
        arms,
        plan,
        "quick",
        seed=1,
        lane="memory",
    )
    with findable():
        orders.measure(place, order, file, progress, fail)


def run(place: Venue, folder: Path, progress: Progress) -> Iterator[Outcome]:
    """Is the leak told, with as many bytes as were put in, and nobody else accused?"""
    file = folder / "memory.jsonl"
    measure(place, file, progress)
    found = {held.arm: held for held in memory.arm_memory(store.read(file))}
    yield leak_told(found.get(LEAKY), dose.leak_bytes())
    yield nobody_accused(found.get(HEALTHY))


def leak_told(leaky: ArmMemory | None, put: int) -> Outcome:
    """The slope against what an op keeps."""
    test, mark = "leak, bytes per op", f"told, {put} ± {TOLERANCE:.0%}"
    if leaky is None or leaky.growth is None:
        return Outcome(test, mark, _without(leaky), ok=False)
    slope = leaky.growth.point
    told = "told" if leaky.leaks else "not told"
    near = abs(slope / put - 1) <= TOLERANCE
    return Outcome(test, mark, f"{told}, {slope:.1f}", leaky.leaks and near)


def nobody_accused(healthy: ArmMemory | None) -> Outcome:
    """A driver that keeps nothing."""
    test, mark = f"no leak, {HEALTHY}", "not told"
    if healthy is None or healthy.growth is None:
        return Outcome(test, mark, _without(healthy), ok=False)
    told = "told" if healthy.leaks else "not told"
    return Outcome(test, mark, f"{told}, {healthy.growth.point:.1f}", not healthy.leaks)


def _without(held: ArmMemory | None) -> str:
    return f"no number: {held.verdict}: {held.detail}" if held else "not measured"
