"""What claims need and the evidence lacks: cells to play, questions to ask, times. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.claims import form
from harness.claims.asking import LibraryQuestion
from harness.claims.deciding import parts_of
from harness.claims.evidence import Evidence, means
from harness.claims.form import AnyCondition, listed
from harness.claims.naming import because_of, unknown_driver
from harness.claims.outcomes import ClaimOutcome
from harness.core.arms import Arm, Profile
from harness.core.cells import Cell
from harness.plugin import contract

_UNDECIDED = (ClaimOutcome.NOT_TRIED, ClaimOutcome.INCONCLUSIVE)
TIMES = "time"
MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class DriverCells:
    """The cells that a driver has still to play, in its profiles."""

    arms: tuple[Arm, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Measuring:
    """The cells and arms of one bench run, of one lane."""

    lane: str
    cells: tuple[str, ...]
    arms: tuple[str, ...]


def cells(
    conditions: Iterable[AnyCondition], catalogue: Sequence[Cell], evidence: Evidence
) -> list[DriverCells]:
    """What is to play, driver by driver; drivers that nobody brings are left out."""
    wanted: dict[tuple[str, Profile], dict[str, Cell]] = {}
    for condition in _played(conditions):
        for driver in listed(condition.driver):
            key = (driver, condition.profile)
            for cell in _meant(condition, catalogue):
                if (cell.id, *key) not in evidence.played and not unknown_driver(driver):
                    wanted.setdefault(key, {})[cell.id] = cell
    return [
        DriverCells((contract.parse_arm(driver, profile),), tuple(found.values()))
        for (driver, profile), found in wanted.items()
    ]


def _played(
    conditions: Iterable[AnyCondition],
) -> Iterator[form.CellCondition | form.CountCondition]:
    for condition in conditions:
        if isinstance(condition, form.CellCondition | form.CountCondition):
            yield condition
        yield from because_of(condition)


def _meant(
    condition: form.CellCondition | form.CountCondition, catalogue: Sequence[Cell]
) -> Iterator[Cell]:
    """The cells of a condition; of a pattern those that a check of everything plays."""
    for pattern in listed(condition.cell):
        exact = [cell for cell in catalogue if cell.id == pattern]
        yield from exact or (
            cell for cell in catalogue if cell.checked and means(pattern, cell.id)
        )


def questions(
    conditions: Iterable[AnyCondition], evidence: Evidence
) -> list[LibraryQuestion]:
    """What libraries are to be asked, each question once; again where there was none to
    answer."""
    found: dict[str, LibraryQuestion] = {}
    for condition in conditions:
        if isinstance(condition, form.InspectCondition | form.ProgramCondition):
            asked = LibraryQuestion(condition.driver, condition)
            said = evidence.said.get(asked.digest)
            if said is None or said.problem:
                found.setdefault(asked.digest, asked)
    return list(found.values())


def times(conditions: Iterable[AnyCondition], evidence: Evidence) -> list[Measuring]:
    """What is to be measured: of the same arms and lane in one run."""
    wanted: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    for condition in conditions:
        if isinstance(condition, form.MemoryCondition):
            lane, arms = MEMORY, [condition.driver, *filter(None, [condition.against])]
        elif isinstance(condition, form.CompareCondition | form.TimeCondition):
            lane, arms = TIMES, getattr(condition, "arms", []) or [condition.driver]
        else:
            continue
        if any(map(unknown_driver, arms)) or not _open(condition, evidence):
            continue
        named = list(getattr(condition, "cells", ())) or listed(condition.cell)
        wanted.setdefault((lane, tuple(sorted(arms))), {}).update(dict.fromkeys(named))
    return [Measuring(lane, tuple(found), arms) for (lane, arms), found in wanted.items()]


def _open(condition: AnyCondition, evidence: Evidence) -> bool:
    found = parts_of(condition, evidence, "")
    return any(part.outcome in _UNDECIDED for part in found)
