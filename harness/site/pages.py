"""What each page of the site says: the view model, computed from what was gathered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from harness.core.verdicts import Verdict
from harness.merging.manifest import digest_of
from harness.report import causes
from harness.report import format as fmt
from harness.report.answers import TaskAnswer, answers
from harness.report.cards import Card, HeatRow, cards, heat
from harness.report.causes import CauseView
from harness.report.matrix import concern
from harness.results.records import ArmFacts, CellFacts, Check, changed
from harness.site import names
from harness.site.answers import PlacedVerdict, SiteAnswer, answer_of
from harness.site.gathering import Gathered, SiteRun, SiteTimes, Withheld
from harness.site.versions import DriverVersion


@dataclass(frozen=True, slots=True)
class Badge:
    """`pgdyno` and what is said of a version: `73 % right, 26 silent`."""

    slug: str
    label: str
    said: str


@dataclass(frozen=True, slots=True)
class Dissent:
    """A question whose places do not agree, with the verdict of each."""

    cell: str
    answer: SiteAnswer


@dataclass(frozen=True, slots=True)
class VersionPage:
    """A driver in a version. `checks` are those that count, one for each question."""

    version: DriverVersion
    card: Card
    checks: tuple[Check, ...]
    dissents: tuple[Dissent, ...]
    families: tuple[tuple[HeatRow, Mapping[Verdict, int]], ...]
    causes: tuple[CauseView, ...]
    runs: tuple[SiteRun, ...]
    times: tuple[SiteTimes, ...]

    @property
    def date(self) -> str:
        """The day of the latest run."""
        return max((run.date for run in self.runs), default="")

    @property
    def silent(self) -> int:
        """How many values it silently changes."""
        return self.card.counts.get(Verdict.LOSSY, 0)

    @property
    def fatal(self) -> int:
        """In how many questions a session breaks, a process dies, or no answer comes."""
        fatal = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG)
        return sum(self.card.counts.get(verdict, 0) for verdict in fatal)

    @property
    def badge(self) -> Badge:
        """What a maintainer may show."""
        return Badge(self.version.slug, "pgdyno", self._said)

    @property
    def _said(self) -> str:
        if self.card.right is None:
            return "not checked"
        return f"{fmt.whole(self.card.right.value)} right, {self.silent:,} silent"


@dataclass(frozen=True, slots=True)
class Move:
    """From a version to the next: the questions whose verdict changed."""

    base: DriverVersion
    head: DriverVersion
    changed: tuple[tuple[str, Verdict, Verdict], ...]


@dataclass(frozen=True, slots=True)
class DriverPage:
    """A driver, the latest version first."""

    name: str
    slug: str
    versions: tuple[VersionPage, ...]
    rows: tuple[HeatRow, ...]
    causes: tuple[CauseView, ...]
    moves: tuple[Move, ...]
    times: tuple[SiteTimes, ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """A wrong answer of a question, and whose it is."""

    check: Check
    versions: tuple[DriverVersion, ...]

    @property
    def adds(self) -> bool:
        """Whether what came and what was due is not in the sentence already."""
        told = (self.check.observed, self.check.expected)
        return any(text not in self.check.detail for text in told)


@dataclass(frozen=True, slots=True)
class CellRow:
    """A question: an answer for each version, None where it was not asked."""

    cell: str
    anchor: str
    facts: CellFacts | None
    answers: tuple[SiteAnswer | None, ...]
    wrong: tuple[Alike, ...]

    @property
    def point(self) -> str:
        """The question without its scenario."""
        return self.cell.partition("#")[2] or self.cell


@dataclass(frozen=True, slots=True)
class ScenarioPage:
    """A scenario, with the versions that were asked anything of it."""

    name: str
    slug: str
    why: str
    versions: tuple[DriverVersion, ...]
    cells: tuple[CellRow, ...]
    worst: Verdict

    @property
    def family(self) -> str:
        """The folder that it lies in."""
        return self.name.partition("/")[0]


class Site:
    """The pages; each is computed when it is asked for."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self.catalogue = digest_of(gathered.facts.values())
        self.runs: Sequence[SiteRun] = gathered.runs
        self.withheld: Sequence[Withheld] = gathered.withheld
        self.times: Sequence[SiteTimes] = gathered.times
        timed = {version for run in gathered.runs for version in run.versions}
        self.numbers = sorted({*gathered.said, *timed}, key=lambda found: found.order)

    @cached_property
    def answers(self) -> Mapping[DriverVersion, Mapping[str, SiteAnswer]]:
        """What each version says to each question."""
        return {
            version: {
                cell: answer_of(said.values())
                for cell, said in sorted(self._gathered.said[version].items())
            }
            for version in self.numbers
        }

    @cached_property
    def versions(self) -> Sequence[VersionPage]:
        """Every version, by driver, the latest first."""
        return [self._version(version) for version in self.numbers]

    @cached_property
    def latest(self) -> Sequence[VersionPage]:
        """The latest version of each driver."""
        found: dict[str, VersionPage] = {}
        for page in self.versions:
            found.setdefault(page.version.driver, page)
        return list(found.values())

    @cached_property
    def heat(self) -> Sequence[HeatRow]:
        """How right the latest versions are, by family."""
        checks = [check for page in self.latest for check in page.checks]
        return heat([page.version.arm for page in self.latest], (), checks)

    @cached_property
    def tasks(self) -> Sequence[TaskAnswer]:
        """Which driver to take for what, where any run has times."""
        checks = [
            _called(check, page.version.driver)
            for page in self.latest
            for check in page.checks
        ]
        return answers(self._gathered.cells, checks)

    def drivers(self) -> Iterator[DriverPage]:
        """A page for each driver."""
        by_driver: dict[str, list[VersionPage]] = defaultdict(list)
        for page in self.versions:
            by_driver[page.version.driver].append(page)
        for name, pages in by_driver.items():
            checks = [check for page in pages for check in page.checks]
            yield DriverPage(
                name=name,
                slug=names.driver(name),
                versions=tuple(pages),
                rows=heat([page.version.arm for page in pages], (), checks),
                causes=causes.of_checks(checks, self._gathered.facts, {}),
                moves=tuple(self._moves(pages)),
                times=tuple(self._times({page.version for page in pages})),
            )

    @cached_property
    def scenarios(self) -> Sequence[ScenarioPage]:
        """A page for each scenario that was checked."""
        asked: dict[str, set[str]] = defaultdict(set)
        for found in self.answers.values():
            for cell, answer in found.items():
                asked[answer.worst.check.scenario].add(cell)
        return [self._scenario(name, sorted(asked[name])) for name in sorted(asked)]

    @cached_property
    def places(self) -> Mapping[str, str]:
        """Where each question stands."""
        return {
            row.cell: f"scenarios/{page.slug}.html#{row.anchor}"
            for page in self.scenarios
            for row in page.cells
        }

    # --- a version ----------------------------------------------------------------------

    def _version(self, version: DriverVersion) -> VersionPage:
        found = self.answers[version]
        checks = [_called(answer.worst.check, version.arm) for answer in found.values()]
        (card,) = cards([_arm(version)], (), checks)
        return VersionPage(
            version=version,
            card=card,
            checks=tuple(checks),
            dissents=tuple(
                Dissent(cell, answer) for cell, answer in found.items() if answer.conflict
            ),
            families=tuple(_families(version, checks)),
            causes=causes.of_checks(checks, self._gathered.facts, {}),
            runs=tuple(run for run in self.runs if version in run.versions),
            times=tuple(self._times({version})),
        )

    def _times(self, wanted: set[DriverVersion]) -> Iterator[SiteTimes]:
        for timed in self.times:
            if wanted & {version for _, version in timed.arms}:
                yield timed

    def _moves(self, pages: Sequence[VersionPage]) -> Iterator[Move]:
        """What changed from each version to the next, the latest first."""
        for head, base in pairwise(pages):
            before, after = (self.answers[page.version] for page in (base, head))
            changed = [
                (cell, before[cell].worst.verdict, answer.worst.verdict)
                for cell, answer in after.items()
                if cell in before and before[cell].worst.verdict is not answer.worst.verdict
            ]
            yield Move(base.version, head.version, tuple(changed))

    # --- a scenario ---------------------------------------------------------------------

    def _scenario(self, name: str, cells: Sequence[str]) -> ScenarioPage:
        own = set(cells)
        versions = tuple(v for v in self.numbers if own & self.answers[v].keys())
        rows = tuple(self._row(cell, versions) for cell in cells)
        known = next((row.facts for row in rows if row.facts), None)
        found = [answer for row in rows for answer in row.answers if answer]
        return ScenarioPage(
            name=name,
            slug=names.scenario(name),
            why=known.why if known else "",
            versions=versions,
            cells=rows,
            worst=max((answer.worst.verdict for answer in found), key=concern),
        )

    def _row(self, cell: str, versions: Sequence[DriverVersion]) -> CellRow:
        found = tuple(self.answers[version].get(cell) for version in versions)
        return CellRow(
            cell=cell,
            anchor=names.cell(cell),
            facts=self._gathered.facts.get(cell),
            answers=found,
            wrong=tuple(_alike(versions, found)),
        )


