"""`pgdyno show CELL --driver D --wire`: what driver and server say to each other.

One group of lines for each time that somebody speaks, with an arrow for the direction, the
turn it belongs to and its bytes. What is secret is left out (`servers.tap.words`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, PgdynoError, WorkerGone
from harness.core.verdicts import Verdict
from harness.core.visible import visible_line
from harness.report.format import shorten, wrapped

if TYPE_CHECKING:
    from harness.core.calls import Target
    from harness.play.seat import Seat
    from harness.servers.proxy import Proxy
    from harness.servers.tap import Counts
    from harness.servers.tap.framing import Message
    from harness.servers.tap.tap import Direction
    from harness.servers.tap.words import Teller
    from harness.venue.stage import Playable

WIDTH = 80
LATER = 8
"""The later use that is shown: by then psycopg has prepared the statement."""
_LONGEST = 240
"""Characters of one message."""
_MOST_GROUPS = 40
"""Of one part; a loop of a thousand statements is shown by its beginning."""


@dataclass(slots=True)
class Speech:
    """What one side says before the other does; `parts` are messages with how often they
    came in a row."""

    who: Direction
    turn: int
    size: int = 0
    parts: list[tuple[str, int]] = field(default_factory=list)

    def add(self, text: str, size: int) -> None:
        """One more message."""
        self.size += size
        if self.parts and self.parts[-1][0] == text:
            self.parts[-1] = (text, self.parts[-1][1] + 1)
        else:
            self.parts.append((text, 1))


class Listener:
    """Writes down what passes a tap."""

    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self.speeches: list[Speech] = []

    def note(self, who: Direction, name: str, message: Message, turn: int) -> None:
        """Told of each message by the tap."""
        if not self.speeches or (self.speeches[-1].who, self.speeches[-1].turn) != (
            who,
            turn,
        ):
            self.speeches.append(Speech(who, turn))
        told = shorten(visible_line(self.teller.told(who, name, message)), _LONGEST)
        self.speeches[-1].add(told, message.size)

    def taken(self) -> list[Speech]:
        """All since the last time."""
        speeches, self.speeches = self.speeches, []
        return speeches


def conversation(
    seat: Seat, play: Playable, server: Target, *, values: bool
) -> Iterator[str]:
    """The opening of a session, the first use of the op, and a later one.

    Raises:
        PgdynoError: the driver cannot play the cell.
    """
    from harness.servers.proxy import Proxy
    from harness.servers.tap.patience import Client
    from harness.servers.tap.words import Teller

    listener = Listener(Teller(statements_of(play.cell), values))
    client = Client(lambda: seat.pid, lambda: seat.busy)
    try:
        with Proxy(server, client, listener.note) as proxy:
            seat.through = proxy.before
            yield from _parts(play, seat, proxy, listener)
    except (WorkerGone, DriverError, OracleError) as error:
        yield f"  then it ended: {error}"


def statements_of(cell: Cell) -> frozenset[str]:
    """What the scenario's file says itself, in the forms in which drivers send it."""
    return frozenset(
        sql.strip() for sql in (cell.sql, *(each.sql for each in cell.statements)) if sql
    )


def _parts(play: Playable, seat: Seat, proxy: Proxy, listener: Listener) -> Iterator[str]:
    judged = seat.open(play)
    if judged.verdict is not Verdict.EXACT:
        raise PgdynoError(f"{judged.verdict}: {judged.detail}")
    yield from _part("opening the session", proxy.do("counted"), listener)
    for use in range(1, LATER + 1):
        proxy.do("count")
        answer = seat.ask("measure", seat.deadlines.measure, ops=1, lead=0)
        if "failed" in answer:
            raise PgdynoError(str(answer["failed"]))
        counts = proxy.do("counted")
        if use in (1, LATER):
            name = "first use" if use == 1 else f"use {use}"
            yield from _part(name, counts, listener)
        listener.taken()
    proxy.do("count")
    seat.close()
    yield from _part("closing", proxy.do("counted"), listener)


def _part(name: str, counts: Counts, listener: Listener) -> Iterator[str]:
    sent, received = counts.sent_bytes, counts.received_bytes
    turns = f"{counts.turns:,} turn{'' if counts.turns == 1 else 's'}"
    speeches = listener.taken()
    if not (sent or received):
        return
    yield ""
    yield f"{name}: {turns}, {sent:,} B sent, {received:,} B received"
    for speech in speeches[:_MOST_GROUPS]:
        yield from _told(speech)
    if len(speeches) > _MOST_GROUPS:
        yield f"        and so on: {len(speeches) - _MOST_GROUPS:,} groups more"
    if not speeches:
        yield "        encrypted"


def _told(speech: Speech) -> Iterator[str]:
    arrow = "→" if speech.who == "client" else "←"
    number = f"{speech.turn:>3}" if speech.who == "client" else "   "
    said = " · ".join(
        text if times == 1 else f"{text} ×{times:,}" for text, times in speech.parts
    )
    lines = wrapped(said, WIDTH - 16)
    for at, line in enumerate(lines or [""]):
        start = f"{number} {arrow} " if at == 0 else " " * 6
        last = f"{speech.size:,} B" if at == len(lines) - 1 else ""
        yield f"{start}{line:<{WIDTH - 16}}{last:>10}".rstrip()
