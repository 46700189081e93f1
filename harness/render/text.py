"""The report for a terminal: ranking and matrix, 80 columns, no colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from textwrap import wrap

from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.render.across_text import columns_text, machines_text
from harness.report import format as fmt
from harness.report.cells import CellView, Reference, Row
from harness.report.format import wrapped
from harness.report.matrix import Column, Matrix, MatrixRow
from harness.report.mixes import FormsView, FormTime, MixView, mix_of, ratio_text
from harness.report.sections import ArmRow, CellTable, LaneSection, LaneView
from harness.report.view import Report, RunView
from harness.results.records import Check

WIDTH = 80
_NAME = 34
_ARM = 12
"""The least width for the names of arms beside the numbers of a lane."""
_INDENT = " " * 6
_QUIET = (Verdict.EXACT, Verdict.UNSUPPORTED, Verdict.SKIPPED)


def render(report: Report) -> str:
    """Everything, in plain text."""
    lines: list[str] = []
    for run in report.runs:
        lines += [f"run {visible(run.name)}", *wrapped(run.answer, WIDTH)]
        lines += wrapped(run.sureness, WIDTH)
        for finding in run.findings:
            said = f"! {finding.kind}: {finding.text} {finding.where}".rstrip()
            lines += wrapped(said, WIDTH, rest="  ")
        for fact in run.routes:
            lines += wrapped(f"{fact.name}: {fact.value}", WIDTH, rest="  ")
        lines.append("")
        if run.cells:
            lines += [ranking(run), ""]
        for shown in run.further:
            lines += [shown.title, *wrapped(shown.intro, WIDTH), "", section(shown), ""]
        if run.lane:
            lines += [lane(run.lane), ""]
        if run.matrix:
            lines += [matrix(run.matrix), ""]
    if report.machines:
        lines += ["Machines", "", machines_text(report.machines), ""]
    if report.variants:
        lines += ["Versions, Pythons and servers", "", columns_text(report.variants)]
    return "\n".join(lines).rstrip() + "\n"


# --- ranking ----------------------------------------------------------------------------


def ranking(run: RunView) -> str:
    """All cells with their arms, fastest first; whoever has no number says why."""
    lines: list[str] = []
    for cell in run.cells:
        lines += [*_cell(cell), ""]
    for mix in run.forms:
        lines += [*_forms(mix), ""]
    for sentence in (*(test.sentence for test in run.self_tests), *run.noise_sentences):
        lines += wrapped(sentence, WIDTH)
    lines += _shifts(run)
    return "\n".join(lines).rstrip()


def _shifts(run: RunView) -> Iterator[str]:
    """What all passes would have shown otherwise."""
    shifts = run.screening.shifts if run.screening else ()
    if shifts:
        yield ""
        yield f"{'':44}{'as ranked':>11}{'all passes':>12}  rank (all)"
    for shift in shifts:
        name = fmt.shorten(f"{shift.arm} in {shift.cell}", 44)
        times = f"{fmt.duration(shift.time):>11}{fmt.duration(shift.with_all):>12}"
        yield f"{name:<44}{times}  {shift.marks}".rstrip()


def _cell(cell: CellView) -> Iterator[str]:
    yield from wrapped(cell.facts.title, WIDTH)
    yield fmt.shorten(cell.facts.id, WIDTH)
    unit = fmt.shorten(f"{cell.facts.unit}/s", _widths(cell)[0])
    rate, ratio = _widths(cell)
    turns = f"{'turns':>7}" if cell.counted else ""
    head = f"{'':27}{'time per op':>12}  {'95 %':<13}"
    yield f"{head}{unit:>{rate}}{'× fastest':>{ratio}}{turns}"
    for group in cell.groups:
        if group.label:
            yield f"  {cell.facts.clients} {group.label}, ranked among themselves"
        for row in group.rows:
            yield from _row(cell, row)
        yield from _note(group.order_note)
    yield from _references(cell)
    if mix := mix_of(cell.facts):
        yield from _tasks(mix)


def _tasks(mix: MixView) -> Iterator[str]:
    """What a mix is made of."""
    yield ""
    yield f"{'':6}{'task':<40}{'weight':>8}{'turns':>7}{'statements':>11}{'trips':>7}"
    for task in mix.tasks:
        name = fmt.shorten(task.name, 39)
        yield (
            f"{'':6}{name:<40}{task.weight:>8}{task.turns:>7}{task.statements:>11}"
            f"{task.round_trips:>7}"
        )
    yield from _note(mix.sentence)


def _forms(mix: FormsView) -> Iterator[str]:
    """The forms of a mix side by side, each to the first."""
    yield from wrapped(f"{mix.title}, in several forms", WIDTH)
    for head in mix.heads:
        told = f"{head.statements} statements, {head.round_trips} round trips"
        yield from _note(f"{head.point}: {told}")
    for row in mix.rows:
        first, *others = row.times
        start = f"{'':6}{fmt.shorten_arm(row.arm, 20):<20} {_time_of(first):>12}"
        yield (
            start
            + "".join(
                f"{_time_of(time):>12}  {ratio_text(time):<20}" for time in others
            ).rstrip()
        )


def _time_of(form: FormTime) -> str:
    return fmt.duration(form.row.time.point) if form.row.time else form.row.status


def _references(cell: CellView) -> Iterator[str]:
    """Below the drivers and apart: what they are compared with besides each other."""
    if not cell.references:
        return
    yield ""
    for reference in cell.references:
        yield from _reference(reference)
    if cell.floor:
        ratios = ", ".join(
            f"{row.arm} {fmt.times(ratio.point)} ({fmt.ratio_interval(ratio)})"
            for row in cell.rows
            if (ratio := row.over_floor)
        )
        text = f"× {cell.floor.stands_for}: {ratios}"
        yield from _note(text)
    yield from _note(cell.harness_sentence)


def _reference(reference: Reference) -> Iterator[str]:
    row = reference.row
    start = f"      {fmt.shorten(reference.label, 20):<20} "
    if row.time is None:
        yield from _reason(start, f"{row.status}: {row.detail}".rstrip(": "))
    else:
        interval = fmt.time_interval(row.time)
        yield f"{start}{fmt.duration(row.time.point):>12}  {interval:<13}".rstrip()


def _note(sentence: str) -> list[str]:
    return wrapped(sentence, WIDTH, first=_INDENT, rest=_INDENT)


def _row(cell: CellView, row: Row) -> Iterator[str]:
    start = f"{row.mark:>4}  {fmt.shorten_arm(row.arm, 20):<20} "
    if row.time is None:
        symbol = fmt.SYMBOLS[row.verdict] if row.verdict else fmt.NONE
        text = f"{symbol} {row.status}: {row.detail}".rstrip(": ")
        yield from _reason(start, text)
        return
    time, rate = fmt.duration(row.time.point), fmt.rate(cell.rate(row) or 0)
    ratio = fmt.times(row.ratio.point) if row.ratio else fmt.NONE
    wide, last = _widths(cell)
    turns = f"{row.turns.text if row.turns else fmt.NONE:>7}" if cell.counted else ""
    interval = fmt.time_interval(row.time)
    yield f"{start}{time:>12}  {interval:<13}{rate:>{wide}}{ratio:>{last}}{turns}"


def _widths(cell: CellView) -> tuple[int, int]:
    """Those of the rate and of the ratio: turns need room beside them."""
    return (9, 10) if cell.counted else (11, 12)


def _reason(start: str, text: str) -> Iterator[str]:
    first, *rest = wrapped(text, WIDTH - len(start)) or [""]
    yield (start + first).rstrip()
    yield from (" " * len(start) + line for line in rest)


# --- lanes ------------------------------------------------------------------------------


def lane(view: LaneView) -> str:
    """What a lane shows: for each question a table of its arms."""
    return "\n\n".join(map(section, view.sections))


def remarks(view: LaneView) -> str:
    """What a lane found, a point each."""
    return "\n".join(
        line
        for remark in view.findings
        for line in wrapped(f"{remark.text} {remark.where}", WIDTH, first="- ", rest="  ")
    )


def section(shown: LaneSection) -> str:
    """All tables of a section, with the same columns."""
    lines: list[str] = []
    bands = _bands(shown)
    for table in shown.tables:
        if facts := table.facts:
            lines += [*wrapped(facts.title, WIDTH), fmt.shorten(facts.id, WIDTH)]
        for band in bands:
            lines += [*_head(shown, band), *_lane_rows(shown, table, band)]
        lines += [line for note in table.notes for line in wrapped(note, WIDTH)]
        lines.append("")
    return "\n".join(lines).rstrip()


Band = dict[int, int]
"""Columns that stand side by side: the number of each and its width."""


def _bands(shown: LaneSection) -> list[Band]:
    """The columns in as many bands, one below the other, as the width asks for."""
    bands: list[Band] = [{}]
    for number, quantity in enumerate(shown.quantities):
        texts = [
            row.values[number].text
            for table in shown.tables
            for row in table.rows
            if row.values
        ]
        width = 2 + max(map(len, [*quantity.head.split(), *texts]), default=0)
        if bands[-1] and sum(bands[-1].values()) + width > WIDTH - _ARM:
            bands.append({})
        bands[-1][number] = width
    return bands


def _head(shown: LaneSection, band: Band) -> Iterator[str]:
    """The heads of columns, on as many lines as they need, flush with the numbers."""
    heads = [wrap(shown.quantities[number].head, band[number] - 2) for number in band]
    height = max(map(len, heads), default=0)
    columns = [[""] * (height - len(head)) + head for head in heads]
    for words in zip(*columns, strict=True):
        said = zip(words, band.items(), strict=True)
        parts = (_flush(shown, number, word, width) for word, (number, width) in said)
        yield (" " * _name_width(band) + "".join(parts)).rstrip()


def _flush(shown: LaneSection, number: int, text: str, width: int) -> str:
    """An entry of a column: words begin where it does, numbers end there."""
    return f"{text:<{width}}" if shown.quantities[number].words else f"{text:>{width}}"


def _name_width(band: Band) -> int:
    return min(22, WIDTH - sum(band.values()))


def _lane_rows(shown: LaneSection, table: CellTable, band: Band) -> Iterator[str]:
    """The arms; what belongs to a number stands in brackets below it."""
    width = _name_width(band)
    for row in table.rows:
        start = f"{fmt.shorten_arm(row.arm, width - 1):<{width}}"
        if not row.values:
            yield from _reason(start, row.reason)
            continue
        parts = (
            _flush(shown, number, row.values[number].text, column)
            for number, column in band.items()
        )
        yield (start + "".join(parts)).rstrip()
        yield from _lane_notes(row, band)


def _lane_notes(row: ArmRow, band: Band) -> Iterator[str]:
    place = _name_width(band)
    for number, column in band.items():
        place += column
        if note := row.values[number].note:
            yield f"{f'({note})':>{place}}"


# --- matrix -----------------------------------------------------------------------------


def matrix(table: Matrix) -> str:
    """The cells that are not exact everywhere, worst first; one letter per column."""
    rows = [row for row in table.rows if row.verdicts != (Verdict.EXACT,)]
    lines: list[str] = []
    for start in range(0, len(table.columns), _most_columns()):
        lines += _block(table, rows, start, start + _most_columns())
    exact = len(table.rows) - len(rows)
    if exact:
        lines.append(f"{fmt.plural(exact, 'more check')}: exact in every column.")
    lines += ["", *_legend(table)]
    if details := list(_details(rows)):
        lines += ["", *details]
    if drifted := list(_drifted(table)):
        lines += ["", "Drift, against what was expected or declared:", *drifted]
    return "\n".join(line.rstrip() for line in lines).rstrip()


def _most_columns() -> int:
    return min(len(ascii_uppercase), (WIDTH - _NAME) // 4)


def _block(table: Matrix, rows: Sequence[MatrixRow], start: int, end: int) -> Iterator[str]:
    columns = table.columns[start:end]
    for index, column in enumerate(columns, start):
        yield f"  {_letter(index)}  {visible(_column(column))}"
    width = WIDTH - 4 * len(columns)
    yield ""
    yield " " * width + "".join(f"{_letter(start + at):>4}" for at in range(len(columns)))
    for row in rows:
        marks = "".join(
            f"{_mark(entry.verdict if entry else ''):>4}"
            for entry in row.entries[start:end]
        )
        yield f"{fmt.shorten(row.cell, width):<{width}}{marks}"


def _column(column: Column) -> str:
    total = sum(column.counts.values())
    return f"{column.label}: {column.counts.get(Verdict.EXACT, 0)} of {total} exact"


def _letter(index: int) -> str:
    first, second = divmod(index, len(ascii_uppercase))
    return (ascii_uppercase[first - 1] if first else "") + ascii_uppercase[second]


def _mark(verdict: str) -> str:
    return fmt.SYMBOLS[Verdict(verdict)] if verdict else fmt.NONE


def _legend(table: Matrix) -> list[str]:
    found = (
        f"{fmt.SYMBOLS[verdict]} {verdict} {count:,}"
        for verdict, count in table.counts.items()
    )
    # A no-break space keeps a symbol, its word and its number on one line.
    lines = wrap(
        "   ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in found), WIDTH
    )
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _details(rows: Sequence[MatrixRow]) -> Iterator[str]:
    """What happened, once per cell and cause."""
    for row in rows:
        causes: dict[tuple[str, str, str], list[str]] = {}
        for index, entry in enumerate(row.entries):
            if entry and (entry.deviation or Verdict(entry.verdict) not in _QUIET):
                cause = (entry.verdict, entry.detail, _declared(entry))
                causes.setdefault(cause, []).append(_letter(index))
        for (verdict, detail, declared), letters in causes.items():
            text = f"{row.cell} [{' '.join(letters)}] {verdict}: {detail}".rstrip(": ")
            yield from _wrapped(text)
            if declared:
                yield from wrap(visible(declared), WIDTH - 4, initial_indent="    ",
                                subsequent_indent="    ", break_on_hyphens=False,
                                break_long_words=False)  # fmt: skip


def _declared(check: Check) -> str:
    return f"declared: {check.deviation} {check.link}" if check.deviation else ""


def _drifted(table: Matrix) -> Iterator[str]:
    """What is not as it was expected, once per cell and message; also where it is exact."""
    for row in table.rows:
        messages: dict[str, list[str]] = {}
        for index, entry in enumerate(row.entries):
            if entry and entry.drift:
                messages.setdefault(entry.drift, []).append(_letter(index))
        for message, letters in messages.items():
            yield from _wrapped(f"{row.cell} [{' '.join(letters)}] {message}")


def _wrapped(text: str) -> list[str]:
    return wrapped(text, WIDTH, rest="    ")
