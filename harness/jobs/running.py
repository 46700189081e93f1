"""A job, run in this very process: its results file is there and complete, or it is not.

DIR/ID.jsonl          complete: it got this name when it was
DIR/ID.running.jsonl  being written, by whoever holds the lock
DIR/ID.partial.jsonl  what a try that ended early has left; the next one replaces it
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.core import interrupt
from harness.core.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_INVALID,
    EXIT_PASS,
    ResultsError,
)
from harness.jobs.asking import check_fits
from harness.jobs.job import Job
from harness.jobs.locks import held
from harness.results import store
from harness.results.records import JobFacts, LaneRecord, Run, changed

ANSWERS = (EXIT_PASS, EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_INVALID)
"""Exit codes of a run that came to its end, if its file says so, too."""

Perform = Callable[[Sequence[str], Path], int]
"""Runs a verb with its arguments, writes the results there, and returns the exit code."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """The exit code of the run, and its file; None where there is none. `running` is the
    name that it had before. `found` is True of a file that was there already. `lacking`
    says why the job is not done; then no exit code says that it is."""

    code: int
    path: Path | None
    running: Path
    found: bool = False
    lacking: str = ""

    @property
    def complete(self) -> bool:
        """Whether the job is done."""
        return not self.lacking


def run(
    job: Job, out: Path, perform: Perform, *, attempt: int = 0, moved_from: str = ""
) -> JobOutcome:
    """Run a job, unless its file is there and complete.

    Raises:
        JobError, OtherCatalogueError: it is not for this pgdyno.
        ResultsError: another process is at it, a file that is no result of it has its
            name, or the disk takes no more.
    """
    check_fits(job)
    files = _Files(out, job)
    with held(out, job.id):
        if files.is_made():
            return JobOutcome(EXIT_PASS, files.final, files.running, found=True)
        files.set_aside()
        try:
            code = perform([job.verb, *job.arguments], files.running)
            if not (lacking := files.lacking(code)):
                facts = JobFacts(
                    plan=job.plan, id=job.id, attempt=attempt, moved_from=moved_from
                )
                files.publish(facts)
                return JobOutcome(code, files.final, files.running)
        finally:
            files.set_aside()
    left = files.partial if files.partial.exists() else None
    code = EXIT_INVALID if code in ANSWERS else code
    return JobOutcome(code, left, files.running, lacking=lacking)


class _Files:
    """The files of a job in a folder; its lock is held."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.job = job
        self.final = folder / f"{job.id}.jsonl"
        self.running = folder / f"{job.id}.running.jsonl"
        self.partial = folder / f"{job.id}.partial.jsonl"
        self._stamped = folder / f"{job.id}.stamped"

    def is_made(self) -> bool:
        """Whether the job was done before.

        Raises:
            ResultsError: what has the name of its result is something else, or a part.
        """
        if not os.path.lexists(self.final):
            return False
        run = store.read(self.final)
        facts = run.header.job
        if facts is None or (facts.plan, facts.id) != (self.job.plan, self.job.id):
            raise self._foreign("is the result of something else")
        if why := incomplete(run, self.job):
            raise self._foreign(f"is not complete: {why}")
        return True

    def lacking(self, code: int) -> str:
        """Why what was written is no result; empty if it is."""
        if code not in ANSWERS:
            return f"exit {code}"
        if not self.running.exists():
            return "it has left no file"
        return incomplete(store.read(self.running), self.job)

    def publish(self, facts: JobFacts) -> None:
        """Give the result its name; nobody ever sees a part of it under that."""
        with interrupt.deferred():
            try:
                _stamp(self.running, self._stamped, facts)
                self._stamped.replace(self.final)
            except OSError as error:
                self._stamped.unlink(missing_ok=True)
                raise ResultsError(
                    f"{self.final} cannot be written: {error.strerror}",
                    hint=f"free some space and run the job again; {self.partial.name} "
                    "holds what was measured",
                ) from error
            self.running.unlink()
            self.partial.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keep what a try has left, and not as a result."""
        with contextlib.suppress(FileNotFoundError):
            self.running.replace(self.partial)

    def _foreign(self, what: str) -> ResultsError:
        return ResultsError(
            f"{self.final} {what}", hint="move it away, then run the job again"
        )


def incomplete(run: Run, job: Job) -> str:
    """Why a run is not all that a job asks for; empty if it is."""
    if run.footer is None:
        return run.truncated
    if run.footer.reason != "complete":
        return (
            "it failed" if run.footer.reason == "failed" else f"it was {run.footer.reason}"
        )
    if run.missing_arms and not (job.allow_missing and _anybody(run)):
        return f"{', '.join(run.missing_arms)} could not be had"
    trials = len(run.trials) + sum(map(_is_trial, run.lane_records))
    if (run.footer.checks, run.footer.trials) != (len(run.checks), trials):
        return "lines are missing"
    return ""


def _anybody(run: Run) -> bool:
    """Whether a driver took part at all."""
    return any(arm.competes and not arm.problem for arm in run.header.arms)


def _is_trial(record: LaneRecord) -> bool:
    return record.footed == "trials"


def _stamp(source: Path, target: Path, facts: JobFacts) -> None:
    """Copy a run; the copy's header says which job it is."""
    header = changed(store.read(source).header, job=facts)
    with source.open("rb") as old, target.open("wb") as new:
        old.readline()
        new.write(msgspec.json.encode(header) + b"\n")
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
