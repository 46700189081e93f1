"""The whole guide: who moves where, what to know before, and the groups of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.arms import driver_of
from harness.core.verdicts import Verdict
from harness.moving.entries import Part, parts_of
from harness.moving.fixes import Book, Snippet
from harness.moving.groups import NO_ANSWER, CellPair, Group, classify, pair_of
from harness.results.records import CellFacts, Check, Run


@dataclass(frozen=True, slots=True)
class DriverSide:
    """One of the two drivers: its terms, and whether it is awaited."""

    name: str
    kind: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """`psycopg2 2.9.12`; `psycopg2==2.9.12` has said it."""
        version = self.terms.get("version", "")
        return (
            self.name if f"=={version}" in self.name else f"{self.name} {version}".strip()
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know before the first line is changed."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class CodePair:
    """The same task in the code of both libraries."""

    task: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Guide:
    """The whole migration report."""

    a: DriverSide
    b: DriverSide
    profile: str
    server: str
    compared: int
    alike: int
    alike_not_exact: int
    neither: int
    not_comparable: int
    facts: tuple[Notice, ...]
    terms: tuple[tuple[str, str, str], ...]
    code: tuple[CodePair, ...]
    parts: tuple[Part, ...]
    workload: tuple[str, ...] = ()
    """What the move changes for the mixes that were timed, each in a sentence or two."""

    @property
    def changed(self) -> frozenset[str]:
        """The cells that come out otherwise, and not just better or with another error."""
        kept = (Group.BETTER, Group.OTHER_ERROR)
        parts = (part for part in self.parts if part.group not in kept)
        return frozenset(
            cell for part in parts for entry in part.entries for cell in entry.cells
        )

    def count(self, group: Group) -> int:
        """How many cells a group has."""
        return sum(part.cells for part in self.parts if part.group is group)


_TERMS = {
    "placeholders": "placeholders",
    "autocommit": "autocommit",
    "row_shape": "rows",
    "kind": "called or awaited",
    "pool": "pool",
    "statement_cache": "prepared statements",
    "wire_parameters": "parameters",
    "wire_results": "results",
    "implementation": "written in",
    "libpq": "libpq",
    "loop": "event loop",
}
_KINDS = {"sync": "called (sync)", "async": "awaited (asyncio)", "": ""}


def build(run: Run, a: DriverSide, b: DriverSide, profile: str, book: Book) -> Guide:
    """The guide from A to B, from the checks of one run."""
    pairs, not_comparable = _pairs(run, a.name, b.name, profile)
    groups = [classify(pair) for pair in pairs]
    alike = [
        pair
        for pair, group in zip(pairs, groups, strict=True)
        if group is None and pair.before is pair.after
    ]
    return Guide(
        a=a,
        b=b,
        profile=profile,
        server=f"PostgreSQL {run.header.server.version}",
        compared=len(pairs),
        alike=len(alike),
        alike_not_exact=sum(pair.before is not Verdict.EXACT for pair in alike),
        neither=groups.count(None) - len(alike),
        not_comparable=not_comparable,
        facts=_facts(a, b, book),
        terms=_terms(a, b),
        code=_code(a.name, b.name, book.snippets),
        parts=parts_of(pairs, book, a.name, b.name),
    )


def _pairs(run: Run, a: str, b: str, profile: str) -> tuple[list[CellPair], int]:
    """The cells that both were asked, and how many of these had no answer at all."""
    cells: Mapping[str, CellFacts] = {facts.id: facts for facts in run.header.cells}
    before, after = (_checks(run, driver) for driver in (a, b))
    pairs = []
    for cell in before:
        asked = profile_of(profile, before[cell], after.get(cell, {}))
        if asked:
            sides = before[cell][asked], after[cell][asked]
            pairs.append(pair_of(cells.get(cell), *sides))
    kept = [
        pair
        for pair in pairs
        if pair.before not in NO_ANSWER and pair.after not in NO_ANSWER
    ]
    return kept, len(pairs) - len(kept)


def _checks(run: Run, driver: str) -> dict[str, dict[str, Check]]:
    """A driver's checks, by cell and profile."""
    found: dict[str, dict[str, Check]] = {}
    for check in run.checks:
        if check.driver == driver:
            found.setdefault(check.cell, {})[check.profile] = check
    return found


def profile_of(wanted: str, before: Mapping[str, Check], after: Mapping[str, Check]) -> str:
    """In which profile two drivers' checks of a cell are compared; empty if in none.

    A cell for which registrations make no difference is played in one profile only, so
    where nobody has the wanted one, another one that both have tells the same.
    """
    if wanted in before or wanted in after:
        return wanted if wanted in before and wanted in after else ""
    return next((profile for profile in before if profile in after), "")


def _facts(a: DriverSide, b: DriverSide, book: Book) -> tuple[Notice, ...]:
    before, after = ({**side.terms, "kind": side.kind} for side in (a, b))
    facts = []
    for term, topic in _TERMS.items():
        text = book.fact(term, a.name, b.name, before.get(term, ""), after.get(term, ""))
        if text:
            facts.append(Notice(topic, text))
    return tuple(facts)


def _terms(a: DriverSide, b: DriverSide) -> tuple[tuple[str, str, str], ...]:
    rows = [("version", a.terms.get("version", ""), b.terms.get("version", ""))]
    for term, title in _TERMS.items():
        values = [
            _KINDS.get(side.kind, side.kind) if term == "kind" else side.terms.get(term, "")
            for side in (a, b)
        ]
        rows.append((title, values[0], values[1]))
    return tuple(row for row in rows if row[1] or row[2])


def _code(a: str, b: str, snippets: Sequence[Snippet]) -> tuple[CodePair, ...]:
    if driver_of(a) == driver_of(b):
        return ()  # another version of the library is written alike
    by_driver: dict[str, dict[str, str]] = {}
    for snippet in snippets:
        by_driver.setdefault(snippet.driver, {})[snippet.task] = snippet.code
    before = by_driver.get(driver_of(a), {})
    after = by_driver.get(driver_of(b), {})
    return tuple(
        CodePair(task, code, after[task]) for task, code in before.items() if task in after
    )
