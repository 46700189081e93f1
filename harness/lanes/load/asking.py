"""Which cells are a load, and how many clients each process of an arm has in them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.bench.schedule import Crowd
from harness.core.cells import Cell
from harness.lanes.load.splitting import Portion, split


def left_out(cells: Sequence[Cell]) -> dict[str, str]:
    """Why cells are left out, by their id. Of those that differ in their rate only the
    lowest is asked: its sweep comes by all others."""
    reasons = {cell.id: reason for cell in cells if (reason := _no_load(cell))}
    lowest: dict[tuple[Any, ...], Cell] = {}
    for cell in sorted(cells, key=lambda cell: cell.arrivals.rate if cell.arrivals else 0):
        if cell.arrivals and cell.id not in reasons:
            first = lowest.setdefault(_but_rate(cell), cell)
            if first is not cell:
                reasons[cell.id] = f"the sweep of {first.id} comes by its rate"
    return reasons


def _but_rate(cell: Cell) -> tuple[Any, ...]:
    """Equal for cells that differ in their rate only."""
    point = tuple(item for item in cell.point if item[0] != "rate")
    return cell.scenario, cell.case, point, cell.condition


def _no_load(cell: Cell) -> str:
    """Why a cell is no load; empty if it is."""
    if cell.mix:
        return "mixes are left out: their ops are of several kinds"
    if not (cell.arrivals or cell.clients):
        return "only cells with arrivals or with clients are a load"
    return ""


def portions_of(cell: Cell, crowd: Crowd) -> list[Portion]:
    """What each process of an arm has in a cell."""
    if not cell.pool:
        return [Portion(crowd.sessions)] * crowd.processes
    clients = cell.clients or crowd.sessions * crowd.processes
    return split(clients, cell.pool, crowd.processes)


def sessions_of(cell: Cell, crowd: Crowd) -> int:
    """How many sessions an arm has in a cell, all its processes together."""
    return sum(portion.sessions for portion in portions_of(cell, crowd))
