"""What a check says at its end: how each driver stands, what is new, what is behind it.

A driver is wrong in hundreds of cells for a few dozen reasons, so checks are grouped by
their cause and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.arms import pinned
from harness.core.verdicts import Code, Verdict
from harness.report import wording
from harness.report.matrix import concern
from harness.results.records import Check

COLUMNS: dict[str, tuple[Verdict, ...]] = {
    "silent": (Verdict.LOSSY,),
    "broken": (Verdict.BROKEN, Verdict.CRASHED),
    "hung": (Verdict.HUNG,),
    "other type": (Verdict.DIFFERS,),
    "error": (Verdict.REJECTED,),
    "not offered": (Verdict.UNSUPPORTED,),
}
"""What a driver can be instead of right, as a reader calls it."""

KINDS: dict[Verdict, tuple[str, str]] = {
    Verdict.BROKEN: ("broken session", "broken sessions"),
    Verdict.CRASHED: ("crash", "crashes"),
    Verdict.HUNG: ("hang", "hangs"),
    Verdict.LOSSY: ("silent change", "silent changes"),
    Verdict.DIFFERS: ("other type", "other types"),
    Verdict.REJECTED: ("error", "errors"),
    Verdict.UNSUPPORTED: ("operation not offered", "operations not offered"),
    Verdict.SKIPPED: ("skipped check", "skipped checks"),
}

_NOT_ASKED = (Verdict.SKIPPED, Verdict.INVALID)
_QUIET = (Verdict.EXACT, Verdict.UNSUPPORTED, *_NOT_ASKED)
_KINDS = (
    "act", "op", "capability", "entry", "field", "term", "command", "exit_code",
    "class", "sqlstate", "type", "usual_types",
)  # fmt: skip
"""Facts that name a kind, so that they tell causes apart."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A driver in a profile: `right` is its share of what the server has, None where the
    server has nothing of it; `counts` follow `COLUMNS`."""

    driver: str
    profile: str
    right: float | None
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Checks that are wrong for one reason; `drivers` is empty where it is all of them."""

    verdict: Verdict
    drivers: tuple[str, ...]
    reason: str
    checks: tuple[Check, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells, once each."""
        return tuple(dict.fromkeys(check.cell for check in self.checks))


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: the server, how long it took, where the run is kept, and for cells
    of files outside the library the path that `pgdyno show` takes for them."""

    server: str = ""
    elapsed_ns: int = 0
    out: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)

    def cell(self, check: Check) -> str:
        """What `pgdyno show` takes for the cell of a check."""
        path = self.paths.get(check.scenario)
        return f"{path}#{check.cell.partition('#')[2]}" if path else check.cell


