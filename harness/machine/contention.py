"""Was a whole block disturbed? What the system tells of it, judged; pure.

Passes in which somebody waited for a processor are left out one by one
(`harness.machine.screening`). A block does not count where too few are left, or by signs
that concern all of it:

- a checkpoint or an autovacuum of the server;
- somebody else's processor time on the cores that the block ran on, where no arm's waiting
  tells exactly of others;
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
FEWEST_PASSES = 3
"""A block counts with so many quiet passes, or with more than half of those it wanted."""
SWITCHES_LIMIT = math.log(1.3)
"""Context switches per op may differ from the arm's norm by this factor."""
FEWEST_SWITCHES = 0.1
"""Changes of fewer switches per op than this mean nothing."""
ROUNDS_FOR_A_NORM = 3
OPS_FOR_A_SIGN = 50
"""Switches of fewer ops in a block say nothing."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What was seen of one block.

    `work` is what the server did by itself, `foreign` a share of the cores' time,
    `left_out` how many of its `passes` were not quiet, `wanted` how many should have been,
    `switches` the client's own context switches per op by arm.
    """

    work: str = ""
    foreign: float = 0.0
    passes: int = 0
    left_out: int = 0
    wanted: int = FEWEST_PASSES
    switches: Mapping[str, float] = field(default_factory=dict)

    @property
    def too_few_passes(self) -> bool:
        """Whether what is left says too little."""
        quiet = self.passes - self.left_out
        return self.left_out > 0 and quiet < min(FEWEST_PASSES, self.wanted // 2 + 1)


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
        return f"{signs.foreign * 100:.0f} % of the processors went to others"
    if signs.too_few_passes:
        return (
            "too few passes were quiet: in the others a client or its backend waited for a "
            "processor"
        )
    for arm, count in signs.switches.items():
        norm = norms.of(cell, arm)
        if norm is not None and _unlike(count, norm):
            return f"{arm} switched {count:.2f} times per op instead of {norm:.2f} times"
    return ""


def _unlike(count: float, norm: float) -> bool:
    if abs(count - norm) < FEWEST_SWITCHES:
        return False
    return min(count, norm) <= 0 or abs(math.log(count / norm)) > SWITCHES_LIMIT
