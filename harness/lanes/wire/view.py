"""What a report says of the wire: turns, messages and bytes of each arm in each cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from harness.lanes.wire.meaning import ArmWire, Passage, Tally, arm_wires
from harness.report import format as fmt
from harness.report.sections import (
    ArmRow,
    CellTable,
    LaneSection,
    LaneView,
    Quantity,
    Value,
    tallied,
)
from harness.results.records import CellFacts, Run

QUANTITIES = (
    Quantity("turns per op", "turns", "1/op"),
    Quantity("first use", "first_turns", "1/op"),
    Quantity("to open", "opening_turns", "1/session"),
    Quantity("messages", "messages_sent", "1/op"),
    Quantity("bytes sent", "bytes_sent", "bytes/op"),
    Quantity("bytes received", "bytes_received", "bytes/op"),
    Quantity("changes at use"),
)
MESSAGES = (Quantity("the client sends", words=True),)
CHARTED = ("turns", "bytes_received")
_MOST_CHARS = 56
INTRO = (
    "A turn is a client that speaks and then waits for the server: on a network it costs a "
    "round trip. Counted by a tap between the two, never while anything is timed: in a "
    "later use, in the first one, and while the session (or the pool) is opened. Messages "
    "are the client’s. A driver may change what it does after some uses: where it did "
    "stands last. Numbers are equal in all repeats, or a range."
)
MESSAGES_INTRO = (
    "What a client sends in a later use, messages by kind. Encrypted ones cannot be seen."
)
TERMS = (
    (
        "Turn",
        "All that a client says until an answer arrives, and that answer. A pipeline is "
        "one turn, and so are the rows of a COPY. An answer is handed on when the client "
        "sleeps, so that one that does not wait has said all that it would.",
    ),
)

Sides = Mapping[tuple[str, str], ArmWire]
Row = Callable[[ArmWire], ArmRow]


def view(run: Run) -> LaneView:
    """All of a run that counted what passes."""
    sides = arm_wires(run)
    tables = tuple(_table(run, cell, sides, _row) for cell in run.header.cells)
    kinds = (_messages_of(run, cell, sides) for cell in run.header.cells)
    messages = tuple(table for table in kinds if table.rows)
    return LaneView(
        "Wire",
        f"{tallied(run, tables)}.",
        _sureness(list(sides.values())),
        (
            LaneSection(
                "wire", "Turns, messages, bytes", INTRO, QUANTITIES, tables, CHARTED
            ),
            LaneSection("messages", "Messages", MESSAGES_INTRO, MESSAGES, messages),
        ),
        terms=TERMS,
    )


def turns_beside(run: Run) -> dict[tuple[str, str], Value]:
    """Turns of a later use by cell and arm: what stands beside a time."""
    found = arm_wires(run)
    return {
        key: _value(held.later, "turns")
        for key, held in found.items()
        if held.later and held.verdict.timeable
    }


def _table(run: Run, cell: CellFacts, sides: Sides, row: Row) -> CellTable:
    arms = [arm for arm in run.header.arms if arm.competes]
    found = [sides[cell.id, arm.id] for arm in arms if (cell.id, arm.id) in sides]
    absent = [
        ArmRow(arm.id, None, arm.problem or "not counted")
        for arm in arms
        if (cell.id, arm.id) not in sides
    ]
    return CellTable(cell, (*map(row, sorted(found, key=_place)), *absent))


def _place(held: ArmWire) -> tuple[bool, float]:
    """The fewest turns first; without numbers last."""
    return held.number is None, held.number or 0.0


def _row(held: ArmWire) -> ArmRow:
    return _arm_row(held, tuple(_values(held)))


def _messages_of(run: Run, cell: CellFacts, sides: Sides) -> CellTable:
    """Those of the arms that have numbers: why the others have none is said once."""
    table = _table(run, cell, sides, _messages)
    return replace(table, rows=tuple(row for row in table.rows if row.values))


def _messages(held: ArmWire) -> ArmRow:
    return _arm_row(held, (_kinds(held.later),) if held.later else ())


def _arm_row(held: ArmWire, values: tuple[Value, ...]) -> ArmRow:
    return ArmRow(
        held.arm.id,
        held.verdict,
        held.detail,
        values,
        held.observed,
        held.expected,
        repeats=held.repeats,
    )


def _values(held: ArmWire) -> Iterator[Value]:
    if held.later is None:
        return
    yield _value(held.later, "turns")
    yield _value(held.first, "turns")
    yield _value(held.opening, "turns")
    yield Value("encrypted") if held.later.encrypted else _value(held.later, "sent")
    yield _value(held.later, "sent_bytes")
    yield _value(held.later, "received_bytes")
    yield Value(", ".join(map(str, held.changes[:4])) or fmt.NONE)


def _value(part: Passage | None, name: str) -> Value:
    if part is None:
        return Value(fmt.NONE)
    number = part.number(name)
    return Value(
        _text(number),
        number.typical,
        None if number.exact else number.low,
        None if number.exact else number.high,
        full=f"{_text(number)}: {number.reason}" if number.reason else "",
    )


def _text(number: Tally) -> str:
    low, high = _figure(number.low), _figure(number.high)
    return low if low == high else f"{low}–{high}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _kinds(part: Passage) -> Value:
    if part.encrypted:
        return Value("encrypted")
    over = f" in {part.ops} ops" if part.ops > 1 else ""
    text = " ".join(
        kind if count == 1 else f"{kind}×{count:,}" for kind, count in part.kinds.items()
    )
    return Value(fmt.shorten(text, _MOST_CHARS - len(over)) + over, full=text + over)


def _sureness(found: Sequence[ArmWire]) -> str:
    """Which numbers are the same in every repeat."""
    counted = [held for held in found if held.turns]
    if not counted:
        return ""
    sure = sum(held.turns.exact for held in counted if held.turns)
    repeats = max(held.repeats for held in counted)
    return (
        f"Turns of {sure} of {fmt.plural(len(counted), 'driver')} × questions are one "
        f"number in all of {fmt.plural(repeats, 'repeat')}."
    )
