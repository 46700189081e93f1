"""Imports modules in a fresh interpreter and prints what that took.

A program of its own, `importing.py CORES MODULE…`: it runs in the interpreter of a driver
and may import nothing that is not there when one starts, or the first library would find
it already done. Cores are separated by commas.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """CPU of the interpreter's start; then wall, CPU, resident bytes and modules added."""
    python_cpu = time.process_time_ns()
    del sys.path[0]  # the folder of this file, whose modules are no libraries
    if sys.argv[1]:
        os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
    modules, rss = len(sys.modules), _rss_bytes()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    for name in sys.argv[2:]:
        __import__(name)
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    added = _rss_bytes() - rss, len(sys.modules) - modules
    print(python_cpu, wall, cpu, *added)


def _rss_bytes() -> int:
    try:
        with open("/proc/self/smaps_rollup", "rb") as file:  # noqa: PTH123 - no pathlib yet
            for line in file:
                if line.startswith(b"Rss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    main()
