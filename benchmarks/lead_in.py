"""How much longer do the first ops take after another driver's turn?

That is what the lead-in of a slice has to cover. All drivers are open at the same time and
take turns in random order; each op of a turn is timed by itself. The figure is the median
over turns at each position, relative to that of the second half of a turn.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean, median

from harness import scenario, servers
from harness.core.arms import Arm
from harness.machine import host
from harness.validity.seats import ready, seats_for
from harness.venue import venue
from harness.venue.venue import Venue
from studies.validity.slices import CELL, DRIVERS

OPS = 80
EDGES = (0, 1, 2, 4, 8, 12, 16, 24, OPS // 2)


def turns(place: Venue, rounds: int, per_round: int) -> dict[str, list[list[int]]]:
    """By driver, the ns of each op of each turn; fresh processes in each round."""
    _, (cell,) = scenario.select_cells([CELL])
    play = place.stage.prepare(cell)
    rng = random.Random(0)
    found: dict[str, list[list[int]]] = defaultdict(list)
    arms = [Arm(driver) for driver in DRIVERS]
    with host.placed(place.server) as placement:
        for _ in range(rounds):
            with seats_for(place, arms, placement) as seats:
                for seat in seats:
                    ready(seat, play)
                for _ in range(per_round):
                    for seat in rng.sample(seats, len(seats)):
                        answer = seat.ask("latencies", seat.deadlines.measure, ops=OPS)
                        found[seat.arm.driver].append(answer["ns"])
    return found


def excess(taken: Sequence[Sequence[int]]) -> Iterator[float]:
    """By how much ops between two edges take longer than those of the second half."""
    typical = [median(at) for at in zip(*taken, strict=True)]
    later = fmean(typical[OPS // 2 :])
    for first, end in pairwise(EDGES):
        yield fmean(typical[first:end]) / later - 1


def main() -> int:
    """Print one line per driver."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--turns", type=int, default=60, help="of each driver per round")
    args = parser.parse_args()
    print(f"{'ops':<14}", *(f"{f'{a + 1}-{b}':>6}" for a, b in pairwise(EDGES)))
    with venue.opened(servers.parse("wheel")) as place:
        for driver, taken in turns(place, args.rounds, args.turns).items():
            print(
                f"{driver:<14}", *(f"{share:+6.0%}" for share in excess(taken)), flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
