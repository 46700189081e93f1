"""What the lane records."""

from __future__ import annotations

from harness.results.records import LaneRecord


class Threads(LaneRecord, frozen=True, kw_only=True, tag="threads"):
    """The threads of one process that was asked one cell."""

    threads: int = 0

    @property
    def measured(self) -> bool:
        """Whether they were counted."""
        return self.threads > 0


RECORDS = (Threads,)
