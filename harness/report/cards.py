"""A card for each driver: what it is, how right it is, where it is best and worst."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.core.verdicts import Verdict
from harness.report.causes import CauseView
from harness.report.cells import CellView, RankGroup
from harness.report.matrix import concern
from harness.results.records import ArmFacts, Check

NOT_ASKED = (Verdict.SKIPPED, Verdict.INVALID)
"""What says nothing of a driver."""
_FEWEST = 5
"""So many questions a family has, if it is to be somebody's best or worst."""
_MOST_CAUSES = 3


@dataclass(frozen=True, slots=True)
class Rightness:
    """How right a driver is in a family: so many of the questions that the server has."""

    family: str
    right: int
    asked: int

    @property
    def value(self) -> float:
        """The share."""
        return self.right / self.asked


@dataclass(frozen=True, slots=True)
class Card:
    """A driver. `best` and `worst` are families, by their share of what it offers there;
    `wins` is in how many of the `ranked` questions it is the fastest or level with it;
    `causes` are the worst of what is behind its wrong answers. What was not checked, or not
    timed, is None or empty."""

    arm: ArmFacts
    right: Rightness | None
    counts: Mapping[Verdict, int]
    best: Rightness | None
    worst: Rightness | None
    causes: tuple[CauseView, ...]
    wins: int
    ranked: int

    @property
    def name(self) -> str:
        """The arm, as its user wrote it."""
        return self.arm.id

    @property
    def package(self) -> str:
        """What its installed package says of itself, in a line."""
        shown = {**self.arm.vital}
        if "wheel" in shown:
            shown["wheel"] = wheel(shown["wheel"])
        return "; ".join(f"{name} {value}" for name, value in shown.items())

    @property
    def traits(self) -> tuple[str, ...]:
        """What it is, in a few words each."""
        terms = self.arm.terms
        version = f"{terms.get('library', '')} {terms.get('version', '')}".strip()
        wire = terms.get("wire_results", "")
        found = (
            version,
            terms.get("implementation", ""),
            self.arm.kind,
            f"{wire} results" if wire else "",
            f"on {terms['wraps']}" if terms.get("wraps") else "",
        )
        return tuple(filter(None, found))


def wheel(tags: str) -> str:
    """A wheel's tags as a reader wants them: `cp311 manylinux x86_64`, or `pure Python`.
    Of several the others name the same platform in older ways."""
    python, _, rest = tags.split(",")[0].strip().partition("-")
    abi, _, platform = rest.partition("-")
    if (abi, platform) == ("none", "any"):
        return "pure Python"
    found = re.fullmatch(r"(manylinux|musllinux|macosx)(?:\d+|_\d+_\d+)_(\w+)", platform)
    return " ".join(
        filter(None, (abi or python, *(found.groups() if found else (platform,))))
    )


def cards(
    arms: Iterable[ArmFacts],
    cells: Sequence[CellView],
    checks: Sequence[Check],
    causes: Sequence[CauseView] = (),
) -> tuple[Card, ...]:
    """A card for each driver that takes part, in the order of the runs."""
    drivers = {arm.id: arm for arm in arms if arm.competes}
    by_driver: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        by_driver[check.driver].append(check)
    return tuple(
        _card(arm, cells, by_driver[name], [c for c in causes if c.concerns(name)])
        for name, arm in drivers.items()
    )


def _card(
    arm: ArmFacts,
    cells: Sequence[CellView],
    checks: Sequence[Check],
    causes: Sequence[CauseView],
) -> Card:
    verdicts = better_of(checks)
    offered = {c: v for c, v in verdicts.items() if v is not Verdict.UNSUPPORTED}
    families = [share for share in _families(offered) if share.asked >= _FEWEST]
    best = max(families, key=lambda share: (share.value, share.asked), default=None)
    worst = min(families, key=lambda share: (share.value, -share.asked), default=None)
    ranked = [row for cell in cells for row in cell.rows if row.arm == arm.id and row.rank]
    worst_first = sorted(
        causes, key=lambda cause: (-concern(cause.verdict), -len(cause.cells))
    )
    return Card(
        arm=arm,
        right=_in_family("", verdicts.values()),
        counts=Counter(verdicts.values()),
        best=best,
        worst=worst if best and worst and worst.value < best.value else None,
        causes=tuple(worst_first[:_MOST_CAUSES]),
        wins=sum(row.rank == 1 for row in ranked),
        ranked=len(ranked),
    )


