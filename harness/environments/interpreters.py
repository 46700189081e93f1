"""Interpreters of this machine: asked what they are, and found by their version."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.core.errors import DriverError
from harness.environments import programs

OLDEST = (3, 10)
"""The oldest CPython that a worker runs on."""

_ASK_S = 30.0
_PROBE = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "abi": sysconfig.get_config_var("SOABI") or "",
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "base": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter, as it describes itself; `base` is the program behind its links."""

    program: str
    implementation: str
    version: str
    abi: str
    free_threaded: bool
    base: str

    @property
    def title(self) -> str:
        """`CPython 3.13.1 (free-threaded)`."""
        kind = " (free-threaded)" if self.free_threaded else ""
        return f"{self.implementation} {self.version}{kind}"

    def fits(self, wanted: str) -> bool:
        """Whether it is of a version such as `3.13`, or `3.13t` if free-threaded."""
        version = wanted.removesuffix("t")
        same = self.version == version or self.version.startswith(f"{version}.")
        return same and self.free_threaded == wanted.endswith("t")


def find(wanted: str) -> Interpreter:
    """The interpreter that an arm asks for, ours if for none.

    Raises:
        DriverError: there is none, or a worker cannot run on it.
    """
    found = _by_path(wanted) if "/" in wanted or not wanted else _by_version(wanted)
    if found.implementation != "CPython" or _numbers(found.version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise DriverError(
            f"a worker cannot run on {found.title} ({found.program})",
            hint=f"workers run on CPython, from {oldest} on",
        )
    return found


def _by_path(wanted: str) -> Interpreter:
    program = str(Path(wanted).expanduser().absolute()) if wanted else sys.executable
    found = probe(program)
    if found is None:
        known = Path(program).exists()
        raise DriverError(
            f"{wanted} is no Python interpreter"
            if known
            else f"there is no program {wanted}",
            hint="name the program itself, such as %/usr/bin/python3.13",
        )
    return found


def _by_version(wanted: str) -> Interpreter:
    for program in dict.fromkeys(_candidates(wanted)):
        found = probe(program)
        if found is not None and found.fits(wanted):
            return found
    raise DriverError(
        f"there is no CPython {wanted} on this machine",
        hint="looked at PATH, pyenv’s versions and what uv has; name a program, as in "
        f"%/path/to/python, or: uv python install {wanted}",
    )


def _candidates(wanted: str) -> Iterator[str]:
    """Programs that may be of a version; those that need no search come first."""
    yield sys.executable
    threads = "t" if wanted.endswith("t") else ""
    minor = ".".join(wanted.removesuffix("t").split(".")[:2])
    for folder in os.get_exec_path():
        if program := shutil.which(f"python{minor}{threads}", path=folder):
            yield program
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = sorted(root.glob(f"versions/{minor}*"), key=lambda path: _numbers(path.name))
    for version in reversed(versions):
        yield str(version / "bin" / "python")
    yield from _known_to_uv(wanted)


def _known_to_uv(wanted: str) -> Iterator[str]:
    uv = programs.uv()
    if uv:
        done = _output([uv, "python", "find", "--no-project", "--quiet", wanted])
        yield from done.split("\n")[:1] if done else ()


@cache
def probe(program: str) -> Interpreter | None:
    """What a program says of itself; None if it is no interpreter."""
    told = _output([program, "-I", "-c", _PROBE])
    try:
        return Interpreter(program, **json.loads(told))
    except (ValueError, TypeError):
        return None


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
