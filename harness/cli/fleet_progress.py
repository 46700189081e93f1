"""What a person sees of a fleet: events as lines, and on a terminal what runs where."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.cli.progress import in_short, time_left
from harness.core.visible import visible_line

if TYPE_CHECKING:
    from harness.fleet.fleet import Fleet

MOST_MACHINES = 20
QUIET_S = 300.0
"""A log hears at least so often that jobs still run."""


class FleetProgress:
    """Progress of a fleet, on stderr."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._logged = self._begun = time.monotonic()
        self._ended = 0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def say(self, text: str) -> None:
        """Something happened: a line that stays."""
        self._console.print(
            visible_line(text), markup=False, highlight=False, soft_wrap=True
        )

    def show(self, fleet: Fleet) -> None:
        """How far it is; on a terminal also what runs where."""
        lines = described(fleet, self._total, time.monotonic() - self._begun)
        if self._console.is_terminal:
            self._live.update(Text("\n".join(lines)), refresh=True)
        elif self._is_news(len(fleet.ledger.done) + len(fleet.ledger.left)):
            self.say(lines[0])

    def _is_news(self, ended: int) -> bool:
        """Whether a log needs a line: jobs have ended, or nothing was said for long."""
        now = time.monotonic()
        if ended == self._ended and now - self._logged < QUIET_S:
            return False
        self._logged, self._ended = now, ended
        return True


def described(fleet: Fleet, total: int, elapsed_s: float) -> list[str]:
    """How far a fleet is, as a line; then one for each machine that has a job."""
    ledger = fleet.ledger
    parts = [f"{len(ledger.done):,}/{total:,} jobs done"]
    parts += [f"{len(ledger.running)} running", f"{ledger.waiting:,} waiting"]
    if ledger.left:
        parts.append(f"{len(ledger.left):,} failed")
    if seconds := _left_s(fleet, elapsed_s):
        parts.append(time_left(seconds))
    return [", ".join(parts), *_where(fleet)]


def _left_s(fleet: Fleet, elapsed_s: float) -> float:
    """By the plan's forecast, and how well that held until now; 0 if nobody knows."""
    done_s = sum(done.job.seconds for done in fleet.ledger.done.values())
    return fleet.ledger.seconds_left * elapsed_s / done_s if done_s else 0.0


def _where(fleet: Fleet) -> list[str]:
    """What runs where, as many lines as a screen has."""
    now = time.monotonic()
    flights = sorted(fleet.flights, key=lambda flight: flight.given.machine)
    lines = [
        f"  {flight.given.machine:<16} {in_short(flight.given.job.id, 50)}"
        f"  {now - flight.since:.0f} s"
        for flight in flights[:MOST_MACHINES]
    ]
    more = len(flights) - MOST_MACHINES
    return [visible_line(line) for line in lines] + ([f"  … {more} more"] * (more > 0))
