"""What the instructions lane records: the counts of a process."""

from __future__ import annotations

from typing import ClassVar

from harness.results.records import LaneRecord


class Count(LaneRecord, frozen=True, kw_only=True, tag="count"):
    """One cell of one arm in one process whose instructions were counted.

    A slice of `low_ops` and one of `high_ops` ran in it, equal in everything else; the
    slope between the two is what an op costs. All numbers are 0 where the verdict forbids
    one; those of system calls also where they cannot be counted. `counter` is the program
    that counted, with its version.
    """

    footed: ClassVar[str] = "counts"

    counter: str = ""
    low_ops: int = 0
    high_ops: int = 0
    low_instructions: int = 0
    high_instructions: int = 0
    low_syscalls: int = 0
    high_syscalls: int = 0

    @property
    def measured(self) -> bool:
        """Whether it has numbers."""
        return self.high_ops > 0


RECORDS = (Count,)
