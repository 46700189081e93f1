"""What a step brought × what it must bring → a verdict. Pure; worker and parent use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.calls import ErrorFields
from harness.core.expect import StepExpect
from harness.core.steps import Step
from harness.core.verdicts import Judgement, Verdict
from harness.judge import verify

EXACT = Judgement(Verdict.EXACT)
JOIN_MS = 10_000
"""How long a join waits that does not say how long."""
_LINE_CHARS = 2_000
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@dataclass(slots=True)
class StepOutcome:
    """What became of a step: a value, an exception, or neither yet."""

    value: Any = None
    error: BaseException | None = None
    done: bool = True
    cancelled: bool = False
    elapsed_ns: int = 0
    grown_bytes: int = 0

    @property
    def good(self) -> bool:
        """Whether it came to its end, with a value."""
        return self.done and not self.cancelled and self.error is None


def judge(step: Step, outcome: StepOutcome, fields: ErrorFields | None) -> Judgement:
    """The verdict on one step; what came too late, or not at all, `hung`."""
    expect = step.expect
    took_ms = outcome.elapsed_ns / 1e6
    if not outcome.done:
        still = f"still waiting after {step.within_ms or JOIN_MS:,} ms"
        if expect.trait:
            return Judgement(Verdict.EXACT, still, still)
        return Judgement(Verdict.HUNG, still, still)
    judged = _judge_outcome(step, outcome, fields)
    if step.within_ms and took_ms > step.within_ms and judged.verdict is Verdict.EXACT:
        late = f"it took more than {step.within_ms:,} ms"
        return Judgement(Verdict.HUNG, late, late, f"within {step.within_ms:,} ms")
    grown_mb = outcome.grown_bytes / 2**20
    if expect.grows_mb and grown_mb > expect.grows_mb:
        more = f"memory grew by more than {expect.grows_mb} MB"
        return Judgement(Verdict.DIFFERS, more, more, f"at most {expect.grows_mb} MB")
    return judged


def _judge_outcome(
    step: Step, outcome: StepOutcome, fields: ErrorFields | None
) -> Judgement:
    expect = step.expect
    if outcome.cancelled:
        return _judge_cancelled(expect)
    if outcome.error is not None:
        fields = fields or ErrorFields(message=str(outcome.error))
        if expect.trait:
            return verify.observe_error(fields, outcome.error)
        return verify.judge_error(expect.error, expect.rejected, fields, outcome.error)
    if expect.error or expect.rejected:
        return verify.judge_no_error(expect.error, plain(outcome.value))
    if expect.trait:
        return verify.observe(plain(outcome.value))
    if expect.like:
        return _judge_like(expect.like, outcome.value)
    if expect.has:
        return _judge_has(expect.has, outcome.value)
    return _judge_value(expect.value[0], outcome.value) if expect.value else EXACT


def _judge_cancelled(expect: StepExpect) -> Judgement:
    """A task that ended as a cancelled task does: asyncio's CancelledError came out."""
    told = "the task is cancelled"
    if expect.rejected:
        return EXACT
    if expect.trait:
        return Judgement(Verdict.EXACT, told, told)
    return Judgement(Verdict.REJECTED, told, told)


def line(value: Any, error: BaseException | None) -> str:
    """One line that a reproduction prints, too."""
    if error is not None:
        return f"raised {verify.class_of(error)}"
    return _ADDRESS.sub("", repr(plain(value)))[:_LINE_CHARS]


def plain(value: Any) -> Any:
    """Rows as lists of lists: which sequence a library uses is not what a step asks."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    return value


def _judge_value(wanted: Any, value: Any) -> Judgement:
    wanted, got = plain(wanted), plain(value)
    if _same(wanted, got):
        return EXACT
    shown, should = verify.show(got), verify.show(wanted)
    if _texts(wanted) == _texts(got):
        return Judgement(Verdict.DIFFERS, f"{shown} instead of {should}", shown, should)
    return Judgement(Verdict.LOSSY, f"{shown} instead of {should}", shown, should)


def _judge_like(pattern: str, value: Any) -> Judgement:
    """A text, or one of a list of texts."""
    wanted = "".join(".*" if one == "%" else re.escape(one) for one in pattern)
    shown = verify.show(value)
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(one, str) and re.fullmatch(wanted, one, re.DOTALL) for one in texts):
        return EXACT
    detail = f"{shown} is not like {pattern!r}"
    return Judgement(Verdict.LOSSY, verify.shorten(detail), shown, f"like {pattern!r}")


def _judge_has(wanted: Mapping[str, Any], value: Any) -> Judgement:
    """Each entry: told less is `differs`, told something else `lossy`."""
    if not isinstance(value, Mapping):
        return Judgement(Verdict.LOSSY, f"{verify.show(value)} is no dict")
    return verify.worst(_judge_entry(name, one, value) for name, one in wanted.items())


def _judge_entry(name: str, wanted: Any, value: Mapping[str, Any]) -> Judgement:
    if value.get(name) is None:
        detail = f"no {name}, which is {verify.show(wanted)}"
        return Judgement(Verdict.DIFFERS, detail, f"no {name}", verify.show(wanted))
    judged = _judge_value(wanted, value[name])
    if judged.verdict is Verdict.EXACT:
        return judged
    return Judgement(
        judged.verdict, f"{name}: {judged.detail}", judged.observed, judged.expected
    )


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return repr(one) == repr(other)


def _texts(value: Any) -> Any:
    """The same value in other types has the same texts."""
    if isinstance(value, list):
        return [_texts(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _texts(one) for name, one in value.items()}
    return None if value is None else str(value)
