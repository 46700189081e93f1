"""Was a block disturbed? What the system tells of it, judged; pure.

Signs of it, each blind to something that another one sees:

- a checkpoint or an autovacuum of the server;
- somebody else's processor time on the cores that the block ran on;
- the time that our own processes were ready to run and waited for a core. It is exact,
  but says nothing where a client's own threads wait for each other;
- context switches per op that are not those of the same arm in earlier rounds: client
  and backend on one core save a wake-up, and look faster.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

FOREIGN_LIMIT = 0.10
"""Another process may use this share of the cores of a block before the block counts as
disturbed. One tick of the kernel is 10 ms, so short blocks see steps."""
WAITING_LIMIT = 0.10
"""An arm may wait for a core for this share of its slices."""
WAITING_FLOOR_NS = 10_000_000
"""A shorter wait is a hiccup in one or two slices, of which a median takes no note."""
SWITCHES_LIMIT = math.log(1.3)
"""Context switches per op may differ from the arm's norm by this factor."""
FEWEST_SWITCHES = 0.1
"""Changes of fewer switches per op than this mean nothing."""
ROUNDS_FOR_A_NORM = 3
OPS_FOR_A_SIGN = 50
"""Switches of fewer ops in a block say nothing."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Shares of its slices that an arm was ready to run and waited for a core: its client,
    None where several threads may have waited for each other, and its server process.
    `slices_ns` is how long the slices took."""

    client: float | None = None
    server: float | None = None
    slices_ns: float = math.inf

    def matters(self, share: float | None) -> bool:
        """Whether one of these shares can have changed what the arm's slices say."""
        return (
            share is not None
            and share > WAITING_LIMIT
            and share * self.slices_ns > WAITING_FLOOR_NS
        )


@dataclass(frozen=True, slots=True)
class Signs:
    """What was seen of one block. `work` is what the server did by itself, `foreign` a
    share of the cores' time, `switches` the client's own context switches per op by arm."""

    work: str = ""
    foreign: float = 0.0
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    switches: Mapping[str, float] = field(default_factory=dict)


class Norms:
    """How often each arm switches per op in each cell, from blocks that were quiet."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], list[float]] = defaultdict(list)

    def learn(self, cell: str, switches: Mapping[str, float]) -> None:
        """Take in a block that nothing disturbed."""
        for arm, count in switches.items():
            self._seen[cell, arm].append(count)

    def of(self, cell: str, arm: str) -> float | None:
        """The median of earlier rounds; None before there are enough."""
        seen = self._seen.get((cell, arm), [])
        return median(seen) if len(seen) >= ROUNDS_FOR_A_NORM else None


def disturbance(signs: Signs, cell: str, norms: Norms) -> str:
    """What disturbed a block, as a sentence; empty if nothing did."""
    if signs.work:
        return f"the server was busy with {signs.work}"
    if signs.foreign > FOREIGN_LIMIT:
        return f"{signs.foreign:.0%} of the processors went to others"
    for arm, waiting in signs.waiting.items():
        for who, share in (("client", waiting.client), ("server process", waiting.server)):
            if waiting.matters(share):
                return f"the {who} of {arm} waited {share:.0%} of its time for a processor"
    for arm, count in signs.switches.items():
        norm = norms.of(cell, arm)
        if norm is not None and _unlike(count, norm):
            return f"{arm} switched {count:.2f} times per op instead of {norm:.2f} times"
    return ""


def _unlike(count: float, norm: float) -> bool:
    if abs(count - norm) < FEWEST_SWITCHES:
        return False
    return min(count, norm) <= 0 or abs(math.log(count / norm)) > SWITCHES_LIMIT
