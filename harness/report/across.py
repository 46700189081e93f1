"""What several runs say together: of machines, and of versions, Pythons and servers.

Runs are given one after the other and may be let go: what is kept of each is little.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.machines import MachineBlocks
from harness.analysis.variant_times import VariantTimes
from harness.analysis.variants import Variants, vary
from harness.report.machines import MachinesView, machines_view
from harness.report.variants import VariantsView, variants_view
from harness.results.records import Run


class Across:
    """Takes runs and says what they say together. `base` is the driver to which machines'
    ratios are taken; unless it is named, the first one of the first run of times."""

    def __init__(self, base: str = "") -> None:
        self._blocks = MachineBlocks(base)
        self._variants = Variants()
        self._times = VariantTimes()

    def add(self, run: Run, *, machines: bool = True, variants: bool = True) -> None:
        """Take a run; its ratios unless there is a single machine only, its verdicts unless
        every driver has a single column."""
        if machines:
            self._blocks.add(run)
        if variants:
            self._variants.add(run)
        self._times.add(run)

    def machines(self) -> MachinesView | None:
        """What machines say together; None of a single machine."""
        return machines_view(self._blocks.result())

    def variants(self) -> VariantsView | None:
        """Where versions, Pythons and servers differ; None where none of them varies."""
        return variants_view(self._variants.result(), self._times)


def across(runs: Sequence[Run], base: str = "") -> Across:
    """Several runs, taken."""
    together = Across(base)
    several = len({run.header.machine.fingerprint for run in runs}) > 1
    varied = vary(run.header for run in runs)
    for run in runs:
        together.add(run, machines=several, variants=varied)
    return together
