"""`pgdyno check`: is it right? Every case, every driver, a verdict for each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands import options
from harness.model import PROFILES, Verdict

if TYPE_CHECKING:
    from harness.results.records import Check


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "check",
        help="is it right: a verdict for every case and driver",
        description="Run the cases of scenarios against drivers and judge what comes back. "
        "Exits 1 when a cell is as bad as --fail-on or worse.",
    )
    options.add_paths(parser)
    options.add_drivers(parser)
    options.add_server(parser)
    parser.add_argument(
        "--profile",
        choices=(*PROFILES, "both"),
        default="both",
        help="as installed, with the documented registrations done, or both (default)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "markdown", "junit"),
        default="text",
        help="how the matrix is printed (default: text)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="keep the run as a file"
    )
    failing = [one.value for one in Verdict if one not in (Verdict.EXACT, Verdict.INVALID)]
    parser.add_argument(
        "--fail-on",
        choices=failing,
        default="lossy",
        metavar="VERDICT",
        help=f"the mildest verdict that fails the check: {', '.join(failing)} "
        "(default: lossy)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, print the matrix, and say by the exit code whether all is well."""
    from harness import servers, venue
    from harness.checker import Checker, in_order
    from harness.commands.progress import CheckProgress
    from harness.errors import EXIT_FAILED, EXIT_INVALID, EXIT_PASS
    from harness.recording import Recording
    from harness.scenario import select_cells

    scenarios, cells = select_cells(args.path)
    if not args.path:
        cells = [cell for cell in cells if cell.checked]
    profiles = PROFILES if args.profile == "both" else (args.profile,)
    arms = [arm for profile in profiles for arm in options.arms(args.driver, profile)]
    spec = servers.parse(
        args.server,
        max_connections=venue.connections_needed(cells, arms),
        transport=args.transport,
    )
    with (
        venue.opened(spec) as place,
        CheckProgress(len(cells) * len(arms)) as progress,
        Recording(args.out, "check", place, scenarios, cells, arms) as recording,
    ):
        recording.begin()

        def report(check: Any) -> None:
            recording.write(check)
            progress.checked(check)

        Checker(place.stage, arms, place.folder, report).run(cells)
    checks = in_order(recording.checks, cells, arms)
    print(rendered(checks, args.format).rstrip("\n"))
    verdicts = [Verdict(check.verdict) for check in checks]
    if all(one is Verdict.SKIPPED for one in verdicts):
        for reason in dict.fromkeys(check.detail for check in checks):
            print(f"pgdyno: all skipped: {reason}", file=sys.stderr)
        return EXIT_INVALID
    if any(one.severity >= Verdict(args.fail_on).severity for one in verdicts):
        return EXIT_FAILED
    return EXIT_INVALID if Verdict.INVALID in verdicts else EXIT_PASS


def rendered(checks: Sequence[Check], form: str) -> str:
    """The checks in the form that was asked for."""
    from harness.render import json, junit, markdown, matrix, text

    if form == "json":
        return json.render(checks)
    if form == "junit":
        return junit.render(checks)
    table = matrix.build(checks)
    return markdown.matrix(table) if form == "markdown" else text.matrix(table)
