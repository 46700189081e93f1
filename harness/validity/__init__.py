"""Are the measurements right? Tests of pgdyno's own numbers, for anybody to run.

Each test has a mark that it must keep and says what it measured. `simulated` needs no
server: it plays noise on a fake clock. `live` measures drivers that were made slower by
known amounts, on a real server. `pgdyno doctor --validate` runs a quick selection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one test measured against its mark."""

    test: str
    mark: str
    measured: str
    ok: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON: test, mark, measured, ok."""
        return asdict(self)
