"""`pgdyno report`: results files become something to read and to send around."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.report.view import Report
    from harness.results.records import Run

FORMATS = ("html", "png", "markdown", "text", "junit", "json")
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
        help=f"any of {','.join(FORMATS)} (default: {','.join(DEFAULT)}); "
        "html and png need the extra 'report'",
    )
    parser.set_defaults(run=run)


def formats(text: str) -> tuple[str, ...]:
    """`html,png` → the formats, each once."""
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [one for one in wanted if one not in FORMATS]
    if unknown or not wanted:
        raise argparse.ArgumentTypeError(
            f"there is no format '{', '.join(unknown)}'; known: {', '.join(FORMATS)}"
        )
    return wanted


def run(args: argparse.Namespace) -> int:
    """Write the report; stdout gets the paths that were written."""
    from harness.core.errors import EXIT_PASS

    for path in write_reports(args.runs, args.out, args.format):
        print(path)
    return EXIT_PASS


def write_reports(
    paths: Sequence[Path], out: Path, wanted: Sequence[str] = DEFAULT
) -> list[Path]:
    """Read results files and write their report into a folder.

    Everything is rendered before anything is written, so a missing extra leaves no half
    of a report behind.
    """
    from harness.report import view
    from harness.results.store import read

    runs = [read(path) for path in paths]
    files = dict(_files(view.build(runs), runs, wanted))
    return [_write(out / name, content) for name, content in files.items()]


def _files(
    report: Report, runs: Sequence[Run], wanted: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    images = _images(report) if "png" in wanted else {}
    checks = [one for run in runs for one in run.checks]
    if "html" in wanted:
        yield "report.html", _html(report).encode()
    yield from images.items()
    if "markdown" in wanted:
        from harness.render import markdown

        yield "report.md", markdown.render(report, images=list(images)).encode()
    if "text" in wanted:
        from harness.render import text

        yield "report.txt", text.render(report).encode()
    if "junit" in wanted:
        from harness.render import junit

        yield "junit.xml", junit.render(checks).encode()
    if "json" in wanted:
        from harness.render import json

        yield "checks.json", json.render(checks).encode()


def _html(report: Report) -> str:
    try:
        from harness.render import html
    except ModuleNotFoundError as error:
        raise _missing(error, "an HTML report") from error
    return html.render(report)


def _images(report: Report) -> dict[str, bytes]:
    try:
        from harness.render import png
    except ModuleNotFoundError as error:
        raise _missing(error, "a chart (png)") from error
    return png.render(report)


def _missing(error: ModuleNotFoundError, what: str) -> Exception:
    """A library that is not installed has a remedy; a module of ours would be a bug."""
    from harness.core.errors import MissingExtra

    ours = (error.name or "").startswith("harness")
    return error if ours else MissingExtra("report", what)


def _write(path: Path, content: bytes) -> Path:
    from harness.core.errors import ResultsError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error.strerror}", hint="name another --out"
        ) from error
    return path
