"""`pgdyno claims`: what documents claim of drivers, and whether it holds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.files import write
from harness.cli.terminal import complain, say

if TYPE_CHECKING:
    from harness.claims.evidence import Evidence
    from harness.claims.form import ClaimSource
    from harness.claims.outcomes import DecidedClaim
    from harness.claims.page import ClaimsPage

FORMATS = ("text", "json", "markdown", "html")
EVIDENCE = Path("results/claims")
BASELINE = Path("claims/baseline.json")

_EPILOG = """\
examples:
  pgdyno claims                     what is known of all claims
  pgdyno claims P2 --run            play what is missing of a source
  pgdyno claims PN --run --times    measure what is missing, too
  pgdyno claims 'P2-1*' --details   some claims, each with what was seen
exit codes: 0 nothing drifted, 1 an outcome is not that of the baseline,
2 usage, 4 a fault of pgdyno's or of a claim's own, 5 no server
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "claims",
        help="what documents claim of drivers, and whether it holds",
        description="Decide the claims of a register from finished runs, and show for "
        "each what was\nseen, with which versions, and the command that shows it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        nargs="*",
        metavar="SOURCE",
        help="a source (P2), a claim (P2-04), a pattern (P2-1*) or a TOML file",
    )
    _add_running(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: stdout")
    parser.add_argument(
        "--details", action="store_true", help="text: every claim, not only what stands out"
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help=f"outcomes that are expected (default: {BASELINE}, or that of pgdyno)",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="accept these outcomes as the baseline: later differences are drift",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="update even though the baseline has uncommitted changes",
    )
    parser.set_defaults(run=run)


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run",
        dest="play",
        action="store_true",
        help="play what no run has yet: cells, inspections, programs",
    )
    parser.add_argument(
        "--times", action="store_true", help="measure, too, what no run has measured"
    )
    parser.add_argument(
        "--effort",
        choices=("quick", "standard", "full"),
        default="quick",
        help="with --times: how long to measure, as of pgdyno bench (default: quick)",
    )
    parser.add_argument("--again", action="store_true", help="run also what a run has")
    parser.add_argument(
        "--from",
        dest="runs",
        type=Path,
        action="append",
        default=[],
        metavar="RUN.jsonl",
        help="decide from this run; may be repeated (default: those of --evidence)",
    )
    parser.add_argument(
        "--evidence",
        type=Path,
        default=EVIDENCE,
        metavar="DIR",
        help=f"where evidence is kept (default: {EVIDENCE})",
    )
    options.add_server(parser)


def run(args: argparse.Namespace) -> int:
    """Run what is missing, decide, show; the exit code says whether anything drifted."""
    from harness.claims import page, reading
    from harness.claims.evidence import read_said
    from harness.core.errors import UsageError

    if args.runs and (args.play or args.times):
        raise UsageError("--from decides from runs that there are; --run makes new ones")
    sources = reading.select(args.source)
    if args.play or args.times:
        from harness.cli import claiming

        claiming.run_missing(args, sources)
    evidence = gathered(args.runs, args.evidence, read_said(args.evidence))
    file = baseline_file(args.baseline)
    files = [word for word in args.source if word.endswith(".toml")]
    own = {source.id: file for source, file in zip(sources, files, strict=False)}
    shown = page.build(decided(sources, evidence, file, own))
    if args.update:
        shown = _update(args, sources, evidence, shown, own)
    _put(args, shown)
    return _exit_code(shown)


def gathered(runs: Sequence[Path], folder: Path, said: Any = None) -> Evidence:
    """The evidence of these runs, of all in the folder if none is named."""
    from harness.claims.evidence import Evidence
    from harness.results.store import read_each

    files = list(runs) or sorted(folder.glob("*.jsonl"))
    return Evidence(read_each(files), said or {})


def decided(
    sources: Sequence[ClaimSource],
    evidence: Evidence,
    baseline_file: Path,
    own: Mapping[str, str] | None = None,
) -> list[DecidedClaim]:
    """What came of every claim, beside what is remembered of it; `own` are the files of
    sources that are not in the library, by the ids of these."""
    from harness.claims import baseline, deciding
    from harness.claims.naming import named

    before = baseline.load(baseline_file)
    found = [
        deciding.decided(source, claim, evidence, (own or {}).get(source.id, ""))
        for source in sources
        for claim in source.claim
    ]
    return [baseline.compared(claim, before) for claim in named(found)]


def baseline_file(wanted: Path | None = None) -> Path:
    """The baseline that was named, else that of the folder, else that of pgdyno."""
    from harness.claims import baseline, reading

    if wanted is not None or BASELINE.is_file():
        return wanted or BASELINE
    return reading.library() / baseline.NAME


def _update(
    args: argparse.Namespace,
    sources: Sequence[ClaimSource],
    evidence: Evidence,
    shown: ClaimsPage,
    own: Mapping[str, str],
) -> ClaimsPage:
    """Write what was found as what is expected; the page against that."""
    from harness.check.baseline_files import check_clean
    from harness.claims import baseline, page, reading

    file = args.baseline or BASELINE
    if not args.force and file.parent.is_dir():
        check_clean(file.parent, file.name)
    before = baseline.load(file)
    every = [claim.id for source in reading.load_all() for claim in source.claim]
    every += [claim.id for source in sources for claim in source.claim]
    after = baseline.updated(before, shown.claims, every)
    baseline.save(file, after)
    changed = sum(before.get(key) != outcome for key, outcome in after.items())
    print(f"{file}: {len(after)} claims, {changed} new or changed", file=sys.stderr)
    return page.build(decided(sources, evidence, file, own))


def _put(args: argparse.Namespace, shown: ClaimsPage) -> None:
    text = rendered(shown, args.format, details=args.details, code=_exit_code(shown))
    if args.out is not None:
        print(write(args.out, text.encode()))
    elif args.format == "text":
        say(text.rstrip())
    else:
        sys.stdout.write(text)


def rendered(shown: ClaimsPage, form: str, *, details: bool = False, code: int = 0) -> str:
    """The page in the form that was asked for."""
    from harness.render import claims

    if form == "html":
        from harness.core.errors import needing

        with needing("report", "an HTML page"):
            return claims.html(shown)
    if form == "text":
        return claims.text(shown, details=details, code=code)
    return claims.markdown(shown) if form == "markdown" else claims.json(shown)


def _exit_code(shown: ClaimsPage) -> int:
    from harness.core.errors import EXIT_FAILED, EXIT_INVALID, EXIT_PASS

    if shown.drifted:
        return EXIT_FAILED
    faults = [decided for decided in shown.claims if decided.fault]
    for decided in faults:
        complain(f"{decided.claim.id}: {decided.seen}")
    return EXIT_INVALID if faults else EXIT_PASS
