"""The steps of a bisection: versions are run side by side, judged, and told.

What runs them is handed in, so that tests answer with runs that were made up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.bisect.contrasts import Contrast, Question, contrast, placed
from harness.bisect.search import Search, Side, search
from harness.core.errors import DriverError
from harness.results.records import Run


class Runs(Protocol):
    """Versions side by side in one run."""

    def arm(self, version: str) -> str:
        """The id of the arm that is this version."""

    def prepare(self, version: str) -> None:
        """Get a version; raises `DriverError` where it cannot be had."""

    def run(self, versions: Sequence[str], cells: Sequence[str], *, more: bool) -> Run:
        """A run of these cells with these versions as arms; with `more`, one of more
        rounds. What was measured before is read."""


Tell = Callable[[str], None]


@dataclass(slots=True)
class Steps:
    """The steps from two versions that differ in a cell to the version that made it so.

    `evidence` compares the two versions that enclose the change, in the run of the last
    step that moved one of them; at the start it is that of the ends. `reasons` say why
    versions were passed over.
    """

    question: Question
    runs: Runs
    cell: str
    evidence: Contrast
    tell: Tell
    reasons: dict[str, str] = field(default_factory=dict)

    def search(self, versions: Sequence[str]) -> Search:
        """The search, to its end."""
        return search(Search.over(tuple(versions)), self._attempt)

    def _attempt(self, at: Search, version: str) -> Side:
        for more in (False, True):
            try:
                side = self._tried(at, version, more=more)
            except DriverError as error:
                self.reasons[version] = "it cannot be had"
                self.tell(f"{version}: passed over, {error}")
                return Side.ABSENT
            if side is not Side.UNCLEAR:
                return side
            then = "it is passed over" if more else "more rounds"
            self.tell(f"  inconclusive: {then}")
        self.reasons[version] = "it is inconclusive"
        return Side.UNCLEAR

    def _tried(self, at: Search, version: str, *, more: bool) -> Side:
        """Compare a version with both ends, in one run with them."""
        self.runs.prepare(version)
        versions = (at.before, version, at.after)
        run = self.runs.run(versions, [self.cell], more=more)
        old, tried, new = map(self.runs.arm, versions)
        require_part(run, tried)
        first, second, whole = (
            contrast(self.question, run, self.cell, *pair)
            for pair in ((old, tried), (tried, new), (old, new))
        )
        side = placed(first, second, whole, worse=self.evidence.worse)
        self._tell(at, version, (first, second, whole), run)
        if side in (Side.OLD, Side.NEW):
            self.evidence = second if side is Side.OLD else first
            self.tell(f"  changed {'after' if side is Side.OLD else 'by'} {version}")
        return side

    def _tell(self, at: Search, version: str, found: Sequence[Contrast], run: Run) -> None:
        pairs = ((at.before, version), (version, at.after), (at.before, at.after))
        self.tell(f"{version} ({Path(run.path).name})")
        for (before, after), told in zip(pairs, found, strict=True):
            self.tell(f"  {f'{before} → {after}':<20} {told.said}")


def ends(
    question: Question, runs: Runs, first: str, last: str, cells: Sequence[str]
) -> list[Contrast]:
    """What of these cells differs between two versions, the clearest change for the worse
    first; if none does, what is inconclusive is given more rounds once.

    Raises:
        DriverError: one of the two cannot be had.
    """
    for version in (first, last):
        runs.prepare(version)
    found = _ends(question, runs, first, last, cells, more=False)
    undecided = [told.cell for told in found if told.changed is None and not told.blocked]
    if undecided and not any(told.changed for told in found):
        again = _ends(question, runs, first, last, undecided, more=True)
        found = [told for told in found if told.cell not in undecided] + again
    return sorted(found, key=lambda told: (not told.changed, not told.worse, -told.size))


def _ends(
    question: Question,
    runs: Runs,
    first: str,
    last: str,
    cells: Sequence[str],
    *,
    more: bool,
) -> list[Contrast]:
    run = runs.run((first, last), cells, more=more)
    arms = [runs.arm(version) for version in (first, last)]
    for arm in arms:
        require_part(run, arm)
    return list(question.contrasts(run, arms[0], arms[1]))


def require_part(run: Run, arm: str) -> None:
    """Refuse a run in which an arm had no part; raises `DriverError` that says why."""
    for facts in run.header.arms:
        if facts.id == arm and facts.problem:
            raise DriverError(facts.problem)
