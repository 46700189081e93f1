"""What a report says of memory: each cell with what every arm holds, and what grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.lanes.memory.meaning import (
    LEAK_REPEATS,
    ArmMemory,
    Growth,
    Size,
    Surplus,
    arm_memory,
    kept,
)
from harness.report import format as fmt
from harness.report.sections import (
    ArmRow,
    CellTable,
    LaneSection,
    LaneView,
    Quantity,
    Remark,
    Value,
    tallied,
)
from harness.results.records import CellFacts, Run

OPS = 1_000
"""Growth is shown per so many ops: a byte per op is hard to picture."""
QUANTITIES = (
    Quantity("after import", "import_bytes", "bytes"),
    Quantity("with session", "session_bytes", "bytes"),
    Quantity("peak", "peak_bytes", "bytes"),
    Quantity("client / connection", "client_bytes_per_connection", "bytes"),
    Quantity("server / connection", "server_bytes_per_connection", "bytes"),
    Quantity(f"growth / {OPS:,} ops", "growth", "bytes/op"),
)
CHARTED = ("peak_bytes", "client_bytes_per_connection")
INTRO = (
    "What a process holds after its driver was imported, with one session open, and at "
    "most while it plays the question; what one more connection costs the client, and what "
    "its process holds on the server. A question that is asked thousands of times should "
    "need no more memory at the end than at the beginning; “grows” marks a driver that "
    "does, in every fresh process."
)
TERMS = (
    (
        "Memory",
        "Resident size (RSS), libraries included, the median over fresh processes. Per "
        "connection: the slope over 1, 9 and 17 open sessions, each with its op run; on "
        "the server, the anonymous memory of one process.",
    ),
    (
        "Growth",
        "Theil–Sen slope over samples between chunks of ops, garbage collected; the "
        "interval runs from the least to the greatest end of all repeats. “Grows” is said "
        "only if every repeat grows for certain, in its second half too, and by more than "
        "an allocator’s step.",
    ),
)


def view(run: Run) -> LaneView:
    """All of a run that counted memory."""
    found = arm_memory(run)
    tables = _tables(run, found)
    section = LaneSection("memory", "Memory", INTRO, QUANTITIES, tables, CHARTED)
    return LaneView(
        "Memory",
        _answer(run, tables, sum(held.leaks for held in found)),
        _sureness(max((held.repeats for held in found), default=0)),
        (section,),
        findings=(*_leaks(found), *map(_keeps, kept(run))),
        terms=TERMS,
    )


def _tables(run: Run, found: Sequence[ArmMemory]) -> tuple[CellTable, ...]:
    known = {(held.cell, held.arm): held for held in found}
    left_out = {note.cell for note in run.notes if note.kind == "left-out"}
    return tuple(
        CellTable(
            cell,
            tuple(
                _row(known.get((cell.id, arm.id)) or _absent(cell, arm.id, arm.problem))
                for arm in run.header.arms
            ),
        )
        for cell in run.header.cells
        if cell.id not in left_out
    )


def _absent(cell: CellFacts, arm: str, problem: str) -> ArmMemory:
    return ArmMemory(cell.id, arm, None, problem or "not measured")


def _row(held: ArmMemory) -> ArmRow:
    values: tuple[Value, ...] = ()
    if held.growth is not None:
        sizes = (held.imported, held.session, held.peak, held.connection, held.server)
        values = (*map(_size, sizes), _growth(held.growth))
    return ArmRow(held.arm, held.verdict, held.detail, values, repeats=held.repeats)


def _size(size: Size | None) -> Value:
    if size is None:
        return Value(fmt.NONE)
    return Value(fmt.size(size.typical), size.typical, size.low, size.high)


def _growth(growth: Growth) -> Value:
    return Value(
        f"{'grows ' if growth.leaks else ''}{fmt.amount(growth.point * OPS)}",
        growth.point,
        growth.low,
        growth.high,
        note=_interval(growth),
        emphasis="alarm" if growth.leaks else "",
        flag="grows" if growth.leaks else "",
    )


def _interval(growth: Growth) -> str:
    """From the least to the greatest end of the intervals of all repeats; empty where they
    are one number."""
    if growth.low is None or growth.high is None:
        return "no interval"
    if growth.low == growth.high:
        return ""
    return f"{fmt.amount(growth.low * OPS)} … {fmt.amount(growth.high * OPS)}"


# --- sentences --------------------------------------------------------------------------


def _answer(run: Run, tables: tuple[CellTable, ...], grows: int) -> str:
    found = f"{grows or 'none'} of them {'grows' if grows == 1 else 'grow'}"
    return f"{tallied(run, tables)}; {found}."


def _sureness(repeats: int) -> str:
    text = f"{fmt.plural(repeats, 'repeat')} in fresh processes"
    if repeats < LEAK_REPEATS:
        text += f"; growth is told only from {LEAK_REPEATS} on"
    return text + "."


def _leaks(found: Sequence[ArmMemory]) -> Iterator[Remark]:
    """Where a leak is told."""
    for held in found:
        if held.growth is not None and held.growth.leaks:
            text = (
                f"{held.arm} grows by {fmt.amount(held.growth.point)} per op "
                f"({_interval(held.growth)} per {OPS:,} ops) in all "
                f"{held.repeats} fresh processes."
            )
            yield Remark("grows", text, held.cell)


def _keeps(held: Surplus) -> Remark:
    """What a connection keeps of large payloads."""
    sides = {"in the client": held.client, "on the server": held.server}
    more = " and ".join(
        f"{fmt.size(size)} more {where}" for where, size in sides.items() if size
    )
    text = (
        f"A connection of {held.arm} keeps {more} at {held.axis} = {held.greatest:,} than "
        f"at {held.least:,}."
    )
    return Remark("keeps", text, held.cell)
