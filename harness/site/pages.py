"""What each page of the site says: the view model, which `making` fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.report.cards import Card, HeatRow
from harness.report.causes import CauseView
from harness.results.records import CellFacts, Check
from harness.site.answers import SiteAnswer
from harness.site.gathering import SiteRun, SiteTimes
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
