"""`python -m studies.validity`: the whole study, or the rest of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import servers
from harness.cli import options
from harness.cli.progress import BenchProgress
from harness.core.errors import (
    EXIT_FAILED,
    EXIT_PASS,
    UsageError,
)
from harness.validity import listing, suite
from harness.validity.outcome import PGDYNO, Outcome
from harness.validity.suite import Workbench
from harness.venue import venue
from studies.endings import exit_code
from studies.validity import others, study, table

MAX_CONNECTIONS = 100
FORMS: dict[str, Callable[[Sequence[Outcome]], str] | None] = {
    "text": None,
    "json": listing.as_json,
    "markdown": table.of_outcomes,
}


def parser() -> argparse.ArgumentParser:
    """The options of the study."""
    made = argparse.ArgumentParser(
        prog="python -m studies.validity",
        description="Are pgdyno's measurements right? As many trials as the marks ask for, "
        "and other tools beside (two to three hours). What is kept is not run again. "
        "Exits 1 when a mark is not kept.",
    )
    options.add_server(made)
    options.add_conditions(made)
    made.add_argument("--format", choices=tuple(FORMS), default="text")
    made.add_argument(
        "--trials",
        type=int,
        metavar="N",
        help="at most so many trials of each kind, for less time",
    )
    made.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        default=Path("results/validity"),
        help="where the trials are kept (default: results/validity)",
    )
    return made


def run(args: argparse.Namespace) -> int:
    """Run what is missing and print all of it; 1 if pgdyno misses a mark of its own."""
    extent = study.FULL
    if args.trials is not None:
        if args.trials < 1:
            raise UsageError("no trial can say anything", hint="--trials 1 or more")
        extent = study.at_most(extent, args.trials)
    asked = options.conditions(args)
    spec = servers.parse(
        args.server, max_connections=MAX_CONNECTIONS, transport=args.transport
    )
    with venue.opened(spec) as place, BenchProgress() as progress:
        parts = study.under(asked, extent) if asked else study.parts(extent)
        found = suite.run(Workbench(place, args.keep, progress), parts)
        outcomes = listing.printed(found, FORMS[args.format])
    for sentence in others.missing():
        print(f"studies: {sentence}", file=sys.stderr)
    kept = all(outcome.ok for outcome in outcomes if outcome.tool == PGDYNO)
    return EXIT_PASS if kept else EXIT_FAILED


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code; a known error is a sentence."""
    args = parser().parse_args(argv)
    return exit_code(lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())
