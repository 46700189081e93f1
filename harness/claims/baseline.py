"""The outcomes that somebody looked at, and what drifted from them.

`claims/baseline.json`: one line per claim, in order, so that an outcome that changes is a
line that changes. It is also what is shown of a claim of which nothing was run here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from harness.claims.outcomes import ClaimOutcome, DecidedClaim, DecidedPart
from harness.core.errors import ResultsError

NAME = "baseline.json"
SCHEMA = 1


_OPEN = (ClaimOutcome.NOT_TRIED, ClaimOutcome.INCONCLUSIVE)
"""Outcomes that say nothing about a library: neither drift nor a reason to forget one."""


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came of a claim when somebody looked."""

    outcome: ClaimOutcome
    seen: str
    versions: str = ""
    server: str = ""
    reasons: list[str] = msgspec.field(default_factory=list)
    command: str = ""
    cells: list[str] = msgspec.field(default_factory=list)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    claims: dict[str, Remembered]


def load(file: Path) -> dict[str, Remembered]:
    """The outcomes of a baseline; none where there is no such file.

    Raises:
        ResultsError: it cannot be read, or is no baseline of claims.
    """
    try:
        read = msgspec.json.decode(file.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ResultsError(
            f"{file} is not a baseline of claims: {error}",
            hint="pgdyno claims --update writes it; docs/claims.md describes it",
        ) from error
    if read.schema != SCHEMA:
        raise ResultsError(f"{file} is of schema {read.schema}; expected {SCHEMA}")
    return read.claims


def save(file: Path, outcomes: Mapping[str, Remembered]) -> None:
    """Write a baseline, whole or not at all."""
    lines = [f"  {json.dumps(key)}: {_line(outcomes[key])}" for key in sorted(outcomes)]
    text = "\n".join(
        ["{", f' "schema": {SCHEMA},', ' "claims": {', ",\n".join(lines), " }", "}"]
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_text(f"{text}\n", "utf-8")
        partial.replace(file)
    except OSError as error:
        raise ResultsError(f"{file} cannot be written: {error.strerror}") from error


def _line(remembered: Remembered) -> str:
    told = msgspec.to_builtins(remembered)
    return json.dumps({k: v for k, v in told.items() if v}, ensure_ascii=False)


def updated(
    before: Mapping[str, Remembered], found: Iterable[DecidedClaim], every: Iterable[str]
) -> dict[str, Remembered]:
    """The baseline with what was found; claims that there are no more lose theirs. What
    could not be decided is no outcome, unless nothing else is known of the claim."""
    known = set(every)
    kept = {key: outcome for key, outcome in before.items() if key in known}
    for decided in found:
        kept_so = decided.outcome in _OPEN and decided.claim.id in kept
        if not decided.remembered and not kept_so:
            kept[decided.claim.id] = _remembered(decided)
    return kept


def _remembered(decided: DecidedClaim) -> Remembered:
    return Remembered(
        decided.outcome,
        settled(decided.seen),
        decided.versions,
        decided.server,
        list(decided.reasons),
        next(iter(decided.commands), ""),
        list(decided.cells),
    )


_MADE_UP = re.compile(r"\b(pgdyno)_[0-9a-f]{7,}\w*|\b\d{5,}\b")


def settled(text: str) -> str:
    """A text without process ids, ports, oids and names that another run makes up anew."""
    return _MADE_UP.sub(lambda found: f"{found[1]}_…" if found[1] else "…", text)


def compared(decided: DecidedClaim, before: Mapping[str, Remembered]) -> DecidedClaim:
    """A claim with its drift; one of which nothing was run, as it is remembered."""
    known = before.get(decided.claim.id)
    if known is None:
        return decided
    if decided.outcome is ClaimOutcome.NOT_TRIED:
        tried = known.outcome is not ClaimOutcome.NOT_TRIED and not decided.fault
        return _recalled(decided, known) if tried else decided
    return replace(decided, drift=_drift(decided, known))


def _recalled(decided: DecidedClaim, known: Remembered) -> DecidedClaim:
    part = DecidedPart(
        "",
        known.outcome,
        known.seen,
        known.versions,
        known.server,
        known.command,
        tuple(known.cells),
        tuple(known.reasons),
    )
    return replace(decided, outcome=known.outcome, parts=(part,), remembered=True)


def _drift(decided: DecidedClaim, known: Remembered) -> str:
    undecided = any(part.outcome in _OPEN for part in decided.parts)
    if undecided or decided.outcome is known.outcome or known.outcome in _OPEN:
        return ""
    told = f"{decided.outcome} instead of {known.outcome}"
    if decided.versions == known.versions:
        return f"{told}, with the same version: {decided.versions}"
    return f"{told}; the version differs: {decided.versions} instead of {known.versions}"
