"""How nice a process is: what share of a core it gets beside others. Standard library
only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def set_niceness(pid: int, nice: int) -> None:
    """Set the nice value of a process of one thread, 0 for this one, and of its session.

    Linux may share a core among sessions first (autogroups), and every backend of
    PostgreSQL begins a session of its own: alone in it, its own nice value says nothing.

    Raises:
        OSError: it is gone, or not allowed.
    """
    os.setpriority(os.PRIO_PROCESS, pid, nice)
    with contextlib.suppress(OSError):  # not every kernel has autogroups
        Path(f"/proc/{pid or 'self'}/autogroup").write_text(str(nice))