def _alike(
    versions: Sequence[DriverVersion], found: Sequence[SiteAnswer | None]
) -> Iterator[Alike]:
    """Wrong answers that say the same, together; the worst first."""
    groups: dict[tuple[str, ...], tuple[PlacedVerdict, list[DriverVersion]]] = {}
    for version, answer in zip(versions, found, strict=True):
        for said in answer.said if answer else ():
            if said.verdict is not Verdict.EXACT:
                check = said.check
                told = (check.verdict, check.detail, check.observed, check.expected)
                groups.setdefault(told, (said, []))[1].append(version)
    ordered = sorted(groups.values(), key=lambda group: -concern(group[0].verdict))
    yield from (Alike(said.check, tuple(whose)) for said, whose in ordered)


def _called(check: Check, name: str) -> Check:
    """The check as one of this driver, without what some project's baseline expected."""
    plain = check.marked(
        expected_verdict="", drift="", deviation=check.deviation, link=check.link
    )
    return changed(plain, driver=name)


def _arm(version: DriverVersion) -> ArmFacts:
    return ArmFacts(id=version.arm, driver=version.driver, options=[], profile="", kind="")


def _families(
    version: DriverVersion, checks: Sequence[Check]
) -> Iterator[tuple[HeatRow, Mapping[Verdict, int]]]:
    """How right it is in each family, with all verdicts counted."""
    tallies: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for check in checks:
        tallies[check.cell.partition("/")[0]][check.verdict] += 1
    for row in heat([version.arm], (), checks):
        yield row, tallies[row.family]
