"""`pgdyno merge`: the results of jobs become whole runs, and say what they say together."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.merging.joining import Whole
    from harness.report.merged import Merged, MergedRun

FORMATS = ("text", "json", "markdown")
DEFAULT = Path("results/whole")

_DESCRIPTION = """\
Join what jobs of a plan have measured: the parts that the same machine made of
it, with the same drivers on the same server, become a whole run, whose file is
written into a folder. Machines, servers and versions of pgdyno are never mixed.
Copies are taken once. Of a folder all *.jsonl are read, at any depth, but not
those of jobs that are not done.
"""
_EPILOG = """\
exit codes: 0 all is there, 4 a file was left out or a job has no result;
what is there was written

examples:
  pgdyno merge results/jobs --plan jobs.jsonl
  pgdyno merge results/jobs --out whole
  pgdyno report whole/*.jsonl --out report
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "merge",
        help="join the results of jobs to whole runs",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_runs(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT,
        metavar="DIR",
        help=f"folder to write the whole runs to (default: {DEFAULT})",
    )
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="JOBS.jsonl",
        help="the plan: say which of its jobs have no results",
    )
    parser.add_argument(
        "--base",
        default="",
        metavar="DRIVER",
        help="several machines: the driver to which ratios are taken (default: the first "
        "of the first run)",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="how to print it (default: text)"
    )
    parser.set_defaults(run=run)


def add_runs(parser: argparse.ArgumentParser) -> None:
    """`RUN|DIR…`: which results."""
    parser.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN|DIR",
        help="results file (.jsonl), or a folder of them",
    )


def run(args: argparse.Namespace) -> int:
    """Write the whole runs and say what they are; the exit code says if any is lacking."""
    merged = written(args.runs, args.out, args.plan, args.base)
    sys.stdout.write(_said(merged, args.format))
    return merged.exit_code


def written(
    runs: Sequence[Path], out: Path, plan: Path | None = None, base: str = ""
) -> Merged:
    """Join runs and write them into a folder; what became of each, and what they say.

    Raises:
        ResultsError: a whole run cannot be written.
        JobError: the plan cannot be read.
    """
    from harness.jobs.job import read_jobs
    from harness.merging.joining import joined
    from harness.report.across import Across
    from harness.report.merged import Merged
    from harness.results.store import read

    planned = [job.id for job in read_jobs(plan)] if plan else []
    joining, together = joined([run for run in runs if run != plan]), Across(base)
    told: list[MergedRun] = []
    done: set[str] = set()
    for whole in joining:
        path = whole.write(out)
        told.append(_told(path, whole))
        done.update(whole.jobs)
        together.add(read(path))
    return Merged(
        runs=tuple(told),
        apart=tuple(joining.apart),
        left_out=tuple((str(path), _why(path, error)) for path, error in joining.left_out),
        missing=tuple(job for job in planned if job not in done),
        planned=len(planned) if plan else None,
        machines=together.machines(),
        variants=together.variants(),
    )


def _told(path: Path, whole: Whole) -> MergedRun:
    from harness.report.merged import merged_run

    parts = max(len(whole.header.parts), len(whole.paths))
    return merged_run(str(path), whole.header, parts, [note.text for note in whole.remarks])


def _why(path: Path, error: Exception) -> str:
    """The reason without the name of the file, which stands before it."""
    return str(error).removeprefix(str(path)).lstrip(", ")


def _said(merged: Merged, form: str) -> str:
    """In one of the `FORMATS`."""
    from harness.render import merged as drawn

    if form == "json":
        return drawn.json(merged)
    return drawn.text(merged) if form == "text" else drawn.markdown(merged)
