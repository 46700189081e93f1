"""What a report says of beginnings: imports, the first uses of each cell, and steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.core import stats
from harness.core.verdicts import Verdict
from harness.lanes.start.meaning import (
    GROUPS,
    STEP,
    ArmImport,
    ArmStart,
    arm_imports,
    arm_starts,
    python_cpu,
)
from harness.report import format as fmt
from harness.report.sections import (
    ArmRow,
    CellTable,
    LaneSection,
    LaneView,
    Quantity,
    Remark,
    RunFact,
    Value,
    tallied,
)
from harness.results.records import Run

IMPORT = (
    Quantity("import", "import_ns", "ns"),
    Quantity("CPU", "import_cpu_ns", "ns"),
    Quantity("memory", "import_rss_bytes", "bytes"),
    Quantity("modules", "import_modules", "1"),
)
USES = (
    Quantity("open", "open_ns", "ns"),
    *(
        Quantity(
            f"use {first}" if first == last else f"{first}–{last}",
            f"use_{first}_ns" if first == last else f"uses_{first}_to_{last}_ns",
            "ns",
        )
        for first, last in GROUPS
    ),
    Quantity("first ÷ 2–5", "first_use", "ratio"),
    Quantity("step", "step", "ratio"),
)
IMPORT_INTRO = (
    "What importing a driver’s libraries takes in a fresh interpreter that has imported "
    "nothing else, their bytecode compiled: time, time of the processor, resident memory "
    "and modules added."
)
USES_INTRO = (
    "Opening a session in a fresh process, with the registrations of the profile, then the "
    "same op sixteen times, each timed by itself. PostgreSQL plans a prepared statement "
    "anew for its first five executions, and may take a generic plan from the sixth on. A "
    "step: every use from that one on takes so many times what the uses before took."
)
TERMS = (
    (
        "First uses",
        "The middle of ten fresh processes (Hodges–Lehmann, signed-rank interval of 95 %), "
        "of a group of uses their median. Every answer was verified in another process "
        "before, and in the same one afterwards.",
    ),
    (
        "Step",
        "Told where the slowest use on one side is faster than the fastest on the other "
        f"by {STEP:g}, the first use apart, and the interval of the ratio excludes 1.",
    ),
)


def view(run: Run) -> LaneView:
    """All of a run that measured beginnings."""
    imports, starts = arm_imports(run), arm_starts(run)
    tables = _tables(run, starts)
    sections = [
        LaneSection("uses", "First uses", USES_INTRO, USES, tables, ("open_ns", "use_1_ns"))
    ]
    if imports:
        table = CellTable(None, tuple(map(_import, imports)))
        sections.insert(
            0,
            LaneSection("import", "Import", IMPORT_INTRO, IMPORT, (table,), ("import_ns",)),
        )
    start = python_cpu(run)
    python = (RunFact("interpreter start, CPU", fmt.duration(start)),) if start else ()
    return LaneView(
        "Beginnings",
        f"{tallied(run, tables)}{_most(starts)}.",
        _sureness(max((found.repeats for found in starts), default=0)),
        tuple(sections),
        findings=(*_steps(starts), *_firsts(starts)),
        facts=python,
        terms=TERMS,
    )


def _tables(run: Run, starts: Sequence[ArmStart]) -> tuple[CellTable, ...]:
    known = {(found.cell, found.arm): found for found in starts}
    left_out = {note.cell for note in run.notes if note.kind == "left-out"}
    return tuple(
        CellTable(
            cell,
            tuple(
                _start(known[cell.id, arm.id])
                if (cell.id, arm.id) in known
                else _absent(arm.id, arm.problem)
                for arm in run.header.arms
            ),
        )
        for cell in run.header.cells
        if cell.id not in left_out
    )


def _absent(arm: str, problem: str) -> ArmRow:
    return ArmRow(arm, None, problem or "not measured")


def _import(found: ArmImport) -> ArmRow:
    values: tuple[Value, ...] = ()
    if found.wall is not None:
        modules = Value(f"{found.modules:,}", found.modules)
        values = (_time(found.wall), _time(found.cpu), _size(found.rss), modules)
    return ArmRow(found.arm, found.verdict, found.detail, values, repeats=found.repeats)


def _start(found: ArmStart) -> ArmRow:
    values: tuple[Value, ...] = ()
    if found.first is not None:
        groups = map(_time, found.groups)
        values = (_time(found.session), *groups, _ratio(found.first), _step(found))
    return ArmRow(found.arm, found.verdict, found.detail, values, repeats=found.repeats)


def _time(estimate: stats.Estimate | None) -> Value:
    if estimate is None:
        return Value(fmt.NONE)
    text = fmt.duration(estimate.point)
    return Value(text, estimate.point, estimate.low, estimate.high)


def _size(estimate: stats.Estimate | None) -> Value:
    if estimate is None:
        return Value(fmt.NONE)
    return Value(fmt.size(estimate.point), estimate.point, estimate.low, estimate.high)


def _ratio(estimate: stats.Estimate) -> Value:
    return Value(fmt.times(estimate.point), estimate.point, estimate.low, estimate.high)


def _step(found: ArmStart) -> Value:
    if found.step is None:
        return Value(fmt.NONE)
    ratio, use = found.step.ratio, found.step.use
    return Value(
        f"{use}: {fmt.times(ratio.point)}",
        ratio.point,
        ratio.low,
        ratio.high,
        emphasis="alarm" if ratio.point > 1 else "",
        flag=f"use {use}",
    )


# --- sentences --------------------------------------------------------------------------


def _most(starts: Sequence[ArmStart]) -> str:
    """What stands out: the dearest first use, and who gets slower after some uses."""
    told = ""
    ratios = [(found.first.point, found.arm) for found in starts if found.first]
    if ratios:
        ratio, arm = max(ratios)
        told += f"; dearest first use: {arm}, {fmt.times(ratio)} its later ones"
    slowed = [found.arm for found in starts if found.step and found.step.ratio.point > 1]
    if slowed:
        told += f"; slower after some uses: {', '.join(dict.fromkeys(slowed))}"
    return told


def _sureness(repeats: int) -> str:
    text = f"{fmt.plural(repeats, 'repeat')} in fresh processes"
    if repeats < stats.MIN_ROUNDS:
        text += f"; intervals, and steps, only from {stats.MIN_ROUNDS} on"
    return text + "."


def _steps(starts: Sequence[ArmStart]) -> Iterator[Remark]:
    for found in starts:
        if found.step is not None:
            ratio = found.step.ratio
            text = (
                f"{found.arm} takes {fmt.times(ratio.point)} as long from its use "
                f"{found.step.use} on ({fmt.ratio_interval(ratio)})."
            )
            yield Remark("step", text, found.cell)


def _firsts(starts: Sequence[ArmStart]) -> Iterator[Remark]:
    """The dearest first use of each arm, where it is dearer than later ones at all."""
    for arm in dict.fromkeys(found.arm for found in starts):
        known = [
            (found.first, found)
            for found in starts
            if found.arm == arm and found.first and found.verdict is Verdict.EXACT
        ]
        if not known:
            continue
        first, found = max(known, key=lambda each: each[0].point)
        if first.low is None or first.low > 1:
            text = (
                f"{arm}’s first use takes {fmt.times(first.point)} what its uses 2 to 5 "
                f"take ({fmt.ratio_interval(first)}): {_spent(found)}."
            )
            yield Remark("first use", text, found.cell)


def _spent(found: ArmStart) -> str:
    """What a first use took, and who computed meanwhile: `13.7 ms, of which the client
    computes 2.90 ms and the server 9.80 ms`."""
    sides = {"the client computes": found.client_cpu, "the server": found.server_cpu}
    told = [f"{who} {fmt.duration(cpu.point)}" for who, cpu in sides.items() if cpu]
    whole = fmt.duration(found.groups[0].point)
    return f"{whole}, of which {' and '.join(told)}" if told else whole
