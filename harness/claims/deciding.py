"""A claim and what was seen → an outcome. Pure.

Each kind of condition has a function that gives the parts of its answer; `decided` puts
those of a claim together. Times are decided in `intervals`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.claims import form, intervals, turns
from harness.claims.evidence import Evidence, LibrarySaid, PlayedCell, digest
from harness.claims.form import AnyCondition, Claim, ClaimSource, Words, listed
from harness.claims.labels import CellAnswer, labelled
from harness.claims.outcomes import ClaimOutcome, DecidedClaim, DecidedPart, outcome_of
from harness.core.patterns import matches
from harness.core.verdicts import Verdict

SEEN_CHARS = 300
_NOT_RUN = "no run here has it"
Parts = Iterator[DecidedPart]


def decided(
    source: ClaimSource, claim: Claim, evidence: Evidence, file: str = ""
) -> DecidedClaim:
    """What came of a claim; `file` is where its source stands, if not in the library."""
    found = [
        part
        for condition in claim.decide
        for part in parts_of(condition, evidence, f"pgdyno claims {file or claim.id} --run")
    ]
    return DecidedClaim(source, claim, outcome_of(found), tuple(found))


def parts_of(condition: AnyCondition, evidence: Evidence, command: str) -> Parts:
    """The parts of the answer to one condition; `command` shows the claim as a whole."""
    decide: Callable[..., Parts] = _DECIDE[type(condition)]
    yield from decide(condition, evidence, command)


# --- cells ------------------------------------------------------------------------------


def _cells(condition: form.CellCondition, evidence: Evidence, command: str) -> Parts:
    yield from _checked(condition, evidence, command, _matches)


def _checked(
    condition: form.CellCondition | form.CountCondition,
    evidence: Evidence,
    command: str,
    right: Callable[[Any, Any], tuple[bool | None, str]],
) -> Parts:
    found = []
    for driver, pattern, played in _played(condition, evidence):
        if played is None:
            part = DecidedPart("", ClaimOutcome.NOT_TRIED, _NOT_RUN, command=command)
            found.append(CellAnswer(driver, pattern, part))
        else:
            part = _judged(condition, played, right)
            found.append(CellAnswer(driver, played.check.cell, part))
    yield from labelled(condition.part, found)


def _played(
    condition: form.CellCondition | form.CountCondition, evidence: Evidence
) -> Iterator[tuple[str, str, PlayedCell | None]]:
    """Each cell of each driver that is asked; None for those that nobody has played."""
    for driver in listed(condition.driver):
        for pattern in listed(condition.cell):
            found = evidence.checks(pattern, driver, condition.profile)
            yield from ((driver, pattern, played) for played in found or (None,))


def _judged(
    condition: form.CellCondition | form.CountCondition,
    played: PlayedCell,
    right: Callable[[Any, Any], tuple[bool | None, str]],
) -> DecidedPart:
    """A cell that was played. What cannot be had here says nothing about a library."""
    check = played.check
    wanted = listed(getattr(condition, "verdict", ""))
    nothing = check.verdict in (Verdict.SKIPPED, Verdict.INVALID)
    if nothing and str(check.verdict) not in wanted:
        outcome, seen = ClaimOutcome.NOT_TRIED, f"{check.verdict}: {check.detail}"
    else:
        holds, seen = right(condition, check)
        outcome = _outcome(holds)
    return DecidedPart(
        "",
        outcome,
        shortened(seen),
        played.versions,
        played.server,
        _show(check),
        (check.cell,),
        fault=check.verdict is Verdict.INVALID,
    )


def _outcome(holds: bool | None) -> ClaimOutcome:
    if holds is None:
        return ClaimOutcome.NOT_TRIED
    return ClaimOutcome.HOLDS if holds else ClaimOutcome.DOES_NOT_HOLD


def _show(check: Any) -> str:
    words = ["pgdyno", "show", check.cell, "--driver", check.driver]
    return shlex.join([*words, "--profile", check.profile, "--run"])


def _matches(condition: form.CellCondition, check: Any) -> tuple[bool, str]:
    """Whether a check is as a condition wants it; what it is."""
    other = condition.code or condition.detail or condition.observed or condition.facts
    wanted = listed(condition.verdict) or ([] if other else [Verdict.EXACT.value])
    holds = (
        _any(wanted, check.verdict)
        and _any(listed(condition.code), check.code)
        and _like(condition.detail, check.detail)
        and _like(condition.observed, check.observed)
        and all(check.facts.get(name) == value for name, value in condition.facts.items())
    )
    told = check.observed if check.verdict is Verdict.EXACT else check.detail
    return holds, f"{check.verdict}: {told}".rstrip(": ")


def _any(wanted: list[str], word: str) -> bool:
    return not wanted or str(word) in wanted


def _like(patterns: Words, text: str) -> bool:
    found = listed(patterns)
    return not found or any(matches(pattern, text) for pattern in found)


# --- counts -----------------------------------------------------------------------------


def _counts(condition: form.CountCondition, evidence: Evidence, command: str) -> Parts:
    yield from _checked(condition, evidence, command, _counted)


def _counted(condition: form.CountCondition, check: Any) -> tuple[bool | None, str]:
    if check.verdict is not Verdict.EXACT:
        return False, f"{check.verdict}: {check.detail}"
    number = number_in(check.facts, condition.answer)
    if number is None:
        return None, f"the cell wrote down no number: {check.observed}"
    return condition.is_.holds(number, number), check.observed


def number_in(facts: Mapping[str, Any], label: str) -> int | None:
    """The whole number among the answers of a check, of the step with this label if one
    is named; None where there is none, or more than one."""
    answers = facts.get("answers", [facts])
    told = [answer for answer in answers if not label or answer.get("label") == label]
    numbers = [found for found in map(_whole, told) if found is not None]
    return numbers[0] if len(numbers) == 1 else None


def _whole(answer: Mapping[str, Any]) -> int | None:
    value = answer.get("value", answer.get("repr"))
    text = str(value).strip("'\"")
    return int(text) if text.lstrip("-").isdecimal() else None


# --- comparisons ------------------------------------------------------------------------


def _compares(condition: form.CompareCondition, evidence: Evidence, command: str) -> Parts:
    """A comparison; where it holds, also because of what nobody named."""
    for part in intervals.compared(condition, evidence, command):
        told: tuple[str, ...] = ()
        if part.outcome is ClaimOutcome.HOLDS:
            told = tuple(_true_reasons(condition, evidence))
        yield replace(part, reasons=(*part.reasons, *told))


def _true_reasons(condition: form.CompareCondition, evidence: Evidence) -> Iterator[str]:
    for because in condition.because:
        found = parts_of(because.condition, evidence, "")
        if all(part.outcome is ClaimOutcome.HOLDS for part in found):
            yield because.says


# --- libraries --------------------------------------------------------------------------


def _library(
    condition: form.InspectCondition | form.ProgramCondition,
    evidence: Evidence,
    command: str,
) -> Parts:
    driver = condition.driver
    said = evidence.said.get(digest(driver, condition))
    label = condition.part or getattr(condition, "path", "")
    if said is None:
        yield DecidedPart(label, ClaimOutcome.NOT_TRIED, _NOT_RUN, command=command)
        return
    holds, seen = _said(condition.expect, said)
    yield DecidedPart(
        label,
        _outcome(holds),
        shortened(seen),
        said.versions,
        said.server,
        command,
        fault=said.fault,
    )


def _said(expect: form.LibraryAnswer, said: LibrarySaid) -> tuple[bool | None, str]:
    if said.problem:
        return None, said.problem
    answer = said.answer
    if expect.exists is False:
        return not answer["exists"], "it is there" if answer["exists"] else answer["text"]
    if not answer["exists"]:
        return False, answer["text"]
    if raised := answer.get("raised"):
        return _raises(expect.raises, raised, answer["message"]), f"raises {answer['text']}"
    wrong = list(_faults(expect, answer))
    return not wrong, "; ".join(wrong) or _shown(expect, answer)


def _raises(wanted: Words, classes: list[str], message: str) -> bool:
    """Whether it is the exception that was wanted, or derives from it."""
    told = [text for kind in classes for text in (kind, f"{kind}: {message}")]
    return any(matches(pattern, text) for pattern in listed(wanted) for text in told)


def _faults(expect: form.LibraryAnswer, answer: Mapping[str, Any]) -> Iterator[str]:
    """What of an answer is other than expected."""
    if expect.raises:
        yield f"no exception: {answer['text']}"
    wanted = form.to_builtins(expect)
    if "equals" in wanted and json.dumps(expect.equals, sort_keys=True) != answer["value"]:
        yield f"it is {answer['text']}"
    if not _like(expect.like, answer["text"]):
        yield f"it is {answer['text']}"
    if expect.type and answer["type"] not in listed(expect.type):
        yield f"it is of type {answer['type']}: {answer['text']}"
    for path in listed(expect.is_a):
        if not answer["is_a"].get(path):
            yield f"it is no {path}: {answer['text']}"
    yield from _signature_faults(expect, answer)


def _signature_faults(
    expect: form.LibraryAnswer, answer: Mapping[str, Any]
) -> Iterator[str]:
    known = answer.get("parameters")
    if known is None:
        if expect.parameters or expect.lacks or expect.defaults:
            yield f"its signature cannot be read: {answer['text']}"
        return
    if absent := [name for name in expect.parameters if name not in known]:
        yield f"no parameter {', '.join(absent)}; it has {', '.join(known) or 'none'}"
    if there := [name for name in expect.lacks if name in known]:
        yield f"it has the parameter {', '.join(there)}"
    for name, value in expect.defaults.items():
        default = answer.get("defaults", {}).get(name, "none")
        if default != json.dumps(value, sort_keys=True):
            yield f"the default of {name} is {default}"


def _shown(expect: form.LibraryAnswer, answer: Mapping[str, Any]) -> str:
    if expect.parameters or expect.lacks or expect.defaults:
        defaults = answer.get("defaults", {})
        names = [
            f"{name}={defaults[name]}" if defaults.get(name) else name
            for name in answer.get("parameters", ())
        ]
        return f"parameters: {', '.join(names) or 'none'}"
    return f"{answer['type']}: {answer['text']}"


def shortened(text: str) -> str:
    """A text on one line, and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= SEEN_CHARS else f"{line[:SEEN_CHARS]}…"


def _undecidable(condition: form.UndecidableCondition, _: Evidence, __: str) -> Parts:
    yield DecidedPart(condition.part, ClaimOutcome.NOT_TRIED, condition.reason)


_DECIDE: Mapping[type, Callable[..., Parts]] = {
    form.CellCondition: _cells,
    form.CountCondition: _counts,
    form.CompareCondition: _compares,
    form.TimeCondition: intervals.timed,
    form.MemoryCondition: intervals.remembered,
    form.TurnsCondition: turns.waited,
    form.InspectCondition: _library,
    form.ProgramCondition: _library,
    form.UndecidableCondition: _undecidable,
}
