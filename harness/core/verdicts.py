"""What became of a question: a verdict, and what a person needs to believe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.core.enums import StrEnum
from harness.core.errors import DriverError, OracleError, Unsupported, WorkerGone


class Verdict(StrEnum):
    """What became of one cell of the matrix, worst first; `invalid` is our own fault."""

    BROKEN = "broken"
    CRASHED = "crashed"
    HUNG = "hung"
    LOSSY = "lossy"
    DIFFERS = "differs"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"
    EXACT = "exact"
    INVALID = "invalid"

    @property
    def severity(self) -> int:
        """0 for `exact`, more for what hurts more; `invalid` is outside the order: -1."""
        if self is Verdict.INVALID:
            return -1
        return len(_WORST_FIRST) - 1 - _WORST_FIRST.index(self)

    @property
    def timeable(self) -> bool:
        """Whether a cell with this verdict may be given a time."""
        return self in (Verdict.EXACT, Verdict.DIFFERS)


_WORST_FIRST = tuple(verdict for verdict in Verdict if verdict != "invalid")


class Code(StrEnum):
    """The cause of a verdict, for programs; `Code.X.sentence` says it to people."""

    RIGHT = "right"
    OBSERVED = "observed"
    ONLY_NULLS = "only-nulls"
    WRONG_VALUE = "wrong-value"
    WRONG_TYPE = "wrong-type"
    WRONG_FORM = "wrong-form"
    WRONG_ARROW_TYPE = "wrong-arrow-type"
    WRONG_COLUMNS = "wrong-columns"
    ROW_COUNT = "row-count"
    COLUMN_COUNT = "column-count"
    RESULT_COUNT = "result-count"
    MALFORMED = "malformed"
    WRONG_STATE = "wrong-state"
    SESSION_COUNT = "session-count"
    NO_ERROR = "no-error"
    NO_SQLSTATE = "no-sqlstate"
    WRONG_SQLSTATE = "wrong-sqlstate"
    WRONG_FIELD = "wrong-field"
    NOT_TOLD = "not-told"
    PASSWORD_SHOWN = "password-shown"
    ERROR = "error"
    CANCELLED = "cancelled"
    PANIC = "panic"
    UNREADABLE = "unreadable"
    DECODED_LATE = "decoded-late"
    UNUSABLE = "unusable"
    DESYNC = "desync"
    WAITING = "waiting"
    LATE = "late"
    GROWS = "grows"
    NO_ANSWER = "no-answer"
    WORKER_DIED = "worker-died"
    NOT_OFFERED = "not-offered"
    SERVER_LACKS = "server-lacks"
    NOT_CONFIGURED = "not-configured"
    NO_DRIVER = "no-driver"
    NOT_COUNTED = "not-counted"
    BREAKS_TERMS = "breaks-terms"
    FALSE_CLAIM = "false-claim"
    SCENARIO_FAULT = "scenario-fault"
    HARNESS_FAULT = "harness-fault"
    UNKNOWN = "unknown"

    @property
    def sentence(self) -> str:
        """What happened, in a sentence."""
        return _SENTENCES[self]


_SENTENCES: Mapping[Code, str] = {
    Code.RIGHT: "What came is what had to come.",
    Code.OBSERVED: "A fact without right or wrong was written down.",
    Code.ONLY_NULLS: "Only NULLs were compared: pgdyno cannot read the binary form.",
    Code.WRONG_VALUE: "A value differs from the server's, and no error came.",
    Code.WRONG_TYPE: "The value is right, but its Python type is not the usual one.",
    Code.WRONG_FORM: "Value and type are right, but the value's own text is another.",
    Code.WRONG_ARROW_TYPE: "The values are right, but their column has another Arrow type.",
    Code.WRONG_COLUMNS: "The Arrow table has other columns than the answer.",
    Code.ROW_COUNT: "The number of rows is wrong.",
    Code.COLUMN_COUNT: "A row has the wrong number of columns.",
    Code.RESULT_COUNT: "The number of results differs from that of the statements.",
    Code.MALFORMED: "A COPY stream breaks its own format.",
    Code.WRONG_STATE: "The server does not hold what was sent.",
    Code.SESSION_COUNT: "The server saw more or fewer sessions than were asked for.",
    Code.NO_ERROR: "No error came where one had to.",
    Code.NO_SQLSTATE: "The expected error came without its SQLSTATE.",
    Code.WRONG_SQLSTATE: "An error with another SQLSTATE came.",
    Code.WRONG_FIELD: "The error names the wrong constraint, table or column.",
    Code.NOT_TOLD: "The library does not tell something that it had to tell.",
    Code.PASSWORD_SHOWN: "The text of an exception shows the password.",
    Code.ERROR: "An error came where an answer was due.",
    Code.CANCELLED: "The task was cancelled where an answer was due.",
    Code.PANIC: "What was raised is no Exception, so no program catches it.",
    Code.UNREADABLE: "Reading the result raised.",
    Code.DECODED_LATE: "The rows are decoded after the op, so the op skips its work.",
    Code.UNUSABLE: "The connection cannot be used afterwards.",
    Code.DESYNC: "Another query's answer came back.",
    Code.WAITING: "A step was still waiting when its time was over.",
    Code.LATE: "The right answer came too late.",
    Code.GROWS: "Memory grew by more than the case allows.",
    Code.NO_ANSWER: "The worker did not answer in time.",
    Code.WORKER_DIED: "The worker's process ended.",
    Code.NOT_OFFERED: "The library or its plug-in does not offer this.",
    Code.SERVER_LACKS: "The server or the machine lacks what the case needs.",
    Code.NOT_CONFIGURED: "The documented registrations cannot be done on this server.",
    Code.NO_DRIVER: "The driver cannot be loaded.",
    Code.NOT_COUNTED: "The lane cannot count this cell here.",
    Code.BREAKS_TERMS: "The driver did other work than its terms declare.",
    Code.FALSE_CLAIM: "The plug-in declares this, but raised Unsupported when it ran.",
    Code.SCENARIO_FAULT: "The oracle or the fixture failed: no driver is charged.",
    Code.HARNESS_FAULT: "pgdyno itself failed: no driver is charged.",
    Code.UNKNOWN: "The record comes from an old file that does not say it for certain.",
}

Facts = Mapping[str, Any]
"""What a judgement rests on, by name; docs/results-format.md lists the names. Values can be
written as JSON."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its cause: `code` and `facts` for programs, texts for people."""

    verdict: Verdict
    code: Code
    detail: str = ""
    observed: str = ""
    expected: str = ""
    facts: Facts = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Judgement:
        """What a worker sent: the fields by their names."""
        told = {"verdict": Verdict(message["verdict"]), "code": Code(message["code"])}
        return cls(**{**message, **told})

    def during(self, when: str) -> Judgement:
        """The same, said to have happened `when`."""
        facts = {**self.facts, "when": when}
        return replace(self, detail=f"{when}: {self.detail}", facts=facts)


