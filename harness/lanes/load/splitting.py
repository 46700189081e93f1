"""What is dealt to the processes of an arm: ops of a schedule, clients of a pool. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Portion:
    """What one process has: clients over a pool, or as many sessions without one."""

    clients: int
    pool: int = 0

    @property
    def sessions(self) -> int:
        """How many it opens."""
        return self.pool or self.clients


def dealt(due: Sequence[int], processes: int, rng: random.Random) -> list[list[int]]:
    """Each op to a process that chance chooses, the same for all: what is left to each of
    a Poisson process is one again, at its share of the rate and independent of the others'
    (thinning)."""
    hands: list[list[int]] = [[] for _ in range(processes)]
    for moment in due:
        rng.choice(hands).append(moment)
    return hands


def split(clients: int, pool: int, processes: int) -> list[Portion]:
    """Clients and the connections of their pool, as evenly as whole numbers allow; no more
    processes than clients. Each process has a pool of its own, of one connection at least.
    """
    count = min(clients, processes)
    return [
        Portion(_part(clients, count, number), max(1, _part(pool, count, number)))
        for number in range(count)
    ]


def _part(whole: int, count: int, number: int) -> int:
    return whole // count + (number < whole % count)
