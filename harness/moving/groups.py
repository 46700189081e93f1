"""Which group a cell belongs to: what a user must do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.core.verdicts import Verdict
from harness.moving import facts
from harness.moving.fixes import told
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
        """The verdict of the driver that is left."""
        return Verdict(self.a.verdict)

    @property
    def after(self) -> Verdict:
        """The verdict of the driver that is moved to."""
        return Verdict(self.b.verdict)

    def changes(self) -> list[facts.ChangedFact]:
        """The facts that differ, where both answered right."""
        return facts.changes(self.a.observed, self.b.observed)


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
    if pair.before is Verdict.DIFFERS and not pair.steps and _kind(pair.a) != _kind(pair.b):
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
    if pair.b.observed.startswith("no "):
        return Group.UNSUPPORTED
    memory = pair.b.observed.startswith("memory ")
    return Group.BEHAVIOUR if memory else Group.TYPES


def _of_an_error(check: Check) -> bool:
    """Whether what is judged is what an exception says of itself."""
    return re.match(r"step \d+, \w+\.diagnose: ", check.detail) is not None


def _only_sqlstate(pair: CellPair) -> bool:
    """It had to fail, and does; what is missing is how to tell it from other errors."""
    return pair.before in WORKED and told(pair.b).startswith(("no SQLSTATE", "SQLSTATE "))


def _behaviour(pair: CellPair) -> Group | None:
    changed = pair.changes()
    if not changed:
        return None
    if all(one.both_raise for one in changed):
        return Group.OTHER_ERROR
    named = any("'class': " in one.before for one in changed)
    if named and all("'class': " in one.after for one in changed):
        return Group.OTHER_ERROR
    return Group.ERROR if all(one.raises_now for one in changed) else Group.BEHAVIOUR


def _trait(pair: CellPair) -> Group | None:
    """A fact without right or wrong: what the drivers did with it."""
    before, after = pair.a.observed, pair.b.observed
    if before == after:
        return None
    raised = before.startswith("raised "), after.startswith("raised ")
    if all(raised):
        same = class_of(before) == class_of(after)
        return None if same else Group.OTHER_ERROR
    if any(raised):
        return Group.BETTER if raised[0] else Group.ERROR
    same_type = before.partition(":")[0] == after.partition(":")[0]
    return Group.SILENT if same_type else Group.TYPES


def _kind(check: Check) -> str:
    return check.observed.partition(":")[0]


_ERROR = re.compile(
    r"(?:while (?:opening|building parameters): |with \d+ clients at once: )?([\w.]+)"
)


def error_class(check: Check) -> str:
    """`psycopg.errors.DataError` → `DataError`, from what a rejected check says."""
    raised = facts.raised(check.observed) if check.verdict == Verdict.EXACT else ""
    return class_of(raised or told(check) or check.observed)


def class_of(said: str) -> str:
    """The class of an exception without its module: each library has modules of its own."""
    said = said.removeprefix("raised ").removeprefix("no Exception: ")
    if said.startswith("no SQLSTATE"):
        return "no SQLSTATE"
    if wrong := re.match(r"SQLSTATE \w+ instead of \w+", said):
        return wrong[0]
    found = _ERROR.match(said)
    return found[1].rpartition(".")[2] if found else said[:40]
