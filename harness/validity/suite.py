"""Which tests are run: a quick selection, or as many as the marks ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.runner import Progress
from harness.validity import Outcome, live, simulated
from harness.venue import Venue


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each test is repeated: runs on the fake clock, and live trials."""

    repeats: int
    trials: int
    rounds: int
    hog_trials: int


QUICK = Effort(repeats=400, trials=5, rounds=10, hog_trials=2)
FULL = Effort(repeats=2_000, trials=100, rounds=12, hog_trials=100)


def run(
    place: Venue, effort: Effort, folder: Path, progress: Progress
) -> Iterator[Outcome]:
    """Every test, the cheap ones first."""
    yield from simulated.run(effort.repeats)
    idle = live.Series(folder, effort.trials, effort.rounds)
    live.measure(place, idle, progress)
    yield from live.false_alarms(idle)
    yield from live.power(idle)
    yield from live.calibration(idle)
    hog = live.Series(folder, effort.hog_trials, effort.rounds, burdens=(), hog=True)
    live.measure(place, hog, progress)
    yield from live.false_alarms(hog)
