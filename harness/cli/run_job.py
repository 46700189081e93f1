"""`pgdyno run-job`: a job of a plan, run here; its file is complete or not there."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from harness.cli.terminal import complain, remark, say
from harness.core.visible import visible_line


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "run-job",
        help="run a job of a plan: one results file, complete or not there",
        description="Run a job that `pgdyno plan` wrote, in this process. The file "
        "DIR/ID.jsonl gets its name when it is complete, and is never made twice. What a "
        "run that was interrupted or failed has left is DIR/ID.partial.jsonl. The exit "
        "code is that of the run.",
    )
    parser.add_argument(
        "job", metavar="JOB", help="jobs.jsonl#3 (the third), jobs.jsonl#ID, or job.json"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the results files"
    )
    parser.add_argument(
        "--attempt",
        type=_number,
        default=0,
        metavar="N",
        help="how often the job was tried before, for the record (default: 0)",
    )
    parser.add_argument(
        "--moved-from",
        type=_name,
        default="",
        metavar="NAME",
        help="where the last try was lost, for the record",
    )
    parser.set_defaults(run=run)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no number of tries")
    return int(text)


def _name(text: str) -> str:
    return visible_line(text)[:200]


def run(args: argparse.Namespace) -> int:
    """Run the job; the path of its file goes to stdout, what the verb says to stderr."""
    from harness.jobs import job, running

    said = io.StringIO()
    with redirect_stdout(said):
        outcome = running.run(
            job.find(args.job),
            args.out,
            perform,
            attempt=args.attempt,
            moved_from=args.moved_from,
        )
    if text := said.getvalue().rstrip():  # the verb knows its file by a name that is gone
        remark(text.replace(str(outcome.running), str(outcome.path or outcome.running)))
    if outcome.complete:
        remark("the job was done before" if outcome.found else "the job is done")
        say(outcome.path)
    else:
        left = f"; {outcome.path} holds what there is" if outcome.path else ""
        complain(f"the job is not done: {outcome.lacking}{left}")
    return outcome.code


def perform(words: Sequence[str], out: Path) -> int:
    """A verb with its arguments, as if it had been typed; its exit code."""
    from harness.cli.main import main

    with _typed(words):
        try:
            return main([*words, "--out", str(out)])
        except SystemExit as end:  # argparse: a slip
            return int(end.code or 0)


@contextmanager
def _typed(words: Sequence[str]) -> Iterator[None]:
    """A results file says by which command it was made: that of the verb."""
    before = sys.argv
    sys.argv = [before[0], *words]
    try:
        yield
    finally:
        sys.argv = before
