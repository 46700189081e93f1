"""Takes runs one after another and keeps what the site says of them.

Of a run stay its best checks, and of times the few numbers that pages show: memory grows
with versions and questions, not with runs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.errors import ResultsError
from harness.core.verdicts import Code, Verdict
from harness.report import format as fmt
from harness.report.cards import Card, HeatRow, better_checks, cards, heat
from harness.report.cells import CellView
from harness.report.view import RunView
from harness.results.records import ArmFacts, CellFacts, Check, Header, Run
from harness.site import names
from harness.site.answers import PlacedVerdict
from harness.site.versions import (
    Circumstances,
    DriverVersion,
    circumstances,
    of_arm,
    of_name,
)

_SHORT = 300


@dataclass(frozen=True, slots=True)
class SiteRun:
    """A run as the site lists it; its report and its results file are named `slug`."""

    name: str
    slug: str
    subject: str
    started: str
    pgdyno: str
    machine: str
    place: Circumstances
    pythons: str
    answer: str
    truncated: str
    versions: tuple[DriverVersion, ...]

    @property
    def date(self) -> str:
        """The day on which it was started."""
        return self.started[:10]


@dataclass(frozen=True, slots=True)
class Withheld:
    """A run, or one driver's part of it, that says nothing: nothing came out right."""

    run: str
    who: str
    why: str

    @property
    def sentence(self) -> str:
        """`asyncpg==0.99 in run 7c1f: The driver cannot be loaded. …`"""
        of = f"{self.who} in run {self.run}" if self.who else f"run {self.run}"
        return f"{of}: {self.why}"


@dataclass(frozen=True, slots=True)
class SiteTimes:
    """The times of a run: a card and a column of the rows for each of its arms."""

    run: SiteRun
    arms: tuple[tuple[str, DriverVersion], ...]
    cards: tuple[Card, ...]
    rows: tuple[HeatRow, ...]


@dataclass(slots=True)
class Gathered:
    """What all runs say, and which were left out."""

    runs: list[SiteRun] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    facts: dict[str, CellFacts] = field(default_factory=dict)
    said: dict[DriverVersion, dict[str, dict[Verdict, PlacedVerdict]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    times: list[SiteTimes] = field(default_factory=list)
    cells: list[CellView] = field(default_factory=list)

    def take(self, run: Run, shown: RunView) -> SiteRun | None:
        """Keep what a run says; None, with the reason kept, where it says nothing."""
        if why := nothing_right(run):
            self.withheld.append(Withheld(run.header.run, "", why))
            return None
        self.withheld += absent(run)
        listed = _listed(run, shown)
        self.runs.append(listed)
        self.facts |= {
            cell.id: cell for cell in run.header.cells if cell.id not in self.facts
        }
        self._take_checks(run)
        if shown.cells:
            self.times.append(_times(run, shown, listed))
            self.cells += [cell for cell in shown.cells if cell.facts.task]
        return listed

    def leave_out(self, problems: Iterable[tuple[Path, ResultsError]]) -> None:
        """Files whose runs are not whole."""
        for path, error in problems:
            why = str(error).removeprefix(str(path)).lstrip(", ")
            self.withheld.append(Withheld(path.stem, "", fmt.shorten(why, _SHORT)))
        self.withheld.sort(key=lambda left: (left.run, left.who, left.why))

    def _take_checks(self, run: Run) -> None:
        arms = {arm.id: arm for arm in run.header.arms}
        for name, checks in _by_driver(run.checks).items():
            arm = arms.get(name)
            place = circumstances(run.header, arm)
            said = self.said[of_arm(arm) if arm else of_name(name)]
            for cell, check in better_checks(checks).items():
                kept = said[cell].setdefault(check.verdict, PlacedVerdict(check, []))
                if place not in kept.places:
                    kept.places.append(place)


def _by_driver(checks: Sequence[Check]) -> Mapping[str, list[Check]]:
    """The checks of each driver that took part at all."""
    found: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        found[check.driver].append(check)
    return {name: own for name, own in found.items() if not _not_there(own)}


def _not_there(checks: Sequence[Check]) -> bool:
    return all(check.code is Code.NO_DRIVER for check in checks)


# --- what is left out -------------------------------------------------------------------


def nothing_right(run: Run) -> str:
    """Why a run says nothing of any driver: nothing in it is exact, as where the server
    was down; empty if it says something."""
    tally: Counter[str] = Counter()
    for record in _judged(run):
        if record.verdict is Verdict.EXACT:
            return ""
        tally[record.detail or record.code.sentence] += 1
    if not tally:
        return "nothing was checked or measured"
    commonest, count = min(tally.items(), key=lambda item: (-item[1], item[0]))
    told = fmt.shorten(commonest, _SHORT)
    return f"nothing is exact; {count:,} of {tally.total():,} times because: {told}"


def _judged(run: Run) -> Iterator[Check]:
    """Everything with a verdict; the checks first, because they lie in memory."""
    yield from run.checks
    yield from run.trials  # type: ignore[misc]
    yield from run.lane_records  # type: ignore[misc]


def absent(run: Run) -> Iterator[Withheld]:
    """The drivers of a run that took no part in it."""
    problems = {
        arm.id: arm.problem for arm in run.header.arms if arm.competes and arm.problem
    }
    for check in run.checks:
        if check.code is Code.NO_DRIVER:
            problems.setdefault(check.driver, check.detail)
    present = {check.driver for check in run.checks if check.code is not Code.NO_DRIVER}
    for name, why in problems.items():
        if name not in present:
            yield Withheld(run.header.run, name, fmt.shorten(why, _SHORT))


# --- what is kept -----------------------------------------------------------------------


def _listed(run: Run, shown: RunView) -> SiteRun:
    header, machine = run.header, run.header.machine
    return SiteRun(
        name=header.run,
        slug=names.run(header.run),
        subject=shown.subject,
        started=header.started,
        pgdyno=header.pgdyno,
        machine=f"{machine.cpu}, {fmt.plural(machine.cores, 'core')}, {machine.system}",
        place=circumstances(header, None),
        pythons=_pythons(header),
        answer=shown.answer,
        truncated=run.truncated,
        versions=tuple(sorted({of_arm(arm) for arm in _there(run)}, key=_order)),
    )


def _pythons(header: Header) -> str:
    """What the workers ran on: of a run with `%PYTHON` several, and not pgdyno's own."""
    arms = [arm for arm in header.arms if not arm.problem and not arm.reference]
    found = {circumstances(header, arm).python for arm in arms}
    return ", ".join(sorted(found)) or circumstances(header, None).python


def _order(version: DriverVersion) -> tuple[object, ...]:
    return version.order


def _there(run: Run) -> Iterator[ArmFacts]:
    return (arm for arm in run.header.arms if arm.competes and not arm.problem)


def _times(run: Run, shown: RunView, listed: SiteRun) -> SiteTimes:
    arms = {arm.id: of_arm(arm) for arm in _there(run)}
    found = {card.name: card for card in cards(_there(run), shown.cells, ())}
    return SiteTimes(
        run=listed,
        arms=tuple(arms.items()),
        cards=tuple(found[name] for name in arms),
        rows=heat(tuple(arms), shown.cells, ()),
    )
