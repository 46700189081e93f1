"""The memory part of a report: each cell with what every arm holds, and what grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.analysis.memory import ArmMemory, Growth, Size, arm_memory
from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.results.records import CellFacts, Run

OPS = 1_000
"""Growth is shown per so many ops: a byte per op is hard to picture."""
HEAD = ("after import", "with session", "peak", "client / connection",
        "server / connection", f"growth / {OPS:,} ops")  # fmt: skip


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One arm in one cell, as readers see it; without numbers it says why."""

    arm: str
    verdict: Verdict | None
    detail: str
    grows: bool
    sizes: tuple[str, ...] = ()
    growth: str = ""
    interval: str = ""

    @property
    def status(self) -> str:
        """In a word, why there is no number, or the verdict."""
        return str(self.verdict) if self.verdict else "not tried"


@dataclass(frozen=True, slots=True)
class CellMemory:
    """One cell with the answers of all arms; none where it was left out."""

    facts: CellFacts
    rows: tuple[MemoryRow, ...]

    @property
    def point(self) -> str:
        """The cell's place on its axes: `rows = 100`."""
        return ", ".join(f"{name} = {value}" for name, value in self.facts.point.items())


def cell_memories(run: Run) -> tuple[CellMemory, ...]:
    """All cells of a run that counted memory; empty for another run."""
    if run.header.lane != "memory":
        return ()
    known = {(one.cell, one.arm): one for one in arm_memory(run)}
    left_out = {note.cell for note in run.notes if note.kind == "left-out"}
    return tuple(
        CellMemory(
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


def _row(one: ArmMemory) -> MemoryRow:
    row = MemoryRow(one.arm, one.verdict, one.detail, one.leaks)
    if one.growth is None:
        return row
    sizes = (one.imported, one.session, one.peak, one.connection, one.server)
    return MemoryRow(
        row.arm,
        row.verdict,
        row.detail,
        row.grows,
        tuple(map(_size, sizes)),
        fmt.amount(one.growth.point * OPS),
        _interval(one.growth),
    )


def _size(size: Size | None) -> str:
    return fmt.NONE if size is None else fmt.size(size.typical)


def _interval(growth: Growth) -> str:
    """From the least to the greatest end of the intervals of all repeats; empty where they
    are one number."""
    if growth.low is None or growth.high is None:
        return "no interval"
    if growth.low == growth.high:
        return ""
    return f"{fmt.amount(growth.low * OPS)} … {fmt.amount(growth.high * OPS)}"


# --- sentences --------------------------------------------------------------------------


def told(run: Run) -> Iterator[tuple[str, str]]:
    """Where a leak is told: the sentence, and the cell."""
    for one in arm_memory(run):
        if one.growth is not None and one.growth.leaks:
            yield (
                f"{one.arm} grows by {fmt.amount(one.growth.point)} per op "
                f"({_interval(one.growth)} per {OPS:,} ops) in all "
                f"{one.repeats} fresh processes.",
                one.cell,
            )


def repeats(run: Run) -> int:
    """The most repeats that any cell and arm has."""
    return max((one.repeats for one in arm_memory(run)), default=0)
