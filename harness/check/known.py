"""What is known of cells before they are checked: expectations and declared deviations.

Every check is marked with it as soon as it is judged, so that a results file tells the
whole story, and whoever reads it needs neither baselines nor drivers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.check import baseline_files, deviations, expectations
from harness.check.deviations import Deviation
from harness.check.expectations import Baseline, Expectation
from harness.core.arms import Arm
from harness.core.catalogue import Catalogue
from harness.core.conditions import DIRECT, parted
from harness.core.verdicts import Verdict
from harness.plugin import contract
from harness.results.records import Check


class Known:
    """Expectations and deviations of the drivers of one run on one server."""

    def __init__(
        self,
        server: int,
        baselines: Mapping[str, Baseline],
        deviations: Mapping[str, tuple[Deviation, ...]],
    ) -> None:
        self.server = server
        self.baselines = baselines
        self.deviations = deviations
        self._below: dict[str, tuple[Deviation, ...]] = {}

    def mark(self, check: Check, terms: Mapping[str, str], *, lacking: bool) -> Check:
        """The check with what was known of its cell, and what of that has changed.

        Args:
            check: as it was judged.
            terms: what its driver said of itself, empty if none started.
            lacking: the server lacks what the cell needs.

        Raises:
            DriverError: a deviation of a driver below this one is wrong.
        """
        verdict = Verdict(check.verdict)
        expected = self._expectation(check)
        deviation = self._deviation(check, verdict, terms)
        version = expectations.version_of(terms)
        told = []
        if expected is not None:
            told.append(
                expectations.drift(
                    expected, verdict, version, trait=check.trait, lacking=lacking
                )
            )
        if deviation is not None and _plain(check):
            told.append(deviation.ended(verdict))
        holds = deviation is not None and verdict in deviation.verdicts
        return check.marked(
            expected_verdict=expected.text if expected else "",
            drift="; ".join(filter(None, told)),
            deviation=deviation.reason if deviation and holds else "",
            link=deviation.link if deviation and holds else "",
        )

    def _deviation(
        self, check: Check, verdict: Verdict, terms: Mapping[str, str]
    ) -> Deviation | None:
        """The driver's own for this cell, or one that it inherits."""
        own = self.deviations.get(check.driver, ())
        return deviations.find(own, check.cell, check.profile) or deviations.inherited(
            map(self._declared, contract.stands_on(terms)), check.cell, verdict
        )

    def _declared(self, driver: str) -> tuple[Deviation, ...]:
        """What is declared beside a driver that others stand on; each file is read once."""
        if driver not in self._below:
            self._below[driver] = deviations.load(driver)
        return self._below[driver]

    def _expectation(self, check: Check) -> Expectation | None:
        found = self.baselines.get(check.driver)
        return found.cells.get((check.cell, check.profile)) if found else None

    def new(self, checks: Iterable[Check]) -> int:
        """How many cells have no expectation, of drivers of which something is expected."""
        return sum(
            not check.expected_verdict
            for check in checks
            if check.driver in self.baselines
            and _plain(check)
            and check.verdict not in (Verdict.SKIPPED, Verdict.INVALID)
        )


def _plain(check: Check) -> bool:
    """Whether it was over a plain connection: of those there are expectations."""
    return parted(check.cell)[1] == DIRECT


def load(folder: Path, server: int, arms: Iterable[Arm], known: Catalogue) -> Known:
    """What is known of these arms' drivers; `known` has the cells that there are.

    Raises:
        ResultsError: a baseline cannot be read.
        DriverError: a deviation is wrong, or names no cell that there is.
    """
    found = read(folder, server, arms)
    for declarations in found.deviations.values():
        deviations.check_names(declarations, known)
    return found


def read(folder: Path, server: int, arms: Iterable[Arm]) -> Known:
    """The same where not all cells are known, so that no name can be checked.

    Raises:
        ResultsError: a baseline cannot be read.
        DriverError: a deviation is wrong.
    """
    drivers = {arm.name: arm for arm in arms}
    declared = {name: deviations.load(arm.driver) for name, arm in drivers.items()}
    found = {
        name: baseline_files.load(folder, server, arm.unpinned)
        for name, arm in drivers.items()
    }
    expected = {name: baseline for name, baseline in found.items() if baseline is not None}
    return Known(server, expected, declared)


def fails(check: Check, fail_on: Verdict) -> bool:
    """Whether a check fails a run: by drift, or by being bad and a surprise."""
    if check.drift:
        return True
    if check.expected_verdict or check.deviation:
        return False
    return Verdict(check.verdict).severity >= fail_on.severity
