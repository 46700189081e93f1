"""The programs that make environments: found, and run so that they never outlive us."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.core import offspring

_ADDRESS_USER = re.compile(r"(?<=://)[^/@\s]+@")
_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PYTHON", "PIP_TARGET", "PIP_PREFIX")
"""Variables that are about our environment, and would decide about another one."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended and what it printed; no password of an address is in it."""

    ok: bool
    out: str
    said: str


@cache
def uv() -> str:
    """The program `uv`, on PATH or installed beside pgdyno; empty if there is none."""
    beside = sysconfig.get_path("scripts")
    return shutil.which("uv") or shutil.which("uv", path=beside) or ""


def run(
    command: Sequence[str], seconds: float, folder: Path | None = None, given: str = ""
) -> Done:
    """Run a program to its end; it is killed, with all that it started, when we are
    interrupted or its time is over."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    with subprocess.Popen(
        offspring.command(command, signal.SIGKILL),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=folder,
        env=kept,
        start_new_session=True,
    ) as process:
        try:
            out, said = process.communicate(given, seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            name = Path(command[0]).name
            return Done(False, "", f"{name} did not end within {seconds:.0f} s")
        except BaseException:
            _kill(process)
            raise
    ok = process.returncode == 0
    said = said if ok or said.strip() else _silent(command, process.returncode)
    return Done(ok, out, _ADDRESS_USER.sub("…@", said))


def _silent(command: Sequence[str], code: int) -> str:
    """How a program ended that did not say why it failed."""
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return f"{Path(command[0]).name} ended {how} and said nothing"


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def python(program: str, *arguments: str) -> list[str]:
    """The command of an interpreter that sees nothing but its own packages."""
    return [program, "-I", *arguments]


def has_pip() -> bool:
    """Whether our own interpreter has pip."""
    return run(python(sys.executable, "-m", "pip", "--version"), 60).ok
