"""What an arm needs installed, read from the metadata of its plug-in's distribution.

That is the one place: `pip install 'DISTRIBUTION[NAME]'` makes the driver NAME usable, so
the same extra says what an environment of it needs. The extra has one requirement that is
the library itself, whose version or source an arm may choose. An option has an extra of
its name if it needs more. The extra `arms` is what every driver of the distribution uses
where it is there. A plug-in without such an extra needs what its distribution requires.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from itertools import combinations
from typing import TYPE_CHECKING

from harness.core.arms import Arm
from harness.core.errors import DriverError
from harness.environments.interpreters import Interpreter
from harness.plugin import contract

if TYPE_CHECKING:
    from packaging.requirements import Requirement

BESIDE = "arms"
"""The extra of what is used where it is there."""

OURS = "pgdyno"
"""A worker has pgdyno's own packages already, and none of its libraries."""


_EXTRAS = "{extras}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Requirements to install together, and what they do without."""

    requirements: tuple[str, ...]
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """Requirements in the form that installers read.

    `library` is the driver's own with its version or folder, `name` that of its
    distribution, empty where anything may be built; `beside` may be missing.
    """

    library: str
    name: str
    more: tuple[str, ...]
    beside: tuple[str, ...]
    extras: tuple[str, ...] = ()

    def attempts(self, *, source: bool) -> Iterator[Attempt]:
        """What to try to install, in this order. A commit that was not released may want
        parts of itself that were not released either, such as psycopg-binary."""
        if self.beside:
            yield self._attempt(self.extras, self.beside)
        yield self._attempt(self.extras, ())
        for count in range(len(self.extras) - 1, -1, -1) if source else ():
            for extras in combinations(self.extras, count):
                yield self._attempt(extras, self.beside)

    def _attempt(self, extras: tuple[str, ...], beside: tuple[str, ...]) -> Attempt:
        listed = f"[{','.join(extras)}]" if extras else ""
        library = self.library.replace(_EXTRAS, listed)
        lacking = [f"the extra '{name}'" for name in self.extras if name not in extras]
        lacking += [text for text in self.beside if text not in beside]
        return Attempt((library, *self.more, *beside), tuple(lacking))


def needs_of(arm: Arm, interpreter: Interpreter, folder: str = "") -> Needs:
    """What an arm needs; `folder` is what its library is built from.

    Raises:
        DriverError: the plug-in's distribution does not say what the library is.
    """
    distribution = contract.distribution(arm.driver)
    known = _Known(distribution, interpreter.version)
    own = known.of_extra(arm.driver) or known.always()
    library = _library(arm, own, distribution)
    more = [requirement for requirement in own if requirement is not library]
    for option in arm.options:
        more += known.of_extra(option)
    beside = known.of_extra(BESIDE)
    return Needs(
        _pinned(library, arm, folder),
        library.name,
        tuple(map(str, more)),
        tuple(map(str, beside)),
        tuple(sorted(library.extras)),
    )


def of_driver(driver: str) -> list[Requirement]:
    """What a driver needs beside pgdyno, on the interpreter that runs.

    Raises:
        DriverError: no installed distribution brings its plug-in.
    """
    known = _Known(contract.distribution(driver), platform.python_version())
    return known.of_extra(driver) or known.always()


class _Known:
    """The requirements of a distribution, as they are for an interpreter."""

    def __init__(self, distribution: Distribution, python: str) -> None:
        from packaging.requirements import Requirement

        self._all = [Requirement(text) for text in distribution.requires or ()]
        short = ".".join(python.split(".")[:2])
        self._machine = {
            "python_version": short,
            "python_full_version": python,
        }

    def always(self) -> list[Requirement]:
        """What the distribution itself requires."""
        return self._without_marker(
            requirement for requirement in self._all if self._holds(requirement, "")
        )

    def of_extra(self, extra: str) -> list[Requirement]:
        """What an extra adds to that."""
        return self._without_marker(
            requirement
            for requirement in self._all
            if self._holds(requirement, extra) and not self._holds(requirement, "")
        )

    def _holds(self, requirement: Requirement, extra: str) -> bool:
        about: Mapping[str, str] = {**self._machine, "extra": extra}
        marker = requirement.marker
        return marker is None or marker.evaluate(dict(about))

    def _without_marker(self, found: Iterator[Requirement]) -> list[Requirement]:
        from packaging.utils import canonicalize_name

        kept = [
            requirement
            for requirement in found
            if canonicalize_name(requirement.name) != OURS
        ]
        for requirement in kept:
            requirement.marker = None
        return kept


def _library(arm: Arm, own: list[Requirement], distribution: Distribution) -> Requirement:
    """The requirement that is the driver's library: the only one, or that of its name.

    `psycopg` is that of `psycopg-async`, `sqlspec` that of `sqlspec-asyncpg`, which stands
    on another one, and `adbc-driver-postgresql` that of `adbc`.
    """
    from packaging.utils import canonicalize_name

    if len(own) == 1:
        return own[0]
    driver = canonicalize_name(arm.driver)
    names = [canonicalize_name(each.name).removesuffix("-binary") for each in own]
    for name, requirement in zip(names, own, strict=True):
        if _begins(driver, name):
            return requirement
    for name, requirement in zip(names, own, strict=True):
        if _begins(name, driver):
            return requirement
    raise DriverError(
        f"driver '{arm.driver}' does not say which library is its own",
        hint=f"the distribution {distribution.name} needs an extra '{arm.driver}' with it: "
        "see docs/writing-a-driver.md",
    )


def _begins(name: str, words: str) -> bool:
    return f"{name}-".startswith(f"{words}-")


def _pinned(library: Requirement, arm: Arm, folder: str) -> str:
    """The library's requirement, with a place for its extras."""
    if folder:
        return f"{folder}{_EXTRAS}"
    version = f"=={arm.pin.version}" if arm.pin.version else str(library.specifier)
    return f"{library.name}{_EXTRAS}{version}"
