"""What a test of the measurements says, against which mark, and how marks are set."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

# Tests that other tools are put to as well: a table shows both under one name.
AA_IDLE = "A/A, idle"
AA_HOG = "A/A, beside a hog of 30%"
POWER_5 = "power, +5%"
POWER_2 = "power, +2%"
POWER_HOG = "power, +10%, beside a hog of 30%"
CALIBRATION = "calibration, slope"
BROKEN = "broken drivers"
NOTHING_MEASURED = "nothing measured"
OPEN_LOOP = "open loop"

PGDYNO = "pgdyno"
ALPHA = 0.05
POWER = {0.05: (POWER_5, 0.95), 0.02: (POWER_2, 0.80)}
"""Burden → the test's name, and the share of slowed arms that must be found."""
POWER_BESIDE_HOG = {0.10: (POWER_HOG, 0.80)}
"""The same, beside somebody who takes a third of the server's core."""

ENOUGH_FOR_A_SHARE = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one test measured against its mark, of pgdyno or of another tool."""

    test: str
    mark: str
    measured: str
    ok: bool
    tool: str = PGDYNO

    def as_dict(self) -> dict[str, Any]:
        """For JSON: test, mark, measured, ok, tool."""
        return asdict(self)


def most_by_chance(n: int, share: float) -> int:
    """The largest count that chance exceeds in less than 2.5 % of all cases; 16 of 200."""
    tail, k = 1.0, 0
    while k <= n:
        tail -= math.comb(n, k) * share**k * (1 - share) ** (n - k)
        if tail < 0.025:
            return k
        k += 1
    return n


def found_mark(n: int, share: float) -> tuple[str, int]:
    """How many of n slowed arms must be found, as a sentence and as a number.

    With 100 it is the share itself. Few trials cannot hold a share: then fewer than chance
    leaves in 95 of 100 cases, were the power just that share.
    """
    if n >= ENOUGH_FOR_A_SHARE:
        return f"at least {share:.0%} found", math.ceil(share * n)
    k, below = 0, (1 - share) ** n
    while below <= 1 - 0.95:
        k += 1
        below += math.comb(n, k) * share**k * (1 - share) ** (n - k)
    return f"{share:.0%} found; at least {k} of {n}", k
