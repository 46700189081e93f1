"""Measures wall and processor time per op, all drivers interleaved in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from harness import lanes
from harness.bench import conditions, schedule
from harness.bench.assignment import Assignment, Forecast
from harness.bench.runner import Runner
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.venue.venue import connections_needed


def forecast(cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
    """Slices, plus 60 ms around each block, plus the start of the workers."""
    per_round = 0.0
    for cell in cells:
        block_ns = schedule.CONCURRENT_SLICE_NS if cell.clients else plan.block_ns
        if cell.arrivals:
            block_ns = cell.arrivals.seconds * 1_000_000_000
        playing = sum(map(cell.played_by, arms))
        per_round += playing * (1.2 * block_ns / 1e9 + 0.06) + conditions.network_s(
            cell, arms
        )
    seconds = (per_round + 0.4 * len(arms)) * plan.min_rounds
    return Forecast(
        rounds=f"{plan.min_rounds} to {plan.max_rounds}",
        connections=connections_needed(cells, arms),
        seconds=min(seconds, plan.budget_s) if plan.budget_s else seconds,
        at_most=plan.budget_s,
    )


def run(work: Assignment) -> None:
    """Rounds of blocks, until every cell is narrow enough or the rounds are used up; then
    the turns of each op, which stand beside its time."""
    Runner(
        work.place.stage,
        work.arms,
        work.cells,
        work.plan,
        seed=work.seed,
        placement=work.placement,
        crew=work.crew,
        emit=work.emit,
        progress=work.progress,
        phases=work.phases,
        afterwards=partial(lanes.get("wire").part("run").beside, work),
    ).run()
