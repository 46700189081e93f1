"""A result that came from a machine gets its name only when it is whole and readable."""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import ResultsError
from harness.core.words import listed
from harness.jobs.job import Job
from harness.jobs.running import incomplete
from harness.results import store
from harness.results.records import Run

FULL = (errno.ENOSPC, errno.EDQUOT)
LARGEST_BYTES = 4 << 30
LONGEST = 300
_OURS = "pgdyno: "


@dataclass(frozen=True, slots=True)
class Landing:
    """What became of a result. `why` is empty if the file of the job is there; `machines`
    says that the machine is to blame rather than the job."""

    why: str = ""
    machines: bool = False
    twice: bool = False


def path_of(out: Path, job: Job) -> Path:
    """Where the file of a job is."""
    return out / f"{job.id}.jsonl"


def machine_of(out: Path, job: Job) -> str:
    """The machine that did a job before, as results call it; empty if none did.

    Raises:
        ResultsError: what has the name of its result is something else.
    """
    path = path_of(out, job)
    if not os.path.lexists(path):
        return ""
    run = store.read(path)
    if wrong := _problem(run, job):
        raise ResultsError(f"{path} {wrong}", hint="move it away, then run again")
    return run.header.machine.hostname_hash


def land(out: Path, job: Job, told: Mapping[str, Any]) -> Landing:
    """Write the file of a job that is done; of one that failed what it left, for people.

    Raises:
        OSError: this machine cannot write it.
    """
    if not told.get("digest"):
        return Landing(_said(told), machines=_is_full(told))
    content = unpacked(told)
    if content is None:
        return Landing("the result was truncated on its way")
    if not content:
        return Landing(_said(told), machines=_is_full(told))
    if told["complete"] and os.path.lexists(path_of(out, job)):
        return Landing(twice=True)
    return _written(out, job, told, content)


def _written(out: Path, job: Job, told: Mapping[str, Any], content: bytes) -> Landing:
    arriving = out / f"{job.id}.arriving"
    try:
        arriving.write_bytes(content)
        try:
            run = store.read(arriving)
        except ResultsError as error:
            return Landing(f"the result cannot be read: {error}")
        if lacking := _drivers_lacking(run, job):
            return Landing(f"{listed(lacking)} could not be had", machines=True)
        if not told["complete"]:
            arriving.replace(out / f"{job.id}.partial.jsonl")
            return Landing(_said(told), machines=_is_full(told))
        if wrong := _problem(run, job):
            return Landing(f"the result {wrong}")
        arriving.replace(path_of(out, job))
        (out / f"{job.id}.partial.jsonl").unlink(missing_ok=True)
        return Landing()
    finally:
        arriving.unlink(missing_ok=True)


def unpacked(told: Mapping[str, Any]) -> bytes | None:
    """The bytes of a file as they were on the machine; None if they are others."""
    size = told["size"]
    if not 0 <= size <= LARGEST_BYTES:
        return None
    try:
        content = zlib.decompressobj().decompress(told["content"], size + 1)
    except zlib.error:
        return None
    if len(content) != size or hashlib.sha256(content).hexdigest() != told["digest"]:
        return None
    return content


def _problem(run: Run, job: Job) -> str:
    """Why a run is not the result of a job; empty if it is."""
    facts = run.header.job
    if facts is None or (facts.plan, facts.id) != (job.plan, job.id):
        return "is that of something else"
    return f"is not complete: {why}" if (why := incomplete(run, job)) else ""


def _drivers_lacking(run: Run, job: Job) -> list[str]:
    """Drivers that the machine does not have, pinned or not: another machine may. Those
    that a job may be done without are left to it."""
    lost = [arm.id for arm in run.header.arms if arm.problem and arm.competes]
    if job.allow_missing:
        lost = [name for name in lost if name not in run.missing_arms]
    return list(dict.fromkeys(lost))


def _is_full(told: Mapping[str, Any]) -> bool:
    return told.get("errno") in FULL


def _said(told: Mapping[str, Any]) -> str:
    """Why a job failed, in its own words: the end of what it said."""
    lines = str(told.get("said", "")).strip().splitlines()
    complaints = [
        line.removeprefix(_OURS)
        for line in lines
        if line.startswith(_OURS) and "the job is not done" not in line
    ]
    words = (complaints or lines or [""])[-1][:LONGEST]
    return f"exit {told.get('code')}" + (f": {words}" if words else "")
