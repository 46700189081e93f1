"""What makes environments: uv, or pip where there is no uv.

Both resolve first, so that an environment can be found by what it would hold, and then
install exactly that.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.core.errors import DriverError
from harness.environments import programs
from harness.environments.interpreters import Interpreter

_RESOLVE_S = 1200.0
"""A source may have to be built to say what it needs."""
_INSTALL_S = 3600.0
_MAKE_S = 300.0
_NOTHING_FITS = "No solution found"
"""What uv says where no version is in a range; anything else is trouble."""
_WHEELS = "--no-build"
_AVAILABLE = "Available versions: "
_LISTED = """
import json
from importlib.metadata import distributions
print(json.dumps({found.name: found.version for found in distributions()}))
"""


class NotInstalled(Exception):  # noqa: N818 - what an installer said, not yet an error
    """An installer could not do what it was asked; the text is all that it said."""


class Installer(Protocol):
    """Resolves requirements for an interpreter, and makes an environment of them."""

    def resolve(
        self, requirements: Sequence[str], interpreter: Interpreter, folder: Path
    ) -> tuple[str, ...]:
        """The exact requirements, in order; `folder` is where relative paths begin."""

    def make(
        self, place: Path, resolved: Sequence[str], interpreter: Interpreter, folder: Path
    ) -> None:
        """An environment at `place` with exactly these."""

    def released(
        self, name: str, first: str, last: str, interpreter: Interpreter, folder: Path
    ) -> list[str]:
        """The versions of a library between two others, oldest first."""


def installer() -> Installer:
    """The one that this machine has; raises `DriverError` where it has none."""
    if program := programs.uv():
        return Uv(program)
    if programs.has_pip():
        return Pip()
    raise DriverError(
        "an environment for an arm is made by uv or pip, and neither is there",
        hint="pip install uv",
    )


@dataclass(frozen=True, slots=True)
class Uv:
    """uv: fast, and what it has fetched once it links."""

    program: str

    def resolve(
        self, requirements: Sequence[str], interpreter: Interpreter, folder: Path
    ) -> tuple[str, ...]:
        """`uv pip compile`."""
        words = ("pip", "compile", "--quiet", "--no-header", "--no-annotate", "-")
        told = self._run((*words, "--python", interpreter.program), folder, requirements)
        return tuple(line for line in told.splitlines() if line.strip())

    def make(
        self, place: Path, resolved: Sequence[str], interpreter: Interpreter, folder: Path
    ) -> None:
        """`uv venv`, then `uv pip install`."""
        where = ("--python", interpreter.program, str(place))
        self._run(("venv", "--quiet", "--no-project", *where), folder)
        into = ("--python", str(place / "bin" / "python"), "--requirements", "-")
        self._run(("pip", "install", "--quiet", "--no-deps", *into), folder, resolved)

    def released(
        self, name: str, first: str, last: str, interpreter: Interpreter, folder: Path
    ) -> list[str]:
        """`uv pip compile`, which has no list but finds the newest version of a range: the
        newest below `last`, the newest below that, and so on."""
        words = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-deps",
                 "-", "--python", interpreter.program,
                 "--prerelease", "allow" if _pre(first, last) else "disallow"]  # fmt: skip
        found: list[str] = []
        while True:
            wanted = f"{name}>{first},<{found[0] if found else last}"
            try:
                told = self._run(words, folder, [wanted])
            except NotInstalled as error:
                if _NOTHING_FITS in str(error):
                    return found
                if _WHEELS in words:
                    raise
                words.append(_WHEELS)  # a source that cannot be built hides what is older
            else:
                found.insert(0, told.strip().partition("==")[2].partition(" ")[0])

    def _run(self, words: Sequence[str], folder: Path, lines: Sequence[str] = ()) -> str:
        return _ran([self.program, *words, "--color=never"], folder, "\n".join(lines))


class Pip:
    """Our own pip, which installs for other interpreters, too."""

    def resolve(
        self, requirements: Sequence[str], interpreter: Interpreter, folder: Path
    ) -> tuple[str, ...]:
        """`pip install --dry-run`."""
        words = ("--dry-run", "--ignore-installed", "--quiet", "--report", "-")
        told = self._install(interpreter.program, (*words, *requirements), folder)
        sources = [words.partition("[")[0] for words in requirements if words[0] == "."]
        found = json.loads(told)["install"]
        return tuple(sorted([*sources, *filter(None, map(_exact, found))]))

    def make(
        self, place: Path, resolved: Sequence[str], interpreter: Interpreter, folder: Path
    ) -> None:
        """`python -m venv`, then `pip install`."""
        venv = programs.python(interpreter.program, "-m", "venv", "--without-pip")
        _ran([*venv, str(place)], folder)
        words = ("--quiet", "--no-deps", "--no-compile", *resolved)
        self._install(str(place / "bin" / "python"), words, folder)

    def released(
        self, name: str, first: str, last: str, interpreter: Interpreter, folder: Path
    ) -> list[str]:
        """`pip index versions`."""
        words = ("index", "versions", name, *(["--pre"] if _pre(first, last) else []))
        told = self._run(interpreter.program, words, folder)
        lines = (line for line in told.splitlines() if line.startswith(_AVAILABLE))
        listed = next(lines, "").removeprefix(_AVAILABLE)
        return _within(listed.replace(",", " ").split(), first, last)

    def _install(self, python: str, words: Sequence[str], folder: Path) -> str:
        return self._run(python, ("install", *words), folder)

    def _run(self, python: str, words: Sequence[str], folder: Path) -> str:
        pip = programs.python(sys.executable, "-m", "pip", "--python", python)
        return _ran([*pip, "--no-input", *words], folder)


def _pre(first: str, last: str) -> bool:
    """Whether pre-releases are listed: where an end is one."""
    from packaging.version import Version

    return any(Version(end).is_prerelease for end in (first, last))


def _within(versions: Sequence[str], first: str, last: str) -> list[str]:
    """The versions between two others, oldest first."""
    from packaging.version import Version

    between = {Version(text): text for text in versions}
    low, high = Version(first), Version(last)
    return [between[version] for version in sorted(between) if low < version < high]


def _exact(installed: dict[str, dict[str, str]]) -> str:
    """A distribution with its version; empty for a folder, which is named already."""
    about, source = installed["metadata"], installed["download_info"]
    return "" if "dir_info" in source else f"{about['name']}=={about['version']}"


def _ran(command: Sequence[str], folder: Path, given: str = "") -> str:
    """What a program printed; raises `NotInstalled` with what it said otherwise."""
    done = programs.run(command, _INSTALL_S, folder, given)
    if not done.ok:
        raise NotInstalled(done.said)
    return done.out


def packages_of(python: Path) -> dict[str, str]:
    """The distributions of an environment with their versions, in order."""
    found = json.loads(_ran(programs.python(str(python), "-c", _LISTED), python.parent))
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def is_failed_build(said: str) -> bool:
    """Whether the source of a distribution did not build, which it would not a minute
    later: neither the network nor a disk failed."""
    return any(words in said for words in ("Failed to build", "Failed building wheel"))


def gist(said: str) -> str:
    """What an installer complained of, as a sentence; of a build that failed, in what words
    it ended."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    start = next((at for at, line in enumerate(lines) if _ERROR.match(line)), 0)
    end = next((at for at, line in enumerate(lines) if _OUTPUT.search(line)), len(lines))
    told = _statements(lines[start:end])
    told += [line for line in lines[end:] if _ERROR.match(line)][-1:]
    text = "; ".join(line.rstrip(".") for line in told)
    return text if len(text) <= _GIST else f"{text[: _GIST // 2]} … {text[-_GIST // 2 :]}"


def _statements(lines: Sequence[str]) -> list[str]:
    """Lines that were broken at the width of a terminal, put together again."""
    found: list[str] = []
    for line in lines:
        text = _PREFIX.sub("", line)
        if text == line and found:
            found[-1] += f" {text}"
        else:
            found.append(text)
    return found


_GIST = 400
_ERROR = re.compile(r"error\b", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:(?:error|cause|hint):|[×╰─▶│├\s]+)\s*", re.IGNORECASE)
_OUTPUT = re.compile(r"\[(stdout|stderr|\d+ lines? of output)\]$")
"""Where the output of a build begins."""
