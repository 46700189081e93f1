"""Every derived number of a run as rows of a table, for programs.

The view model says them to people; these are the same numbers, unrounded. One row per
cell, arm and metric; docs/api.md describes the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from harness.analysis.times import measured, paired_log_ratios
from harness.core import stats
from harness.core.metrics import METRICS
from harness.core.verdicts import Verdict
from harness.report.cells import PERCENTILES, CellView, Row, cell_views
from harness.report.quality import SelfTest
from harness.report.sections import ArmRow, LaneSection, Quantity, Value
from harness.report.view import RunView
from harness.results.records import Run


@dataclass(frozen=True, slots=True)
class Number:
    """An estimate with all that belongs to it; what it has not is None.

    `ratio` is times the fastest of the group, of memory and means there is none. `test`
    names the test that `p` is of. `over_floor` is times the cell's floor.
    """

    run: str
    cell: str
    arm: str
    group: str
    metric: str
    unit: str
    verdict: str
    n: int
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    ratio_trimmed: float | None = None
    ratio_trimmed_low: float | None = None
    ratio_trimmed_high: float | None = None
    test: str = ""
    p: float | None = None
    p_adjusted: float | None = None
    detectable: float | None = None
    over_floor: float | None = None
    over_floor_low: float | None = None
    over_floor_high: float | None = None
    rank: int | None = None
    tied: bool = False
    flags: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One arm against another in one cell: the paired ratio of their times.

    `p` is of the signed-rank test that they are equal, not corrected for the number of
    tests; it is None where there is no interval or an arm is compared with itself.
    """

    run: str
    cell: str
    arm: str
    reference: str
    n: int
    ratio: float
    low: float | None
    high: float | None
    confidence: float | None
    p: float | None
    rank: int | None
    tied: bool


COLUMNS = tuple(field.name for field in fields(Number))


def numbers(view: RunView) -> Iterator[Number]:
    """All of a run, in the order of its report."""
    for cell in view.cells:
        for group in cell.groups:
            for row in group.rows:
                yield from _of_row(view.name, cell, group.label, row)
        for reference in cell.references:
            yield from _of_row(view.name, cell, "reference", reference.row)
    yield from _of_means(view)
    for test in view.self_tests:
        yield from _of_self_test(view.name, test)
    sections = view.lane.sections if view.lane else ()
    for section in (*sections, *view.further):
        yield from _of_section(view.name, section)


def ratios(run: Run, reference: str = "") -> Iterator[Ratio]:
    """Each driver against `reference`; without one, against the fastest of its group, as
    the report has it. Threads and tasks are never compared."""
    for cell in cell_views(run):
        for group in cell.groups:
            base = reference or (group.fastest.arm if group.fastest else "")
            if cell.facts.clients and base not in {row.arm for row in group.rows}:
                continue
            for row in group.rows:
                found = _ratio(run, cell, row, base)
                if found is not None:
                    yield found


def _ratio(run: Run, cell: CellView, row: Row, base: str) -> Ratio | None:
    known = measured(run).series
    own, other = (known.get((cell.facts.id, arm)) for arm in (row.arm, base))
    if row.time is None or own is None or other is None:
        return None
    logs = paired_log_ratios(own, other)
    if not logs:
        return None
    shown = stats.hodges_lehmann(logs).exp()
    tested = shown.low is not None and row.arm != base
    return Ratio(
        run=run.header.run,
        cell=cell.facts.id,
        arm=row.arm,
        reference=base,
        n=len(logs),
        ratio=shown.point,
        low=shown.low,
        high=shown.high,
        confidence=shown.confidence,
        p=stats.signed_rank_p(logs) if tested else None,
        rank=row.rank,
        tied=row.tied,
    )


# --- times ----------------------------------------------------------------------------


def _of_row(run: str, cell: CellView, group: str, row: Row) -> Iterator[Number]:
    bare = Number(
        run=run,
        cell=cell.facts.id,
        arm=row.arm,
        group=group,
        metric="response_ns" if row.open_loop else "wall_ns",
        unit="ns/op",
        verdict=str(row.verdict or ""),
        n=len(row.rounds),
        flags=_flags(row),
        detail=row.detail,
    )
    yield _compared(_estimated(bare, row.time), row)
    plain = replace(bare, detail="", flags="")
    for metric, unit, value in _metrics(cell, row):
        if value is not None:
            yield replace(plain, metric=metric, unit=unit, estimate=value)


