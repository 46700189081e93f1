"""What the parts of a run say of themselves, as what the whole run says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.results.records import (
    SCHEMA,
    ArmFacts,
    CellFacts,
    Footer,
    Header,
    JobFacts,
    Note,
    PartFacts,
    changed,
)

REASONS = ("complete", "interrupted", "failed")
"""How a run may have ended, best first."""
_JOINED = "-joined"
"""The end of the id of a run that was made of several; it begins with that of the first."""
_NUMBER = re.compile(r"([0-9]+)")


def header(headers: Sequence[Header], cells: Iterable[CellFacts]) -> Header:
    """The header of the whole, of those of its parts, the earliest first."""
    first = headers[0]
    runs = {header.run.removesuffix(_JOINED) for header in headers}
    several = len(runs) > 1
    return changed(
        first,
        schema=SCHEMA,
        run=first.run.removesuffix(_JOINED) + _JOINED if several else first.run,
        command=_command([header.command for header in headers]),
        arms=_arms(headers),
        cells=sorted(cells, key=lambda cell: natural(cell.id)),
        job=JobFacts(plan=first.job.plan, id="") if several and first.job else first.job,
        parts=sorted({part for header in headers for part in parts(header)}, key=_of_part)
        if several else first.parts,
    )  # fmt: skip


def parts(header: Header) -> list[PartFacts]:
    """The runs that a run was made of: itself if it is a job, none without a plan."""
    if header.parts or not header.job:
        return header.parts
    job = header.job
    return [PartFacts(run=header.run, job=job.id, attempt=job.attempt)]


def _of_part(part: PartFacts) -> tuple[str, int, str]:
    return part.job, part.attempt, part.run


def grew(before: Header, after: Header) -> bool:
    """Whether a run has all the parts of another, and more."""
    mine, all_ = (set(parts(header)) for header in (before, after))
    return bool(mine) and mine < all_


def natural(text: str) -> list[tuple[int, str]]:
    """So sorted, a sweep over 2, 10 and 100 has this order."""
    parts = _NUMBER.split(text)
    digits = [part.lstrip("0") if k % 2 else part for k, part in enumerate(parts)]
    return [(len(part) if k % 2 else 0, part) for k, part in enumerate(digits)]


def _command(commands: Sequence[Sequence[str]]) -> list[str]:
    """The command that asks what all of them asked: their options, with all their paths."""
    if not all(commands):
        return list(max(commands, key=list))
    halves = [_parted(command) for command in commands]
    verb, options = commands[0][0], halves[0][1]
    if any(half[1] != options for half in halves):
        return [verb]
    paths = {path for half in halves for path in half[0]}
    return [verb, *sorted(paths, key=natural), *options]


def _parted(command: Sequence[str]) -> tuple[list[str], list[str]]:
    words = list(command[1:])
    start = next((k for k, word in enumerate(words) if word[:1] == "-"), len(words))
    return words[:start], words[start:]


def _arms(headers: Sequence[Header]) -> list[ArmFacts]:
    """The drivers, which all parts have, and the references that any of them has."""
    drivers = [arm for arm in headers[0].arms if not arm.reference]
    references = {
        arm.id: arm for header in reversed(headers) for arm in header.arms if arm.reference
    }
    return drivers + [references[name] for name in sorted(references)]


def again(headers: Iterable[Header]) -> list[Note]:
    """Which parts were tried before."""
    tried = [header.job for header in headers if header.job and header.job.attempt]
    return [_again(job) for job in tried]


def _again(job: JobFacts) -> Note:
    """Not where it was lost: that is the name of a machine."""
    where = ", on another machine" if job.moved_from else ""
    return Note(
        kind="again", text=f"{job.id} was run again: attempt {job.attempt + 1}{where}"
    )


def footer(footers: Sequence[Footer], totals: dict[str, int]) -> Footer:
    """The footer of the whole: what its parts took together."""
    phases: dict[str, int] = {}
    for part in footers:
        for phase, spent_ns in part.phases_ns.items():
            phases[phase] = phases.get(phase, 0) + spent_ns
    return Footer(
        ended=max(part.ended for part in footers),
        reason=max((part.reason for part in footers), key=badness),
        elapsed_ns=sum(part.elapsed_ns for part in footers),
        cache_hits=sum(part.cache_hits for part in footers),
        cache_reads=sum(part.cache_reads for part in footers),
        phases_ns=dict(sorted(phases.items(), key=lambda item: (-item[1], item[0]))),
        **totals,
    )


def badness(reason: str) -> tuple[int, str]:
    """Greater for a run that ended worse."""
    return REASONS.index(reason) if reason in REASONS else len(REASONS), reason


def file_name(header: Header) -> str:
    """What the file of a run is called: what it is, where it was made, which it is."""
    return f"{file_stem(header)}-{_safe(header.run.removesuffix(_JOINED)[:12])}.jsonl"


def file_stem(header: Header) -> str:
    """The beginning of that name, which says what the run is and where it was made."""
    kind, _, _ = header.server.label.partition(":")
    server = f"{kind[:20]}-{header.server.version_num // 10_000}"
    words = (
        header.kind,
        header.lane,
        server,
        header.machine.key,
    )
    return "-".join(filter(None, map(_safe, words)))


def _safe(text: str) -> str:
    return re.sub(r"(?:[^A-Za-z0-9.]|\.{2,})+", "-", text[:40]).strip("-.")
