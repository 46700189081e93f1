"""The conformance part of a report: cells × (driver, profile), worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.core.arms import PROFILES
from harness.core.verdicts import Verdict
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
class Span:
    """What one driver says of a cell, over so many of its columns."""

    check: Check | None
    driver: str
    width: int
    profiles: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One cell: its entries stand in the order of the columns, None where unchecked."""

    cell: str
    case: str
    entries: tuple[Check | None, ...]
    columns: tuple[Column, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """The entries, those of a driver's profiles as one where they say the same.

        Cells that a profile cannot change are checked in one; the driver has one answer.
        """
        spans: list[Span] = []
        for entry, column in zip(self.entries, self.columns, strict=True):
            last = spans[-1] if spans else None
            if last and last.driver == column.driver and _alike(last.check, entry):
                spans[-1] = replace(
                    last, check=last.check or entry, width=last.width + 1, profiles="both"
                )
            else:
                spans.append(Span(entry, column.driver, 1, column.profile))
        return tuple(spans)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts that occur, worst first."""
        found = {Verdict(entry.verdict) for entry in self.entries if entry}
        return tuple(sorted(found, key=lambda verdict: (-concern(verdict), verdict)))


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


def tally(counts: Mapping[Verdict, int]) -> str:
    """`64 exact, 1 differs, …`: exact first, then the worst."""
    order = sorted(
        counts,
        key=lambda verdict: (verdict is not Verdict.EXACT, -concern(verdict), verdict),
    )
    return ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in order)


def build(checks: Sequence[Check]) -> Matrix:
    """The matrix of some checks, in whatever order they come."""
    found = {(check.cell, check.driver, check.profile): check for check in checks}
    keys = _column_keys(checks)
    by_scenario: dict[str, dict[str, Check]] = {}
    for check in checks:
        by_scenario.setdefault(check.scenario, {}).setdefault(check.cell, check)
    columns = tuple(_column(key, list(found.values())) for key in keys)
    sections = [
        Section(scenario, _rows(cells, columns, found))
        for scenario, cells in by_scenario.items()
    ]
    return Matrix(
        columns=columns,
        sections=tuple(sorted(sections, key=_worst_section)),
        counts=_counts(found.values()),
    )


def _column_keys(checks: Sequence[Check]) -> list[tuple[str, str]]:
    drivers = list(dict.fromkeys(check.driver for check in checks))
    profiles: list[str] = [*PROFILES, *sorted({check.profile for check in checks})]
    keys = {(check.driver, check.profile) for check in checks}
    return sorted(keys, key=lambda key: (drivers.index(key[0]), profiles.index(key[1])))


def _column(key: tuple[str, str], checks: Sequence[Check]) -> Column:
    return Column(
        *key, _counts(check for check in checks if (check.driver, check.profile) == key)
    )


def _counts(checks: Iterable[Check]) -> dict[Verdict, int]:
    """Only verdicts that occur, in the order of their concern."""
    tally = Counter(Verdict(check.verdict) for check in checks)
    return dict(sorted(tally.items(), key=lambda item: (-concern(item[0]), item[0])))


def _rows(
    cells: Mapping[str, Check],
    columns: tuple[Column, ...],
    found: Mapping[tuple[str, str, str], Check],
) -> tuple[MatrixRow, ...]:
    keys = [(column.driver, column.profile) for column in columns]
    rows = [
        MatrixRow(
            cell, _case(check), tuple(found.get((cell, *key)) for key in keys), columns
        )
        for cell, check in cells.items()
    ]
    return tuple(sorted(rows, key=_worst_row))


def _alike(check: Check | None, other: Check | None) -> bool:
    """Whether two profiles of a driver say the same of a cell, or one of them nothing."""
    if check is None or other is None:
        return True
    told = ("verdict", "code", "detail", "observed", "expected", "drift", "deviation")
    return all(getattr(check, name) == getattr(other, name) for name in told)


def _case(check: Check) -> str:
    """The cell without its scenario: the case and its point."""
    return check.cell.partition("#")[2] or check.case


def _worst_row(row: MatrixRow) -> tuple[list[int], str]:
    """Worst verdict first, then how many columns share it, then the next worst."""
    concerns = sorted(
        (concern(Verdict(entry.verdict)) for entry in row.entries if entry), reverse=True
    )
    return [-level for level in concerns], row.cell


def _worst_section(section: Section) -> tuple[list[int], str]:
    return _worst_row(section.rows[0])[0], section.scenario
