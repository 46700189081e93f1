"""What was seen: checks, times and footprints of finished runs, and what libraries said.

Of a cell that was played in several runs the latest counts. Times of two runs are never
mixed: whoever compares gets runs, the latest first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness.analysis.times import ArmTimes, arm_times
from harness.check.expectations import version_of
from harness.claims.form import AnyCondition, InspectCondition, ProgramCondition
from harness.core.errors import ResultsError
from harness.core.patterns import matches
from harness.lanes.memory.meaning import ArmMemory, arm_memory
from harness.lanes.wire.meaning import ArmWire, arm_wires
from harness.results.records import ArmFacts, Check, Run

LIBRARY_FILE = "library.json"
Key = tuple[str, str, str]
"""A cell, a driver and a profile."""


class LibrarySaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an inspection or a program gave: an answer, or why there is none (`problem`)."""

    answer: dict[str, Any] = msgspec.field(default_factory=dict)
    problem: str = ""
    versions: str = ""
    server: str = ""
    fault: bool = False


@dataclass(frozen=True, slots=True)
class PlayedCell:
    """A cell that was checked, under which versions."""

    check: Check
    versions: str
    server: str


@dataclass(frozen=True)
class Evidence:
    """All that is known. `said` is what libraries said, by the digests of questions."""

    runs: Sequence[Run] = ()
    said: Mapping[str, LibrarySaid] = field(default_factory=dict)

    @cached_property
    def latest_first(self) -> list[Run]:
        """The runs by when they began."""
        return sorted(self.runs, key=lambda run: run.header.started, reverse=True)

    @cached_property
    def played(self) -> dict[Key, PlayedCell]:
        """Every cell that was checked, as the latest run has it."""
        found: dict[Key, PlayedCell] = {}
        for run in reversed(self.latest_first):
            versions = {(arm.id, arm.profile): versions_of(arm) for arm in run.header.arms}
            for check in run.checks:
                told = versions.get((check.driver, check.profile), "")
                key = (check.cell, check.driver, check.profile)
                found[key] = PlayedCell(check, told, run.header.server.version)
        return found

    def checks(self, pattern: str, driver: str, profile: str) -> list[PlayedCell]:
        """The cells that a pattern means, of one driver and profile."""
        if (exact := self.played.get((pattern, driver, profile))) is not None:
            return [exact]
        return [
            played
            for (cell, name, form), played in self.played.items()
            if (name, form) == (driver, profile) and means(pattern, cell)
        ]

    def timed(self) -> Iterator[tuple[Run, dict[tuple[str, str], ArmTimes]]]:
        """Runs with times, the latest first, and their cells and arms."""
        for run in self.latest_first:
            if run.trials:
                yield run, arm_times(run)

    def wires(self) -> Iterator[tuple[Run, dict[tuple[str, str], ArmWire]]]:
        """Runs of the lane wire, the latest first, and their cells and arms."""
        for run in self.latest_first:
            if found := arm_wires(run):
                yield run, found

    def footprints(self) -> Iterator[tuple[Run, Sequence[ArmMemory]]]:
        """Runs of the lane memory, the latest first."""
        for run in self.latest_first:
            if found := arm_memory(run):
                yield run, found


def means(pattern: str, cell: str) -> bool:
    """Whether a claim's pattern means a cell: by its id, or by its case for all points."""
    return matches(pattern, cell) or matches(f"{pattern}@*", cell)


def versions_of(arm: ArmFacts) -> str:
    """The versions of an arm that decide."""
    return versions_of_terms(arm.terms)


def versions_of_terms(told_terms: Mapping[str, str]) -> str:
    """The versions that decide: of the library, and of each that it stands on."""
    terms = dict(told_terms)
    told = []
    while terms.get("library"):
        told.append(version_of(terms))
        terms = {
            name.removeprefix("wrapped_"): text
            for name, text in terms.items()
            if name.startswith("wrapped_")
        }
    return ", on ".join(told)


def libraries_of_terms(terms: Mapping[str, str]) -> list[str]:
    """The names of a library and of each that it stands on."""
    return [
        text for name, text in terms.items() if name.rpartition("wrapped_")[2] == "library"
    ]


# --- what libraries said ----------------------------------------------------------------


def digest(driver: str, condition: AnyCondition) -> str:
    """Equal where the same is asked of the same arm; empty of what asks no library."""
    if not isinstance(condition, InspectCondition | ProgramCondition):
        return ""
    asked = question(condition)
    text = json.dumps(
        [driver, asked, list(getattr(condition, "needs", ()))], sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def question(condition: InspectCondition | ProgramCondition) -> dict[str, Any]:
    """What the inspector is asked; what is expected is none of its business."""
    kinds = condition.expect.is_a
    is_a = [kinds] if isinstance(kinds, str) and kinds else list(kinds)
    if isinstance(condition, ProgramCondition):
        return {"python": condition.python, "is_a": is_a}
    called = {"args": condition.args, "kwargs": condition.kwargs}
    return {"path": condition.path, "is_a": is_a, **called}


def read_said(folder: Path) -> dict[str, LibrarySaid]:
    """What libraries said before; nothing where nobody asked.

    Raises:
        ResultsError: the file cannot be read.
    """
    file = folder / LIBRARY_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, LibrarySaid])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ResultsError(
            f"{file} cannot be read: {error}", hint="remove it, and ask again with --run"
        ) from error


def write_said(folder: Path, said: Mapping[str, LibrarySaid]) -> None:
    """Keep what libraries said, whole or not at all."""
    file = folder / LIBRARY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(said), indent=1))
        partial.replace(file)
    except OSError as error:
        raise ResultsError(f"{file} cannot be written: {error.strerror}") from error
