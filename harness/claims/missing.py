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
WIRE = "wire"


@dataclass(frozen=True, slots=True)
class ArmCells:
    """The cells that an arm has still to play."""

    arm: Arm
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Measuring:
    """The cells and arms of one bench run, of one lane."""

    lane: str
    cells: tuple[str, ...]
    arms: tuple[str, ...]


def cells(
    conditions: Iterable[AnyCondition], catalogue: Sequence[Cell], evidence: Evidence
) -> list[ArmCells]:
    """What is to play, arm by arm; drivers that nobody brings are left out."""
    wanted: dict[tuple[str, Profile], dict[str, Cell]] = {}
    for condition in _played(conditions):
        for driver in listed(condition.driver):
            key = (driver, condition.profile)
            for cell in _meant(condition, catalogue):
                if (cell.id, *key) not in evidence.played and not unknown_driver(driver):
                    wanted.setdefault(key, {})[cell.id] = cell
    return [
        ArmCells(contract.parse_arm(driver, profile), tuple(found.values()))
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
    """What is to be measured: one run for cells that are compared with each other, with
    all arms that somebody compares in any of them."""
    found: list[Measuring] = []
    for condition in conditions:
        for wanted in _measuring(condition, evidence):
            if not any(map(unknown_driver, wanted.arms)) and _open(condition, evidence):
                found = [*_joined(wanted, found)]
    return found


def _measuring(condition: AnyCondition, evidence: Evidence) -> Iterator[Measuring]:
    """The cells and arms of one condition; nothing of those that need no measuring."""
    if isinstance(condition, form.MemoryCondition):
        arms = [condition.driver, *filter(None, [condition.against])]
        yield Measuring(MEMORY, (condition.cell,), tuple(arms))
    if isinstance(condition, form.TimeCondition):
        yield Measuring(TIMES, (condition.cell,), (condition.driver,))
    if isinstance(condition, form.TurnsCondition):
        arms = [condition.driver]
        if not any((condition.cell, arms[0]) in wires for _, wires in evidence.wires()):
            yield Measuring(WIRE, (condition.cell,), tuple(arms))
        if condition.at:
            yield Measuring(TIMES, (condition.at,), tuple(arms))
    if isinstance(condition, form.CompareCondition):
        arms = condition.arms or [condition.driver]
        yield Measuring(TIMES, tuple(condition.cells or [condition.cell]), tuple(arms))


def _joined(wanted: Measuring, others: Iterable[Measuring]) -> Iterator[Measuring]:
    """The runs with one more to do: those that share a cell with it become one."""
    for other in others:
        if other.lane == wanted.lane and set(other.cells) & set(wanted.cells):
            cells = tuple(dict.fromkeys((*other.cells, *wanted.cells)))
            arms = tuple(dict.fromkeys((*other.arms, *wanted.arms)))
            wanted = Measuring(wanted.lane, cells, arms)
        else:
            yield other
    yield wanted


def _open(condition: AnyCondition, evidence: Evidence) -> bool:
    found = parts_of(condition, evidence, "")
    return any(part.outcome in _UNDECIDED for part in found)