def _estimated(number: Number, estimate: stats.Estimate | None) -> Number:
    if estimate is None:
        return number
    return replace(
        number,
        estimate=estimate.point,
        low=estimate.low,
        high=estimate.high,
        confidence=estimate.confidence,
    )


def _compared(number: Number, row: Row) -> Number:
    """With the row's ratios, its test and its rank."""
    found: dict[str, Any] = {}
    for name, estimate in (
        ("ratio", row.ratio),
        ("ratio_trimmed", row.trimmed),
        ("over_floor", row.over_floor),
    ):
        if estimate is not None:
            found[name] = estimate.point
            found[f"{name}_low"], found[f"{name}_high"] = estimate.low, estimate.high
    return replace(
        number,
        test="signed-rank" if row.p is not None else "",
        p=row.p,
        p_adjusted=row.p_adjusted,
        detectable=row.detectable,
        rank=row.rank,
        tied=row.tied,
        **found,
    )


def _flags(row: Row) -> str:
    """What casts doubt on a number, or forbids a rank."""
    told = {
        "not-ranked": row.time is not None and row.verdict is not Verdict.EXACT,
        "no-interval": row.time is not None and not row.sure,
        "no-number": row.time is None,
    }
    return " ".join(flag for flag, holds in told.items() if holds)


def _metrics(cell: CellView, row: Row) -> Iterator[tuple[str, str, float | None]]:
    yield "rate", f"{cell.facts.unit}/s", cell.rate(row)
    for metric in METRICS:
        yield metric.name, metric.unit, row.per_op[metric.name]
    for share, value in zip(PERCENTILES, row.latencies, strict=True):
        yield f"latency_ns_p{share * 100:g}", "ns", value
    if row.open_loop is not None:
        yield "rate_asked", "ops/s", row.open_loop.asked
        yield "rate_achieved", "ops/s", row.open_loop.achieved
        for share, value in zip(PERCENTILES, row.open_loop.lags, strict=True):
            yield f"lag_ns_p{share * 100:g}", "ns", value
    if row.rss_bytes:
        yield "rss_peak_bytes", "bytes", float(row.rss_bytes)
    if row.turns:
        yield "turns", "1/op", row.turns.number


def _of_means(view: RunView) -> Iterator[Number]:
    for mean in view.means:
        yield Number(
            run=view.name,
            cell="",
            arm=mean.arm,
            group="",
            metric="mean_ratio",
            unit="× fastest",
            verdict="",
            n=mean.mean.n,
            estimate=mean.mean.point,
            low=mean.mean.low,
            high=mean.mean.high,
            flags="dominated" if mean.dominated_by else "",
            detail=mean.dominated_by,
        )


def _of_self_test(run: str, test: SelfTest) -> Iterator[Number]:
    for comparison in test.cells:
        bare = Number(
            run=run,
            cell=comparison.cell,
            arm=test.twin,
            group="self-test",
            metric="self_ratio",
            unit=f"× {test.original}",
            verdict="",
            n=comparison.shift.n,
            test="signed-rank",
            p_adjusted=comparison.p_adjusted,
            detectable=comparison.detectable,
            flags="differs" if comparison.differs else "",
        )
        yield _estimated(bare, comparison.shift.exp())


# --- lanes ----------------------------------------------------------------------------


def _of_section(run: str, section: LaneSection) -> Iterator[Number]:
    """Every number of a section, and that there is none where it has none."""
    for table in section.tables:
        for row in table.rows:
            yield from _of_arm(run, table.cell, section.quantities, row)


def _of_arm(
    run: str, cell: str, quantities: Sequence[Quantity], row: ArmRow
) -> Iterator[Number]:
    values = row.values or (None,) * len(quantities)
    for quantity, value in zip(quantities, values, strict=True):
        if quantity.metric:
            number = Number(
                run=run,
                cell=cell,
                arm=row.arm,
                group="",
                metric=quantity.metric,
                unit=quantity.unit,
                verdict=str(row.verdict or ""),
                n=row.repeats,
                detail=row.detail,
            )
            yield _valued(number, value)


def _valued(number: Number, value: Value | None) -> Number:
    if value is None or value.number is None:
        return replace(number, flags="no-number")
    return replace(
        number,
        estimate=value.number,
        low=value.low,
        high=value.high,
        ratio=value.ratio,
        flags=value.flag,
    )
