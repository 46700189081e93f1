"""Which layers stand on a driver: wrappers and stacks, as far as they can be loaded."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.core.arms import Arm
from harness.core.errors import DriverError
from harness.plugin import contract


@dataclass(frozen=True, slots=True)
class Stacks:
    """The layers that are installed, each with what it `wraps`, and why others are not."""

    wraps: Mapping[str, str]
    problems: Mapping[str, DriverError]

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


def stacks(but_for: Collection[str] = ()) -> Stacks:
    """Load every driver that is installed, but for some that are known to be bare."""
    wraps, problems = {}, {}
    for name in contract.entry_points():
        if name in but_for:
            continue
        try:
            with contextlib.redirect_stdout(sys.stderr):  # ours may be for a program
                driver = contract.load(Arm(name))
        except DriverError as error:
            problems[name] = error
        else:
            if below := getattr(driver, "wraps", ""):
                wraps[name] = below
    return Stacks(wraps, problems)
