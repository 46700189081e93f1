"""What a report says, before anything decides how it looks.

`build` turns runs into a frozen `Report`: the same runs, the same report, to the byte.
Renderers only arrange it; none of them computes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.analysis.latency import Turns
from harness.analysis.times import Key
from harness.core.stats import MIN_ROUNDS
from harness.core.verdicts import Verdict
from harness.report import causes, floor, matrix, mixes, quality
from harness.report import format as fmt
from harness.report.across import across
from harness.report.answers import TaskAnswer, answers
from harness.report.cards import Card, HeatRow, cards, heat, verdicts_by_driver
from harness.report.causes import CauseView
from harness.report.cells import CellView, cell_views
from harness.report.circumstances import ArmView, TermRow, arms, environment, term_rows
from harness.report.commands import path_of
from harness.report.curves import CurveChart
from harness.report.findings import findings
from harness.report.latency import LatencyView, counted_turns, latency_view
from harness.report.layers import LayersView, layers_view
from harness.report.machines import MachinesView
from harness.report.measured import ranked_sentence
from harness.report.routes import routes
from harness.report.screened import Screening, screening
from harness.report.sections import LaneSection, LaneView, Remark, RunFact, lane_view
from harness.report.spent import Spending, spending
from harness.report.titles import titles
from harness.report.variants import VariantsView
from harness.results.records import CellFacts, Check, Run


@dataclass(frozen=True, slots=True)
class RunView:
    """One run: where it was made, what it found, how sure it is."""

    name: str
    kind: str
    answer: str
    sureness: str
    environment: tuple[RunFact, ...]
    arms: tuple[ArmView, ...]
    terms: tuple[TermRow, ...]
    findings: tuple[Remark, ...]
    cells: tuple[CellView, ...]
    means: tuple[quality.ArmMean, ...]
    mean_cells: int
    self_tests: tuple[quality.SelfTest, ...]
    screening: Screening | None
    spending: Spending | None
    matrix: matrix.Matrix | None
    rounds: int
    hues: Mapping[str, int]
    lane: LaneView | None = None
    layers: LayersView | None = None
    latency: LatencyView | None = None
    forms: tuple[mixes.FormsView, ...] = ()
    routes: tuple[RunFact, ...] = ()

    @property
    def subject(self) -> str:
        """What a reader calls it, in one word."""
        if self.lane:
            return self.lane.subject
        return "Benchmark" if self.cells else "Conformance"

    @property
    def competitors(self) -> tuple[ArmView, ...]:
        """The arms that are compared: neither A/A arms nor references."""
        return tuple(arm for arm in self.arms if not arm.twin and not arm.reference)

    @property
    def noise_sentences(self) -> tuple[str, ...]:
        """Which passes were left out, what they would have changed, where the time went."""
        screened = self.screening
        told = (screened.sentence, screened.effect) if screened else ()
        spent = (self.spending.sentence,) if self.spending else ()
        return tuple(filter(None, (*told, *spent)))

    @property
    def further(self) -> tuple[LaneSection, ...]:
        """The sections of what a run of times holds besides times."""
        parts = (self.latency, self.layers)
        return tuple(section for part in parts if part for section in part.sections)

    @property
    def charts(self) -> tuple[CurveChart, ...]:
        """The charts of the lane's sections."""
        sections = self.lane.sections if self.lane else ()
        tables = (table for section in sections for table in section.tables)
        return tuple(table.chart for table in tables if table.chart)

    @property
    def families(self) -> tuple[tuple[str, tuple[CellView, ...]], ...]:
        """The cells by the folder of their scenario, in the order of the run."""
        found: dict[str, list[CellView]] = {}
        for cell in self.cells:
            found.setdefault(cell.family, []).append(cell)
        return tuple((name, tuple(cells)) for name, cells in found.items())

    def hue(self, arm: str) -> int:
        """The colour of an arm or of a driver, by its id."""
        return self.hues.get(arm.removesuffix(" (A/A)"), 0)


