"""What became of a question: a verdict, and what a person needs to believe it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of one cell of the matrix, worst first; `invalid` is our own fault."""

    BROKEN = "broken"
    CRASHED = "crashed"
    HUNG = "hung"
    LOSSY = "lossy"
    DIFFERS = "differs"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"
    EXACT = "exact"
    INVALID = "invalid"

    @property
    def severity(self) -> int:
        """0 for `exact`, more for what hurts more; `invalid` is outside the order: -1."""
        if self is Verdict.INVALID:
            return -1
        return len(_WORST_FIRST) - 1 - _WORST_FIRST.index(self)

    @property
    def timeable(self) -> bool:
        """Whether a cell with this verdict may be given a time."""
        return self in (Verdict.EXACT, Verdict.DIFFERS)


_WORST_FIRST = tuple(verdict for verdict in Verdict if verdict != "invalid")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what a person needs to believe it."""

    verdict: Verdict
    detail: str = ""
    observed: str = ""
    expected: str = ""


class Change(StrEnum):
    """What became of one cell of one arm between base and candidate."""

    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPARABLE = "not-comparable"
    IMPROVED = "improved"
    SAME = "same"
