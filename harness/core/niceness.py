"""How nice a process is: what share of a core it gets beside others, and how soon. Standard
library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
from pathlib import Path

SLICE_NS = 100_000
"""The shortest time slice that Linux knows. Who asks for short ones may interrupt somebody
with long ones at once; otherwise he waits until that one's first milliseconds are over."""
_SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}
"""The number of the system call sched_setattr(2), by machine: C libraries have no name for
it."""


class _Attributes(ctypes.Structure):
    """`struct sched_attr` of sched_setattr(2) in its first form. In the class of ordinary
    processes, which is 0, `runtime` is the time slice (from Linux 6.12 on)."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def set_niceness(pid: int, nice: int) -> None:
    """Set the nice value of a process of one thread, 0 for this one, and of its session.

    Who is less nice than others also has short time slices. Children inherit both.

    Linux may share a core among sessions first (autogroups), and every backend of
    PostgreSQL begins a session of its own: alone in it, its own nice value says nothing.

    Raises:
        OSError: it is gone, or not allowed.
    """
    os.setpriority(os.PRIO_PROCESS, pid, nice)
    with contextlib.suppress(OSError):  # not every kernel has autogroups
        Path(f"/proc/{pid or 'self'}/autogroup").write_text(str(nice))
    _set_slice(pid, nice, SLICE_NS if nice < 0 else 0)


def _set_slice(pid: int, nice: int, slice_ns: int) -> None:
    """Ask for a time slice, 0 for the usual one; where the kernel knows none it stays."""
    number = _SET_ATTRIBUTES.get(platform.machine())
    if number is None or not sys.platform.startswith("linux"):
        return
    wanted = _Attributes(size=ctypes.sizeof(_Attributes), nice=nice, runtime=slice_ns)
    ctypes.CDLL(None).syscall(number, pid, ctypes.byref(wanted), 0)
