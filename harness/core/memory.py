"""How much memory this process holds, as the kernel tells it (Linux only)."""

from __future__ import annotations

from pathlib import Path

_STATUS = Path("/proc/self/status")


def is_told() -> bool:
    """Whether this system tells the highest resident size of a process."""
    return _STATUS.exists()


def peak_bytes(*, reset: bool = False) -> int:
    """The highest resident size, in bytes, since it was reset to the present one."""
    # Reproductions print this function, so it stands alone: its paths are written out.
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])
