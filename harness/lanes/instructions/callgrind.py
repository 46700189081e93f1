"""valgrind's callgrind: how to start a worker under it, and what it writes.

A stopwatch reads its clocks with `getrusage` right before and after the ops of a slice
(`harness.worker.loops`). callgrind writes what it has counted whenever that function is
entered, so the part that ends after a slice is the slice and nothing else: not the start
of the process, not the warm-up, not a verification.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import OracleError
from harness.play.process import Launch

START_SECONDS = 600.0
_SYSTEM_CALLS = "--collect-systime=yes"
_TOTALS = re.compile(rb"^totals: (\d[\d ]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SliceCount:
    """What a slice took; `syscalls` is 0 where valgrind does not count them."""

    instructions: int
    syscalls: int = 0


def why_not() -> str:
    """Why nothing can be counted on this machine; empty if it can."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed: it counts the instructions"
    return ""


def version() -> str:
    """What valgrind calls itself: `valgrind-3.19.0`; another version counts otherwise."""
    told = subprocess.run(
        ["valgrind", "--version"], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


@functools.cache
def counts_syscalls() -> bool:
    """Whether this valgrind counts system calls, too."""
    tried = subprocess.run(
        ["valgrind", "--tool=callgrind", _SYSTEM_CALLS, "--callgrind-out-file=/dev/null",
         "true"],
        capture_output=True,
        check=False,
    )  # fmt: skip
    return tried.returncode == 0


def launch(folder: Path) -> Launch:
    """Start a worker under callgrind; what it counts goes to a file in the folder.

    The hash seed is fixed, because it decides the order of sets and dictionaries. The log
    goes to a file of its own: it is not what the driver printed.
    """
    prefix = (
        "valgrind",
        "--tool=callgrind",
        f"--callgrind-out-file={_counts(folder)}",
        "--combine-dumps=yes",
        "--dump-before=getrusage",
        "--dump-before=__getrusage",
        *([_SYSTEM_CALLS] if counts_syscalls() else []),
        f"--log-file={folder / 'valgrind.log'}",
        "--vgdb=no",  # it would leave pipes behind in a process that is killed
    )
    return Launch(prefix, (("PYTHONHASHSEED", "0"),), START_SECONDS)


class Meter:
    """Reads the file that a live worker's callgrind writes to."""

    def __init__(self, folder: Path) -> None:
        self._file = _counts(folder)
        self._parts = 0

    def skip(self) -> None:
        """Forget what was counted until now."""
        self._parts = len(self._totals())

    def slice(self) -> SliceCount:
        """What the one slice since `skip` took.

        Raises:
            OracleError: there were not two parts: up to the slice, and the slice.
        """
        new = self._totals()[self._parts :]
        if len(new) != 2:
            raise OracleError(f"callgrind wrote {len(new)} parts during a slice, not 2")
        return new[1]

    def _totals(self) -> list[SliceCount]:
        return part_totals(self._file.read_bytes()) if self._file.exists() else []


def part_totals(written: bytes) -> list[SliceCount]:
    """What each part of a callgrind file took, all threads together.

    Instructions come first, then system calls and their time; zeros at the end of a line
    may be left out.
    """
    found = (list(map(int, totals.split())) for totals in _TOTALS.findall(written))
    return [SliceCount(*numbers[:2]) for numbers in found]


def _counts(folder: Path) -> Path:
    return folder / "callgrind.out"
