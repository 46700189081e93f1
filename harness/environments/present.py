"""Which libraries of a driver are installed beside pgdyno, by their metadata alone.

Nothing is imported: to ask what there is must be quick, and must not fail by a plug-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from harness.environments import requirements
from harness.plugin import contract

if TYPE_CHECKING:
    from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Present:
    """A driver's libraries with their versions, what it lacks, and what installs that."""

    libraries: dict[str, str]
    lacking: tuple[str, ...]
    command: str


def of(driver: str) -> Present:
    """What of a driver's libraries is installed.

    Raises:
        DriverError: no installed distribution brings its plug-in.
    """
    libraries: dict[str, str] = {}
    lacking: list[str] = []
    for requirement in requirements.of_driver(driver):
        name, version = _installed(requirement)
        if version and requirement.specifier.contains(version, prereleases=True):
            libraries[name] = version
        else:
            lacking.append(_lack(requirement, version))
    return Present(libraries, tuple(lacking), command(driver))


def command(driver: str) -> str:
    """What installs a driver's libraries."""
    distribution = contract.distribution(driver)
    extras = distribution.metadata.get_all("Provides-Extra") or []
    extra = f"[{driver}]" if driver in extras else ""
    return f"pip install '{distribution.name}{extra}'"


def _installed(requirement: Requirement) -> tuple[str, str]:
    """The distribution that satisfies a requirement by its name, and its version."""
    for name in _names(requirement.name):
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return requirement.name, ""


def _names(name: str) -> Iterator[str]:
    """`psycopg2` brings the same module as `psycopg2-binary`."""
    yield name
    if name.endswith("-binary"):
        yield name.removesuffix("-binary")


def _lack(requirement: Requirement, version: str) -> str:
    wanted = f"{requirement.name}{requirement.specifier}"
    return f"{wanted} ({version} is installed)" if version else wanted
