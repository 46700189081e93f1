"""`pgdyno compare`: two results files, or two arms of one, and whether they differ."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import lanes

if TYPE_CHECKING:
    from harness.analysis.changes import Comparison
    from harness.analysis.gate import Gate

FORMATS = ("text", "json", "markdown", "junit")

# Both are shown as they stand here, so they are wrapped by hand.
_DESCRIPTION = """\
Compare two results files cell by cell, or two arms of one: improved, regressed,
same, inconclusive or not comparable. BASE may be a baseline, made with
`pgdyno report RUN --format baseline`. Margins, controls and what is gated stand
in pgdyno.toml or in [tool.pgdyno] of pyproject.toml.
"""
_EPILOG = """\
exit codes: 0 nothing regressed, 1 a cell regressed, 3 inconclusive,
4 not comparable

examples:
  pgdyno compare run.jsonl --base asyncpg==0.30.0 --candidate asyncpg==0.31.0
  pgdyno compare before.jsonl after.jsonl
  pgdyno compare baseline.jsonl run.jsonl --format markdown
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
        "base_run", type=Path, metavar="BASE", help="results file to compare with"
    )
    parser.add_argument(
        "candidate_run",
        type=Path,
        nargs="?",
        metavar="CANDIDATE",
        help="results file to judge (default: BASE, two arms of it)",
    )
    parser.add_argument(
        "--base",
        type=arm_id,
        default="",
        metavar="ARM",
        help="arm of BASE to compare with, by its id",
    )
    parser.add_argument(
        "--candidate",
        type=arm_id,
        default="",
        metavar="ARM",
        help="arm of CANDIDATE to judge",
    )
    parser.add_argument(
        "--confirm",
        type=Path,
        metavar="FRESH",
        help="results file measured later (bench --confirm): a regression counts only if "
        "it is there, too",
    )
    add_rules(parser)
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="how to print it (default: text)"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        dest="every",
        help="text: list every comparison, not only what changed",
    )
    parser.add_argument(
        "--chart",
        type=Path,
        metavar="FILE.png",
        help="also draw it there: every change with its interval, and the threshold "
        "(needs the extra 'report')",
    )
    parser.set_defaults(run=run)


def add_rules(parser: argparse.ArgumentParser, where: str = "") -> None:
    """`--threshold` and `--control`: what the settings leave open."""
    parser.add_argument(
        "--threshold",
        type=share,
        metavar="SHARE",
        help=f"{where}differences up to this are the same, in all cells: 3%% or 0.03 "
        f"(default: the settings', else {_thresholds()})",
    )
    parser.add_argument(
        "--control",
        action="append",
        default=[],
        metavar="PATTERN",
        help=f"{where}cells or arms that cannot have changed, so that they show what the "
        "machine did; may be repeated",
    )


def arm_id(text: str) -> str:
    """The id of an arm, however `--driver` spells it: `asyncpg@./` → `asyncpg@.`."""
    from harness.core.arms import parse
    from harness.core.errors import DriverError

    try:
        return parse(text).id
    except DriverError:  # what no --driver names: `asyncpg==0.31.0 (A/A)`
        return text


def _thresholds() -> str:
    """`3%% of time, 0.3%% of instructions`, as argparse wants it."""
    compared = [lane for lane in lanes.known().values() if lane.threshold]
    return ", ".join(f"{lane.threshold * 100:g}%% of {lane.name}" for lane in compared)


def share(text: str) -> float:
    """`3%` or `0.03` → 0.03."""
    from harness import settings

    try:
        return settings.share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def rules(control: list[str]) -> Gate:
    """The rules that the settings of this folder make, and the controls named besides."""
    from harness import settings
    from harness.analysis.gate import THRESHOLD, Gate

    found = settings.load(Path.cwd())
    return Gate(
        threshold=THRESHOLD if found.margin is None else found.margin,
        margins=found.margins,
        cells=found.gate,
        controls=(*found.control, *control),
    )


def run(args: argparse.Namespace) -> int:
    """Print the comparison to stdout; the exit code is its answer."""
    from harness.report.comparison import Request, compare
    from harness.results.store import read

    base = read(args.base_run)
    comparison = compare(
        Request(
            base,
            read(args.candidate_run) if args.candidate_run else base,
            args.base,
            args.candidate,
            args.threshold,
            rules(args.control),
            read(args.confirm) if args.confirm else None,
        )
    )
    sys.stdout.write(written(comparison, args.format, every=args.every))
    if args.chart:
        _draw(comparison, args.chart)
    return comparison.exit_code


def _draw(comparison: Comparison, path: Path) -> None:
    """The picture, in a file."""
    from harness.cli.files import write
    from harness.core.errors import needing

    with needing("report", "a chart"):
        from harness.render import comparison_png
    write(path, comparison_png.render(comparison))


def written(comparison: Comparison, name: str, *, every: bool = False) -> str:
    """The comparison in one of the formats."""
    from harness.render import comparison as shown
    from harness.render import comparison_junit, comparison_markdown

    if name == "text":
        return shown.text(comparison, colour=sys.stdout.isatty(), every=every)
    draw = {
        "json": shown.json,
        "markdown": comparison_markdown.render,
        "junit": comparison_junit.render,
    }
    return draw[name](comparison)
