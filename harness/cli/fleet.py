"""`pgdyno fleet run`: the jobs of a plan on several machines, carried by Dask."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.terminal import remark, say

if TYPE_CHECKING:
    from harness.fleet.fleet import Fleet
    from harness.jobs.job import Job

_DESCRIPTION = """\
Run the jobs that `pgdyno plan` wrote on several machines, one at a time on each.
Dask carries them; a machine is a worker that offers the resource pgdyno:

  dask worker ADDRESS --nthreads 1 --resources pgdyno=1

The machine's own environment says how its server is reached (PGDYNO_DSN). Files
that are there are not made twice: after Ctrl-C the same command goes on.
"""
_EPILOG = """\
exit codes: 0 every job has its file, 4 some failed, 5 no machine or no
scheduler. What the runs say is for `pgdyno merge`.

Whoever has the scheduler can run anything here and on every machine: connect
to your own only.

examples:
  pgdyno fleet run jobs.jsonl --scheduler local:2 --out runs
  pgdyno fleet run jobs.jsonl --scheduler tcp://10.0.0.1:8786 --out runs --wait 60
"""
SHOWN = 20


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser("fleet", help="run the jobs of a plan on many machines")
    acts = parser.add_subparsers(title="what to do", metavar="WHAT", required=True)
    run_parser = acts.add_parser(
        "run",
        help="carry the jobs of a plan to machines and their results home",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run_parser.add_argument(
        "jobs", type=Path, metavar="JOBS", help="what `pgdyno plan` wrote"
    )
    run_parser.add_argument(
        "--scheduler",
        required=True,
        metavar="ADDRESS",
        help="a scheduler of Dask's, its scheduler file, or local[:N]: N workers here",
    )
    run_parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the results files"
    )
    run_parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for machines to join (default: 0)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run what is not done yet; the exit code says whether every job has its file."""
    from harness.core.errors import needing
    from harness.jobs.job import read_jobs
    from harness.jobs.locks import held

    jobs = read_jobs(args.jobs)
    with needing("fleet", "pgdyno fleet"):
        import harness.fleet.fleet  # noqa: F401  (before anything is locked)
    with held(args.out, "fleet"):
        return _completed(args, jobs)


def _completed(args: argparse.Namespace, jobs: list[Job]) -> int:
    """What is not done of these jobs, while nobody else has a fleet for this folder."""
    from harness.fleet import facts, landing

    before = {job.id: landing.machine_of(args.out, job) for job in jobs}
    open_jobs = [job for job in jobs if not before[job.id]]
    if done := len(jobs) - len(open_jobs):
        say(f"{done:,} of {len(jobs):,} jobs were done before")
    if not open_jobs:
        return _told_all(args.out)
    facts.check_jobs(open_jobs)
    try:
        return _carried(args, open_jobs, [(job, before[job.id]) for job in jobs])
    except KeyboardInterrupt as stop:
        stop.add_note(
            f"finished jobs are kept in {args.out}; run the same command again to go on"
        )
        raise


def _carried(args: argparse.Namespace, jobs: list[Job], done: list[tuple[Job, str]]) -> int:
    """Run these jobs with a fleet; those that were done by a machine draw others to it."""
    from harness.cli.fleet_progress import FleetProgress
    from harness.fleet import connection
    from harness.fleet.fleet import Fleet
    from harness.fleet.ledger import Ledger

    where = connection.place(args.scheduler)
    if where.shares_cores:
        remark("there are fewer cores than workers: they share, and times mean nothing")
    with connection.reachable(where) as there, FleetProgress(len(jobs)) as progress:
        dial = connection.Dial(there, args.wait)
        fleet = Fleet(Ledger(jobs), args.out, progress, dial)
        try:
            blocks = {job.block for job in jobs if job.block}
            fleet.roster.gather(fleet.client, max(1, len(blocks)), args.wait)
            fleet.remember(done)
            _introduce(fleet, jobs)
            fleet.run()
        finally:
            fleet.close()
    return _told(fleet, args.out)


def _introduce(fleet: Fleet, jobs: list[Job]) -> None:
    """Who is there, before anything runs."""
    present = fleet.roster.present
    noun = "machine" if len(present) == 1 else "machines"
    say(f"fleet   {len(present)} {noun}, {len(jobs):,} jobs")
    if fleet.roster.crowded:
        say(f"        {fleet.roster.crowded} workers get none: their host has another one")
    if fleet.dashboard:
        say(f"        dashboard {fleet.dashboard}")


def _told(fleet: Fleet, out: Path) -> int:
    """What was done, what moved, what failed, the conclusion last."""
    from harness.core.errors import EXIT_INFRASTRUCTURE, EXIT_INVALID

    ledger = fleet.ledger
    say(f"done    {len(ledger.done):,} jobs")
    for moved in ledger.moved[:SHOWN]:
        say(f"moved   {moved.job.id}: from {moved.moved_from} to {moved.machine}")
    _tell_more(len(ledger.moved))
    for name, why in list(ledger.left.items())[:SHOWN]:
        say(f"not done  {name}: {why}")
    _tell_more(len(ledger.left))
    if not ledger.left:
        return _told_all(out)
    say(f"{len(ledger.left):,} jobs are not done; the same command tries them again")
    return EXIT_INVALID if ledger.failures else EXIT_INFRASTRUCTURE


def _tell_more(count: int) -> None:
    if count > SHOWN:
        say(f"        … and {count - SHOWN:,} more")


def _told_all(out: Path) -> int:
    from harness.core.errors import EXIT_PASS
    from harness.report.commands import command

    say("every job has its file; what they say together:")
    say(command("pgdyno", "merge", str(out)))
    return EXIT_PASS
