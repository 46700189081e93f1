"""What the wire lane records: what passed between a driver and the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from harness.results.records import LaneRecord, Whole


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What passed in `ops` ops, of all connections together.

    `sent` and `received` are messages by kind, of the client and of the server; what is
    encrypted has none. `opened` are connections that began. `unsettled` are answers that
    had to be handed on to a client that still worked: its turns may then be too many.
    `times` such exchanges followed each other, equal in all numbers.
    """

    turns: Whole
    sent_bytes: Whole
    received_bytes: Whole
    sent: dict[str, Whole] = msgspec.field(default_factory=dict)
    received: dict[str, Whole] = msgspec.field(default_factory=dict)
    opened: Whole = 0
    unsettled: Whole = 0
    ops: Whole = 1
    times: Whole = 1


class Wire(LaneRecord, frozen=True, kw_only=True, tag="wire"):
    """One cell of one arm in one session: what passed while it, or its pool, was opened, in
    the first use of its op, in each later use, and while it was closed. `uses` is empty
    where the verdict forbids numbers. The footer counts trials: in a run of times these
    stand beside them."""

    footed: ClassVar[str] = ""

    opening: Exchange | None = None
    uses: list[Exchange] = msgspec.field(default_factory=list)
    closing: Exchange | None = None

    @property
    def measured(self) -> bool:
        """Whether it has numbers."""
        return bool(self.uses)

    def problems(self) -> Iterator[str]:
        """Exchanges of no op, and numbers below zero."""
        for exchange in filter(None, (self.opening, *self.uses, self.closing)):
            if exchange.ops < 1 or exchange.times < 1:
                yield "an exchange of less than one op"
            if min(exchange.turns, exchange.sent_bytes, exchange.received_bytes) < 0:
                yield "an exchange with a count below 0"


RECORDS = (Wire,)


def folded(exchanges: list[Exchange]) -> list[Exchange]:
    """The same, with equal ones that follow each other told once."""
    found: list[Exchange] = []
    for exchange in exchanges:
        if found and msgspec.structs.replace(found[-1], times=exchange.times) == exchange:
            again = found.pop()
            exchange = msgspec.structs.replace(again, times=again.times + exchange.times)
        found.append(exchange)
    return found


def unfolded(exchanges: list[Exchange]) -> list[Exchange]:
    """One for each use."""
    return [
        msgspec.structs.replace(exchange, times=1)
        for exchange in exchanges
        for _ in range(exchange.times)
    ]
