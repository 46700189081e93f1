"""What several processes told of one slot, as one record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.core.verdicts import Code, Judgement, Verdict
from harness.judge.verify import worst

Answer = Mapping[str, Any]
"""What a process told of its clients."""
Hand = Sequence[int] | None
"""When the ops of one process were due; None in a closed loop."""
_MOST_TOLD = 5


def merged(answers: Sequence[Answer], hands: Sequence[Hand]) -> dict[str, Any]:
    """The numbers of a slot: all ops in the order in which they were due. A closed loop has
    no plan, and is never late."""
    due = [hand for hand in hands if hand is not None]
    ops = sorted(_ops(answers))
    begun = [answer["begun_ns"] for answer in answers]
    ended = max(answer["ended_ns"] for answer in answers)
    return {
        "planned_ns": max((hand[-1] for hand in due if hand), default=0),
        # Who begins late has a lag, and the same ops were due.
        "wall_ns": ended if due else ended - min(begun),
        "lag_ns": [lag for _, lag, _ in ops] if due else [],
        "response_ns": [response for _, _, response in ops],
        "cpu_ns": sum(answer["cpu_ns"] for answer in answers),
        "start_spread_ns": max(begun) - min(begun),
    }


def _ops(answers: Iterable[Answer]) -> Iterable[tuple[int, int, int]]:
    for answer in answers:
        times = answer["due_ns"], answer["lag_ns"], answer["response_ns"]
        yield from zip(*times, strict=True)


def faults(answers: Sequence[Answer]) -> dict[str, Any]:
    """What went wrong in a slot, counted."""
    texts = [text for answer in answers for text in answer["failures"]]
    return {
        "mixed_up": sum(answer["mixed_up"] for answer in answers),
        "errors": sum(answer["errors"] for answer in answers),
        "failures": list(dict.fromkeys(texts))[:_MOST_TOLD],
    }


def judged(answers: Sequence[Answer], before: Judgement) -> Judgement:
    """What a slot means for a verdict: that of the verification if all was well. Rows of
    another call are worse than any error."""
    mixed = [pair for answer in answers for pair in answer["mixed"]]
    if mixed:
        return _mixed_up(answers, *mixed[0])
    told = [Judgement.of(answer["judgement"]) for answer in answers if answer["errors"]]
    return worst((before, *told))


def _mixed_up(answers: Sequence[Answer], sent: str, came: str) -> Judgement:
    count = sum(answer["mixed_up"] for answer in answers)
    ops = sum(len(answer["response_ns"]) for answer in answers)
    return Judgement(
        Verdict.BROKEN,
        Code.DESYNC,
        f"while many clients sent, {count:,} of {ops:,} answers were another call’s",
        came,
        sent,
        {"mixed_up": count, "ops": ops},
    )
