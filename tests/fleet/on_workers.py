"""What tests ask of workers: these import it by name."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import psutil

from harness.fleet import facts, quiet


def periodic(dask_worker: Any) -> dict[str, float]:
    """What the worker does periodically, and how rarely."""
    callbacks = dask_worker.periodic_callbacks.items()
    return {name: each.callback_time for name, each in callbacks if each.is_running()}


def hide_libraries(folder: str) -> None:
    """Let jobs of this worker import what is in a folder instead."""
    os.environ["PYTHONPATH"] = folder


def pretend(version: str) -> None:
    """Be another version of pgdyno."""
    facts.__version__ = version


def beside_a_job(core: int) -> dict[str, Any]:
    """Where this worker is beside a job that keeps to a core, and afterwards; how nice its
    other threads are, and the thread that starts jobs."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"]) as guard:
        while not (children := psutil.Process(guard.pid).children()):
            pass
        os.sched_setaffinity(children[0].pid, {core})
        with quiet.beside(guard.pid) as follow:
            follow()
            there = os.sched_getaffinity(0)
        children[0].kill()
    threads = [int(task.name) for task in Path("/proc/self/task").iterdir()]
    nice = {thread: os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}
    mine = nice.pop(threading.get_native_id())
    return {"there": there, "after": os.sched_getaffinity(0), "mine": mine, "others": nice}
