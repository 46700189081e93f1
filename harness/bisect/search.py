"""Where to look next, and what is left: a bisection over versions, pure.

As with `git bisect`: the middle is tried first, what cannot be decided is passed over for
its nearest neighbour, and what was passed over widens the answer if nothing narrows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Side(StrEnum):
    """On which side of the change a version is that was tried."""

    OLD = "old"
    """It does as the version before the change."""
    NEW = "new"
    """It does as the version after the change."""
    UNCLEAR = "unclear"
    """Nobody can tell."""
    ABSENT = "absent"
    """It cannot be had."""


@dataclass(frozen=True, slots=True)
class Search:
    """Versions, oldest first, and between which of them something changed.

    `old` and `new` are the places of the two that enclose the change; `passed` are the
    versions that were tried without telling on which side they are.
    """

    versions: tuple[str, ...]
    old: int
    new: int
    passed: Mapping[str, Side] = field(default_factory=dict)

    @classmethod
    def over(cls, versions: tuple[str, ...]) -> Search:
        """A search between the first of them and the last."""
        return cls(versions, 0, len(versions) - 1)

    @property
    def before(self) -> str:
        """The last version that is known to be before the change."""
        return self.versions[self.old]

    @property
    def after(self) -> str:
        """The first version that is known to be after the change."""
        return self.versions[self.new]

    @property
    def between(self) -> tuple[str, ...]:
        """The versions of which nobody knows on which side they are."""
        return self.versions[self.old + 1 : self.new]

    @property
    def following(self) -> str | None:
        """The version to try next: of those that were not tried yet, the nearest to the
        middle. None where none is left."""
        middle = (self.old + self.new) / 2
        places = range(self.old + 1, self.new)
        open_ones = [place for place in places if self.versions[place] not in self.passed]
        nearest = min(open_ones, key=lambda place: abs(place - middle), default=None)
        return None if nearest is None else self.versions[nearest]

    @property
    def tries_at_most(self) -> int:
        """How many more tries it takes, if each of them tells."""
        left = sum(version not in self.passed for version in self.between)
        return left.bit_length()

    def told(self, version: str, side: Side) -> Search:
        """The search after a version was tried."""
        place = self.versions.index(version)
        if side is Side.OLD:
            return replace(self, old=place)
        if side is Side.NEW:
            return replace(self, new=place)
        return replace(self, passed={**self.passed, version: side})


def search(start: Search, attempt: Callable[[Search, str], Side]) -> Search:
    """Try versions until none is left that could narrow the answer."""
    while (version := start.following) is not None:
        start = start.told(version, attempt(start, version))
    return start
