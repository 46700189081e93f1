"""`pgdyno trend`: how the ratio to a control arm went over versions, commits or dates."""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.compare import share
from harness.cli.files import write
from harness.cli.store import add_store
from harness.core.errors import needing

if TYPE_CHECKING:
    from harness.history.trend import Trend

_DESCRIPTION = """\
Say whether drivers got slower or faster over time. A point is the ratio of an
arm's time to that of a control arm in the same run, paired by round; never a
raw time, which is the machine's as much as the driver's. Each machine has
trends of its own, with the change points that a search finds in them.
"""
_EPILOG = """\
exit codes: 0 drawn, 3 too few points to find a change, 4 a file of the store
cannot be read (all others are drawn)

examples:
  pgdyno trend copy/in#rows --driver asyncpg
  pgdyno trend copy --control psycopg2 --by date --since 2026-01 --out copy.png
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "trend",
        help="draw how drivers changed over versions, commits or dates",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "cell",
        type=cell,
        metavar="CELL|FAMILY",
        help="a case (copy/in#rows), a scenario (copy/in) or a family (copy)",
    )
    parser.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="D",
        help="a driver with its options; may be repeated (default: all)",
    )
    parser.add_argument(
        "--control",
        default="",
        metavar="ARM",
        help="the arm that all are compared with (default: the one that most runs share)",
    )
    parser.add_argument(
        "--by",
        choices=("version", "commit", "date"),
        help="what makes a point (default: version where an arm has several, else date)",
    )
    _add_choice(parser)
    parser.add_argument(
        "--out", type=drawing, metavar="FILE", help="also draw it: FILE.png or FILE.html"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="(default: text)"
    )
    parser.set_defaults(run=run)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    add_store(parser)
    parser.add_argument(
        "--machine", default="", metavar="M", help="the beginning of a machine's key"
    )
    for name, meaning in (("since", "no run before"), ("until", "no run after")):
        parser.add_argument(
            f"--{name}",
            type=date,
            metavar="DATE",
            help=f"{meaning} this month or day: 2026-03 or 2026-03-15",
        )
    parser.add_argument(
        "--threshold",
        type=share,
        default=0.03,
        metavar="SHARE",
        help="steps up to this are no changes: 3%% or 0.03 (default: 3%%)",
    )


def date(text: str) -> str:
    """`2026-03` or `2026-03-15`."""
    form = re.fullmatch(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?", text)
    try:
        if form is None:
            raise ValueError
        datetime.date.fromisoformat(text if form[1] else f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is neither a month, such as 2026-03, nor a day, such as 2026-03-15"
        ) from None
    return text


def cell(text: str) -> str:
    """The name of a cell, a scenario or a family."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a cell, a scenario or a family")
    return text


def drawing(text: str) -> Path:
    """A file of a kind that can be drawn."""
    path = Path(text)
    if path.suffix not in (".png", ".html"):
        raise argparse.ArgumentTypeError(f"'{text}' ends neither in .png nor in .html")
    return path


def run(args: argparse.Namespace) -> int:
    """Print the trend, and draw it where that is asked for."""
    with needing("history", "pgdyno trend"):
        from harness.history.trend import TrendRequest, build
        from harness.render import trend as shown

    asked = TrendRequest(
        cell=args.cell,
        drivers=args.driver,
        control=args.control,
        by=args.by or "",
        machine=args.machine,
        since=args.since or "",
        until=args.until or "",
        threshold=args.threshold,
    )
    trend = build(args.store, asked)
    if args.out:
        write(args.out, _drawn(trend, args.out))
    sys.stdout.write(shown.json(trend) if args.format == "json" else shown.text(trend))
    return trend.exit_code


def _drawn(trend: Trend, path: Path) -> bytes:
    with needing("report", f"a drawing ({path.suffix})"):
        if path.suffix == ".png":
            from harness.render import trend_png

            return trend_png.render(trend)
        from harness.render import trend_html

        return trend_html.render(trend).encode()
