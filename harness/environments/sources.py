"""What an arm is built from: a folder as it is now, or a commit of a local clone.

A source is copied before it is built, so that a build leaves nothing in the user's folder
and the folder may change meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.core.arms import Pin
from harness.core.errors import DriverError
from harness.environments import programs

_BUILDS = ("pyproject.toml", "setup.py")
_NO_SOURCE = frozenset(
    (".git", "__pycache__", "build", "dist", "target", "node_modules",
     ".venv", "venv", ".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache",
     ".ruff_cache", ".hypothesis"))  # fmt: skip
_MADE = (".pyc", ".so", ".egg-info")
_GIT_S = 300.0


@dataclass(frozen=True, slots=True)
class LibrarySource:
    """Something to build. `key` is equal for equal content, and says what it is."""

    folder: Path
    key: str
    commit: str = ""
    within: str = ""

    def copied_to(self, place: Path) -> Path:
        """Copy it; the folder to build. Raises `DriverError` where that cannot be done."""
        if self.commit:
            _check_out(self.folder, self.commit, place)
            return _buildable(place / self.within, f"{self.folder} at {self.commit[:12]}")
        for file in _files(self.folder):
            copy = place / file.relative_to(self.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy, follow_symlinks=False)
        git = self.folder / ".git"  # a version may be read from its tags
        if git.is_dir():
            shutil.copytree(git, place / ".git", symlinks=True)
        elif git.is_file():
            shutil.copy2(git, place / ".git")
        return place


def source_of(pin: Pin) -> LibrarySource | None:
    """The source that a pin names; None if it names none.

    Raises:
        DriverError: the folder or the commit is not there, or nothing can be built.
    """
    if not pin.path:
        return None
    folder = Path(pin.path).expanduser().absolute()
    if not folder.is_dir():
        what = "{} is no folder" if folder.exists() else "there is no folder {}"
        raise DriverError(what.format(folder), hint=f"@{pin.path} names it")
    if pin.revision:
        return _commit(folder, pin.revision)
    return LibrarySource(folder, f"folder {_digest(_buildable(folder, str(folder)))}")


def _buildable(folder: Path, name: str) -> Path:
    """The folder, if it can be built."""
    if any((folder / file).is_file() for file in _BUILDS):
        return folder
    inside = sorted({file.parent.name for file in folder.glob(f"*/{_BUILDS[0]}")})
    raise DriverError(
        f"{name} has neither {' nor '.join(_BUILDS)}: there is nothing to build",
        hint=f"perhaps one of its folders: {', '.join(inside)}" if inside else "",
    )


# --- a commit ---------------------------------------------------------------------------


def _commit(folder: Path, revision: str) -> LibrarySource:
    if not _git(folder, "rev-parse", "--git-dir"):
        raise DriverError(f"{folder} is no clone of a git repository: '#' names a commit")
    name = f"{revision}^{{commit}}"
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    if not commit:
        raise DriverError(
            f"the clone {folder} has no commit '{revision}'",
            hint="fetch it first: pgdyno reads what the clone has",
        )
    within = _git(folder, "rev-parse", "--show-prefix")
    return LibrarySource(folder, f"commit {commit} {within}".strip(), commit, within)


def _check_out(clone: Path, commit: str, place: Path) -> None:
    """A clone of a clone, with its tags and its submodules, without a network."""
    root = Path(_git(clone, "rev-parse", "--show-toplevel") or clone)
    done = programs.run(
        ["git", "clone", "--quiet", "--shared", "--no-checkout", str(root), str(place)],
        _GIT_S,
    )
    if not done.ok or not _succeeds(place, "checkout", "--quiet", "--detach", commit):
        raise DriverError(f"{clone} cannot be checked out at {commit}: {done.said.strip()}")
    if (place / ".gitmodules").is_file():
        _check_out_submodules(root, place)


def _check_out_submodules(root: Path, place: Path) -> None:
    """From the clone's own copies, where it has them; from where they live otherwise."""
    modules = Path(_git(root, "rev-parse", "--absolute-git-dir")) / "modules"
    _git(place, "submodule", "init")
    listed = _git(place, "config", "--file", ".gitmodules", "--get-regexp", r"\.path$")
    for line in listed.splitlines():
        name = line.partition(" ")[0].removeprefix("submodule.").removesuffix(".path")
        if (modules / name).is_dir():
            _git(place, "config", f"submodule.{name}.url", str(modules / name))
    update = ("-c", "protocol.file.allow=always", "submodule", "update", "--quiet")
    if not _succeeds(place, *update, "--recursive"):
        raise DriverError(
            f"the submodules of {root} cannot be checked out",
            hint="git submodule update --init --recursive in the clone brings them",
        )


def _succeeds(folder: Path, *arguments: str) -> bool:
    return programs.run(["git", "-C", str(folder), *arguments], _GIT_S).ok


def _git(folder: Path, *arguments: str) -> str:
    """What git answers; empty if it fails or is not there."""
    done = programs.run(["git", "-C", str(folder), *arguments], _GIT_S)
    return done.out.strip() if done.ok else ""


# --- a folder ---------------------------------------------------------------------------


def _digest(folder: Path) -> str:
    """Of the names and contents of all files."""
    whole = hashlib.sha256()
    for file in _files(folder):
        content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        name = str(file.relative_to(folder)).encode("utf-8", "surrogateescape")
        whole.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return whole.hexdigest()[:16]


def _files(folder: Path) -> list[Path]:
    """The files of a source, in order: as git sees them, else without what is built."""
    listed = _git(
        folder, "ls-files", "-z", "--cached", "--recurse-submodules", "--", "."
    ) + _git(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", ".")
    names = [folder / name for name in listed.split("\0") if name]
    found = names if names else list(_walked(folder))
    return sorted(file for file in set(found) if file.is_symlink() or file.is_file())


def _walked(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = [
            name for name in folders if name not in _NO_SOURCE and not name.endswith(_MADE)
        ]
        yield from (Path(path) / name for name in files if not name.endswith(_MADE))
