"""Which layers stand on a driver: wrappers and stacks, as far as they can be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.errors import PgdynoError


@dataclass(frozen=True, slots=True)
class Stacks:
    """The layers that are installed, each with what it `wraps`, and why others are not."""

    wraps: Mapping[str, str]
    problems: Mapping[str, PgdynoError]

    def bare(self, driver: str) -> str:
        """The driver below all layers; itself if it is none."""
        return self.chain(driver)[0]

    def chain(self, driver: str) -> list[str]:
        """From the bare driver up to this one."""
        found = [driver]
        while (below := self.wraps.get(found[0], "")) and below not in found:
            found.insert(0, below)
        return found

    def on(self, driver: str) -> list[str]:
        """The layers on a bare driver: those right on it first, then by their names."""
        chains = [self.chain(name) for name in sorted(self.wraps)]
        above = [chain for chain in chains if chain[0] == driver]
        return [chain[-1] for chain in sorted(above, key=len)]

    def missing(self, driver: str) -> list[str]:
        """Those that would stand on a driver if they could be loaded, by their names: a
        layer that cannot be imported does not say what it wraps."""
        return sorted(name for name in self.problems if name.endswith(f"-{driver}"))


def candidates(drivers: list[str], known: Mapping[str, str]) -> list[str]:
    """Who may be a layer on one of these drivers or below one, of plug-ins by name with
    their places. pgdyno's own are called LAYER-DRIVER; others may have any name."""
    ends = {end for driver in drivers for end in _ends(driver)}
    return [
        name
        for name, place in known.items()
        if not place.startswith("harness.")
        or name in drivers
        or any(name.endswith(f"-{end}") for end in ends)
    ]


def _ends(name: str) -> list[str]:
    """`orm-asyncpg` → itself and `asyncpg`."""
    words = name.split("-")
    return ["-".join(words[start:]) for start in range(len(words))]
