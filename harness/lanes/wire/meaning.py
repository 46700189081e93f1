"""What counted exchanges say: numbers per op, equal in all repeats or a range with its
reason, and at which use a driver does something else than before.

Pure. A repeat is a fresh process; in each the same ops came in the same order, so that use
k of one is compared with use k of another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from harness.core.verdicts import Verdict
from harness.lanes.wire.record import Exchange, Wire, unfolded

if TYPE_CHECKING:
    from harness.results.records import ArmFacts, CellFacts, Run

Count = Callable[[Exchange], int]

COUNTS: Mapping[str, Count] = {
    "turns": lambda exchange: exchange.turns,
    "sent": lambda exchange: sum(exchange.sent.values()),
    "received": lambda exchange: sum(exchange.received.values()),
    "sent_bytes": lambda exchange: exchange.sent_bytes,
    "received_bytes": lambda exchange: exchange.received_bytes,
}
"""What is counted of an exchange, by name: turns, messages and bytes of either side."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One number per op, or a range with the reason why it is one."""

    low: float
    high: float
    typical: float
    reason: str = ""

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a session (the first use, say), the same one of every repeat."""

    exchanges: tuple[tuple[Exchange, ...], ...]
    clients: int = 0

    def number(self, name: str) -> Tally:
        """This count per op over all repeats."""
        count = COUNTS[name]
        values = [[count(use) / use.ops for use in uses] for uses in self.exchanges]
        every = [value for repeat in values for value in repeat]
        low, high = min(every), max(every)
        reason = "" if low == high else self._reason(values)
        return Tally(low, high, median(every), reason)

    @property
    def kinds(self) -> dict[str, int]:
        """Messages of the client by kind, of the last exchange; of all its ops."""
        return self.exchanges[0][-1].sent

    @property
    def ops(self) -> int:
        """Over how many ops an exchange goes."""
        return self.exchanges[0][-1].ops

    @property
    def encrypted(self) -> bool:
        """Whether the messages cannot be seen: bytes without messages."""
        last = self.exchanges[0][-1]
        return bool(last.sent_bytes) and not last.sent

    def _reason(self, values: Sequence[Sequence[float]]) -> str:
        uses = [use for repeat in self.exchanges for use in repeat]
        if any(use.unsettled for use in uses):
            return "the client was never seen waiting: where a turn ends is not sure"
        if self.clients > 1:
            return "who gets which connection differs from time to time"
        if all(repeat == values[0] for repeat in values):
            return "calls differ: by their values, or in what the driver keeps of them"
        return "repeats differ"


@dataclass(frozen=True, slots=True)
class ArmWire:
    """One cell of one arm in one run: its worst verdict and, if that allows, what passes
    while its session is opened, in its first use, in later ones and at the end.

    `later` are the last third of the uses: what a driver does at first only (prepare, look
    up types, decide to prepare) is over then. `changes` are the uses, the first is 1, that
    differ from the one before in turns or messages.
    """

    cell: CellFacts
    arm: ArmFacts
    verdict: Verdict
    detail: str
    observed: str
    expected: str
    repeats: int
    opening: Passage | None = None
    first: Passage | None = None
    later: Passage | None = None
    closing: Passage | None = None
    changes: tuple[int, ...] = ()

    @property
    def turns(self) -> Tally | None:
        """Turns of a later use; None where the verdict forbids a number."""
        return self.later.number("turns") if self.later else None

    @property
    def number(self) -> float | None:
        """The same as one number, for a comparison."""
        return self.turns.typical if self.turns else None


def arm_wires(run: Run) -> dict[tuple[str, str], ArmWire]:
    """Every cell and arm of a run that was at least tried."""
    cells = {cell.id: cell for cell in run.header.cells}
    arms = {arm.id: arm for arm in run.header.arms}
    found: dict[tuple[str, str], list[Wire]] = defaultdict(list)
    for record in run.of(Wire):
        if record.cell in cells and record.arm in arms:
            found[record.cell, record.arm].append(record)
    return {
        (cell, arm): _of_repeats(cells[cell], arms[arm], records)
        for (cell, arm), records in found.items()
    }


def turns_of(run: Run) -> dict[tuple[str, str], Tally]:
    """Turns of a later use, by cell and arm: what a round trip's time is multiplied by."""
    return {key: held.turns for key, held in arm_wires(run).items() if held.turns}


def _of_repeats(cell: CellFacts, arm: ArmFacts, records: Sequence[Wire]) -> ArmWire:
    """A verdict that forbids numbers forbids them in all repeats."""
    worst = max(records, key=_concern)
    told = [record for record in records if record.measured]
    facts = (worst.verdict, worst.detail, worst.observed, worst.expected, len(records))
    if not worst.verdict.timeable or not told:
        return ArmWire(cell, arm, *facts)
    uses = [tuple(unfolded(record.uses)) for record in told]
    return ArmWire(
        cell,
        arm,
        *facts,
        opening=_part([(record.opening,) for record in told]),
        first=_part([each[:1] for each in uses], cell.clients),
        later=_part([each[-max(1, len(each) // 3) :] for each in uses], cell.clients),
        closing=_part([(record.closing,) for record in told]),
        changes=tuple(_changes(uses[0])),
    )


def _part(
    repeats: Sequence[tuple[Exchange | None, ...]], clients: int = 0
) -> Passage | None:
    found = [tuple(filter(None, exchanges)) for exchanges in repeats]
    return Passage(tuple(found), clients) if all(found) else None


def _changes(uses: Sequence[Exchange]) -> Iterator[int]:
    for number, (before, after) in enumerate(pairwise(uses), 2):
        if (before.turns, before.sent) != (after.turns, after.sent):
            yield number


def _concern(record: Wire) -> int:
    verdict = record.verdict
    return len(Verdict) if verdict is Verdict.INVALID else verdict.severity
