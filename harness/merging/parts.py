"""Parts of runs: which of them belong together, and in words what keeps others apart."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, starmap
from pathlib import Path

import msgspec

from harness.core.errors import ResultsError
from harness.merging.heading import parts
from harness.results import store
from harness.results.records import ArmFacts, Header, PartFacts, ServerFacts, changed

UNFINISHED = (".partial.jsonl", ".running.jsonl")
"""Ends of the names of files of a job that is not done."""

_VARIES = "max_connections"
"""The setting of a server of our own that follows from the cells that are asked."""


@dataclass(frozen=True, slots=True, order=True)
class Kinship:
    """What the parts of a run have in common, each in words that tell it from another.

    A run without a plan is a part of nothing but itself, so its own id stands for it.
    """

    plan: str
    kind: str
    lane: str
    effort: str
    pgdyno: str
    machine: str
    server: str
    settings: str
    placement: str
    drivers: str
    terms: str


_NAMES = {
    "effort": "efforts",
    "pgdyno": "versions of pgdyno",
    "server": "servers",
    "settings": "server settings",
    "placement": "placements",
    "drivers": "drivers",
    "terms": "terms of drivers",
}
"""What should not differ within a plan between runs of a kind on servers of a name."""


@dataclass(frozen=True, slots=True)
class RunPart:
    """A results file that may be a part of a run; of its header only what sorts it."""

    path: Path
    run: str
    started: str
    parts: frozenset[PartFacts]
    digest: bytes

    @property
    def tries(self) -> set[tuple[str, int]]:
        """The jobs that are in it, each with the number of its try."""
        return {(part.job, part.attempt) for part in self.parts}


def results_files(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and those of whole runs at any depth of named folders."""
    return list(dict.fromkeys(file for path in paths for file in _files(path)))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = (file for file in path.rglob("*.jsonl") if file.is_file())
    yield from sorted(file for file in found if not file.name.endswith(UNFINISHED))


def part_of(path: Path) -> tuple[Kinship, RunPart]:
    """A file, and whose part it may be.

    Raises:
        ResultsError: it cannot be read, or is no results file.
    """
    header = store.header_of(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    part = RunPart(path, header.run, header.started, frozenset(parts(header)), digest)
    return kinship_of(header), part


def kinship_of(header: Header) -> Kinship:
    """Equal for the parts of a run."""
    server = header.server
    return Kinship(
        plan=header.job.plan if header.job else f"run {header.run}",
        kind=header.kind,
        lane=header.lane,
        effort=header.effort,
        pgdyno=header.pgdyno,
        machine="\0".join(header.machine.fingerprint),
        server=f"{server.label}, PostgreSQL {server.version}, {server.transport}",
        settings=_settings(server),
        placement=_pairs(header.placement),
        drivers=", ".join(_driver(arm) for arm in _asked(header.arms)),
        terms=msgspec.json.encode([_plain(arm) for arm in _asked(header.arms)]).decode(),
    )


def _asked(arms: Iterable[ArmFacts]) -> list[ArmFacts]:
    """Arms that every part of a run has: a reference is there where a cell needs it."""
    return [arm for arm in arms if not arm.reference]


def _plain(arm: ArmFacts) -> ArmFacts:
    """Without the words in which it is told why it took no part: they may differ."""
    return changed(arm, problem="took no part" if arm.problem else "")


def _driver(arm: ArmFacts) -> str:
    version = arm.terms.get("version", "")
    return f"{arm.id} ({arm.profile}, {version or 'took no part'})"


def _settings(server: ServerFacts) -> str:
    settings = {**server.settings, **server.extensions}
    if server.managed:
        settings.pop(_VARIES, None)
    return _pairs(settings)


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()))


@dataclass(frozen=True, slots=True)
class Sorted:
    """Files by the run whose parts they are; those that cannot be read, with the reason."""

    kin: dict[Kinship, list[RunPart]]
    unreadable: list[tuple[Path, ResultsError]]


def sort_out(paths: Iterable[Path]) -> Sorted:
    """Which files belong together. Copies are taken once, and so are parts that stand in a
    run that was joined before. Nothing depends on the order of the paths."""
    found = Sorted({}, [])
    for path in paths:
        try:
            kinship, part = part_of(path)
        except ResultsError as error:
            found.unreadable.append((path, error))
        else:
            found.kin.setdefault(kinship, []).append(part)
    for kinship, kindred in found.kin.items():
        found.kin[kinship] = _once(kindred)
    return found


def _once(kindred: Sequence[RunPart]) -> list[RunPart]:
    ordered = sorted(kindred, key=lambda part: (part.run, part.digest, part.path))
    single = list({part.digest: part for part in reversed(ordered)}.values())[::-1]
    larger = {part.parts for part in single if len(part.parts) > 1}
    return [part for part in single if not any(part.parts < parts for parts in larger)]


def executions(kindred: Sequence[RunPart]) -> list[list[RunPart]]:
    """The parts by when their plan was run: a plan may be run every night.

    A job of which the same try is there already begins a run of its own; what follows
    belongs to the latest run that lacks it.
    """
    runs: dict[str, list[RunPart]] = defaultdict(list)
    for part in sorted(kindred, key=lambda part: (part.started, part.run)):
        runs[part.run].append(part)
    found: list[tuple[set[tuple[str, int]], list[RunPart]]] = []
    for files in runs.values():
        tries = set.union(*(part.tries for part in files))
        fitting = (known for known in reversed(found) if not known[0] & tries)
        latest = next(fitting, None)
        if latest is None:
            found.append(latest := (set(), []))
        latest[0].update(tries)
        latest[1].extend(files)
    return [files for _, files in found]


def differences(kin: Iterable[Kinship]) -> list[str]:
    """What keeps parts of a plan apart that might have been expected to fit, in words."""
    plans: dict[tuple[str, ...], set[Kinship]] = defaultdict(set)
    for kinship in kin:
        label = kinship.server.partition(",")[0]
        alike = replace(kinship, machine="")  # machines are meant to differ
        plans[kinship.plan, kinship.kind, kinship.lane, label].add(alike)
    return [
        told
        for same in plans.values()
        for told in starmap(_different, pairwise(sorted(same)))
    ]


def _different(first: Kinship, second: Kinship) -> str:
    field = next(name for name in _NAMES if getattr(first, name) != getattr(second, name))
    pair = (getattr(first, field), getattr(second, field))
    told = _terms(*pair) if field == "terms" else " and ".join(_only(*pair))
    return f"plan {first.plan}: different {_NAMES[field]}: {told}"


def _only(first: str, second: str) -> tuple[str, str]:
    """Of two lists what only either has."""
    ours, theirs = (re.split(r", (?![^(]*\))", text) for text in sorted((first, second)))
    return (
        ", ".join(word for word in ours if word not in theirs) or "none",
        ", ".join(word for word in theirs if word not in ours) or "none",
    )


def _terms(first: str, second: str) -> str:
    """The drivers whose terms differ."""
    pairs = zip(*(msgspec.json.decode(text, type=list[ArmFacts]) for text in
                  (first, second)), strict=True)  # fmt: skip
    return ", ".join(ours.id for ours, theirs in pairs if ours != theirs)
