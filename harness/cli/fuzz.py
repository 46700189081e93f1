"""`pgdyno fuzz`: look for values that do not survive, and make them small."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.core.arms import PROFILES
from harness.core.verdicts import Verdict

if TYPE_CHECKING:
    from harness.fuzz.findings import Finding, Searched
    from harness.fuzz.search import SearchPlan

DIRECTIONS = ("read", "write", "array-read", "array-write", "copy", "copy-text")
DEFAULT_SECONDS = 60.0

_EPILOG = """\
exit codes: 0 nothing found, 1 something found, 130 interrupted (what was found
until then is printed)

examples:
  pgdyno fuzz --driver psqlpy --type numeric --seconds 10
  pgdyno fuzz --type jsonb --type timestamptz --direction write --seed 7
  pgdyno fuzz --format toml > found.toml && pgdyno check found.toml
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "fuzz",
        help="look for values that a driver does not bring back right",
        description="Invent values of each type, ask drivers about them as a [[value]]\n"
        "does, and report the smallest that comes back wrong, for each\n"
        "way of being wrong.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--type",
        action="append",
        default=[],
        metavar="T",
        help="a type, or T[] for its arrays; may be repeated (default: all known)",
    )
    options.add_drivers(parser)
    parser.add_argument(
        "--direction",
        action="append",
        choices=DIRECTIONS,
        default=[],
        metavar="WAY",
        help=f"which way a value goes: {', '.join(DIRECTIONS)}; may be repeated "
        "(default: read, write)",
    )
    parser.add_argument(
        "--include",
        action="append",
        choices=("rejected", "differs", "invalid"),
        default=[],
        help="look for these, too; by default lossy and what is worse",
    )
    _add_bounds(parser)
    parser.add_argument(
        "--profile", choices=PROFILES, default="configured", help="default: configured"
    )
    options.add_server(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "toml"),
        default="text",
        help="toml is a scenario file that shows the findings again (default: text)",
    )
    parser.set_defaults(run=run)


def _add_bounds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=_positive,
        default=DEFAULT_SECONDS,
        metavar="N",
        help=f"how long to search (default: {DEFAULT_SECONDS:.0f})",
    )
    parser.add_argument(
        "--batches",
        type=int,
        default=0,
        metavar="N",
        help="stop after N batches of about 36 values per type, direction and driver; "
        "with --seed the same search again, however fast the machine",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="the same values again (default: random)"
    )


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds") from None
    if not value > 0:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a time to search: it must be above 0"
        )
    return value


def run(args: argparse.Namespace) -> int:
    """Search and print what was found; an interruption prints it, too."""
    from harness.core.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_PASS

    seed = random.randrange(2**31) if args.seed is None else args.seed
    plan = _plan(args, seed)
    findings: list[Finding] = []
    searched: dict[tuple[str, str, str], Searched] = {}
    interrupted = False
    try:
        _search(args, plan, findings, searched)
    except KeyboardInterrupt:
        interrupted = True
    print(rendered(findings, list(searched.values()), seed, args.format), end="")
    if interrupted:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if findings else EXIT_PASS


def _plan(args: argparse.Namespace, seed: int) -> SearchPlan:
    from harness.core.errors import UsageError, needing

    with needing("fuzz", "pgdyno fuzz"):
        from harness.fuzz import strategies
        from harness.fuzz.search import BAD, SearchPlan
    types = tuple(dict.fromkeys(args.type)) or strategies.TYPES
    for name in types:
        try:
            strategies.of(name)
        except KeyError:
            known = ", ".join(strategies.LITERALS)
            raise UsageError(
                f"pgdyno cannot invent values of the type '{name}'",
                hint=f"known: {known}, and arrays of these, such as int4[]",
            ) from None
    return SearchPlan(
        arms=tuple(options.arms(args.driver, args.profile)),
        types=types,
        directions=tuple(dict.fromkeys(args.direction)) or ("read", "write"),
        seconds=args.seconds,
        seed=seed,
        batches=args.batches,
        bad=(*BAD, *map(Verdict, args.include)),
    )


def _search(
    args: argparse.Namespace,
    plan: SearchPlan,
    findings: list[Finding],
    searched: dict[tuple[str, str, str], Searched],
) -> None:
    from harness import servers
    from harness.cli.progress import FuzzProgress
    from harness.fuzz.findings import Searched
    from harness.fuzz.render import line
    from harness.fuzz.search import Subject, search
    from harness.venue import venue

    options.make_environments(plan.arms)
    needed = venue.connections_needed([], plan.arms)
    spec = servers.parse(args.server, max_connections=needed, transport=args.transport)
    with venue.opened(spec) as place, FuzzProgress(plan.seconds) as progress:

        def found(finding: Finding) -> None:
            findings.append(finding)
            progress.found(line(finding))

        def tell(subject: Subject) -> None:
            key = (subject.type, subject.arm.name, subject.direction)
            searched[key] = Searched(*key, subject.examples, subject.offered)
            progress.tried(" ".join(key))

        search(place, plan, tell, found)


def rendered(
    findings: Sequence[Finding], searched: Sequence[Searched], seed: int, form: str
) -> str:
    """The findings in the form that was asked for."""
    from harness.fuzz import render as shown

    render = {"text": shown.text, "json": shown.json, "toml": shown.toml}[form]
    return render(findings, searched, seed)
