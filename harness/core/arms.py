"""One column of a run: a driver, its options, which copy of its library, its profile.

    NAME[+option…][==VERSION | @PATH | @PATH#REV][%PYTHON]

`parse` reads that form, and `Arm.name` writes it. Whether there is such a driver, version,
folder or interpreter is for others to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from harness.core.errors import DriverError
from harness.core.visible import visible_line

Profile = Literal["default", "configured"]

Kind = Literal["sync", "async", "program"]

PROFILES: tuple[Profile, ...] = ("default", "configured")

FORM = "NAME[+option…][==VERSION | @PATH | @PATH#REV][%PYTHON]"

_HEAD = re.compile(r"[^=@%<>!~#]*")
_VERSION = re.compile(r"\d[0-9a-z.!_-]*")
_PYTHON = re.compile(r"3\.\d+(\.\d+)?t?")
_SECRET = re.compile(r"(?<=://)[^/@\s]+(?=@)")
"""Who logs in at an address, perhaps with a password."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Which copy of a library an arm wants, and on which interpreter.

    `path` is a folder to build from, `revision` a commit of the clone that it is. `python`
    is a version of CPython, with a `t` for a free-threaded build, or the path of a program.
    Without any of them an arm has what is installed beside pgdyno.
    """

    version: str = ""
    path: str = ""
    revision: str = ""
    python: str = ""

    def __bool__(self) -> bool:
        return bool(self.version or self.path or self.python)

    def __str__(self) -> str:
        signs = (("==", self.version), ("@", self.path), ("#", self.revision))
        told = (f"{sign}{text}" for sign, text in (*signs, ("%", self.python)) if text)
        return "".join(told)


@dataclass(frozen=True, slots=True)
class Arm:
    """One column of a run: a driver, its options, and which copy of it (A/A).

    `burden` is the share of its own time by which every op is made slower, to see whether
    a comparison finds that; None for an arm as it is. `reference` says what the arm is a
    reference for; empty for a driver, which competes. `isolates` is the layer whose own
    cost a reference shows: that layer over answers from memory. `pin` is empty for a driver
    as it is installed; any other arm has an environment of its own.
    """

    driver: str
    options: tuple[str, ...] = ()
    profile: Profile = "configured"
    copy: int = 0
    burden: float | None = None
    reference: str = ""
    isolates: str = ""
    pin: Pin = Pin()

    @property
    def unpinned(self) -> str:
        """The driver with its options, whichever copy of it: `asyncpg+uvloop`."""
        return "+".join((self.driver, *self.options))

    @property
    def name(self) -> str:
        """The arm as a user spells it: `asyncpg+uvloop==0.31.0%3.13`."""
        return f"{self.unpinned}{self.pin}"

    @property
    def id(self) -> str:
        """Unique in a run; the second copy of a driver is its A/A arm."""
        if self.burden is not None:
            return f"{self.name} (+{self.burden:.1%}, {self.copy})"
        return f"{self.name} (A/A)" if self.copy else self.name


def driver_of(name: str) -> str:
    """The driver of an arm's name: `asyncpg+uvloop==0.31.0` → `asyncpg`."""
    return _head(name).partition("+")[0]


def pinned(name: str) -> bool:
    """Whether an arm's name asks for a certain copy of its library."""
    return len(_head(name)) < len(name)


def parse(text: str, profile: Profile = "configured") -> Arm:
    """An arm from what a user typed; raises `DriverError` where that has another form.

    An arm is a line of text in tables, files and logs, so nothing invisible may be in it.
    """
    if visible_line(text) != text:
        raise _malformed(text, "it holds a character that is not visible")
    head = _head(text.strip())
    driver, *options = (part.strip() for part in head.split("+"))
    if not driver or not all(options):
        raise _malformed(text, "a name is missing")
    return Arm(driver, tuple(options), profile, pin=_pin(text, text.strip()[len(head) :]))


def _head(text: str) -> str:
    found = _HEAD.match(text)
    return found[0] if found else ""


def _pin(text: str, rest: str) -> Pin:
    if not rest:
        return Pin()
    if rest.startswith("=="):
        version, percent, python = rest[2:].partition("%")
        return Pin(version=_version(text, version), python=_python(text, percent, python))
    if rest.startswith("@"):
        place, percent, python = rest[1:].rpartition("%")
        place = place if percent else python
        path, sign, revision = place.rpartition("#") if "#" in place else (place, "", "")
        if not path or (sign and not revision):
            raise _malformed(text, "a folder or a revision is missing")
        return Pin(
            path=_path(text, path),
            revision=revision.strip(),
            python=_python(text, percent, python),
        )
    if rest.startswith("%"):
        return Pin(python=_python(text, "%", rest[1:]))
    if rest.startswith("#"):
        raise _malformed(text, "a revision needs the folder of its clone: @PATH#REV")
    raise _malformed(text, "an arm is one version: ==VERSION")


def _version(text: str, version: str) -> str:
    if "+" in version:
        raise _malformed(text, "options stand before the version: NAME+option==VERSION")
    version = version.strip().lower().removeprefix("v")
    if not _VERSION.fullmatch(version):
        raise _malformed(text, f"'{version}' is not a version")
    return version


def _path(text: str, path: str) -> str:
    if "://" in path:
        raise _malformed(text, "PATH is a folder of this machine: clone it first")
    return str(PurePath(path.strip()))


def _python(text: str, percent: str, python: str) -> str:
    if not percent:
        return ""
    python = python.strip()
    if "/" in python:
        path = str(PurePath(python))
        return path if "/" in path else f"./{path}"
    python = python.lower().removeprefix("python")
    if not _PYTHON.fullmatch(python):
        told = (
            f"'{python}' is no interpreter: 3.13, 3.13t (free-threaded) or /path/to/python"
        )
        raise _malformed(text, told)
    return python


def _malformed(text: str, why: str) -> DriverError:
    told = visible_line(_SECRET.sub("…", text))
    return DriverError(f"'{told}' is not an arm: {why}", hint=f"the form is {FORM}")
