"""About how long a check takes, before it is begun: its checks, times what one took once.

Rough: measured with psycopg and asyncpg on two cores. Cases of steps mostly wait, several
of them at once; slower drivers and machines take longer.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.arms import Arm
from harness.core.cells import Cell

ARM_S = 0.5
"""The start of an arm's worker."""
CHECK_S = 0.008
STEPS_S = 0.04
TURNS = 4
"""Round trips of a check, for what a network adds."""


def forecast(cells: Sequence[Cell], arms: Sequence[Arm]) -> float:
    """The seconds for these cells and arms, without the start of a server."""
    drivers = len({arm.name for arm in arms})
    checks = ((drivers if cell.once else len(arms)) * _check_s(cell) for cell in cells)
    return ARM_S * len(arms) + sum(checks)


def _check_s(cell: Cell) -> float:
    own = STEPS_S if cell.steps else CHECK_S
    return own + TURNS * cell.condition.rtt_ms / 1000
