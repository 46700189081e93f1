"""One column of a run: a driver, its options and its profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Profile = Literal["default", "configured"]

Kind = Literal["sync", "async", "program"]

PROFILES: tuple[Profile, ...] = ("default", "configured")


@dataclass(frozen=True, slots=True)
class Arm:
    """One column of a run: a driver, its options, and which copy of it (A/A).

    `burden` is the share of its own time by which every op is made slower, to see whether
    a comparison finds that; None for an arm as it is. `reference` says what the arm is a
    reference for; empty for a driver, which competes.
    """

    driver: str
    options: tuple[str, ...] = ()
    profile: Profile = "configured"
    copy: int = 0
    burden: float | None = None
    reference: str = ""

    @property
    def name(self) -> str:
        """The driver as a user spells it: `asyncpg+uvloop`."""
        return "+".join((self.driver, *self.options))

    @property
    def id(self) -> str:
        """Unique in a run; the second copy of a driver is its A/A arm."""
        if self.burden is not None:
            return f"{self.name} (+{self.burden:.1%}, {self.copy})"
        return f"{self.name} (A/A)" if self.copy else self.name