@dataclass(frozen=True, slots=True)
class Checked:
    """The end of a check. `new` fails it, `known` was expected or declared, `milder` is
    neither and not bad enough to fail at `fail_on`."""

    fail_on: Verdict
    asked: Asked
    questions: int
    standings: tuple[Standing, ...]
    skipped: int
    new: tuple[Cause, ...]
    known: tuple[Cause, ...]
    milder: tuple[Cause, ...]
    invalid: tuple[Cause, ...]
    conclusion: str

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that were checked."""
        return tuple(dict.fromkeys(standing.profile for standing in self.standings))


def build(
    checks: Sequence[Check],
    failing: Sequence[Check],
    asked: Asked,
    *,
    code: int,
    fail_on: Verdict,
) -> Checked:
    """The end of a check with this exit code, in which `failing` failed."""
    failed = set(map(id, failing))
    passed = [c for c in checks if id(c) not in failed and _verdict(c) not in _QUIET]
    known = [check for check in passed if check.expected_verdict or check.deviation]
    milder = [check for check in passed if not (check.expected_verdict or check.deviation)]
    skipped = [check.cell for check in checks if _verdict(check) is Verdict.SKIPPED]
    return Checked(
        fail_on=fail_on,
        asked=asked,
        questions=len({check.cell for check in checks}),
        standings=tuple(_standings(checks)),
        skipped=len(set(skipped)),
        new=causes(failing, checks),
        known=causes(known, checks),
        milder=causes(milder, checks),
        invalid=causes([c for c in checks if _verdict(c) is Verdict.INVALID], checks),
        conclusion=_conclusion(checks, failing, code, fail_on),
    )


def missing_arms(checks: Iterable[Check]) -> list[str]:
    """Versions, folders and commits that were asked for and could not be had."""
    lost = (check.driver for check in checks if check.code is Code.NO_DRIVER)
    return [name for name in dict.fromkeys(lost) if pinned(name)]


# --- standings ------------------------------------------------------------------------


def _standings(checks: Sequence[Check]) -> Iterable[Standing]:
    """Drivers by profile; what no profile can change was checked in one and counts in
    both."""
    by_driver: dict[str, dict[str, dict[str, Check]]] = {}
    for check in checks:
        answers = by_driver.setdefault(check.driver, {}).setdefault(check.profile, {})
        answers[check.cell] = check
    profiles = dict.fromkeys(check.profile for check in checks)
    for profile in profiles:
        for driver, found in by_driver.items():
            others = [found[name] for name in found if name != profile]
            shared = {cell: check for cells in others for cell, check in cells.items()}
            yield _standing(driver, profile, (shared | found.get(profile, {})).values())


def _standing(driver: str, profile: str, checks: Iterable[Check]) -> Standing:
    tally = Counter(map(_verdict, checks))
    asked = sum(count for verdict, count in tally.items() if verdict not in _NOT_ASKED)
    counts = tuple(
        sum(tally[verdict] for verdict in verdicts) for verdicts in COLUMNS.values()
    )
    return Standing(
        driver, profile, tally[Verdict.EXACT] / asked if asked else None, counts
    )


# --- causes ---------------------------------------------------------------------------


def cause_of(check: Check) -> tuple[str, ...]:
    """What is behind a check that is not right: equal where the cause is the same.

    A declared deviation is the reason in a person's words. Otherwise the code says it, with
    the facts that name kinds: what differs between cells of one cause are values, places
    and numbers. Where there are no such facts, what was said must be the same.
    """
    if check.deviation or check.verdict == Verdict.EXACT:
        return (check.deviation or check.drift,)
    kinds = [f"{name}={check.facts[name]}" for name in _KINDS if name in check.facts]
    if "usual_types" not in check.facts and "expected_type" in check.facts:
        kinds.append(f"expected_type={check.facts['expected_type']}")
    said = str(check.facts.get("message") or check.detail or check.drift)
    return (check.code, *(kinds or [said]))


def causes(checks: Sequence[Check], of: Sequence[Check]) -> tuple[Cause, ...]:
    """Checks by their causes: the worst first, then the commonest."""
    groups: dict[tuple[Verdict, tuple[str, ...]], list[Check]] = {}
    for check in checks:
        groups.setdefault((_verdict(check), cause_of(check)), []).append(check)
    everyone = {check.driver for check in of}
    found = [_cause(verdict, group, everyone) for (verdict, _), group in groups.items()]
    return tuple(sorted(found, key=_worst_first))


def _cause(verdict: Verdict, checks: Sequence[Check], everyone: set[str]) -> Cause:
    drivers = tuple(dict.fromkeys(check.driver for check in checks))
    every = len(everyone) > 1 and everyone == set(drivers)
    return Cause(verdict, () if every else drivers, _reason(checks), tuple(checks))


def _reason(checks: Sequence[Check]) -> str:
    """A person's words where somebody declared it, else what its code and facts say."""
    first = checks[0]
    if first.verdict == Verdict.EXACT:
        return first.drift
    return first.deviation or wording.reason(checks)


def _worst_first(cause: Cause) -> tuple[int, int, str]:
    return -concern(cause.verdict), -len(cause.cells), cause.reason


def _verdict(check: Check) -> Verdict:
    return Verdict(check.verdict)


# --- the last line --------------------------------------------------------------------


def _conclusion(
    checks: Sequence[Check], failing: Sequence[Check], code: int, fail_on: Verdict
) -> str:
    if failing:
        said = ", ".join(filter(None, (_undeclared(failing), _drifted(failing))))
    elif checks and all(_verdict(check) is Verdict.SKIPPED for check in checks):
        said = "every check was skipped"
    elif lost := missing_arms(checks):
        said = f"{', '.join(lost)} took no part"
    elif invalid := [check.cell for check in checks if _verdict(check) is Verdict.INVALID]:
        said = (
            f"{_counted(len(set(invalid)), ('question is', 'questions are'))} invalid, "
            "which is the scenario’s or pgdyno’s own fault"
        )
    elif not checks:
        said = "nothing was checked"
    elif all(_verdict(check) is Verdict.EXACT for check in checks):
        said = "every answer is right"
    else:
        said = f"nothing is {fail_on} or worse that was not expected or declared"
    return f"exit {code}: {said}."


def _undeclared(failing: Sequence[Check]) -> str:
    cells = {
        (check.cell, check.driver, check.verdict) for check in failing if not check.drift
    }
    tally = Counter(Verdict(verdict) for _, _, verdict in cells)
    worst = sorted(tally, key=lambda verdict: -verdict.severity)
    return ", ".join(
        _counted(tally[verdict], tuple(f"undeclared {word}" for word in KINDS[verdict]))
        for verdict in worst
    )


def _drifted(failing: Sequence[Check]) -> str:
    cells = {(check.cell, check.driver) for check in failing if check.drift}
    return _counted(len(cells), ("drift", "drifts")) if cells else ""


def _counted(count: int, words: Sequence[str]) -> str:
    return f"{count:,} {words[0] if count == 1 else words[1]}"
