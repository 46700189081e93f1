"""`pgdyno store add`: runs become Parquet files that readers need no pgdyno for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.history.places import Partition

DEFAULT = Path("results/store")

_DESCRIPTION = """\
Derive a store from results files: for each run one Parquet file per table, in
STORE/TABLE/machine=…/month=…/RUN.parquet, with the tables runs, arms, cells,
trials, slices, checks and ratios. To add a run again makes the same files anew.
Results files stay the truth, and a store can be made from them at any time.
"""
_EPILOG = """\
exit codes: 0 all runs were added, 4 a file could not be read (the others were
added)

examples:
  pgdyno store add results/runs/*.jsonl
  python -c "import pandas; print(pandas.read_parquet('results/store/trials'))"
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "store", help="keep runs as Parquet files, for trends and for other programs"
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    adding = verbs.add_parser(
        "add",
        help="add runs to a store",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    adding.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="results file (.jsonl)"
    )
    add_store(adding)
    adding.set_defaults(run=add)


def add_store(parser: argparse.ArgumentParser) -> None:
    """`--store DIR`."""
    parser.add_argument(
        "--store",
        type=Path,
        default=DEFAULT,
        metavar="DIR",
        help=f"folder of the store (default: {DEFAULT})",
    )


def add(args: argparse.Namespace) -> int:
    """Add each run; one that cannot be read keeps none of the others out."""
    from harness.cli.terminal import complain, say
    from harness.core.errors import EXIT_PASS, ResultsError, needing

    with needing("history", "pgdyno store"):
        from harness.history import adding

    code, counts = EXIT_PASS, {False: 0, True: 0}
    places: set[Partition] = set()
    for path in args.runs:
        try:
            place, known = adding.add_file(path, args.store)
        except ResultsError as error:
            complain(error, error.hint)
            code = error.exit_code
        else:
            places.add(place)
            counts[known] += 1
    for place in sorted(places):
        adding.summarise(args.store, place)
    say(_told(counts[False], counts[True], args.store))
    return code


def _told(new: int, again: int, store: Path) -> str:
    runs = f"{new:,} run" + ("" if new == 1 else "s")
    word = "was" if again == 1 else "were"
    more = f"; {again:,} {word} there already and {word} made anew" if again else ""
    return f"{runs} added to {store}{more}"
