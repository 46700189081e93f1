"""What the parts of an answer are called, so that it is clear who does what. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.claims.outcomes import ClaimOutcome, DecidedPart


@dataclass(frozen=True, slots=True)
class CellAnswer:
    """What came of one cell of one driver."""

    driver: str
    cell: str
    part: DecidedPart

    @property
    def alike(self) -> tuple[ClaimOutcome, str]:
        """What is the same in answers that are told as one."""
        return self.part.outcome, self.part.seen


def labelled(name: str, answers: Sequence[CellAnswer]) -> Iterator[DecidedPart]:
    """The parts of one condition, which its author calls `name`.

    What came out alike everywhere is told by that name. Otherwise what does not hold is
    told by driver and cell, as briefly as it is clear, and what holds as the rest.
    """
    heaps: dict[tuple[ClaimOutcome, str], list[CellAnswer]] = defaultdict(list)
    for answer in answers:
        heaps[answer.alike].append(answer)
    for answer in answers:
        label = _label(name, answer, heaps[answer.alike], answers)
        yield replace(answer.part, label=label)


def _label(
    name: str, answer: CellAnswer, heap: Sequence[CellAnswer], found: Sequence[CellAnswer]
) -> str:
    if name and len(heap) == len(found):
        return name
    if name and answer.part.outcome is ClaimOutcome.HOLDS:
        return f"the rest of {name}"
    drivers, cells = _drivers(found), _cells(found)
    if len(drivers) == 1:
        return f"{name} {answer.cell}".strip()
    if len(cells) > 1 and _cells(heap, answer.driver) == cells:
        return answer.driver
    if name and _drivers(heap, answer.cell) == drivers:
        return f"{name} {answer.cell}"
    return f"{answer.driver} {answer.cell}"


def _drivers(answers: Sequence[CellAnswer], cell: str = "") -> set[str]:
    return {answer.driver for answer in answers if cell in ("", answer.cell)}


def _cells(answers: Sequence[CellAnswer], driver: str = "") -> set[str]:
    return {answer.cell for answer in answers if driver in ("", answer.driver)}
