"""Two complete runs: do they agree? And does the same file give the same report?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from harness import scenario
from harness.analysis.times import measured, paired_log_ratios
from harness.bench import orders
from harness.bench.runner import Progress
from harness.bench.schedule import Plan
from harness.core import stats
from harness.core.arms import Arm
from harness.results import store
from harness.results.records import Run
from harness.validity import kept
from harness.validity.outcome import Outcome
from harness.validity.trials import fail
from harness.venue.venue import Venue

DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
OVERLAP = 0.95


@dataclass(frozen=True, slots=True)
class Twice:
    """Two runs of the same cells and drivers, and where they are kept."""

    folder: Path
    cells: list[str]
    plan: Plan

    @property
    def name(self) -> str:
        """What both files have in common."""
        return f"complete-{len(self.cells)}-cells"

    def file(self, number: int) -> Path:
        """Where a run is kept."""
        return self.folder / f"{self.name}-{number + 1}.jsonl"


def measure(place: Venue, pair: Twice, progress: Progress) -> None:
    """Run what is not there yet."""
    scenarios, cells = scenario.select_cells(pair.cells)
    arms = [Arm(name) for name in DRIVERS]
    rules = kept.rules(cells, pair.plan, arms=DRIVERS)
    kept.claim(pair.folder, place.facts, pair.name, rules)
    for number in range(2):
        if kept.complete(pair.file(number)):
            continue
        pair.file(number).unlink(missing_ok=True)
        order = orders.Order(scenarios, cells, arms, pair.plan, "quick", number)
        orders.measure(place, order, pair.file(number), progress, fail)


def agreement(pair: Twice) -> Iterator[Outcome]:
    """Intervals of ratios between any two drivers, run against run."""
    first, second = (_ratios(store.read(pair.file(number))) for number in range(2))
    common = [(first[key], second[key]) for key in first.keys() & second.keys()]
    overlaps = sum(_overlap(before, after) for before, after in common)
    reversed_ = sum(
        before.excludes_zero and after.excludes_zero and before.point * after.point < 0
        for before, after in common
    )
    yield Outcome(
        "two complete runs: intervals that overlap",
        f"at least {OVERLAP:.0%}",
        f"{overlaps} of {len(common)}",
        bool(common) and overlaps >= OVERLAP * len(common),
    )
    yield Outcome(
        "two complete runs: significant signs reversed",
        "none",
        f"{reversed_} of {len(common)}",
        bool(common) and not reversed_,
    )


def _overlap(before: stats.Estimate, after: stats.Estimate) -> bool:
    if None in (before.low, before.high, after.low, after.high):
        return False
    low, high = max(before.low or 0, after.low or 0), min(before.high or 0, after.high or 0)
    return low <= high


def _ratios(run: Run) -> Mapping[tuple[str, str, str], stats.Estimate]:
    """log(driver / driver) by cell and both drivers, where there is an interval."""
    series = measured(run).series
    found = {}
    for cell in run.header.cells:
        for first, arm in combinations((arm.id for arm in run.header.arms), 2):
            base, own = series.get((cell.id, first)), series.get((cell.id, arm))
            logs = paired_log_ratios(own, base) if own and base else []
            if len(logs) >= stats.MIN_ROUNDS:
                found[cell.id, first, arm] = stats.hodges_lehmann(logs)
    return found


def same_report(file: Path) -> Iterator[Outcome]:
    """Read and rendered twice, byte by byte."""
    from harness.render import html, markdown
    from harness.report import view

    pages = []
    for _ in range(2):
        report = view.build([store.read(file)])
        pages.append(html.render(report) + markdown.render(report))
    same = pages[0] == pages[1]
    yield Outcome(
        "the same file gives the same report",
        "the same bytes",
        "the same" if same else "different",
        same,
    )
