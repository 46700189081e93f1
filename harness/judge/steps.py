"""What a step brought × what it must bring → a verdict. Pure; worker and parent use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.core.calls import ErrorFields
from harness.core.expect import StepExpect
from harness.core.steps import Step
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge import shown, verify
from harness.judge.recorded import plain, text_of

JOIN_MS = 10_000
"""How long a join waits that does not say how long."""
_LINE_CHARS = 2_000


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
    if not outcome.done:
        return _judge_waiting(step)
    judged = _judge_outcome(step, outcome, fields)
    took_ms = outcome.elapsed_ns / 1e6
    if step.within_ms and took_ms > step.within_ms and judged.verdict is Verdict.EXACT:
        return _late(step.within_ms, took_ms)
    if grows_beyond(step.expect.grows_mb, outcome.grown_bytes):
        return verify.worst([judged, _grows(step.expect.grows_mb, outcome.grown_bytes)])
    return judged


def grows_beyond(limit_mb: int, grown_bytes: int) -> bool:
    """Whether memory grew by more than a step allows; 0 allows all."""
    return bool(limit_mb) and grown_bytes > limit_mb * 2**20


def _judge_waiting(step: Step) -> Judgement:
    within_ms = step.within_ms or JOIN_MS
    still = f"still waiting after {within_ms:,} ms"
    facts = {"waited_ms": within_ms}
    if step.expect.trait:
        return verify.observed(still, facts)
    return Judgement(Verdict.HUNG, Code.WAITING, still, still, facts=facts)


def _late(within_ms: int, took_ms: float) -> Judgement:
    late, should = f"it took more than {within_ms:,} ms", f"within {within_ms:,} ms"
    facts = {"took_ms": round(took_ms), "within_ms": within_ms}
    return Judgement(Verdict.HUNG, Code.LATE, late, late, should, facts)


def _grows(limit_mb: int, grown_bytes: int) -> Judgement:
    """Memory that nobody gives back ends a process: no matter of another type."""
    grown, should = (
        f"memory grew by {grown_bytes / 2**20:,.0f} MB",
        f"at most {limit_mb:,} MB",
    )
    facts = {"grown_bytes": grown_bytes, "limit_bytes": limit_mb * 2**20}
    detail = f"{grown}; the case allows {limit_mb:,} MB"
    return Judgement(Verdict.BROKEN, Code.GROWS, detail, grown, should, facts)


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
    if expect.rejected:
        return EXACT
    told, facts = "the task is cancelled", {"cancelled": True}
    if expect.trait:
        return verify.observed(told, facts)
    return Judgement(Verdict.REJECTED, Code.CANCELLED, told, told, facts=facts)


def line(value: Any, error: BaseException | None) -> str:
    """One line that a reproduction prints, too."""
    if error is not None:
        return f"raised {verify.class_of(error)}"
    return text_of(value)[:_LINE_CHARS]


def _judge_value(wanted: Any, value: Any) -> Judgement:
    wanted, got = plain(wanted), plain(value)
    if _same(wanted, got):
        return EXACT
    told, should = shown.show(got), shown.show(wanted)
    verdict, code = Verdict.LOSSY, Code.WRONG_VALUE
    if _texts(wanted) == _texts(got):
        verdict, code = Verdict.DIFFERS, Code.WRONG_TYPE
    facts = {**shown.seen(got), **shown.wanted(wanted)}
    return Judgement(verdict, code, f"{told} instead of {should}", told, should, facts)


def _judge_like(pattern: str, value: Any) -> Judgement:
    """A text, or one of a list of texts."""
    wanted = "".join(".*" if char == "%" else re.escape(char) for char in pattern)
    told = shown.show(value)
    texts = value if isinstance(value, list) else [value]
    if any(
        isinstance(text, str) and re.fullmatch(wanted, text, re.DOTALL) for text in texts
    ):
        return EXACT
    detail = shown.shorten(f"{told} is not like {pattern!r}")
    facts = {**shown.seen(value), "like": pattern}
    should = f"like {pattern!r}"
    return Judgement(Verdict.LOSSY, Code.WRONG_VALUE, detail, told, should, facts)


def _judge_has(wanted: Mapping[str, Any], value: Any) -> Judgement:
    """Each entry: told less is `differs`, told something else `lossy`."""
    if not isinstance(value, Mapping):
        detail, facts = f"{shown.show(value)} is not a dict", shown.seen(value)
        return Judgement(Verdict.LOSSY, Code.WRONG_VALUE, detail, facts=facts)
    return verify.worst(
        _judge_entry(name, expected, value) for name, expected in wanted.items()
    )


def _judge_entry(name: str, wanted: Any, value: Mapping[str, Any]) -> Judgement:
    should = shown.show(wanted)
    if value.get(name) is None:
        told = (f"no {name}, which is {should}", f"no {name}", should)
        facts = {"entry": name, **shown.wanted(wanted)}
        return Judgement(Verdict.DIFFERS, Code.NOT_TOLD, *told, facts)
    judged = _judge_value(wanted, value[name])
    if judged.verdict is Verdict.EXACT:
        return judged
    facts = {**judged.facts, "entry": name}
    return replace(judged, detail=f"{name}: {judged.detail}", facts=facts)


def _same(value: Any, other: Any) -> bool:
    if type(value) is not type(other):
        return False
    if isinstance(value, list):
        return len(value) == len(other) and all(map(_same, value, other))
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(
            _same(value[k], other[k]) for k in value
        )
    return repr(value) == repr(other)


def _texts(value: Any) -> Any:
    """The same value in other types has the same texts."""
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _texts(item) for name, item in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "surrogateescape")
    return None if value is None else str(value)
