"""What came of a claim: an outcome, its parts, and how parts make an outcome. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.claims.form import Claim, ClaimSource
from harness.core.enums import StrEnum


class ClaimOutcome(StrEnum):
    """What can come of a claim, in the order in which readers want to see it."""

    DOES_NOT_HOLD = "does not hold"
    DEPENDS = "depends"
    HOLDS = "holds"
    INCONCLUSIVE = "inconclusive"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class DecidedPart:
    """What came of one condition, or of one cell and driver of it.

    `label` says which part of the claim it is, `command` shows it, `cells` are those that
    decided, and `reasons` why it holds where the source names no such reason. With `fault`
    pgdyno or the claim is to blame that nothing can be said.
    """

    label: str
    outcome: ClaimOutcome
    seen: str
    versions: str = ""
    server: str = ""
    command: str = ""
    cells: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    fault: bool = False


@dataclass(frozen=True, slots=True)
class DecidedClaim:
    """A claim with what came of it. `remembered` where no run says so but the baseline."""

    source: ClaimSource
    claim: Claim
    outcome: ClaimOutcome
    parts: tuple[DecidedPart, ...] = field(default=())
    remembered: bool = False
    drift: str = ""

    @property
    def seen(self) -> str:
        """What was seen, in a sentence or two; of a claim in parts each with its label."""
        alike = _merged(self.parts)
        if len(alike) == 1:
            return alike[0][1].seen
        mixed = len({part.outcome for part in self.parts}) > 1
        return " · ".join(_told(labels, part, mixed) for labels, part in alike)

    @property
    def versions(self) -> str:
        """Which versions it was seen with."""
        return _joined(part.versions for part in self.parts)

    @property
    def server(self) -> str:
        """Which server it was seen on."""
        return _joined(part.server for part in self.parts)

    @property
    def commands(self) -> tuple[str, ...]:
        """What shows it, each command once; first those of what does not hold."""
        told = sorted(self.parts, key=lambda part: part.outcome is ClaimOutcome.HOLDS)
        return tuple(dict.fromkeys(part.command for part in told if part.command))

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells that decided it."""
        return tuple(dict.fromkeys(cell for part in self.parts for cell in part.cells))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons that the source does not name."""
        return tuple(dict.fromkeys(why for part in self.parts for why in part.reasons))

    @property
    def fault(self) -> bool:
        """Whether pgdyno or the claim is to blame."""
        return any(part.fault for part in self.parts)


def outcome_of(parts: Sequence[DecidedPart]) -> ClaimOutcome:
    """All parts must hold. Some that hold beside some that do not make it depend; where
    nothing is against a claim, but a part of it is open, it is open."""
    found = {part.outcome for part in parts}
    if len(found) == 1:
        return found.pop()
    if ClaimOutcome.DEPENDS in found or found >= _BOTH:
        return ClaimOutcome.DEPENDS
    if ClaimOutcome.DOES_NOT_HOLD in found:
        return ClaimOutcome.DOES_NOT_HOLD
    if ClaimOutcome.INCONCLUSIVE in found:
        return ClaimOutcome.INCONCLUSIVE
    return ClaimOutcome.NOT_TRIED


_BOTH = {ClaimOutcome.HOLDS, ClaimOutcome.DOES_NOT_HOLD}


def counted(claims: Sequence[DecidedClaim]) -> dict[ClaimOutcome, int]:
    """How many claims have each outcome, in their order."""
    tally = Counter(decided.outcome for decided in claims)
    return {outcome: tally[outcome] for outcome in ClaimOutcome if tally[outcome]}


def _merged(parts: Sequence[DecidedPart]) -> list[tuple[list[str], DecidedPart]]:
    """Parts of the same outcome that saw the same, told once; what holds comes last."""
    heaps: dict[tuple[ClaimOutcome, str], tuple[list[str], DecidedPart]] = {}
    for part in sorted(parts, key=lambda part: part.outcome is ClaimOutcome.HOLDS):
        heap = heaps.setdefault((part.outcome, part.seen), ([], part))
        heap[0].append(part.label)
    return list(heaps.values())


SHOWN_LABELS = 4
"""So many parts that saw the same are named; of more their number."""


def _told(labels: Sequence[str], part: DecidedPart, mixed: bool) -> str:
    named = list(dict.fromkeys(filter(None, labels)))
    more = len(named) - SHOWN_LABELS
    shown = ", ".join(named[:SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")
    words = [str(part.outcome) if mixed else "", shown, part.seen]
    return ": ".join(filter(None, words))


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, texts)))
