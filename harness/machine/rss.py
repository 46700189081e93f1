"""How much memory a process holds, read from outside: the process itself does nothing.

Where the kernel adds it up page by page (`smaps_rollup`) that sum is taken. The cheaper
counters of Linux are kept per processor and may be 32 pages behind on each of them,
which is as much as a small leak.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_RESET_PEAK = "5"


def rss_bytes(pid: int) -> int:
    """The resident size: all pages of the process in memory, mapped libraries too."""
    summed = _rollup(pid).get("Rss")
    return summed if summed is not None else int(psutil.Process(pid).memory_info().rss)


def private_bytes(pid: int) -> int | None:
    """The anonymous memory of a process; what it shares with others by its share.

    Without code and without PostgreSQL's shared buffers, which belong to no backend.
    None where it cannot be read: another user's process, or not Linux.
    """
    return _rollup(pid).get("Pss_Anon")


def forget_peak(pid: int) -> bool:
    """Let the greatest resident size begin anew; whether the kernel can."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)
        return True
    return False


def peak_bytes(pid: int) -> int:
    """The greatest resident size since `forget_peak`."""
    return _sizes(Path(f"/proc/{pid}/status")).get("VmHWM", 0)


def _rollup(pid: int) -> dict[str, int]:
    return _sizes(Path(f"/proc/{pid}/smaps_rollup"))


def _sizes(file: Path) -> dict[str, int]:
    """The lines `Name:  123 kB` of a file under /proc, in bytes; empty if unreadable."""
    sizes = {}
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            name, _, rest = line.partition(":")
            if rest.endswith(" kB"):
                sizes[name] = int(rest.removesuffix(" kB")) * 1024
    return sizes