def better_checks(checks: Iterable[Check]) -> dict[str, Check]:
    """The check of each cell: the better of two profiles, because a registration that
    is documented belongs to the driver. What one profile was not asked, the other says."""
    found: dict[str, Check] = {}
    for check in checks:
        known = found.get(check.cell)
        if known is None or _badness(check.verdict) < _badness(known.verdict):
            found[check.cell] = check
    return found


def better_of(checks: Iterable[Check]) -> dict[str, Verdict]:
    """The verdict of that check."""
    return {cell: check.verdict for cell, check in better_checks(checks).items()}


def verdicts_by_driver(checks: Iterable[Check]) -> dict[str, dict[str, Verdict]]:
    """The same of each driver."""
    own: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        own[check.driver].append(check)
    return {driver: better_of(some) for driver, some in own.items()}


def _badness(verdict: Verdict) -> tuple[bool, int]:
    return verdict in NOT_ASKED, verdict.severity


def _families(verdicts: Mapping[str, Verdict]) -> Iterable[Rightness]:
    shares = (_in_family(*found) for found in _by_family(verdicts).items())
    return filter(None, shares)


def _by_family(verdicts: Mapping[str, Verdict]) -> Mapping[str, list[Verdict]]:
    grouped: dict[str, list[Verdict]] = defaultdict(list)
    for cell, verdict in verdicts.items():
        grouped[cell.partition("/")[0]].append(verdict)
    return grouped


def _in_family(family: str, verdicts: Iterable[Verdict]) -> Rightness | None:
    """How right that is; None where nothing was asked."""
    tally = Counter(verdicts)
    asked = sum(count for verdict, count in tally.items() if verdict not in NOT_ASKED)
    return Rightness(family, tally[Verdict.EXACT], asked) if asked else None


# --- family × driver ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A family: how right each driver is in it, and its times as multiples of the fastest
    of its kind: the geometric mean over the questions that rank all of those that are
    compared. None where there is nothing to say."""

    family: str
    questions: int
    timed: int
    shares: tuple[Rightness | None, ...]
    ratios: tuple[float | None, ...]
    worst: tuple[Verdict | None, ...]


def heat(
    drivers: Sequence[str], cells: Sequence[CellView], checks: Sequence[Check]
) -> tuple[HeatRow, ...]:
    """Every family that was checked or timed, by its name."""
    by_driver = verdicts_by_driver(checks)
    found = [_by_family(by_driver.get(name, {})) for name in drivers]
    asked = Counter(cell.partition("/")[0] for cell in {check.cell for check in checks})
    timed: dict[str, list[CellView]] = defaultdict(list)
    for cell in cells:
        timed[cell.family].append(cell)
    ratios = {family: _ratios(own_cells) for family, own_cells in timed.items()}
    return tuple(
        HeatRow(
            family,
            asked[family],
            len({cell.facts.id for cell in timed.get(family, ())}),
            tuple(_in_family(family, verdicts.get(family, ())) for verdicts in found),
            tuple(ratios.get(family, {}).get(name) for name in drivers),
            tuple(_worst(verdicts.get(family, ())) for verdicts in found),
        )
        for family in sorted({*asked, *timed})
    )


def _worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    return max(verdicts, key=lambda verdict: verdict.severity, default=None)


def _ratios(cells: Sequence[CellView]) -> dict[str, float]:
    """The mean ratio of each driver, threads and tasks apart."""
    by_label: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for cell in cells:
        for group in cell.groups:
            if told := _ranked_ratios(group):
                by_label[group.label].append(told)
    means = [_means(by_label[label]) for label in sorted(by_label, reverse=True)]
    return {arm: mean for found in means for arm, mean in found.items()}


def _ranked_ratios(group: RankGroup) -> dict[str, float]:
    return {
        row.arm: row.ratio.point for row in group.rows if row.rank is not None and row.ratio
    }


def _means(questions: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over the same questions, or they would not compare: those that rank every
    driver which is ranked in half of them or more."""
    counts = Counter(arm for question in questions for arm in question)
    compared = {arm for arm, count in counts.items() if 2 * count >= len(questions)}
    common = [question for question in questions if compared <= question.keys()]
    if not common:
        return {}
    return {
        arm: math.exp(sum(math.log(question[arm]) for question in common) / len(common))
        for arm in compared
    }
