"""What a version said to a question, everywhere where it was asked; never an average."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.core.verdicts import Verdict
from harness.report.cards import NOT_ASKED
from harness.results.records import Check
from harness.site.versions import Circumstances

_FACETS: tuple[tuple[str, Callable[[Circumstances], str]], ...] = (
    ("PostgreSQL versions", lambda place: place.server),
    ("Python versions", lambda place: place.python),
    ("machines", lambda place: place.machine),
)


@dataclass(frozen=True, slots=True)
class PlacedVerdict:
    """A verdict, the first check that has it, and where it was so."""

    check: Check
    places: list[Circumstances]

    @property
    def verdict(self) -> Verdict:
        """What became of the question there."""
        return self.check.verdict


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """All verdicts of a version about a cell, worst first. The worst counts: what is wrong
    on some machine is wrong."""

    said: tuple[PlacedVerdict, ...]

    @property
    def worst(self) -> PlacedVerdict:
        """What counts."""
        return self.said[0]

    @property
    def conflict(self) -> str:
        """`differs between machines`; empty where all places agree."""
        return f"differs between {_between(self.said)}" if len(self.said) > 1 else ""


def answer_of(said: Iterable[PlacedVerdict]) -> SiteAnswer:
    """The answer of these verdicts. Where a question could not be asked, nothing is said
    of it, so other places decide."""
    ordered = sorted(said, key=lambda entry: -entry.verdict.severity)
    asked = [entry for entry in ordered if entry.verdict not in NOT_ASKED]
    return SiteAnswer(tuple(asked or ordered[:1]))


def _between(said: Sequence[PlacedVerdict]) -> str:
    """What tells places of one verdict from those of another."""
    for name, pick in _FACETS:
        verdicts: dict[str, set[Verdict]] = defaultdict(set)
        for entry in said:
            for place in entry.places:
                verdicts[pick(place)].add(entry.verdict)
        if all(len(found) == 1 for found in verdicts.values()):
            return name
    return "runs"
