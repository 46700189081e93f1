"""What is expected of cells, and what drifted from it. Pure.

An expectation is a verdict that was looked at, committed, and from then on held. It is
no opinion on whether the verdict is good: a driver that is `lossy` as expected passes,
and one that becomes `exact` drifts too, because somebody should know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from harness.core.verdicts import Verdict

Key = tuple[str, str]
"""A cell's id and a profile."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The verdicts a cell may have, and the library versions they were seen with.

    More than one verdict is for what flickers by nature: a race inside a driver. `traits`
    is what a fact without right or wrong was, where the cell asks for one; it may flicker,
    too.
    """

    verdicts: tuple[Verdict, ...]
    version: str = ""
    traits: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """`exact`, or `exact or hung`."""
        return " or ".join(self.verdicts)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is expected of one driver on one major version of the server."""

    driver: str
    server: int
    cells: Mapping[Key, Expectation] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The library versions that most of it was made with."""
        tally = Counter(expectation.version for expectation in self.cells.values())
        return max(tally, key=lambda version: (tally[version], version), default="")


@dataclass(frozen=True, slots=True)
class Changes:
    """How many expectations an update added, changed and removed."""

    added: int
    changed: int
    removed: int

    def __str__(self) -> str:
        return f"{self.added} new, {self.changed} changed, {self.removed} removed"


def version_of(terms: Mapping[str, str]) -> str:
    """The versions that decide a verdict: `psycopg 3.3.4, libpq 18.0`; of terms."""
    if not terms:
        return ""
    libpq = terms.get("libpq", "none")
    suffix = "" if libpq.startswith("none") else f", libpq {libpq}"
    return f"{terms['library']} {terms['version']}{suffix}"


def drift(
    expected: Expectation,
    verdict: Verdict,
    version: str,
    *,
    trait: str = "",
    lacking: bool = False,
) -> str:
    """What changed, for people; empty if nothing did.

    `lacking` says that the server lacks what the cell needs, and `invalid` is our own
    fault: neither says anything about the driver.
    """
    if verdict is Verdict.INVALID or (lacking and verdict is Verdict.SKIPPED):
        return ""
    told = f"{verdict} instead of {expected.text}"
    if verdict in expected.verdicts:
        if not expected.traits or not trait or trait in expected.traits:
            return ""
        told = f"{trait}, instead of {' or '.join(expected.traits)}"
    if not version or not expected.version:
        return told
    if version != expected.version:
        return f"{told}; the version differs: {version} instead of {expected.version}"
    return f"{told}, with the same version: {version}"


def updated(
    baseline: Baseline,
    found: Mapping[Key, Verdict],
    version: str,
    gone: Collection[str] = (),
    traits: Mapping[Key, str] | None = None,
) -> Baseline:
    """The baseline with the expectations of the cells that were checked.

    Cells that were not checked keep theirs; those that are `gone`, because no scenario
    has them any more, lose it. Several allowed verdicts stay if one of them was found.
    What the server lacks and what is our own fault is no expectation.
    """
    kept = {
        key: expectation
        for key, expectation in baseline.cells.items()
        if key[0] not in gone
    }
    for key, verdict in found.items():
        if verdict in (Verdict.SKIPPED, Verdict.INVALID):
            continue
        before = kept.get(key)
        trait = (traits or {}).get(key, "")
        seen = (trait,) if trait else ()
        if before is None or verdict not in before.verdicts:
            kept[key] = Expectation((verdict,), version, seen)
        elif trait in before.traits or (verdict is not Verdict.EXACT and not trait):
            kept[key] = replace(before, version=version)
        else:
            kept[key] = replace(before, version=version, traits=seen)
    return replace(baseline, cells=kept)


def changes(before: Baseline, after: Baseline) -> Changes:
    """What an update did; another version alone is no change."""
    shared = before.cells.keys() & after.cells.keys()
    return Changes(
        added=len(after.cells.keys() - before.cells.keys()),
        changed=sum(
            before.cells[key].verdicts != after.cells[key].verdicts
            or before.cells[key].traits != after.cells[key].traits
            for key in shared
        ),
        removed=len(before.cells.keys() - after.cells.keys()),
    )
