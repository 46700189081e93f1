"""The conformance part of a report: cells × (driver, profile), worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.model import PROFILES, Verdict
from harness.results.records import Check


@dataclass(frozen=True, slots=True)
class Column:
    """A driver in a profile, with how often it got which verdict."""

    driver: str
    profile: str
    counts: Mapping[Verdict, int]

    @property
    def label(self) -> str:
        """`psycopg, default`."""
        return f"{self.driver}, {self.profile}"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One cell: its entries stand in the order of the columns, None where unchecked."""

    cell: str
    case: str
    entries: tuple[Check | None, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts that occur, worst first."""
        found = {Verdict(one.verdict) for one in self.entries if one}
        return tuple(sorted(found, key=lambda one: (-concern(one), one)))


@dataclass(frozen=True, slots=True)
class Section:
    """The cells of one scenario, worst first."""

    scenario: str
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The conformance matrix of one run."""

    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    counts: Mapping[Verdict, int]

    @property
    def rows(self) -> tuple[MatrixRow, ...]:
        """All cells, in the order of the sections."""
        return tuple(row for section in self.sections for row in section.rows)

    @property
    def drivers(self) -> tuple[str, ...]:
        """The drivers, once each, in the order of the columns."""
        return tuple(dict.fromkeys(column.driver for column in self.columns))

    @property
    def scenarios(self) -> int:
        """How many scenarios were checked."""
        return len(self.sections)


def concern(verdict: Verdict) -> int:
    """What to show first: severity, then our own faults, then what is exact."""
    if verdict is Verdict.INVALID:
        return 1
    return 0 if verdict is Verdict.EXACT else verdict.severity + 1


def build(checks: Sequence[Check]) -> Matrix:
    """The matrix of some checks, in whatever order they come."""
    found = {(one.cell, one.driver, one.profile): one for one in checks}
    keys = _column_keys(checks)
    by_scenario: dict[str, dict[str, Check]] = {}
    for one in checks:
        by_scenario.setdefault(one.scenario, {}).setdefault(one.cell, one)
    sections = [
        Section(scenario, _rows(cells, keys, found))
        for scenario, cells in by_scenario.items()
    ]
    return Matrix(
        columns=tuple(_column(key, list(found.values())) for key in keys),
        sections=tuple(sorted(sections, key=_worst_section)),
        counts=_counts(found.values()),
    )


def _column_keys(checks: Sequence[Check]) -> list[tuple[str, str]]:
    drivers = list(dict.fromkeys(one.driver for one in checks))
    profiles: list[str] = [*PROFILES, *sorted({one.profile for one in checks})]
    keys = {(one.driver, one.profile) for one in checks}
    return sorted(keys, key=lambda key: (drivers.index(key[0]), profiles.index(key[1])))


def _column(key: tuple[str, str], checks: Sequence[Check]) -> Column:
    return Column(*key, _counts(one for one in checks if (one.driver, one.profile) == key))


def _counts(checks: Iterable[Check]) -> dict[Verdict, int]:
    """Only verdicts that occur, in the order of their concern."""
    tally = Counter(Verdict(one.verdict) for one in checks)
    return dict(sorted(tally.items(), key=lambda item: (-concern(item[0]), item[0])))


def _rows(
    cells: Mapping[str, Check],
    keys: Sequence[tuple[str, str]],
    found: Mapping[tuple[str, str, str], Check],
) -> tuple[MatrixRow, ...]:
    rows = [
        MatrixRow(cell, _case(one), tuple(found.get((cell, *key)) for key in keys))
        for cell, one in cells.items()
    ]
    return tuple(sorted(rows, key=_worst_row))


def _case(check: Check) -> str:
    """The cell without its scenario: the case and its point."""
    return check.cell.partition("#")[2] or check.case


def _worst_row(row: MatrixRow) -> tuple[list[int], str]:
    """Worst verdict first, then how many columns share it, then the next worst."""
    concerns = sorted(
        (concern(Verdict(one.verdict)) for one in row.entries if one), reverse=True
    )
    return [-one for one in concerns], row.cell


def _worst_section(section: Section) -> tuple[list[int], str]:
    return _worst_row(section.rows[0])[0], section.scenario
