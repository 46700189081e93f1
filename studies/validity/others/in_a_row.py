"""One driver after the other on the fake clock, in the worlds of `simulated`.

One process each, all its slices in a row, means compared by Student's t as if slices were
independent: the design that most tables come from.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from statistics import fmean, variance

from harness.core import stats
from harness.validity import simulated
from harness.validity.outcome import ALPHA, Outcome
from harness.validity.simulated import World, seeded

ON_SLICES = "sequential, t-test on slices"
_CRITICAL_T = stats.student_quantile(1 - ALPHA / 2, 2 * simulated.PASSES - 2)


def one_after_the_other(repeats: int) -> Iterator[Outcome]:
    """What one driver after the other makes of these worlds: one process each, all its
    slices in a row, means compared by Student's t as if slices were independent.

    Not among `run`: these are not pgdyno's own numbers, and they need not keep its marks.
    """
    for name, world in simulated.UNFAIR.items():
        found = [_shift(*_in_a_row(world, seeded("row", name, n))) for n in range(repeats)]
        yield simulated.unbiased(name, found, ON_SLICES)
    runs = [
        _in_a_row(simulated.DIFFERENT_PROCESSES, seeded("row offsets", n))
        for n in range(2 * repeats)
    ]
    alarms = sum(_significant(base, candidate) for base, candidate in runs)
    yield simulated.few_alarms(alarms, len(runs), ON_SLICES)


def _in_a_row(world: World, rng: random.Random) -> tuple[list[float], list[float]]:
    """Logarithms of the slices of the base, and then of the candidate."""
    slower = world.noise(rng)
    at, arms = 0.0, []
    for effect in (0.0, world.effect):
        offset = effect + rng.gauss(0, world.offset)
        slices = []
        for _ in range(simulated.PASSES):
            cold = world.cold if at == 0.0 else 0.0
            slices.append(offset + slower(at) + cold)
            at += simulated.SLICE_S * math.exp(slices[-1])
        arms.append(slices)
    return arms[0], arms[1]


def _shift(base: Sequence[float], candidate: Sequence[float]) -> float:
    return fmean(candidate) - fmean(base)


def _significant(base: Sequence[float], candidate: Sequence[float]) -> bool:
    """Student's t of two samples of the same size."""
    error = math.sqrt((variance(base) + variance(candidate)) / len(base))
    return abs(_shift(base, candidate)) >= _CRITICAL_T * error
