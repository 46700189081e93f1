"""From what was gathered to what each page says; what nobody asks for is not computed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

from harness.core.verdicts import Verdict
from harness.merging.manifest import digest_of
from harness.report import causes
from harness.report import format as fmt
from harness.report.answers import TaskAnswer, answers
from harness.report.cards import HeatRow, cards, heat
from harness.report.matrix import concern
from harness.results.records import ArmFacts, Check, changed
from harness.site import names
from harness.site.answers import PlacedVerdict, SiteAnswer, answer_of
from harness.site.gathering import Gathered, SiteRun, SiteTimes, Withheld
from harness.site.pages import (
    Alike,
    CellRow,
    Dissent,
    DriverPage,
    Move,
    ScenarioPage,
    VersionPage,
)
from harness.site.versions import DriverVersion

_CLIP, _MOST_SERVERS = 20, 12


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

    @property
    def subject(self) -> str:
        """How much there is, in a line."""
        drivers = len({version.driver for version in self.numbers})
        cells = {cell for found in self.answers.values() for cell in found}
        machines = len({run.place.machine for run in self.runs})
        servers = sorted({fmt.shorten(run.place.server, _CLIP) for run in self.runs})
        parts = (
            f"{fmt.plural(drivers, 'driver')} in "
            f"{fmt.plural(len(self.numbers), 'version')}",
            fmt.plural(len(cells), "question"),
            fmt.plural(machines, "machine"),
            f"PostgreSQL {', '.join(servers[:_MOST_SERVERS])}",
        )
        return " · ".join(parts)

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
