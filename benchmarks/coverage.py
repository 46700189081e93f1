"""How often do the intervals over machines hold what they promise?

Machines are drawn whose true log-ratios differ by τ, each with an estimate that is off by
an error of its own, known from a few rounds only. Counted is how often the interval of the
mean holds the true mean, and the prediction interval the true ratio of one machine more.
Both promise 95 %. The last two rows break the assumption that ratios are normally
distributed between machines: two kinds of them, and a single odd one in ten.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from harness.core.stats import Effect, combined

MACHINES = (5, 10, 20)
ROUNDS = 10
"""From so many rounds a machine knows its own error."""

Draw = Callable[[random.Random], float]


@dataclass(frozen=True, slots=True)
class World:
    """Where machines come from: `true` draws the log-ratio of one, errors lie between
    `least` and `most`. What is no promise is only shown."""

    name: str
    true: Draw
    least: float
    most: float
    promised: bool = True


def normal(tau: float) -> Draw:
    """Log-ratios about 0."""
    return lambda rng: rng.gauss(0, tau)


WORLDS = (
    World("errors 0.3 %, machines 26 %", normal(0.23), 0.003, 0.003),
    World("errors 0.1–3 %, machines 26 %", normal(0.23), 0.001, 0.03),
    World("errors 2 %, machines 5 %", normal(0.05), 0.02, 0.02),
    World("errors 5 %, machines 5 %", normal(0.05), 0.05, 0.05),
    World("errors 2.5–10 %, machines 5 %", normal(0.05), 0.025, 0.1),
    World("errors 1–3 %, machines alike", normal(0.0), 0.01, 0.03, promised=False),
    World("two kinds, 26 % apart", lambda rng: rng.choice((-0.115, 0.115)), 0.003, 0.003,
          promised=False),
    World("one in ten is 2× off", lambda rng: rng.gauss(0.69 * (rng.random() < 0.1), 0.05),
          0.003, 0.003, promised=False),
)  # fmt: skip


class Coverage(NamedTuple):
    """Shares of draws in which an interval held what it promises."""

    mean: float
    prediction: float


def coverage(world: World, machines: int, draws: int, seed: int = 0) -> Coverage:
    """Of one world and number of machines; the same seed, the same shares."""
    rng = random.Random(f"{seed} {world.name} {machines}")
    middle = _middle(world, rng)
    held = [_held(world, machines, middle, rng) for _ in range(draws)]
    means, predictions = (sum(some) / draws for some in zip(*held, strict=True))
    return Coverage(means, predictions)


def _middle(world: World, rng: random.Random) -> float:
    """The true mean: 0 unless the world is skew."""
    if world.promised:
        return 0.0
    return math.fsum(world.true(rng) for _ in range(100_000)) / 100_000


def _held(
    world: World, machines: int, middle: float, rng: random.Random
) -> tuple[bool, bool]:
    effects = [_measured(world, rng) for _ in range(machines)]
    found, another = combined(effects), world.true(rng)
    assert found is not None
    assert found.mean.low is not None
    assert found.mean.high is not None
    low, high = found.prediction
    return found.mean.low <= middle <= found.mean.high, low <= another <= high


def _measured(world: World, rng: random.Random) -> Effect:
    """A machine's estimate, with its error as its rounds tell it."""
    error = world.least * (world.most / world.least) ** rng.random()
    degrees = ROUNDS - 1
    told = error * math.sqrt(rng.gammavariate(degrees / 2, 2) / degrees)
    return Effect(world.true(rng) + rng.gauss(0, error), told)


def main() -> int:
    """Print one line per world and number of machines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{'':32}{'machines':>9}{'mean':>9}{'next machine':>14}")
    for world in WORLDS:
        for machines in MACHINES:
            found = coverage(world, machines, options.draws, options.seed)
            mark = "" if world.promised else "  (no promise)"
            print(f"{world.name:32}{machines:>9}{found.mean:>9.1%}{found.prediction:>14.1%}"
                  f"{mark}", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
