"""Whether two runs may be compared at all, and what a reader must know if they may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from harness import lanes
from harness.lanes import Lane

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, Run


def uncompared(base: Run, candidate: Run) -> Iterator[str]:
    """What two runs count that no rule compares, or not with each other."""
    found = sorted({lane(base), lane(candidate)})
    if len(found) > 1:
        yield f"different lanes: {found[0]} and {found[1]}"
    elif rule(base, candidate).name != found[0]:
        yield (
            f"what --lane {found[0]} counts is not compared yet: pgdyno report shows both "
            "runs in one page"
        )


def unequal(base: Run, candidate: Run) -> Iterator[str]:
    """What makes the times of two runs two different things."""
    a, b = base.header, candidate.header
    if a.machine.fingerprint != b.machine.fingerprint:
        yield f"different machines: {_machine(base)} and {_machine(candidate)}"
    if a.server.version_num != b.server.version_num:
        yield f"different servers: PostgreSQL {a.server.version} and {b.server.version}"
    if a.server.transport != b.server.transport:
        yield f"different transports: {a.server.transport} and {b.server.transport}"
    if a.placement != b.placement:
        yield f"different placements: {_settings(a.placement)} and {_settings(b.placement)}"


def lane(run: Run) -> str:
    """What a run counts; files that do not say it are of times."""
    return run.header.lane or lanes.DEFAULT


def rule(base: Run, candidate: Run) -> Lane:
    """The lane that judges two runs: theirs if it compares, else the common one, which
    says why they are not comparable."""
    theirs = lanes.known().get(lane(base))
    if theirs and theirs.name == lane(candidate) and theirs.has("comparison"):
        return theirs
    return lanes.get(lanes.DEFAULT)


def _machine(run: Run) -> str:
    machine = run.header.machine
    return f"{machine.cpu}, {machine.cores} cores ({machine.hostname_hash})"


def _settings(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(values.items())) or "none"


def differences(base: Run, candidate: Run, arms: tuple[str, str]) -> Iterator[str]:
    """What the two environments do not have in common, though they can be compared: of two
    runs the settings, of arms their terms."""
    a, b = base.header, candidate.header
    paired = a.run == b.run
    if not paired and a.machine.python != b.machine.python:
        yield f"Python: {a.machine.python} → {b.machine.python}"
    if not paired and a.machine.release != b.machine.release:
        yield f"kernel: {a.machine.release} → {b.machine.release}"
    if not paired and a.pgdyno != b.pgdyno:
        yield f"pgdyno: {a.pgdyno} → {b.pgdyno}"
    if not paired:
        for name, was, now in _different(a.server.settings, b.server.settings):
            yield f"server setting {name}: {was} → {now}"
    for before, after in _compared(base, candidate, arms):
        named = f"{before.id}, " if before.id == after.id else ""
        for name, was, now in _different(before.terms, after.terms):
            yield f"{named}{name}: {was} → {now}"


def warnings(
    base: Run, candidate: Run, paired: bool, arms: tuple[str, str]
) -> Iterator[str]:
    """What makes a comparison weaker though it stands, or says why it does not."""
    for run in (base,) if paired else (base, candidate):
        if run.truncated:
            yield f"{run.path} is truncated: {run.truncated}"
    for name, run in zip(arms, (base, candidate), strict=True):
        problems = (arm.problem for arm in run.header.arms if arm.id == name)
        yield from (f"{name} took no part: {problem}" for problem in problems if problem)
    if paired:
        return
    a, b = base.header, candidate.header
    if a.schema != b.schema:
        yield (
            f"the files have schemas {a.schema} and {b.schema}: whether their cells ask the"
            " same work is judged by op and SQL"
        )
    before, after = _drivers(base), _drivers(candidate)
    for name in () if any(arms) else before:
        if name in after and after[name].problem:
            yield f"{name} took no part in the candidate: {after[name].problem}"
    only = [name for name in before | after if (name in before) != (name in after)]
    if only:
        yield f"in one of the files only: {', '.join(only)}"
    cells = {cell.id for cell in a.cells} ^ {cell.id for cell in b.cells}
    if cells:
        yield f"{len(cells)} cells are in one of the files only"


def _compared(
    base: Run, candidate: Run, arms: tuple[str, str]
) -> Iterator[tuple[ArmFacts, ArmFacts]]:
    """The arms that are compared: those that are named, else all of the same id."""
    before, after = _drivers(base), _drivers(candidate)
    named = [arms] if all(arms) else [(name, name) for name in before]
    for first, second in named:
        if first not in before or second not in after:
            continue
        if not before[first].problem and not after[second].problem:
            yield before[first], after[second]


def _drivers(run: Run) -> dict[str, ArmFacts]:
    return {arm.id: arm for arm in run.header.arms if not arm.reference}


def _different(
    before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, "unset"), after.get(name, "unset")
        if was != now:
            yield name, was, now