_TILES: Mapping[Verdict, tuple[str, str]] = {
    Verdict.BROKEN: ("breaks a driver’s session", "break a driver’s session"),
    Verdict.CRASHED: ("crashes a driver’s process", "crash a driver’s process"),
    Verdict.HUNG: ("makes a driver hang", "make a driver hang"),
    Verdict.LOSSY: ("is silently changed by a driver", "are silently changed by a driver"),
    Verdict.REJECTED: ("is an error in a driver", "are an error in a driver"),
}
"""What a question does for some driver, and what several do."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A count, what it is of, and where to look: a place or a state of the page."""

    count: int
    words: str
    state: str
    verdict: str = ""

    @property
    def href(self) -> str:
        """The link to it."""
        return f"#{self.state}"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown.

    `facts` are those of every cell and `titles` what readers call it; `paths` have what
    `pgdyno show` takes for a cell, where that is not its id.
    """

    title: str
    runs: tuple[RunView, ...]
    drivers: tuple[str, ...] = ()
    answers: tuple[TaskAnswer, ...] = ()
    cards: tuple[Card, ...] = ()
    heat: tuple[HeatRow, ...] = ()
    causes: tuple[CauseView, ...] = ()
    tiles: tuple[Tile, ...] = ()
    checks: tuple[Check, ...] = ()
    facts: Mapping[str, CellFacts] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    machines: MachinesView | None = None
    variants: VariantsView | None = None
    titles: Mapping[str, str] = field(default_factory=dict)

    def title_of(self, cell: str) -> str:
        """What a reader calls a question."""
        return self.titles.get(cell, cell)

    def hue(self, driver: str) -> int:
        """The colour of a driver, the same in all runs."""
        return self.runs[0].hue(driver) if self.runs else 0

    @property
    def timed(self) -> bool:
        """Whether anything has a time."""
        return any(run.cells for run in self.runs)

    @property
    def checked(self) -> bool:
        """Whether anything was checked."""
        return any(run.matrix for run in self.runs)

    @property
    def subject(self) -> str:
        """What was asked of whom, where."""
        where = (self._circumstance(name) for name in ("server", "Python", "machine"))
        parts = (fmt.plural(len(self.drivers), "driver"), *where)
        return " · ".join(filter(None, parts))

    def _circumstance(self, name: str) -> str:
        """The one that all runs have, or how many there are."""
        found = {
            fact.value for run in self.runs for fact in run.environment if fact.name == name
        }
        return found.pop() if len(found) == 1 else f"{len(found)} {name}s" * bool(found)

    @property
    def grave(self) -> tuple[Remark, ...]:
        """What casts doubt on numbers, of all runs."""
        return tuple(
            finding for run in self.runs for finding in run.findings if finding.grave
        )

    @property
    def lane_terms(self) -> Mapping[str, str]:
        """The words of such sections that need explaining, each once."""
        parts = ((run.lane, run.latency, run.layers) for run in self.runs)
        shown = [part for of_run in parts for part in of_run if part]
        return {name: text for part in shown for name, text in part.terms}


def build(runs: Sequence[Run], base: str = "") -> Report:
    """The report of one or several runs, in the order given. `base` is the driver to which
    ratios over machines are taken; the first of the first run unless it is named."""
    hues = _hues(runs)
    checks = [check for run in runs for check in run.checks]
    turns = counted_turns(runs)
    views = tuple(_run_view(run, hues, checks, turns) for run in runs)
    timed = any(view.cells or view.lane for view in views)
    checked = any(view.matrix for view in views)
    what = " and ".join(["checked"] * checked + ["measured"] * timed) or "nothing found"
    cells = [cell for view in views for cell in view.cells]
    competing = [arm for run in runs for arm in run.header.arms if arm.competes]
    named = (*(arm.id for arm in competing), *(check.driver for check in checks))
    drivers = tuple(dict.fromkeys(named))
    together = across(runs, base)
    behind = causes.views(runs)
    facts = {cell.id: cell for run in runs for cell in run.header.cells}
    return Report(
        f"Python’s PostgreSQL drivers, {what}",
        views,
        drivers=drivers,
        answers=answers(cells, checks),
        cards=cards(competing, cells, checks, behind),
        heat=heat(drivers, cells, checks),
        causes=behind,
        tiles=tuple(_tiles(cells, checks)),
        checks=tuple(checks),
        facts=facts,
        paths=_paths(runs),
        machines=together.machines(),
        variants=together.variants(),
        titles=titles(facts.values()),
    )


def _paths(runs: Sequence[Run]) -> dict[str, str]:
    """The places of cells in files outside of the catalogue."""
    found = {
        cell.id: path_of(cell.id, run.header.command[1:])
        for run in runs
        for cell in run.header.cells
    }
    return {cell: path for cell, path in found.items() if path != cell}


def _tiles(cells: Sequence[CellView], checks: Sequence[Check]) -> Iterator[Tile]:
    """What was found, counted: questions of any driver, each once, in the better of both
    profiles, as the table that a tile opens shows them."""
    if asked := {check.cell for check in checks}:
        words = "question checked" if len(asked) == 1 else "questions checked"
        yield Tile(len(asked), words, "view=matrix")
        found = _questions(checks)
        for verdict, (of_one, of_many) in _TILES.items():
            if many := len(found[verdict]):
                words = of_one if many == 1 else of_many
                yield Tile(many, words, f"view=matrix&verdict={verdict}", verdict)
    if cells:
        timed = {cell.facts.id for cell in cells}
        ranked = {cell.facts.id for cell in cells if any(row.rank for row in cell.rows)}
        words = f"of {fmt.plural(len(timed), 'timed question')} ranked"
        yield Tile(len(ranked), words, "view=times")


def _questions(checks: Sequence[Check]) -> Mapping[Verdict, set[str]]:
    """The questions of which some driver has this verdict."""
    found: dict[Verdict, set[str]] = defaultdict(set)
    for verdicts in verdicts_by_driver(checks).values():
        for cell, verdict in verdicts.items():
            found[verdict].add(cell)
    return found


def _in_order(run: Run) -> list[Check]:
    """The checks in the order of the run's arms: seats finish when they finish."""
    order = {arm.id: rank for rank, arm in enumerate(run.header.arms)}
    return sorted(run.checks, key=lambda check: order.get(check.driver, len(order)))


