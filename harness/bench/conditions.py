"""What conditions make a run last: every way is a question more, a network takes its time.

Pure. Rough, like every forecast: nobody knows yet how often an op waits for the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.bench import schedule
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.conditions import parted
from harness.core.trips import round_trips_of
from harness.play import distance


def network_s(cell: Cell, arms: Sequence[Arm]) -> float:
    """What round trips add to a block: slices one after another, the rest by all at once.

    An op that takes longer than may be timed is tried once. One whose turns only the
    driver knows is taken for one turn.
    """
    op_s = cell.condition.rtt_ms / 1000 * max(1, round_trips_of(cell))
    if not op_s or op_s > distance.OP_S:
        return min(op_s, distance.FIRST_S)
    playing = sum(map(cell.played_by, arms))
    warm = schedule.warm_up_ops(round(op_s * 1e9), schedule.PLANS["quick"], network=True)
    return (playing * schedule.MIN_SLICES + warm + 4) * op_s


def budgeted(plan: Plan, cells: Sequence[Cell], arms: Sequence[Arm]) -> Plan:
    """The plan with a budget for each condition, and for what a network takes."""
    if not plan.budget_s:
        return plan
    questions = len({parted(cell.id)[0] for cell in cells})
    network = sum(network_s(cell, arms) for cell in cells) * plan.min_rounds
    return replace(plan, budget_s=plan.budget_s * len(cells) / questions + network)
