"""What claims need and no run has: cells, questions to libraries, times.

One server for all; of each driver a run of its own cells, written as it goes, so that what
was interrupted goes on where it stopped.
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

if TYPE_CHECKING:
    from harness.claims.asking import LibraryQuestion
    from harness.claims.evidence import LibrarySaid
    from harness.claims.form import ClaimSource
    from harness.claims.missing import DriverCells, Measuring
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


def _make_environments(
    plays: Sequence[DriverCells], asked: Sequence[LibraryQuestion]
) -> None:
    """Make what pinned arms run in before anything waits for it."""
    pinned = {question.arm for question in asked if arms.pinned(question.arm)}
    of_questions = [arms.parse(name) for name in sorted(pinned)]
    options.make_environments(
        [*(arm for play in plays for arm in play.arms), *of_questions]
    )


def _played(
    args: argparse.Namespace,
    scenarios: Sequence[Scenario],
    plays: Sequence[DriverCells],
    asked: Sequence[LibraryQuestion],
    said: dict[str, LibrarySaid],
) -> None:
    """Play cells driver by driver and ask libraries, on one server if any is needed."""
    from harness.claims import asking, evidence

    if not plays and not asked:
        return

    def keep(digest: str, answer: LibrarySaid) -> None:
        said[digest] = answer
        evidence.write_said(args.evidence, said)

    needs_server = plays or any(hasattr(item.condition, "python") for item in asked)
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(_venue(args, plays)) if needs_server else None
        for play in plays if place else ():
            assert place is not None
            _check(place, _file(args.evidence, "check"), scenarios, play)
        if asked:
            remark(f"claims: {len(asked)} questions to libraries")
            asking.ask(asked, place, keep)


@contextlib.contextmanager
def _venue(args: argparse.Namespace, plays: Sequence[DriverCells]) -> Iterator[Venue]:
    from harness import servers
    from harness.check.order import further_seats
    from harness.venue import venue

    needed = [
        venue.connections_needed(play.cells, play.arms, further_seats(play.arms))
        for play in plays
    ]
    spec = servers.parse(
        args.server, max_connections=max(needed, default=40), transport=args.transport
    )
    with venue.opened(spec) as place:
        options.tell_unwritable(place.stage.unwritable)
        yield place


def _check(
    place: Venue, file: Path, scenarios: Sequence[Scenario], play: DriverCells
) -> None:
    """One run: the cells of one driver."""
    from harness.check.checker import Checker, Hellos
    from harness.check.order import number_of_checks
    from harness.cli.progress import CheckProgress
    from harness.play.recording import Recording

    cells, played_by = play.cells, play.arms
    with (
        CheckProgress(number_of_checks(cells, played_by)) as progress,
        Recording(file, "check", place, scenarios, cells, played_by) as recording,
    ):

        def report(check: Any) -> None:
            recording.write(check)
            progress.checked(check)

        def begin(hellos: Hellos) -> None:
            options.tell_absent(hellos)
            recording.begin(hellos)

        Checker(place.stage, played_by, place.folder, report).run(cells, begin)


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
