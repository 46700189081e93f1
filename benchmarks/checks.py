"""Time per thousand checks, and whether it grows in line with their number.

All drivers check the first quarter, half and the whole of a sample of the catalogue, in
turns, three times each. The start of the workers is inside, that of the server not. What
is printed is the time of each size, per thousand checks, and the exponent of growth: the
slope of log time over log number, 1 where the time is in line with the number.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Sequence

from harness import scenario, servers
from harness.check.checker import Checker
from harness.check.order import number_of_checks
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.plugin import contract
from harness.results.records import Check
from harness.venue import venue

DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")


def sample(size: int, seed: int) -> list[Cell]:
    """So many one-op cells that a check of everything plays, drawn at random.

    Cases of steps are left out: some of them wait on purpose.
    """
    cells = [
        cell
        for loaded in scenario.select([])
        for cell in loaded.cells
        if cell.checked and not cell.steps
    ]
    random.Random(seed).shuffle(cells)
    return cells[:size]


def seconds(place: venue.Venue, cells: Sequence[Cell], arms: Sequence[Arm]) -> float:
    """The wall time of checking these cells; every check must have been reported."""
    found: list[Check] = []
    begun = time.perf_counter()
    Checker(place.stage, arms, place.folder, found.append).run(cells)
    elapsed = time.perf_counter() - begun
    assert len(found) == number_of_checks(cells, arms)
    return elapsed


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=400, help="of the largest size")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    arms = [contract.parse_arm(name, "default") for name in DRIVERS]
    cells = sample(args.cells, args.seed)
    sizes = [len(cells) // 4, len(cells) // 2, len(cells)]
    spec = servers.parse("wheel", max_connections=200)
    with venue.opened(spec) as place:
        seconds(place, cells[:5], arms)  # imports, caches
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(3):
            for size in sizes:
                times[size].append(seconds(place, cells[:size], arms))
    print(f"{'checks':>8} {'seconds':>9} {'per 1,000':>10}")
    best = {size * len(arms): min(found) for size, found in times.items()}
    for number, took in best.items():
        print(f"{number:>8,} {took:>7.2f} s {1000 * took / number:>8.2f} s")
    numbers, took_s = [math.log(n) for n in best], [math.log(s) for s in best.values()]
    slope = statistics.linear_regression(numbers, took_s).slope
    print(f"growth: time ~ checks^{slope:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
