"""Clocks of the kernel's that Python has no name for. Standard library only."""

from __future__ import annotations


def cpu_clock(pid: int) -> int:
    """The clock of what a process uses of processors, on Linux: CLOCK_PROCESS_CPUTIME_ID
    of another process, as clock_getcpuclockid(3) makes it."""
    return (~pid << 3) | 2
