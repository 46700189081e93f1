"""Drivers checked for a verb that reads the run afterwards."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.arms import Arm
from harness.core.cells import Cell

if TYPE_CHECKING:
    from harness.check.checker import Hellos
    from harness.scenario import Scenario


def check_into(
    path: Path,
    server: argparse.Namespace,
    scenarios: Sequence[Scenario],
    cells: Sequence[Cell],
    arms: Sequence[Arm],
    greeted: Callable[[Hellos], object],
) -> None:
    """Check cells for arms and write the run; `server` has the options of that name, and
    `greeted` is told what the drivers say of themselves."""
    from harness import servers
    from harness.check.checker import Checker
    from harness.check.order import further_seats, number_of_checks
    from harness.cli.progress import CheckProgress
    from harness.play.recording import Recording
    from harness.venue import venue

    connections = venue.connections_needed(cells, arms, further_seats(arms))
    spec = servers.parse(
        server.server, max_connections=connections, transport=server.transport
    )
    with (
        venue.opened(spec) as place,
        CheckProgress(number_of_checks(cells, arms)) as progress,
        Recording(path, "check", place, scenarios, cells, arms) as recording,
    ):

        def report(check: Any) -> None:
            recording.write(check)
            progress.checked(check)

        def begin(hellos: Hellos) -> None:
            greeted(hellos)
            recording.begin(hellos)

        Checker(place.stage, arms, place.folder, report).run(cells, begin)
