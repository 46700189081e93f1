"""Which bundles fit together: those that asked the same questions.

A question of one name that asks other work in two bundles would put answers side by side
that are none to the same. Both are named, with what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import ResultsError
from harness.core.words import listed
from harness.results import store
from harness.results.records import CellFacts

_SHOWN = 3
HINT = "combine bundles of one catalogue; make a site of its own of each other"


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle, or a results file: what it is called, the digest of the catalogue that it
    was made with, which a results file does not tell, and its runs."""

    name: str
    catalogue: str
    files: tuple[Path, ...]

    def cells(self) -> Iterator[CellFacts]:
        """The questions of its runs."""
        for file in self.files:
            yield from store.header_of(file).cells


def catalogue_of(offers: Sequence[Offer]) -> str:
    """The catalogue of all.

    Raises:
        ResultsError: two of them asked different questions; which, and how they differ.
    """
    told = [offer for offer in offers if offer.catalogue]
    for other in told[1:]:
        if other.catalogue != told[0].catalogue:
            raise _apart(told[0], other)
    known: dict[str, tuple[CellFacts, Offer]] = {}
    for offer in offers:
        for cell in offer.cells():
            first, whose = known.setdefault(cell.id, (cell, offer))
            if not first.asks_as(cell):
                raise _apart(whose, offer)
    return told[0].catalogue if told else ""


def _apart(first: Offer, other: Offer) -> ResultsError:
    digests = [offer.catalogue for offer in (first, other)]
    named = f" ({' and '.join(digests)})" if all(digests) else ""
    return ResultsError(
        f"{first.name} and {other.name} were made with different catalogues{named}: "
        f"{_difference(first, other)}",
        hint=HINT,
    )


def _difference(first: Offer, other: Offer) -> str:
    """How the questions differ that both have asked, and which only one of them has."""
    ours = {cell.id: cell for cell in first.cells()}
    theirs = {cell.id: cell for cell in other.cells()}
    both = sorted(ours.keys() & theirs.keys())
    if changed := [cell for cell in both if not ours[cell].asks_as(theirs[cell])]:
        return f"{len(changed):,} of {len(both):,} questions ask other work: {_few(changed)}"
    lacking = (
        f"{offer.name} alone asks {_few(sorted(own.keys() - same.keys()))}"
        for offer, own, same in ((first, ours, theirs), (other, theirs, ours))
        if own.keys() - same.keys()
    )
    return "; ".join(lacking) or "what both have asked is the same, the rest of it is not"


def _few(cells: Sequence[str]) -> str:
    more = [f"{len(cells) - _SHOWN:,} more"] if len(cells) > _SHOWN else []
    return listed([*cells[:_SHOWN], *more])
