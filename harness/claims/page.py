"""Everything that a page of claims says; formats draw it, and compute nothing.

Sources one after the other, in each the claims by outcome: first what does not hold, last
what nobody could try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.claims.form import ClaimSource
from harness.claims.outcomes import ClaimOutcome, DecidedClaim, counted
from harness.report import format as fmt


@dataclass(frozen=True, slots=True)
class OutcomeGroup:
    """The claims of a source that came out alike."""

    outcome: ClaimOutcome
    claims: tuple[DecidedClaim, ...]


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A source and what came of its claims."""

    source: ClaimSource
    groups: tuple[OutcomeGroup, ...]

    @property
    def claims(self) -> tuple[DecidedClaim, ...]:
        """All of its claims, in the order in which they are shown."""
        return tuple(decided for group in self.groups for decided in group.claims)

    @property
    def tally(self) -> str:
        """`24 claims: 3 do not hold, 1 depends, 20 hold`."""
        return tally(self.claims)


def tally(claims: Sequence[DecidedClaim]) -> str:
    """How many claims there are, and how many have each outcome."""
    parts = [
        f"{count} {_WORDS[outcome][count > 1]}"
        for outcome, count in counted(claims).items()
    ]
    return ": ".join(filter(None, (fmt.plural(len(claims), "claim"), ", ".join(parts))))


_WORDS = {
    ClaimOutcome.HOLDS: ("holds", "hold"),
    ClaimOutcome.DOES_NOT_HOLD: ("does not hold", "do not hold"),
    ClaimOutcome.DEPENDS: ("depends", "depend"),
    ClaimOutcome.INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
    ClaimOutcome.NOT_TRIED: ("was not tried", "were not tried"),
}


@dataclass(frozen=True, slots=True)
class ClaimsPage:
    """The whole page."""

    sources: tuple[SourcePage, ...]

    @property
    def claims(self) -> tuple[DecidedClaim, ...]:
        """All claims."""
        return tuple(decided for page in self.sources for decided in page.claims)

    @property
    def tally(self) -> str:
        """How many claims there are, and how many have each outcome."""
        return tally(self.claims)

    @property
    def drifted(self) -> tuple[DecidedClaim, ...]:
        """Claims whose outcome is not that of the baseline."""
        return tuple(decided for decided in self.claims if decided.drift)

    @property
    def counts(self) -> dict[ClaimOutcome, int]:
        """How many claims have each outcome."""
        return counted(self.claims)

    @property
    def remembered(self) -> int:
        """How many outcomes are those of the baseline."""
        return sum(decided.remembered for decided in self.claims)


def build(claims: Sequence[DecidedClaim]) -> ClaimsPage:
    """The page of these claims; sources in their order."""
    by_source: dict[str, list[DecidedClaim]] = {}
    for decided in claims:
        by_source.setdefault(decided.source.id, []).append(decided)
    return ClaimsPage(tuple(map(_source_page, by_source.values())))


def _source_page(claims: Sequence[DecidedClaim]) -> SourcePage:
    groups = tuple(
        OutcomeGroup(outcome, found)
        for outcome in ClaimOutcome
        if (found := tuple(decided for decided in claims if decided.outcome is outcome))
    )
    return SourcePage(claims[0].source, groups)
