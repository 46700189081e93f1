"""What a report says of threads."""

from __future__ import annotations

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
from threads_lane.record import Threads

QUANTITIES = (Quantity("threads of the client", "threads", "1"),)


def view(run: Run) -> LaneView:
    """Each cell with its arms."""
    tables = tuple(_table(run, cell) for cell in run.header.cells)
    intro = "How many threads a process has after an op."
    section = LaneSection("threads", "Threads", intro, QUANTITIES, tables)
    return LaneView("Threads", f"{tallied(run, tables)}.", "", (section,))


def _table(run: Run, cell: CellFacts) -> CellTable:
    found = (record for record in run.of(Threads) if record.cell == cell.id)
    return CellTable(cell, tuple(map(_row, found)))


def _row(record: Threads) -> ArmRow:
    value = Value(f"{record.threads:,}", record.threads)
    values = (value,) if record.measured else ()
    return ArmRow(record.arm, record.verdict, record.detail, values, repeats=1)
