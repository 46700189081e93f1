"""Cells, dealt to jobs: as many as a job may have, and what shares a fixture stays together
where that costs nothing. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.core.cells import Cell

Fits = Callable[[Sequence[Cell]], bool]
"""Whether a job may have all of these cells; if it may, it may have some of them."""


def packed(cells: Sequence[Cell], fits: Fits) -> list[list[Cell]]:
    """The cells in parts that fit, each as large as it can be; what does not fit alone is a
    part of its own."""
    parts: list[list[Cell]] = []
    for unit in _units(cells, fits):
        if parts and fits(parts[-1] + unit):
            parts[-1] += unit
        else:
            parts.append(list(unit))
    return parts


def _units(cells: Sequence[Cell], fits: Fits) -> Iterator[list[Cell]]:
    """What is not divided: whole scenarios; cases of those that do not fit; cells of cases
    that do not."""
    for scenario in grouped(cells, lambda cell: cell.scenario).values():
        if fits(scenario):
            yield scenario
            continue
        for case in grouped(scenario, lambda cell: cell.case).values():
            yield from [case] if fits(case) else ([cell] for cell in case)


def grouped(cells: Iterable[Cell], key: Callable[[Cell], str]) -> dict[str, list[Cell]]:
    """The cells of each key, in the order in which keys and cells come."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(key(cell), []).append(cell)
    return found


def makespan(seconds: Iterable[float], machines: int) -> float:
    """How long machines take together if each takes the longest job that is left."""
    ends = [0.0] * machines
    for job in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + job)
    return max(ends)
