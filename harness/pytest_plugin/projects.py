"""The user's own project: a commit of it and its working tree, each installed by itself."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.arms import Arm, Pin
from harness.core.errors import DriverError, UsageError
from harness.environments import making, sources
from harness.environments.environment import Environment

GIT = "git:"


@dataclass(frozen=True, slots=True)
class ProjectCopies:
    """Both copies of a project, each installed by itself; `base_key` names the commit."""

    base: Environment
    head: Environment
    base_key: str


def revision_of(base: str) -> str:
    """`git:main` → `main`.

    Raises:
        UsageError: it has another form.
    """
    revision = base.removeprefix(GIT)
    if not base.startswith(GIT) or not revision:
        raise UsageError(
            f"base={base!r} names no commit", hint='base="git:main", with any revision'
        )
    return revision


def missing_base(folder: Path, revision: str) -> str:
    """Why there is nothing to compare with; empty if there is."""
    try:
        sources.source_of(Pin(path=str(folder), revision=revision))
    except DriverError as error:
        return str(error)
    return ""


def copies(
    folder: Path,
    revision: str,
    extras: Sequence[str],
    needs: Sequence[str],
    tell: Callable[[str], None],
) -> ProjectCopies:
    """Both copies, made where they are not there yet.

    Raises:
        DriverError: one of them cannot be built or installed.
    """
    base, head = (
        making.environment_of_project(Arm(_name(folder), pin=pin), extras, needs, tell)
        for pin in (Pin(path=str(folder), revision=revision), Pin(path=str(folder)))
    )
    return ProjectCopies(base, head, base.source)


def _name(folder: Path) -> str:
    """The project's name, as far as its file says it."""
    try:
        told = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        return str(told["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name
