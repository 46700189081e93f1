"""Which bundles fit together: those that asked the same questions.

A question of one name that asks other work in two bundles would put answers side by side
that answer different things. Both bundles are named, with what differs. That one of them
has questions which the other was not asked is no difference: a part of a catalogue fits
the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import ResultsError
from harness.core.words import listed
from harness.results import store
from harness.results.records import CellFacts, Header

_SHOWN = 3
HINT = "combine bundles of one catalogue; the others make a site of their own"


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle, or a results file: what it is called, and its runs."""

    name: str
    files: tuple[Path, ...]

    def headers(self) -> Iterator[Header]:
        """What its runs say of themselves.

        Raises:
            ResultsError: a file cannot be read, or has a schema that nobody here knows.
        """
        for file in self.files:
            try:
                yield store.header_of(file)
            except ResultsError as error:
                told = str(error).replace(str(file), self._called(file))
                raise ResultsError(told, hint=error.hint) from error

    def cells(self) -> dict[str, CellFacts]:
        """The questions of its runs, by their ids."""
        return {cell.id: cell for header in self.headers() for cell in header.cells}

    @property
    def made_by(self) -> str:
        """Its name and who made it: `a.pgdyno.zip (pgdyno 0.1.0)`."""
        versions = sorted({header.pgdyno for header in self.headers()})
        return f"{self.name} (pgdyno {listed(versions)})"

    def _called(self, file: Path) -> str:
        return self.name if self.name == str(file) else f"{self.name}, {file.name}"


def check_fit(offers: Sequence[Offer]) -> None:
    """Refuse bundles that cannot stand side by side.

    Raises:
        ResultsError: two of them asked different questions of the same name.
    """
    known: dict[str, tuple[CellFacts, Offer]] = {}
    for offer in offers:
        for header in offer.headers():
            for cell in header.cells:
                first, whose = known.setdefault(cell.id, (cell, offer))
                if not first.asks_as(cell):
                    raise _apart(whose, offer, cell.id)


def _apart(first: Offer, other: Offer, cell: str) -> ResultsError:
    """How the questions differ that both have asked, this cell among them, and how many
    only either has."""
    ours, theirs = first.cells(), other.cells()
    both = sorted(ours.keys() & theirs.keys())
    changed = [name for name in both if not ours[name].asks_as(theirs[name])] or [cell]
    told = f"{len(changed):,} of the {len(both):,} questions of both ask other work"
    return ResultsError(
        f"{first.made_by} and {other.made_by} have different catalogues: "
        f"{told}: {_few(changed)}; {len(ours) - len(both):,} questions are only in the "
        f"first, {len(theirs) - len(both):,} only in the second",
        hint=HINT,
    )


def _few(cells: Sequence[str]) -> str:
    more = [f"{len(cells) - _SHOWN:,} more"] if len(cells) > _SHOWN else []
    return listed([*cells[:_SHOWN], *more])
