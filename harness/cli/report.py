"""`pgdyno report`: results files become something to read and to send around."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.files import write

if TYPE_CHECKING:
    from harness.claims.page import ClaimsPage
    from harness.results.records import Run

DEFAULT = ("html", "png", "markdown")


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "report",
        help="make a report of one or several runs",
        description=(
            "Make a report of results files: of a bench run, a check run, or both. Needs "
            "neither PostgreSQL nor any driver; the same runs give the same files."
        ),
    )
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="results file (.jsonl)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports/latest"),
        metavar="DIR",
        help="folder to write to, made if missing (default: reports/latest)",
    )
    parser.add_argument(
        "--format",
        type=formats,
        default=DEFAULT,
        metavar="LIST",
        help=f"any of {','.join(known())} (default: {','.join(DEFAULT)}); "
        "html and png need the extra 'report', parquet the extra 'analysis'",
    )
    parser.add_argument(
        "--claims",
        action="store_true",
        help="html and markdown: also what these runs say of the claims that pgdyno keeps",
    )
    parser.add_argument(
        "--base",
        default="",
        metavar="DRIVER",
        help="of several machines: take ratios to this driver (default: the first one)",
    )
    parser.set_defaults(run=run)


def known() -> tuple[str, ...]:
    """The formats that are installed, by name."""
    return tuple(sorted({point.name for point in entry_points(group="pgdyno.formats")}))


def formats(text: str) -> tuple[str, ...]:
    """`html,png` → the formats, each once."""
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in wanted if name not in known()]
    if unknown or not wanted:
        raise argparse.ArgumentTypeError(
            f"there is no format '{', '.join(unknown)}'; known: {', '.join(known())}"
        )
    return wanted


def run(args: argparse.Namespace) -> int:
    """Write the report; stdout gets the paths that were written."""
    from harness.core.errors import EXIT_PASS

    for path in write_reports(
        args.runs, args.out, args.format, claims=args.claims, base=args.base
    ):
        print(path)
    return EXIT_PASS


def write_reports(
    paths: Sequence[Path],
    out: Path,
    wanted: Sequence[str] = DEFAULT,
    *,
    claims: bool = False,
    base: str = "",
) -> list[Path]:
    """Read results files and write their report into a folder.

    Everything is rendered before anything is written, so a missing extra leaves no half
    of a report behind.
    """
    from harness.cli.terminal import complain
    from harness.render.formats import ReportSource, files
    from harness.report import view
    from harness.results.store import read_each

    runs = read_each(paths)
    page = _claims(runs) if claims else None
    _check_base(base, runs)
    source = ReportSource(view.build(runs, base), runs, wanted, page)
    contents = [files(name, source) for name in wanted]
    for remark in source.remarks:
        complain(remark)
    return [
        write(out / name, content)
        for rendered in contents
        for name, content in rendered.items()
    ]


def _check_base(base: str, runs: Sequence[Run]) -> None:
    """Refuse a driver that none of the runs has."""
    from harness.core.errors import UsageError

    known = {arm.id: None for run in runs for arm in run.header.arms if arm.competes}
    if base and base not in known:
        raise UsageError(
            f"no run has a driver '{base}'", hint=f"they have: {', '.join(known) or 'none'}"
        )


def _claims(runs: Sequence[Run]) -> ClaimsPage:
    """What runs, and what libraries said to those who asked them, say of all claims."""
    from harness.claims import page, reading
    from harness.claims.evidence import Evidence, read_said
    from harness.cli.claims import EVIDENCE, baseline_file, decided

    evidence = Evidence(runs, read_said(EVIDENCE))
    return page.build(decided(reading.load_all(), evidence, baseline_file()))
