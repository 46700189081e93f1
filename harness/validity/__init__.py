"""Are the measurements right? Tests of pgdyno's own numbers, for anybody to run.

Each test has a mark that it must keep and says what it measured. `simulated` needs no
server: it plays noise on a fake clock. `live` measures drivers that were made slower by
known amounts, on a real server. `pgdyno doctor --validate` runs a quick selection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# Tests that other tools are put to as well: a table shows both under one name.
AA_IDLE = "A/A, idle"
AA_HOG = "A/A, beside a hog of 30%"
POWER_5 = "power, +5%"
POWER_2 = "power, +2%"
BROKEN = "broken drivers"
NOTHING_MEASURED = "nothing measured"
OPEN_LOOP = "open loop"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one test measured against its mark, of pgdyno or of another tool."""

    test: str
    mark: str
    measured: str
    ok: bool
    tool: str = "pgdyno"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: test, mark, measured, ok, tool."""
        return asdict(self)
