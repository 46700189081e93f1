"""Claims about rates over a network: so many clients that wait k times each do
N ÷ (k · RTT) requests a second, and nothing else decides.

k is what the wire lane counted. The rate is one that a source published, or one that was
measured through a delay. Pure.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from harness.analysis.times import ArmTimes
from harness.claims import form
from harness.claims.evidence import Evidence, versions_of
from harness.claims.intervals import NO_RUN, measuring, rate_of
from harness.claims.outcomes import ClaimOutcome, DecidedPart
from harness.core.conditions import parted
from harness.core.stats import MIN_ROUNDS
from harness.lanes.wire.meaning import ArmWire
from harness.results.records import Run

Parts = Iterator[DecidedPart]


def waited(condition: form.TurnsCondition, evidence: Evidence, command: str) -> Parts:
    """Whether turns are as claimed, or decide about a rate as they should."""
    label = condition.part or f"{condition.driver} {condition.cell}"
    counted = _counted(condition, evidence)
    if counted is None:
        shown = measuring(command)
        yield DecidedPart(label, ClaimOutcome.NOT_TRIED, NO_RUN, command=shown)
        return
    run, wire = counted
    if wire.turns is None:
        outcome, seen = ClaimOutcome.NOT_TRIED, f"{wire.verdict}: {wire.detail}"
    elif condition.is_ is not None:
        low, high = wire.turns.low, wire.turns.high
        outcome, seen = _outcome(condition.is_.holds(low, high)), _turns_text(wire)
    elif condition.published is not None:
        outcome, seen = _published(condition, wire, condition.published)
    else:
        outcome, seen = _measured(condition, evidence, wire)
    words = ["pgdyno", "bench", condition.cell, "--lane", "wire"]
    shown = shlex.join([*words, "--driver", condition.driver])
    cells = tuple(filter(None, (condition.cell, condition.at)))
    server = run.header.server.version
    yield DecidedPart(label, outcome, seen, versions_of(wire.arm), server, shown, cells)


def _counted(
    condition: form.TurnsCondition, evidence: Evidence
) -> tuple[Run, ArmWire] | None:
    key = (condition.cell, condition.driver)
    found = ((run, wires[key]) for run, wires in evidence.wires() if key in wires)
    return next(found, None)


def _outcome(holds: bool | None) -> ClaimOutcome:
    if holds is None:
        return ClaimOutcome.INCONCLUSIVE
    return ClaimOutcome.HOLDS if holds else ClaimOutcome.DOES_NOT_HOLD


def _turns_text(wire: ArmWire) -> str:
    turns = wire.turns
    assert turns is not None
    number = f"{turns.low:g}" if turns.exact else f"{turns.low:g} to {turns.high:g}"
    return f"{number} turn{'' if number == '1' else 's'} a request"


def _limits(condition: form.TurnsCondition, predicted: float) -> form.Limits:
    """Rates that are as predicted, as far as the condition asks."""
    least, most = predicted * (1 - condition.within), predicted * (1 + condition.within)
    return form.Limits(between=[least, most])


def _predicted(wire: ArmWire, clients: int, rtt_ms: float) -> float:
    assert wire.turns is not None
    return clients * 1000 / (wire.turns.typical * rtt_ms) if wire.turns.typical else 0.0


def _published(
    condition: form.TurnsCondition, wire: ArmWire, rate: float
) -> tuple[ClaimOutcome, str]:
    predicted = _predicted(wire, condition.clients, condition.rtt_ms)
    seen = (
        f"{_turns_text(wire)}: {condition.clients} ÷ (k · {condition.rtt_ms:g} ms) is "
        f"{predicted:,.0f} a second; the source has {rate:,.0f}"
    )
    return _outcome(_limits(condition, predicted).holds(rate, rate)), seen


def _measured(
    condition: form.TurnsCondition, evidence: Evidence, wire: ArmWire
) -> tuple[ClaimOutcome, str]:
    side = _timed(condition, evidence)
    if side is None or side.number is None:
        told = f"{side.verdict}: {side.detail}".rstrip(": ") if side else NO_RUN
        return ClaimOutcome.NOT_TRIED, f"{_turns_text(wire)}; {told}"
    rtt_ms = parted(side.cell.id)[1].rtt_ms
    predicted = _predicted(wire, side.cell.clients or 1, rtt_ms)
    rate = rate_of(side)
    told = (
        f"{_turns_text(wire)}: {side.cell.clients or 1} ÷ (k · {rtt_ms:g} ms) is "
        f"{predicted:,.0f} a second; measured {rate.point:,.0f}"
    )
    if rate.low is None or rate.high is None:
        return ClaimOutcome.INCONCLUSIVE, f"{told}; {MIN_ROUNDS} quiet rounds are needed"
    seen = f"{told} ({rate.low:,.0f} to {rate.high:,.0f}, {rate.n} rounds)"
    return _outcome(_limits(condition, predicted).holds(rate.low, rate.high)), seen


def _timed(condition: form.TurnsCondition, evidence: Evidence) -> ArmTimes | None:
    key = (condition.at, condition.driver)
    return next((times[key] for _, times in evidence.timed() if key in times), None)
