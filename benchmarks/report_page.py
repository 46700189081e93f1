"""What the page of a report takes, against the marks that it must keep.

    python benchmarks/report_page.py [RUN.jsonl …] [--big-only]

A whole catalogue, made from a seed or read from results files, and a page ten times as
large. Rendering is processor time of Python, from runs to the page's text; loading is
processor time of the browser with all its processes; filter and clear are the time until
the rows are laid out, in the page's own clock, the best of some: a busy machine adds to it.
Needs Chromium and playwright.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from large_results import header, make
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, sync_playwright

from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.render import html
from harness.report import view
from harness.results.records import ArmFacts, CellFacts, Check, Run
from harness.results.store import read

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--no-first-run", "--disable-sync")  # fmt: skip
REPEATS = 5
SLICES, SLICES_EACH = 200_000, 12
DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy", "pg8000")
PROFILES = ("default", "configured")
FAMILY_CELLS, CAUSES = 50, 145
TROUBLES = (Verdict.REJECTED, Verdict.DIFFERS, Verdict.LOSSY, Verdict.UNSUPPORTED)
FILTER = """async (state) => {
  const begun = performance.now();
  const shown = () => document.querySelector("#view-matrix .count")?.textContent;
  const before = shown();
  location.hash = state;
  while (shown() === before) await new Promise((done) => setTimeout(done));
  document.querySelector("#view-matrix .rows").getBoundingClientRect();
  return performance.now() - begun;
}"""
NEEDLE, CLEAR = "#view=matrix&q=reason+17", "#view=matrix"


@dataclass(frozen=True)
class Mark:
    """What is measured and what it may be; no mark where nothing was promised."""

    name: str
    unit: str
    catalogue: float | None
    big: float | None


MARKS = (
    Mark("file", "MB", 0.5, 3),
    Mark("nodes after loading", "", 3000, None),
    Mark("loading, CPU of the browser", "s", 1.5, None),
    Mark("first filter, with unfolding", "ms", None, None),
    Mark("filter", "ms", 50, 100),
    Mark("clear", "ms", 50, 100),
    Mark("rendering, CPU of Python", "s", None, 5),
)


def main() -> None:
    """Measure both pages and print what they take beside their marks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, nargs="*", help="of a whole catalogue")
    parser.add_argument("--big-only", action="store_true")
    args = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("needs chromium: apt-get install chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        if not args.big_only:
            runs = [read(path) for path in args.runs] or [catalogue(1_575, drivers=5)]
            show("a whole catalogue", measured(runs, browser, Path(folder)), "catalogue")
        times = make(Path(folder) / "times.jsonl", "cells", SLICES // SLICES_EACH, seed=1)
        runs = [read(times), catalogue(12_000, drivers=6)]
        show("12,000 cells × 12 columns, 200,000 slices",
             measured(runs, browser, Path(folder)), "big")  # fmt: skip


def show(title: str, found: Sequence[float], size: str) -> None:
    """A table: what was found, the mark, and whether it is kept."""
    print(f"{title}\n{'':<32}{'found':>9}  {'mark':>7}")
    for mark, value in zip(MARKS, found, strict=True):
        limit: float | None = getattr(mark, size)
        told = "" if limit is None else f"≤ {limit:,g}"
        kept = "" if limit is None or value <= limit else "  MISSED"
        name = f"{mark.name}, {mark.unit}" if mark.unit else mark.name
        print(f"{name:<32}{value:>9,.4g}  {told:>7}{kept}")
    print()


def measured(runs: Sequence[Run], browser: Browser, folder: Path) -> list[float]:
    """A figure for each of the marks, in their order."""
    begun = time.process_time()
    text = html.render(view.build(runs))
    rendering_s = time.process_time() - begun
    file = folder / "report.html"
    file.write_text(text, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    loading_s = loaded(page, file.as_uri())
    nodes = page.evaluate("document.querySelectorAll('*').length")
    (first,) = filtered(page, [CLEAR])
    page.wait_for_selector(".matrix .row .v")
    rounds = [list(filtered(page, [NEEDLE, CLEAR])) for _ in range(REPEATS)]
    filters, clears = zip(*rounds, strict=True)
    page.close()
    return [
        file.stat().st_size / 1e6, nodes, loading_s, first,
        min(filters), min(clears), rendering_s,
    ]  # fmt: skip


def loaded(page: Page, url: str) -> float:
    """Processor seconds of all the browser's processes until the page is at rest."""
    before = browser_s()
    page.goto(url)
    page.wait_for_timeout(1500)
    return browser_s() - before


def browser_s() -> float:
    """What Chromium's processes have taken so far."""
    return sum(
        sum(process.cpu_times()[:2])
        for process in psutil.Process().children(recursive=True)
        if "chrom" in process.name()
    )


def filtered(page: Page, states: Sequence[str]) -> Iterator[float]:
    """How long it takes, ms, until each of the states is shown."""
    for state in states:
        yield page.evaluate(FILTER, state)


# --- a made-up catalogue --------------------------------------------------------------


def catalogue(cells: int, drivers: int) -> Run:
    """A check of so many cells in two profiles: a fifth of all answers is not exact."""
    ids = [f"family-{n // FAMILY_CELLS}/scenario-{n // 8}#case-{n}" for n in range(cells)]
    rng = random.Random(cells)
    head = replace(
        header("checks", [], seed=2),
        arms=[_arm(name) for name in DRIVERS[:drivers]],
        cells=[_cell(cell, number) for number, cell in enumerate(ids)],
    )
    checks = [
        _check(cell, driver, profile, answer)
        for number, cell in enumerate(ids)
        for driver in DRIVERS[:drivers]
        for answer in [_answer(rng, number)]
        for profile in PROFILES
    ]
    return Run(path="check.jsonl", header=head, trials=[], checks=checks, notes=[],
               footer=None)  # fmt: skip


def _arm(name: str) -> ArmFacts:
    return ArmFacts(id=name, driver=name, options=[], profile="configured", kind="sync")


def _cell(identity: str, number: int) -> CellFacts:
    scenario, _, case = identity.partition("#")
    return CellFacts(
        id=identity, scenario=scenario, case=case, point={}, op="fetch_val",
        title=f"Question {number} of {scenario}", why=f"The reason of {scenario}.",
        sql=f"select value_{number % 700}, $1::type_{number % 90} from {scenario}_{number}",
    )  # fmt: skip


def _answer(rng: random.Random, number: int) -> Judgement:
    if rng.random() > 0.2:
        return EXACT
    cause = rng.randrange(CAUSES)
    return Judgement(
        TROUBLES[cause % len(TROUBLES)], Code.ERROR, f"reason {cause}: it went wrong",
        observed=f"({number}, 'came {cause}')", expected=f"({number}, 'due')",
    )  # fmt: skip


def _check(cell: str, driver: str, profile: str, answer: Judgement) -> Check:
    scenario, _, case = cell.partition("#")
    known = "" if answer.verdict is Verdict.EXACT else f"declared: {answer.detail}"
    return Check(
        scenario=scenario, case=case, cell=cell, driver=driver, profile=profile,
        judgement=answer, elapsed_ns=1_000_000, deviation=known,
        expected_verdict=str(answer.verdict),
    )  # fmt: skip


if __name__ == "__main__":
    main()
