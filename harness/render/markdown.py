"""The report as Markdown: what fits a README or a merge request.

Everything that comes from a results file is escaped, so that it stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.render import markdown_across as across
from harness.render import markdown_front as front
from harness.render.markdown_tables import table
from harness.report import format as fmt
from harness.report.cells import CellView, RankGroup, Reference, Row
from harness.report.findings import folded
from harness.report.format import markdown_cell as esc
from harness.report.matrix import Matrix, MatrixRow
from harness.report.mixes import FormRow, FormTime, MixView, mix_of, ratio_text
from harness.report.sections import ArmRow, CellTable, LaneSection, Value
from harness.report.view import Report, RunView
from harness.results.records import Check

if TYPE_CHECKING:
    from harness.core.stats import Estimate


MOST_BYTES = 60_000
"""What a merge request shows of a document, whatever the run."""
_ELSEWHERE = 300  # bytes to say where the rest is

Block = tuple[str, Iterable[str]]
"""A part of a document, and what a reader calls it."""


def render(report: Report, *, images: Sequence[str] = ()) -> str:
    """The whole document, the most important first; what does not fit is named. `images`
    are file names beside it."""
    shown, left, size = "", [], 0
    for name, lines in _blocks(report, images):
        text = visible("\n".join(lines).rstrip())
        more = len(text.encode()) + 2
        if size + more > MOST_BYTES - _ELSEWHERE:
            left.append(name)
        elif text:
            shown += f"{text}\n\n"
            size += more
    if left:
        names = ", ".join(dict.fromkeys(left))
        shown += f"Too long for here: {names}. The HTML report has all of it.\n"
    return shown.rstrip() + "\n"


def _blocks(report: Report, images: Sequence[str]) -> Iterator[Block]:
    yield "title", [f"# {esc(report.title)}", "", *front.answers(report)]
    yield "drivers", _titled("## Drivers", front.cards(report), left=2)
    yield "causes", _titled("## What is behind it", front.causes(report), left=3)
    if report.machines:
        yield "the machines", across.machines(report.machines)
    if report.variants:
        yield "versions, Pythons and servers", across.variants(report.variants)
    for run in report.runs:
        yield from _run(run, images)
    for run in report.runs:
        yield from _details(run)


def _titled(title: str, rows: Iterator[list[str]], left: int) -> Iterator[str]:
    """A table under its title, if it has a head."""
    head = next(rows, None)
    if head is not None:
        yield title
        yield ""
        yield from table(head, rows, left=left)


def _run(run: RunView, images: Sequence[str]) -> Iterator[Block]:
    yield "what was found", _found(run)
    if run.cells:
        yield "the overview of times", _overview(run)
        yield "charts", (f"![{name}]({name})\n" for name in images)
    for section in run.further:
        yield section.title, _section(section)
    for section in run.lane.sections if run.lane else ():
        yield section.title, _section(section)
    if run.matrix:
        yield "conformance", _conformance(run.matrix)
    yield "terms", _terms(run)
    yield "the machine", _environment(run)
    if run.forms:
        yield "forms", _forms(run)


def _details(run: RunView) -> Iterator[Block]:
    """What comes after all that is said of any run: there may be no room for it."""
    for cell in run.cells:
        yield "each question", _cell(cell)
    if run.matrix:
        yield "every check that is not exact", _troubled(run.matrix)
        yield "what was known before", _known(run.matrix)


def _found(run: RunView) -> Iterator[str]:
    yield f"## {run.subject} {esc(run.name)}"
    yield ""
    yield f"**{esc(run.answer)}** {esc(run.sureness)}".rstrip()
    yield ""
    for finding in folded(run.findings):
        mark = "⚠ " if finding.grave else ""
        where = _places(finding.places)
        yield f"- {mark}**{esc(finding.kind)}**: {esc(finding.text)}{where}"
    if run.findings:
        yield ""


def _places(places: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f" ({esc(places[0])}{more})" if places else ""


# --- measured ---------------------------------------------------------------------------


def _overview(run: RunView) -> Iterator[str]:
    arms = [arm.id for arm in run.competitors]
    yield "### Times the fastest"
    yield ""
    yield "**Bold**: the fastest, or tied with it. ≠: timed, not ranked."
    yield ""
    rows = [
        [_question(cell, group), *(_ratio(group, arm) for arm in arms)]
        for cell in run.cells
        for group in cell.groups
    ]
    if run.means:
        by_arm = {mean.arm: mean.mean for mean in run.means}
        name = f"geometric mean of {run.mean_cells} (leave one out)"
        rows.append([name, *(_mean(by_arm[arm].point, by_arm[arm].low, by_arm[arm].high)
                             for arm in arms)])  # fmt: skip
    yield from table(["question", *map(esc, arms)], rows)
    for test in run.self_tests:
        mark = "⚠ " if test.doubtful else ""
        yield f"{mark}{esc(test.sentence)}"
        yield ""
    for sentence in run.noise_sentences:
        yield esc(sentence)
        yield ""
    yield from _noise_tables(run)


def _noise_tables(run: RunView) -> Iterator[str]:
    """What all passes would have shown otherwise, and what each phase took."""
    if run.screening and run.screening.shifts:
        rows = [
            [
                _code(shift.cell),
                esc(shift.arm),
                fmt.duration(shift.time),
                fmt.duration(shift.with_all),
                fmt.change(shift.change),
                esc(shift.marks),
            ]
            for shift in run.screening.shifts
        ]
        head = ["question", "driver", "as ranked", "all passes", "change", "rank (all)"]
        yield from table(head, rows, left=2)
    if run.spending and run.spending.phases:
        phases = [
            [esc(phase.name), phase.took, fmt.percentage(phase.share)]
            for phase in run.spending.phases
        ]
        yield from table(["phase of the run", "time", "share"], phases)


def _question(cell: CellView, group: RankGroup) -> str:
    extra = ", ".join(filter(None, (cell.point, group.label)))
    return esc(cell.facts.title) + (f" ({esc(extra)})" if extra else "")


def _mean(point: float, low: float, high: float) -> str:
    return f"{fmt.times(point)} ({low:.2f} – {high:.2f})"


def _ratio(group: RankGroup, arm: str) -> str:
    row = next((row for row in group.rows if row.arm == arm), None)
    if row is None:
        return ""
    if row.ratio is None:
        return fmt.duration(row.time.point) if row.time else _verdict(row)
    text = fmt.times(row.ratio.point)
    if row.rank == 1:
        return f"**{text}**"
    return f"≠ {text}" if row.verdict is Verdict.DIFFERS else text


def _verdict(row: Row) -> str:
    if row.verdict is None or row.verdict.timeable:
        return row.status
    return f"{fmt.SYMBOLS[row.verdict]} {row.verdict}"


def _cell(cell: CellView) -> Iterator[str]:
    yield f"#### {esc(cell.facts.title)}" + (f" ({esc(cell.point)})" if cell.point else "")
    yield ""
    yield f"{_code(cell.facts.id)}: {esc(cell.facts.why)}".rstrip(": ")
    yield ""
    head = ["rank", "driver", "time per op", "95 %"]
    head += ["turns"] if cell.counted else []
    head += [f"{esc(cell.facts.unit)}/s"]
    head += ["× fastest", "95 %", "detectable"]
    head += [f"× {esc(cell.floor.stands_for)}", "95 %"] if cell.floor else []
    head += ["client CPU", "server CPU", "p99"]
    rows = [_cell_row(cell, group, row) for group in cell.groups for row in group.rows]
    rows += [_reference_row(cell, reference) for reference in cell.references]
    yield from table(head, rows, left=2)
    for sentence in filter(None, (*_order_notes(cell), cell.harness_sentence)):
        yield esc(sentence)
        yield ""
    if mix := mix_of(cell.facts):
        yield from _tasks(mix)


def _tasks(mix: MixView) -> Iterator[str]:
    """What a mix is made of."""
    head = ["task", "op", "weight", f"turns of {mix.turns}", "statements", "round trips"]
    rows = [
        [esc(task.title), task.op, task.weight, str(task.turns), task.statements,
         task.round_trips]
        for task in mix.tasks
    ]  # fmt: skip
    yield from table(head, rows, left=2)
    yield mix.sentence
    yield ""


def _forms(run: RunView) -> Iterator[str]:
    """The forms of each mix side by side."""
    yield "### The same tasks in several forms"
    yield ""
    for mix in run.forms:
        yield f"#### {esc(mix.title)}"
        yield ""
        first, *others = mix.heads
        head = ["driver", f"{esc(first.point)} ({first.round_trips} round trips)"]
        for other in others:
            head.append(f"{esc(other.point)} ({other.round_trips} round trips)")
            head.append(f"× {esc(first.point)}")
        rows = [[esc(row.arm), *_form_cells(row)] for row in mix.rows]
        yield from table(head, rows)


def _form_cells(row: FormRow) -> Iterator[str]:
    """The time in each form, and from the second on its ratio to the first."""
    for number, form in enumerate(row.times):
        yield _time_of(form)
        if number:
            yield ratio_text(form)


def _time_of(form: FormTime) -> str:
    return fmt.duration(form.row.time.point) if form.row.time else form.row.status


def _order_notes(cell: CellView) -> Iterator[str]:
    for group in cell.groups:
        label = f"{group.label.capitalize()}: " if group.label else ""
        yield label + group.order_note if group.order_note else ""


def _code(identity: str) -> str:
    """An id as code; one with odd characters as escaped text."""
    return f"`{identity}`" if re.fullmatch(r"[\w/#@=,.-]+", identity) else esc(identity)


def _cell_row(cell: CellView, group: RankGroup, row: Row) -> list[str]:
    name = esc(row.arm) + (f" ({group.label})" if group.label else "")
    return _numbers(cell, row, row.mark, name)


def _reference_row(cell: CellView, reference: Reference) -> list[str]:
    return _numbers(
        cell, reference.row, "", f"{esc(reference.label)} ({esc(reference.stands_for)})"
    )


def _numbers(cell: CellView, row: Row, mark: str, name: str) -> list[str]:
    if row.time is None:
        blank = [""] * (7 + 2 * bool(cell.floor) + cell.counted)
        return [mark, name, _verdict(row), esc(row.detail), *blank]
    return [
        mark,
        name,
        fmt.duration(row.time.point),
        fmt.time_interval(row.time),
        *([row.turns.text if row.turns else ""] if cell.counted else []),
        fmt.rate(cell.rate(row) or 0),
        *_times(row.ratio),
        fmt.change(row.detectable, sign=False),
        *(_times(row.over_floor) if cell.floor else ()),
        fmt.duration(row.per_op["cpu_ns"]),
        fmt.duration(row.per_op["server_cpu_ns"]),
        fmt.duration(row.latencies[2]),
    ]


def _times(ratio: Estimate | None) -> list[str]:
    """A ratio and its interval, which the one that it is taken to does not have."""
    if ratio is None:
        return [fmt.NONE, ""]
    return [fmt.times(ratio.point), fmt.ratio_interval(ratio) if ratio.point != 1 else ""]


# --- lanes ------------------------------------------------------------------------------


def _section(shown: LaneSection) -> Iterator[str]:
    yield f"### {esc(shown.title)}"
    yield ""
    yield esc(shown.intro)
    yield ""
    told: set[str] = set()
    for cell in shown.tables:
        yield from _heading(cell, told)
        head = [esc(quantity.head) for quantity in shown.quantities]
        rows = (_arm_row(row, len(head)) for row in cell.rows)
        yield from table(["driver", *head], rows)
        for note in cell.notes:
            yield esc(note)
            yield ""


def _heading(cell: CellTable, told: set[str]) -> Iterator[str]:
    """Title, id and reason; a reason that other cells of the section share is told once."""
    if cell.facts is None:
        return
    extra = f" ({esc(cell.point)})" if cell.point else ""
    yield f"#### {esc(cell.facts.title)}{extra}"
    yield ""
    why = "" if cell.facts.why in told else cell.facts.why
    told.add(cell.facts.why)
    yield f"{_code(cell.facts.id)}: {esc(why)}".rstrip(": ")
    yield ""


def _arm_row(row: ArmRow, width: int) -> list[str]:
    if not row.values:
        return [esc(row.arm), esc(row.reason), *[""] * (width - 1)]
    return [esc(row.arm), *map(_value, row.values)]


def _value(value: Value) -> str:
    text = f"**{esc(value.text)}**" if value.emphasis else esc(value.text)
    return f"{text} ({esc(value.note)})" if value.note else text


# --- checked ----------------------------------------------------------------------------


def matrix(checked: Matrix) -> str:
    """The conformance matrix alone."""
    parts = (_conformance(checked), _troubled(checked), _known(checked))
    return visible("\n".join(line for part in parts for line in part).rstrip()) + "\n"


def _conformance(checked: Matrix) -> Iterator[str]:
    kinds = list(checked.counts)
    yield "### Conformance"
    yield ""
    rows = [
        [esc(column.label), *(str(column.counts.get(kind, 0)) for kind in kinds)]
        for column in checked.columns
    ]
    head = [f"{fmt.SYMBOLS[kind]} {kind}" for kind in kinds]
    yield from table(["driver, profile", *head], rows)


def _troubled(checked: Matrix) -> Iterator[str]:
    troubled = [row for row in checked.rows if row.verdicts != (Verdict.EXACT,)]
    if troubled:
        yield "Not exact everywhere, worst first:"
        yield ""
        labels = [esc(column.label) for column in checked.columns]
        yield from table(
            ["check", *labels], map(_matrix_row, troubled), left=1 + len(labels)
        )
    exact = len(checked.rows) - len(troubled)
    if exact:
        yield f"{fmt.plural(exact, 'more check')}: exact for every driver and profile."
        yield ""


def _known(checked: Matrix) -> Iterator[str]:
    """What drifted, and which deviations are declared, with reason and link."""
    checks = [entry for row in checked.rows for entry in row.entries if entry]
    drifted = [[*_place(check), esc(check.drift)] for check in checks if check.drift]
    if drifted:
        yield "Drift, against what was expected or declared:"
        yield ""
        yield from table(["check", "driver, profile", "drift"], drifted, left=3)
    declared = [
        [*_place(check), check.verdict, f"{esc(check.deviation)} {esc(check.link)}"]
        for check in checks
        if check.deviation
    ]
    if declared:
        yield "Declared deviations:"
        yield ""
        head = ["check", "driver, profile", "verdict", "reason"]
        yield from table(head, declared, left=4)


def _place(check: Check) -> list[str]:
    return [esc(check.cell), esc(f"{check.driver}, {check.profile}")]


def _matrix_row(row: MatrixRow) -> list[str]:
    marks = [
        f"{fmt.SYMBOLS[Verdict(entry.verdict)]} {entry.verdict}" if entry else fmt.NONE
        for entry in row.entries
    ]
    return [esc(row.cell), *marks]


# --- circumstances ----------------------------------------------------------------------


def _terms(run: RunView) -> Iterator[str]:
    if not run.arms:
        return
    yield "### Drivers"
    yield ""
    arms = [esc(arm.id) for arm in run.arms]
    rows = [[esc(row.name), *map(esc, row.values)] for row in run.terms]
    yield from table(["", *arms], rows, left=1 + len(arms))


def _environment(run: RunView) -> Iterator[str]:
    yield "### Machine"
    yield ""
    rows = [[fact.name, esc(fact.value)] for fact in run.environment]
    yield from table(["", ""], rows, left=2)
