"""Whose answers they are, and where they came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from harness.core.arms import driver_of
from harness.results.records import ArmFacts, Header
from harness.site import names


@dataclass(frozen=True, slots=True)
class DriverVersion:
    """A driver with its options, in a version; empty where nobody knows which."""

    driver: str
    number: str

    @property
    def arm(self) -> str:
        """The arm that asks for it: `asyncpg+uvloop==0.32.0`. No driver's name has a `=`;
        one that does must not pass for a version of another."""
        if "=" in self.driver:
            return self.slug
        return f"{self.driver}=={self.number}" if self.number else self.driver

    @property
    def label(self) -> str:
        """What a reader calls it: `asyncpg 0.32.0`."""
        return f"{self.driver} {self.number or 'of an unknown version'}"

    @property
    def slug(self) -> str:
        """The name of its files."""
        return names.version(self.driver, self.number)

    @property
    def order(self) -> tuple[Any, ...]:
        """By the driver; later versions first, and what is no version last."""
        try:
            number = Version(self.number)
        except InvalidVersion:
            return self.driver, 1, self.number
        return self.driver, 0, _Latest(number), self.number


@dataclass(frozen=True, slots=True)
class _Latest:
    """Sorts versions backwards."""

    number: Version

    def __lt__(self, other: _Latest) -> bool:
        return other.number < self.number


def of_arm(arm: ArmFacts) -> DriverVersion:
    """The version of an arm, as its library told it."""
    return DriverVersion("+".join((arm.driver, *arm.options)), arm.terms.get("version", ""))


def of_name(name: str) -> DriverVersion:
    """The same of an arm that the header of its run does not know."""
    return DriverVersion(driver_of(name) or name, "")


@dataclass(frozen=True, slots=True, order=True)
class Circumstances:
    """Where an answer came from, as far as it may decide it."""

    server: str
    python: str
    machine: str

    @property
    def told(self) -> str:
        """`PostgreSQL 18.4, Python 3.11.7, machine 5bce98f7`."""
        return f"PostgreSQL {self.server}, Python {self.python}, machine {self.machine}"


def circumstances(header: Header, arm: ArmFacts | None) -> Circumstances:
    """Those of an arm in a run."""
    machine = header.machine
    python = arm.python if arm and arm.python else machine.python
    return Circumstances(
        server=header.server.version,
        python=re.sub(r"^CPython ", "", python),
        machine=machine.key,
    )
