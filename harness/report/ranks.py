"""Who is fastest: one definition for the reference of ratios, for ranks, bold and ties.

The **fastest** of a group is the exact arm that no other one beats: the Hodges–Lehmann
estimate of its ratios to every other arm, paired by round, is at most 1. A least time is
not enough, because times are estimated from each arm's rounds alone, and ratios from what
two arms did in the same moments.

Three arms may beat each other in a ring. Then the fastest is the one whose greatest loss is
the smallest, and those that beat it are not ordered by the data: they are tied with it.

**Tied** is who is not significantly slower than the fastest (signed rank,
Benjamini–Hochberg over the report); whoever is tied has rank 1, and so has the fastest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from harness.analysis.times import Key, Timings, paired_log_ratios
from harness.core import stats
from harness.core.verdicts import Verdict
from harness.report import format as fmt

if TYPE_CHECKING:
    from harness.report.cells import CellView, RankGroup, Row
    from harness.results.records import CellFacts

FALSE_DISCOVERY = 0.05

Logs = Callable[[str, str], list[float]]
"""(arm, other) → the log-ratios of their common rounds, above 0 where `arm` is slower."""


def ranked(
    drafts: Sequence[CellView], counted: Mapping[Key, Timings]
) -> tuple[CellView, ...]:
    """Ratios for all, then ties corrected over the whole report, then ranks."""
    compared = [
        [_compared(cell.facts, group, counted) for group in cell.groups] for cell in drafts
    ]
    tests = [p for cell in compared for _, found in cell for p in found.values()]
    adjusted = iter(stats.benjamini_hochberg(tests))
    return tuple(
        replace(draft, groups=tuple(_placed(group, p, adjusted) for group, p in groups))
        for draft, groups in zip(drafts, compared, strict=True)
    )


def fastest(rows: Sequence[Row], logs: Logs) -> str:
    """The arm that no other one beats, empty where nothing exact has a time.

    An arm without an interval is only taken where none has one.
    """
    exact = [row for row in rows if row.time and row.verdict is Verdict.EXACT]
    able = [row for row in exact if row.sure] or exact
    able.sort(key=lambda row: (_time(row), row.arm))
    times = {row.arm: math.log(_time(row)) for row in able}

    @cache
    def loss(arm: str, other: str) -> float:
        if paired := logs(arm, other):
            return stats.hodges_lehmann(paired).point
        return times[arm] - times[other]

    def greatest_loss(arm: str) -> float:
        return max((loss(arm, other) for other in times if other != arm), default=0.0)

    unbeaten = (
        arm
        for arm in times
        if all(loss(arm, other) <= 0 for other in times if other != arm)
    )
    return next(unbeaten, "") or min(times, key=greatest_loss, default="")


# --- ratios ---------------------------------------------------------------------------


def _compared(
    cell: CellFacts, group: RankGroup, counted: Mapping[Key, Timings]
) -> tuple[RankGroup, dict[str, float]]:
    """The group with its fastest and all ratios to it, and the p-values of those tested."""

    def logs(arm: str, other: str) -> list[float]:
        own, base = (counted.get((cell.id, name)) for name in (arm, other))
        return paired_log_ratios(own, base) if own and base else []

    best = fastest(group.rows, logs)
    rows, tests = [], {}
    for row in group.rows:
        paired = logs(row.arm, best) if best and row.time else []
        row = _with_ratio(row, paired, itself=row.arm == best) if paired else row
        if row.arm != best and _able(row):
            tests[row.arm] = stats.signed_rank_p(paired)
            row = replace(row, p=tests[row.arm])
        rows.append(row)
    pairs = _paired([row.arm for row in rows if row.time], logs)
    return replace(group, rows=tuple(rows), first=best, pairs=pairs), tests


def _paired(arms: Sequence[str], logs: Logs) -> dict[tuple[str, str], stats.Estimate]:
    """The ratio of every arm to every later one."""
    found = {pair: logs(*pair) for pair in itertools.combinations(arms, 2)}
    return {
        pair: stats.hodges_lehmann(paired).exp() for pair, paired in found.items() if paired
    }


def _with_ratio(row: Row, logs: list[float], *, itself: bool) -> Row:
    """The ratio to the fastest, the same by trimmed means, and what could be detected."""
    ratio = stats.hodges_lehmann(logs).exp()
    if itself:
        return replace(row, ratio=ratio)
    return replace(
        row,
        ratio=ratio,
        trimmed=stats.trimmed_mean(logs).exp(),
        detectable=stats.detectable_effect(stats.spread(logs), len(logs)),
    )


def _able(row: Row) -> bool:
    """Whether a row may be ranked: exact, its time and its ratio with an interval."""
    known = row.sure and row.ratio is not None and row.ratio.low is not None
    return row.verdict is Verdict.EXACT and known


# --- ranks ----------------------------------------------------------------------------


def _placed(
    group: RankGroup, tests: Mapping[str, float], adjusted: Iterator[float]
) -> RankGroup:
    """The group in the order in which it is shown; `adjusted` are in the order of tests."""
    p_values = dict(zip(tests, adjusted, strict=False))
    told = [replace(row, p_adjusted=p_values.get(row.arm)) for row in group.rows]
    rows = with_ranks(told, group.first, p_values)
    return replace(group, rows=rows, order_note=order_note(rows))


def with_ranks(
    rows: Sequence[Row], best: str, p_values: Mapping[str, float]
) -> tuple[Row, ...]:
    """Rank 1 for the fastest and its ties, then by ratio; the unranked follow."""
    able = sorted(
        filter(_able, rows), key=lambda row: (row.arm != best, _ratio(row), row.arm)
    )
    level = [row for row in able if row.arm == best or not _slower(row, p_values)]
    slower = [row for row in able if row not in level]
    ties = len(level) > 1
    placed = [replace(row, rank=1, tied=ties) for row in level]
    placed += [replace(row, rank=len(level) + at) for at, row in enumerate(slower, 1)]
    others = [row for row in rows if row not in able]
    return tuple(placed + sorted(others, key=_after_the_ranked))


def _slower(row: Row, p_values: Mapping[str, float]) -> bool:
    """Whether it can be told from the fastest; who is ahead of it in a ring cannot."""
    return _ratio(row) > 1 and p_values[row.arm] <= FALSE_DISCOVERY


def _after_the_ranked(row: Row) -> tuple[int, float]:
    """Timed but not ranked first, then what has no number, the mildest first."""
    if row.time is not None:
        ratio = row.ratio.point if row.ratio else math.inf
        return (int(row.verdict is not Verdict.EXACT), ratio)
    if row.verdict is None:
        return (90, 0.0)
    return (80 if row.verdict is Verdict.INVALID else 2 + row.verdict.severity, 0.0)


def _ratio(row: Row) -> float:
    assert row.ratio is not None
    return row.ratio.point


def _time(row: Row) -> float:
    assert row.time is not None
    return row.time.point


# --- what looks like a contradiction --------------------------------------------------


def order_note(rows: Sequence[Row]) -> str:
    """Why times or ratios are not in the order shown; empty where both are."""
    able = [row for row in rows if row.rank is not None]
    return " ".join(filter(None, (_times_disagree(able), _ratios_disagree(able))))


def _times_disagree(able: Sequence[Row]) -> str:
    """Only where the difference can be seen in the numbers as they are printed."""
    by_time = sorted(able, key=_time)
    seen = [fmt.duration(_time(row)) for row in able]
    if seen == [fmt.duration(_time(row)) for row in by_time]:
        return ""
    names = ", ".join(row.arm for row in by_time)
    return (
        "The order follows the ratios, which are paired by round; by time alone it would "
        f"be {names}."
    )


def _ratios_disagree(able: Sequence[Row]) -> str:
    level = [row for row in able if row.rank == 1]
    slower = [row for row in able if row.rank != 1]
    if not slower or not level:
        return ""
    widest, nearest = max(level, key=_ratio), min(slower, key=_ratio)
    told, untold = (fmt.times(_ratio(row)) for row in (nearest, widest))
    if _ratio(widest) <= _ratio(nearest) or told == untold:
        return ""
    return (
        f"{widest.arm} ({untold}) is tied and {nearest.arm} ({told}) is not: the ratio of "
        f"{widest.arm} is known less well."
    )