EXACT = Judgement(Verdict.EXACT, Code.RIGHT)


def step_of(number: int, label: str) -> str:
    """How the detail of a step begins that decided a verdict."""
    return f"step {number}, {label}"


def failed(told: str) -> Judgement:
    """An op that raised where nothing is judged: while it warms up or is timed."""
    return Judgement(Verdict.REJECTED, Code.ERROR, told, facts={"message": told})


def unsupported(reason: Exception) -> Judgement:
    """What a plug-in says that its library cannot do."""
    known = reason.facts if isinstance(reason, Unsupported) else {}
    facts = {"message": str(reason), **known}
    return Judgement(Verdict.UNSUPPORTED, Code.NOT_OFFERED, str(reason), facts=facts)


def not_configured(reason: Exception) -> Judgement:
    """A profile that cannot be what it says on this server."""
    facts = {"message": str(reason)}
    return Judgement(Verdict.SKIPPED, Code.NOT_CONFIGURED, str(reason), facts=facts)


_GONE: Mapping[str, Code] = {
    Verdict.CRASHED: Code.WORKER_DIED,
    Verdict.HUNG: Code.NO_ANSWER,
}


def stopped(error: WorkerGone | DriverError | OracleError) -> Judgement:
    """What an exception that ended a cell means for its verdict."""
    told = str(error)
    if isinstance(error, WorkerGone):
        verdict = Verdict(error.verdict)
        code = _GONE.get(verdict, Code.ERROR)
        return Judgement(verdict, code, told, facts=error.facts)
    if isinstance(error, DriverError):
        return Judgement(Verdict.SKIPPED, Code.NO_DRIVER, told, facts={"message": told})
    return Judgement(Verdict.INVALID, Code.SCENARIO_FAULT, told, facts={"message": told})


class Change(StrEnum):
    """What became of one cell of one arm between base and candidate."""

    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPARABLE = "not-comparable"
    IMPROVED = "improved"
    SAME = "same"
