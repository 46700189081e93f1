"""What claims need and no run has: cells, questions to libraries, times.

One server and one run for all: each driver plays its own cells, and one works while another
waits. The run is written as it goes, so that what was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.terminal import complain, remark
from harness.core import arms

OF_PROGRAMS = 40
"""So many connections programs may hold, with pools of their own."""

if TYPE_CHECKING:
    from harness.claims.asking import LibraryQuestion
    from harness.claims.evidence import LibrarySaid
    from harness.claims.form import ClaimSource
    from harness.claims.missing import ArmCells, Measuring
    from harness.core.cells import Cell
    from harness.scenario import Scenario
    from harness.venue.venue import Venue


def run_missing(args: argparse.Namespace, sources: Sequence[ClaimSource]) -> None:
    """Play, ask and measure what the claims of these sources need; it lies in the folder
    of the evidence afterwards."""
    from harness.claims import evidence as known
    from harness.claims import missing
    from harness.cli.claims import gathered
    from harness.scenario import select

    said = known.read_said(args.evidence)
    evidence = gathered([], args.evidence, said)
    if args.again:
        evidence = known.Evidence()
    conditions = [
        condition
        for source in sources
        for claim in source.claim
        for condition in claim.decide
    ]
    if args.play:
        scenarios = select([])
        cells = [cell for scenario in scenarios for cell in scenario.cells]
        plays = missing.cells(conditions, cells, evidence)
        asked = missing.questions(conditions, evidence)
        _make_environments(plays, asked)
        _played(args, scenarios, plays, asked, said)
    if args.times:
        for measuring in missing.times(conditions, evidence):
            _measure(args, measuring)


def _make_environments(plays: Sequence[ArmCells], asked: Sequence[LibraryQuestion]) -> None:
    """Make what pinned arms run in before anything waits for it."""
    pinned = {question.arm for question in asked if arms.pinned(question.arm)}
    of_questions = [arms.parse(name) for name in sorted(pinned)]
    options.make_environments([*(play.arm for play in plays), *of_questions])


def _played(
    args: argparse.Namespace,
    scenarios: Sequence[Scenario],
    plays: Sequence[ArmCells],
    asked: Sequence[LibraryQuestion],
    said: dict[str, LibrarySaid],
) -> None:
    """Play cells and ask libraries, on one server if any is needed."""
    from harness.claims import asking, evidence

    if not plays and not asked:
        return

    def keep(digest: str, answer: LibrarySaid) -> None:
        said[digest] = answer
        evidence.write_said(args.evidence, said)

    needs_server = plays or any(hasattr(item.condition, "python") for item in asked)
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(_venue(args, plays)) if needs_server else None
        if place and plays:
            _check(place, _file(args.evidence, "check"), scenarios, plays)
        if asked:
            remark(f"claims: {len(asked)} questions to libraries")
            asking.ask(asked, place, keep)


@contextlib.contextmanager
def _venue(args: argparse.Namespace, plays: Sequence[ArmCells]) -> Iterator[Venue]:
    from harness import servers
    from harness.check.order import further_seats
    from harness.venue import venue

    cells, played_by = _cells(plays), [play.arm for play in plays]
    needed = venue.connections_needed(cells, played_by, further_seats(played_by))
    spec = servers.parse(
        args.server,
        max_connections=max(needed, OF_PROGRAMS),
        transport=args.transport,
    )
    with venue.opened(spec) as place:
        options.tell_unwritable(place.stage.unwritable)
        yield place


def _cells(plays: Sequence[ArmCells]) -> list[Cell]:
    """The cells that anybody plays, each once."""
    return list({cell.id: cell for play in plays for cell in play.cells}.values())


def _check(
    place: Venue, file: Path, scenarios: Sequence[Scenario], plays: Sequence[ArmCells]
) -> None:
    """One run, in which every arm plays its own cells."""
    from harness.check.checker import Checker, Hellos
    from harness.cli.progress import CheckProgress
    from harness.play.recording import Recording

    cells, played_by = _cells(plays), [play.arm for play in plays]
    own = {play.arm: {cell.id for cell in play.cells} for play in plays}
    with (
        CheckProgress(sum(map(len, own.values()))) as progress,
        Recording(file, "check", place, scenarios, cells, played_by) as recording,
    ):

        def report(check: Any) -> None:
            recording.write(check)
            progress.checked(check)

        def begin(hellos: Hellos) -> None:
            options.tell_absent(hellos)
            recording.begin(hellos)

        checker = Checker(place.stage, played_by, place.folder, report)
        checker.run(cells, begin, lambda arm, cell: cell.id in own[arm])


def _measure(args: argparse.Namespace, measuring: Measuring) -> None:
    """A bench of the cells and arms that comparisons need."""
    from harness.cli import bench
    from harness.cli.main import build_parser
    from harness.core.errors import PgdynoError

    file = _file(args.evidence, measuring.lane)
    words = ["bench", *measuring.cells, "--lane", measuring.lane, "--no-floor"]
    words += [word for name in measuring.arms for word in ("--driver", name)]
    words += ["--effort", args.effort, "--server", args.server]
    words += ["--transport", args.transport, "--out", str(file), "--format", "json"]
    try:
        bench.measured(build_parser(["bench"]).parse_args(words))
    except PgdynoError as error:
        complain(f"{', '.join(measuring.cells)}: {error}", error.hint)


def _file(folder: Path, kind: str) -> Path:
    """A new file of evidence."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    return folder / f"{kind}-{stamp}.jsonl"
