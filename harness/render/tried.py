"""The end of a try for a terminal and for Markdown: drivers in 80 columns, the conclusion
last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.core.conditions import parted
from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.report import format as fmt
from harness.report.tried import Tried, TriedCell, TriedRow
from harness.results.records import Check

WIDTH = 80
_NAME = 24
_VALUE = 12
_TURNS = 7
_TIME = 12


def verdict_line(check: Check) -> str:
    """What a driver does with the values, as soon as it is known."""
    verdict, condition = Verdict(check.verdict), parted(check.cell)[1]
    where = f" over {condition}" if condition.mark else ""
    head = f"{fmt.SYMBOLS[verdict]} {check.driver}{where}: {verdict}"
    told = f"{head}, {check.detail}" if check.detail else head
    return "\n".join(fmt.wrapped(told, WIDTH, rest="    "))


def text(end: Tried) -> str:
    """The scenario, the table, the conclusion as the last line."""
    lines = [*_scenario(end), *fmt.wrapped(" · ".join(end.head), WIDTH, rest="     ")]
    for cell in end.cells:
        lines += _block(cell)
    for sentence in (*end.notes, end.conclusion):
        lines += fmt.wrapped(sentence, WIDTH)
    return visible("\n".join(line.rstrip() for line in lines)) + "\n"


def _scenario(end: Tried) -> Iterator[str]:
    yield "the scenario that repeats this:"
    yield from (f"  {line}" for line in end.scenario.rstrip().splitlines())
    yield ""


def _block(cell: TriedCell) -> Iterator[str]:
    turns = f"{'turns':>{_TURNS}}" if _counted([cell]) else ""
    label = fmt.shorten(cell.condition, _NAME)
    yield f"{label:<{_NAME}}{'value':<{_VALUE}}{turns}{'per op':>{_TIME}}  against fastest"
    for row in cell.rows:
        yield _line(row, counted=bool(turns))
        if row.verdict is not Verdict.EXACT and row.detail:
            yield from fmt.wrapped(row.detail, WIDTH, first="    ", rest="    ")


def _line(row: TriedRow, *, counted: bool) -> str:
    mark = "▶ " if row.rank == 1 else "  "
    name = mark + fmt.shorten_arm(row.driver, _NAME - 3)
    turns = f"{row.turns or fmt.NONE:>{_TURNS}}" if counted else ""
    time = fmt.duration(row.time.point) if row.time else fmt.NONE
    return f"{name:<{_NAME}}{row.verdict:<{_VALUE}}{turns}{time:>{_TIME}}  {_against(row)}"


def _against(row: TriedRow) -> str:
    if row.ratio is None or row.ratio.point == 1:
        return fmt.NONE
    return fmt.ratio_with_interval(row.ratio)


def _counted(cells: Sequence[TriedCell]) -> bool:
    return any(row.turns for cell in cells for row in cell.rows)


def markdown(end: Tried) -> str:
    """A table for each condition, the scenario, the conclusion."""
    lines = [f"**{fmt.markdown_cell(' · '.join(end.head))}**"]
    for cell in end.cells:
        if cell.condition:
            lines += ["", f"### {fmt.markdown_cell(cell.condition)}"]
        lines += ["", "| driver | value | turns | per op | against fastest |"]
        lines += ["|---|---|--:|--:|--:|", *map(_markdown_row, cell.rows)]
    lines += ["", "```toml", end.scenario.rstrip(), "```", ""]
    lines += [fmt.markdown_cell(part) for part in (*end.notes, end.conclusion)]
    return "\n".join(lines) + "\n"


def _markdown_row(row: TriedRow) -> str:
    time = fmt.duration(row.time.point) if row.time else fmt.NONE
    exact = row.verdict is Verdict.EXACT or not row.detail
    value = row.verdict if exact else f"{row.verdict}: {row.detail}"
    parts = (row.driver, value, row.turns or fmt.NONE, time, _against(row))
    return f"| {' | '.join(map(fmt.markdown_cell, parts))} |"