def _run_view(
    run: Run,
    hues: Mapping[str, int],
    checks: Sequence[Check],
    turns: Mapping[Key, Turns],
) -> RunView:
    cells = floor.laid(run, cell_views(run)) if run.trials else ()
    lane = lane_view(run)
    stacked = layers_view(run, checks) if run.trials else None
    network = latency_view(run, turns) if run.trials else None
    tests = quality.self_tests(run)
    table = matrix.build(_in_order(run)) if run.checks else None
    taking_part = tuple(arms(run, cells))
    averages, averaged = quality.means(cells)
    rounds = max((len(row.rounds) for cell in cells for row in cell.rows), default=0)
    return RunView(
        name=run.header.run,
        kind=run.header.kind,
        answer=_answer(run, cells, lane, table),
        sureness=lane.sureness if lane else _sureness(cells, tests, rounds),
        environment=tuple(environment(run, lane)),
        arms=taking_part,
        terms=term_rows(taking_part),
        findings=(
            *findings(run, lane, cells, tests, averages),
            *(network.findings if network else ()),
            *(stacked.findings if stacked else ()),
        ),
        cells=cells,
        means=averages,
        mean_cells=averaged,
        self_tests=tests,
        screening=screening(run, cells),
        spending=spending(run),
        matrix=table,
        rounds=rounds,
        hues=hues,
        lane=lane,
        layers=stacked,
        latency=network,
        forms=mixes.forms(run, cells),
        routes=tuple(routes(run)),
    )


# --- the answer -----------------------------------------------------------------------


def _answer(
    run: Run,
    cells: Sequence[CellView],
    lane: LaneView | None,
    table: matrix.Matrix | None,
) -> str:
    parts = []
    drivers = fmt.plural(sum(arm.competes for arm in run.header.arms), "driver")
    if cells:
        wrong = matrix.tally(_not_exact(cells))
        parts.append(f"{ranked_sentence(cells)}.".capitalize())
        exact = f"not all exact: {wrong}" if wrong else "all exact"
        parts.append(f"{drivers}, {exact}.")
    if lane:
        parts.append(lane.answer)
    if table:
        columns = fmt.plural(len(table.columns), "column")
        size = f"{fmt.plural(len(table.rows), 'check')} × {columns}"
        parts.append(f"{size}: {matrix.tally(table.counts)}.")
    return " ".join(parts) or "Nothing was measured or checked."


def _not_exact(cells: Sequence[CellView]) -> Counter[Verdict]:
    verdicts = (row.verdict for cell in cells for row in cell.rows if row.verdict)
    return Counter(verdict for verdict in verdicts if verdict is not Verdict.EXACT)


def _sureness(
    cells: Sequence[CellView], tests: Sequence[quality.SelfTest], rounds: int
) -> str:
    if not cells:
        return ""
    precision = quality.typical_precision(cells)
    parts = [f"{fmt.plural(rounds, 'round')} of fresh processes"]
    if precision is None:
        parts.append(
            f"too few for intervals, which need {MIN_ROUNDS}: medians only, no ranks"
        )
    else:
        parts.append(f"a typical time is known to ±{fmt.change(precision, sign=False)}")
    if any(test.doubtful for test in tests):
        parts.append("but a driver differs from itself: the numbers are doubtful")
    elif any(test.conclusive and test.can_differ for test in tests):
        parts.append("a driver run against itself showed no difference")
    return "; ".join(parts) + "."


def _hues(runs: Sequence[Run]) -> dict[str, int]:
    """A number per arm name over all runs, so that a driver keeps its colour."""
    names = [arm.twin or arm.id for run in runs for arm in run.header.arms]
    names += [check.driver for run in runs for check in run.checks]
    return {name: index for index, name in enumerate(dict.fromkeys(names))}
