"""`pgdyno combine`: bundles that many projects publish become one static site."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.core.errors import ResultsError
    from harness.merging.joining import Joining, Whole
    from harness.site.admission import Offer
    from harness.site.folder import SiteFolder
    from harness.site.gathering import Gathered
    from harness.site.making import Site

RESULTS = ".jsonl"

_DESCRIPTION = """\
Make one site of the bundles that projects publish: every driver and version,
every scenario, badges, and the same for programs. It is static files that need
neither a server nor JavaScript. The same bundles give the same files, in
whatever order they come and however their runs were split.
"""
_EPILOG = """\
A bundle that was made with another catalogue is refused. A run in which nothing
came out right says nothing of a driver: it is withheld, and the site says so.

example:
  pgdyno combine bundles/*.pgdyno.zip --out site
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "combine",
        help="make one static site of bundles",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "bundles",
        type=Path,
        nargs="+",
        metavar="BUNDLE",
        help="a bundle (pgdyno collect makes it), or a results file (.jsonl)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the site; a site that is there is replaced, nothing else is",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the site; stdout gets where it begins, stderr what was withheld."""
    from harness.cli.terminal import complain, say
    from harness.core.errors import EXIT_PASS, needing
    from harness.report import format as fmt

    with needing("report", "pgdyno combine"):
        site = combined(args.bundles, args.out)
    for left in site.withheld:
        complain(f"withheld: {left.sentence}")
    drivers = len({version.driver for version in site.numbers})
    versions, runs = fmt.plural(len(site.numbers), "version"), len(site.runs)
    say(
        f"{args.out / 'index.html'}: {fmt.plural(drivers, 'driver')} in {versions} "
        f"from {fmt.plural(runs, 'run')}"
    )
    return EXIT_PASS


def combined(bundles: Sequence[Path], out: Path) -> Site:
    """Write the site of these bundles.

    Raises:
        ResultsError: a bundle cannot be read or has another catalogue, no run says
            anything, or the folder is something else than a site.
    """
    from harness.site.admission import check_fit
    from harness.site.folder import SiteFolder

    with SiteFolder(out) as folder, folder.scratch() as scratch:
        offers = [
            _opened(path, scratch / str(number))
            for number, path in enumerate(dict.fromkeys(bundles))
        ]
        check_fit(offers)
        return _written(folder, {file: o.name for o in offers for file in o.files})


def _opened(path: Path, scratch: Path) -> Offer:
    """A bundle with its runs as files."""
    from harness.merging import bundles
    from harness.site.admission import Offer

    if path.suffix == RESULTS:
        return Offer(str(path), (path,))
    return Offer(str(path), bundles.read(path, scratch).runs)


def _written(folder: SiteFolder, bundles: Mapping[Path, str]) -> Site:
    """The site of these files, each with the name of its bundle."""
    from harness.core.errors import ResultsError
    from harness.merging.joining import joined
    from harness.render import site as drawing
    from harness.site.gathering import Gathered
    from harness.site.listing import LISTING, listing
    from harness.site.making import Site

    joining, gathered = joined(list(bundles)), Gathered()
    for name in _whole_runs(folder, joining, bundles):
        _take(folder, name, gathered)
    gathered.leave_out(joining.left_out)
    site = Site(gathered)
    if not site.runs:
        why = "; ".join(left.sentence for left in site.withheld)
        raise ResultsError(f"no run says anything, so there is no site: {why}")
    for name, content in drawing.files(site):
        folder.write(name, content)
    folder.write(LISTING, listing(site))
    return site


def _whole_runs(
    folder: SiteFolder, joining: Joining, bundles: Mapping[Path, str]
) -> Iterable[str]:
    """Write the results file of every whole run; their names, in their order."""
    from harness.site import names

    found: dict[str, Whole] = {}
    for whole in joining:
        name = names.run(whole.header.run)
        if name in found:
            raise _same_name(found[name], whole, bundles)
        folder.write(f"data/runs/{name}{RESULTS}", whole.lines())
        found[name] = whole
    return sorted(found)


def _same_name(first: Whole, second: Whole, bundles: Mapping[Path, str]) -> ResultsError:
    """Two runs say that they are one, and differ in more than a part of a run may."""
    from harness.core.errors import ResultsError
    from harness.core.words import listed

    places = {bundles[path] for whole in (first, second) for path in whole.paths}
    return ResultsError(
        f"the run {first.header.run} is in {listed(sorted(places))}, and "
        "these are not parts of one run",
        hint="leave one of them out; a run that is collected twice needs the same "
        "PGDYNO_MACHINE_KEY",
    )


def _take(folder: SiteFolder, name: str, gathered: Gathered) -> None:
    """Keep what a run says, and write its full report."""
    from harness.render import html
    from harness.report import view
    from harness.results import store

    run = store.read(folder.file(f"data/runs/{name}{RESULTS}"))
    report = view.build([run])
    if gathered.take(run, report.runs[0]):
        folder.write(f"runs/{name}.html", html.render(report).encode())
    else:
        folder.remove(f"data/runs/{name}{RESULTS}")
