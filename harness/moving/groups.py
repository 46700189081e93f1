"""Which group a cell belongs to: what a user must do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.core.verdicts import Code, Verdict
from harness.moving import facts
from harness.results.records import CellFacts, Check


class Group(StrEnum):
    """What a user of the new driver meets, worst first."""

    SILENT = "Silent changes"
    FATAL = "Crashes and hangs"
    BEHAVIOUR = "Other behaviour"
    ERROR = "Now an error"
    TYPES = "Other Python types"
    UNSUPPORTED = "Not supported"
    OTHER_ERROR = "Other exceptions"
    BETTER = "Better now"


INTROS: Mapping[Group, str] = {
    Group.SILENT: "No exception tells you about these: search your code for them first.",
    Group.FATAL: "A panic, a dead process, a lost connection or an endless wait, where "
    "there was an answer or a clear error before.",
    Group.BEHAVIOUR: "Neither is wrong, but a program that relies on the old answer is: "
    "when something is committed, who waits, what stays in a session.",
    Group.ERROR: "This worked, or seemed to work, and now raises. Tests find these, if "
    "they reach the line.",
    Group.TYPES: "The value is right, but it is another Python object: whoever compares, "
    "serialises or calls a method of it has to look.",
    Group.UNSUPPORTED: "The new driver has nothing for this; a way around it has to be "
    "chosen.",
    Group.OTHER_ERROR: "Both refuse, but with another exception, or one that tells less: "
    "look at your `except`.",
    Group.BETTER: "What was wrong, missing or refused before and is right now. Workarounds "
    "for these can go.",
}

FATAL = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG)
WORKED = (Verdict.EXACT, Verdict.DIFFERS)
NO_ANSWER = (Verdict.INVALID, Verdict.SKIPPED)


@dataclass(frozen=True, slots=True)
class CellPair:
    """One cell as both drivers answered it; `title` is the question of its case."""

    cell: str
    sql: str
    a: Check
    b: Check
    title: str = ""
    steps: bool = False

    @property
    def before(self) -> Verdict:
        """The verdict of the driver you leave."""
        return Verdict(self.a.verdict)

    @property
    def after(self) -> Verdict:
        """The verdict of the driver you move to."""
        return Verdict(self.b.verdict)

    def changes(self) -> list[facts.ChangedFact]:
        """The facts that differ, where both answered right."""
        return facts.changes(self.a, self.b)


def pair_of(cell: CellFacts | None, a: Check, b: Check) -> CellPair:
    """Two checks of a cell, with what the run says of it."""
    if cell is None:
        return CellPair(a.cell, "", a, b)
    return CellPair(a.cell, cell.sql, a, b, cell.title, cell.op == "steps")


def classify(pair: CellPair) -> Group | None:
    """The group of a cell; None where nothing changes, or where neither can do it."""
    before, after = pair.before, pair.after
    if before is after:
        return _alike(pair)
    if before is Verdict.UNSUPPORTED:
        return Group.BETTER if after in WORKED else None
    if after in FATAL:
        return None if before in FATAL else Group.FATAL
    if after is Verdict.LOSSY:
        return _now_wrong(pair)
    if after is Verdict.REJECTED:
        return Group.OTHER_ERROR if _only_sqlstate(pair) else Group.ERROR
    if after is Verdict.UNSUPPORTED:
        return Group.UNSUPPORTED if before in WORKED else None
    if before in WORKED:
        return _differs(pair)
    return Group.BETTER


def _alike(pair: CellPair) -> Group | None:
    """Both have the same verdict: are they alike?"""
    if pair.before is Verdict.EXACT:
        return _behaviour(pair) if pair.steps else _trait(pair)
    if pair.before is Verdict.LOSSY:
        same = facts.plain(pair.a.observed) == facts.plain(pair.b.observed)
        return None if same else _now_wrong(pair)
    if pair.before is Verdict.DIFFERS and not pair.steps and _type(pair.a) != _type(pair.b):
        return Group.TYPES
    if pair.before is Verdict.REJECTED and error_class(pair.a) != error_class(pair.b):
        return Group.OTHER_ERROR
    return None


def _now_wrong(pair: CellPair) -> Group:
    """A wrong value; what an exception says of itself is found at its `except`."""
    if pair.before in FATAL:
        return Group.BETTER
    return Group.OTHER_ERROR if _of_an_error(pair.b) else Group.SILENT


def _differs(pair: CellPair) -> Group:
    """One of them gives another type, or tells less, or needs more memory."""
    if not pair.steps:
        return Group.TYPES
    if pair.after is Verdict.EXACT:
        return Group.BETTER
    if _of_an_error(pair.b):
        return Group.OTHER_ERROR
    if pair.b.code is Code.NOT_TOLD:
        return Group.UNSUPPORTED
    return Group.BEHAVIOUR if pair.b.code is Code.GROWS else Group.TYPES


def _of_an_error(check: Check) -> bool:
    """Whether what is judged is what an exception says of itself."""
    return check.facts.get("act") == "diagnose"


def _only_sqlstate(pair: CellPair) -> bool:
    """It had to fail, and does; what is missing is how to tell it from other errors."""
    other = pair.b.code in (Code.NO_SQLSTATE, Code.WRONG_SQLSTATE)
    return other and pair.before in WORKED


def _behaviour(pair: CellPair) -> Group | None:
    changed = pair.changes()
    if not changed:
        return None
    if all(change.both_raise for change in changed):
        return Group.OTHER_ERROR
    named = any(change.before.names_a_class for change in changed)
    if named and all(change.after.names_a_class for change in changed):
        return Group.OTHER_ERROR
    return Group.ERROR if all(change.raises_now for change in changed) else Group.BEHAVIOUR


def _trait(pair: CellPair) -> Group | None:
    """A fact without right or wrong: what the drivers did with it."""
    if pair.a.observed == pair.b.observed:
        return None
    before, after = (facts.raised(check) for check in (pair.a, pair.b))
    if before and after:
        alike = error_class(pair.a) == error_class(pair.b)
        return None if alike else Group.OTHER_ERROR
    if before or after:
        return Group.BETTER if before else Group.ERROR
    return Group.SILENT if _type(pair.a) == _type(pair.b) else Group.TYPES


def _type(check: Check) -> str:
    return str(check.facts.get("type", ""))


def error_class(check: Check) -> str:
    """`DataError`, or what is the matter with the SQLSTATE."""
    if check.code is Code.NO_SQLSTATE:
        return "no SQLSTATE"
    if check.code is Code.WRONG_SQLSTATE:
        got, wanted = check.facts["sqlstate"], check.facts["expected_sqlstate"]
        return f"SQLSTATE {got} instead of {wanted}"
    if error := facts.raised(check):
        return facts.short_class(str(error["class"]))
    return check.code.sentence.rstrip(".") if check.code is not Code.UNKNOWN else ""
