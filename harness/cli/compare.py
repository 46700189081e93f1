"""`pgdyno compare`: two results files, or two arms of one, and whether they differ."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from harness import lanes

FORMATS = ("text", "json", "markdown")

# Both are shown as they stand here, so they are wrapped by hand.
_DESCRIPTION = """\
Compare two results files cell by cell: improved, regressed, same, inconclusive
or not comparable. To compare two drivers of one run, name its file twice, and
the two arms.
"""
_EPILOG = """\
exit codes: 0 nothing regressed, 1 a cell regressed, 3 inconclusive,
4 not comparable

examples:
  pgdyno compare before.jsonl after.jsonl
  pgdyno compare run.jsonl run.jsonl --base-arm asyncpg --candidate-arm psqlpy
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "compare",
        help="say what changed between two runs, or between two arms of one run",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "base", type=Path, metavar="BASE", help="results file to compare with"
    )
    parser.add_argument(
        "candidate", type=Path, metavar="CANDIDATE", help="results file to judge"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="how to print it (default: text)"
    )
    parser.add_argument(
        "--threshold",
        type=share,
        metavar="SHARE",
        help=f"differences up to this are the same: 3%% or 0.03 (default: {_thresholds()})",
    )
    parser.add_argument(
        "--base-arm", default="", metavar="ARM", help="arm of BASE, by its id"
    )
    parser.add_argument(
        "--candidate-arm",
        default="",
        metavar="ARM",
        help="arm of CANDIDATE to compare it with",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        dest="every",
        help="text: list every comparison, not only what changed",
    )
    parser.set_defaults(run=run)


def _thresholds() -> str:
    """`3%% of time, 0.3%% of instructions`, as argparse wants it."""
    compared = [lane for lane in lanes.known().values() if lane.threshold]
    return ", ".join(f"{lane.threshold * 100:g}%% of {lane.name}" for lane in compared)


def share(text: str) -> float:
    """`3%` or `0.03` → 0.03."""
    try:
        number = text.strip().removesuffix("%")
        value = float(number) / 100 if text.strip().endswith("%") else float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither 3% nor 0.03") from None
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' must lie between 0 and 100 %")
    return value


def run(args: argparse.Namespace) -> int:
    """Print the comparison to stdout; the exit code is its answer."""
    from harness.render import comparison as shown
    from harness.report.comparison import compare
    from harness.results.store import read

    comparison = compare(
        read(args.base),
        read(args.candidate),
        args.base_arm,
        args.candidate_arm,
        args.threshold,
    )
    if args.format == "text":
        sys.stdout.write(
            shown.text(comparison, colour=sys.stdout.isatty(), every=args.every)
        )
    else:
        render = shown.json if args.format == "json" else shown.markdown
        sys.stdout.write(render(comparison))
    return comparison.exit_code
