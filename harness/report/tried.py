"""What a try says at its end: a statement's verdicts, times and ranks, driver by driver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core import stats
from harness.core.conditions import DIRECT, parted
from harness.core.errors import EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_PASS
from harness.core.verdicts import Verdict
from harness.core.words import listed
from harness.report.cells import CellView, Row
from harness.report.measured import noise_sentence
from harness.results.records import Check, Run

if TYPE_CHECKING:
    from harness.report.view import RunView


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A driver: its verdict, the number of turns of an op if somebody counted them, its
    time and its ratio to the fastest, if it has any."""

    driver: str
    verdict: Verdict
    detail: str
    turns: str = ""
    time: stats.Estimate | None = None
    ratio: stats.Estimate | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class TriedCell:
    """The statement under one condition; `condition` is empty if nobody asks for one."""

    cell: str
    condition: str
    rows: tuple[TriedRow, ...]

    @property
    def first(self) -> list[str]:
        """The fastest, and who cannot be told from it."""
        return [row.driver for row in self.rows if row.rank == 1]


@dataclass(frozen=True, slots=True)
class Tried:
    """The end of a try: `head` says what was asked and where, `notes` how it was played and
    how far a driver was from itself, `scenario` is the file that repeats it."""

    head: tuple[str, ...]
    cells: tuple[TriedCell, ...]
    notes: tuple[str, ...]
    scenario: str
    run: str
    code: int
    conclusion: str


def build(
    head: Sequence[str],
    checks: Sequence[Check],
    run: Run | None,
    shown: RunView | None,
    scenario: str,
    notes: Sequence[str] = (),
) -> Tried:
    """What was found; `run` and `shown` are of the timing, None where nothing was timed.
    `notes` say how it was played."""
    views = {cell.facts.id: cell for cell in shown.cells} if shown else {}
    asked = {check.cell: parted(check.cell)[1] for check in checks}
    plain = len(asked) == 1
    cells = tuple(
        TriedCell(
            cell,
            "" if plain and condition == DIRECT else str(condition),
            tuple(_rows(cell, checks, views.get(cell))),
        )
        for cell, condition in asked.items()
    )
    code = exit_code(cells)
    return Tried(
        head=tuple(head),
        cells=cells,
        notes=tuple(filter(None, (*notes, _noise(shown)))),
        scenario=scenario,
        run=run.path if run else "",
        code=code,
        conclusion=f"exit {code}: {conclusion(cells)}.",
    )


def _rows(cell: str, checks: Sequence[Check], view: CellView | None) -> list[TriedRow]:
    """The ranked first, in their order, then the others as they were asked."""
    timed = {row.arm: row for row in view.rows} if view else {}
    places = {arm: place for place, arm in enumerate(timed)}
    here = [check for check in checks if check.cell == cell]
    here.sort(key=lambda check: places.get(check.driver, len(places)))
    return [_row(check, timed.get(check.driver)) for check in here]


def _row(check: Check, timed: Row | None) -> TriedRow:
    """What a check found, unless something worse was found when it was timed."""
    verdict, detail = Verdict(check.verdict), check.detail
    if timed is None:
        return TriedRow(check.driver, verdict, detail)
    if timed.verdict and timed.verdict.severity > verdict.severity:
        verdict, detail = timed.verdict, timed.detail
    turns = timed.turns.text if timed.turns else ""
    return TriedRow(
        check.driver, verdict, detail, turns, timed.time, timed.ratio, timed.rank
    )


def _noise(shown: RunView | None) -> str:
    return noise_sentence(shown.self_tests) if shown else ""


# --- the conclusion -----------------------------------------------------------------------


def exit_code(cells: Sequence[TriedCell]) -> int:
    """1 where a driver is `lossy` or worse; 4 where nothing could be verified, 3 where
    nothing is ranked."""
    rows = [row for cell in cells for row in cell.rows]
    if any(row.verdict.severity >= Verdict.LOSSY.severity for row in rows):
        return EXIT_FAILED
    if not any(row.verdict.timeable for row in rows):
        return EXIT_INVALID
    return EXIT_PASS if any(cell.first for cell in cells) else EXIT_INCONCLUSIVE


def conclusion(cells: Sequence[TriedCell]) -> str:
    """Who is the fastest under each condition, and who gives other values."""
    told = [_fastest(cell) for cell in cells if cell.first]
    wrong = dict.fromkeys(
        f"{row.driver} is {row.verdict}"
        for cell in cells
        for row in cell.rows
        if row.verdict.severity >= Verdict.LOSSY.severity
    )
    if not told and not any(row.time for cell in cells for row in cell.rows):
        told = ["nothing was timed"]
    elif not told:
        told = [
            "nobody is ranked: too few quiet rounds for an interval (run it again, or give "
            "it longer: --seconds)"
        ]
    return "; ".join([*told, *wrong])


def _fastest(cell: TriedCell) -> str:
    where = f"{cell.condition}: " if cell.condition else ""
    names = cell.first
    if len(names) == 1:
        return f"{where}{names[0]} is the fastest"
    return f"{where}{listed(names)} are equally fast"
