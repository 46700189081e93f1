"""How nice a process is: what share of a core it gets beside others, and how soon. Standard
library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
from pathlib import Path
from typing import Any

SHORTER = 0.9
"""The time slice as a share of the usual one. Whose is shorter may interrupt somebody else
at once; otherwise he waits until that one's first milliseconds are over. But whoever has
used his slice up makes room, for milliseconds again, so it is as long as it may be."""
_ATTRIBUTES = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""The numbers of the system calls sched_setattr(2) and sched_getattr(2), by machine: C
libraries have no names for them."""


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

    Who is less nice than others also has shorter time slices. Children inherit both.

    Linux may share a core among sessions first (autogroups), and every backend of
    PostgreSQL begins a session of its own: alone in it, its own nice value says nothing.

    Raises:
        OSError: it is gone, or not allowed.
    """
    usual_ns = slice_ns(0)
    os.setpriority(os.PRIO_PROCESS, pid, nice)
    with contextlib.suppress(OSError):  # not every kernel has autogroups
        Path(f"/proc/{pid or 'self'}/autogroup").write_text(str(nice))
    if usual_ns:
        _set_slice(pid, nice, round(SHORTER * usual_ns) if nice < 0 else 0)


def slice_ns(pid: int) -> int:
    """The time slice of a process, 0 for this one; 0 where the kernel tells of none."""
    found = _Attributes()
    told = _call(1, pid, ctypes.byref(found), ctypes.sizeof(found), 0)
    return int(found.runtime) if told == 0 else 0


def _set_slice(pid: int, nice: int, wanted_ns: int) -> None:
    """Ask for a time slice, 0 for the usual one."""
    wanted = _Attributes(size=ctypes.sizeof(_Attributes), nice=nice, runtime=wanted_ns)
    _call(0, pid, ctypes.byref(wanted), 0)


def _call(which: int, *arguments: Any) -> int:
    """One of `_ATTRIBUTES`; −1 where it is not known."""
    numbers = _ATTRIBUTES.get(platform.machine())
    if numbers is None or not sys.platform.startswith("linux"):
        return -1
    return int(ctypes.CDLL(None).syscall(numbers[which], *arguments))
