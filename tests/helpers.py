"""What several tests do, once: a progress that tells nothing, runs of real drivers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.bench.crew import assembled
from harness.bench.runner import Runner
from harness.bench.schedule import Plan
from harness.check.checker import Checker
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import MissingExtra
from harness.core.phases import PhaseClock
from harness.machine import host
from harness.play.recording import Recording
from harness.results import store
from harness.results.records import Check, Run
from harness.scenario import Scenario
from harness.servers import wheel
from harness.venue.venue import Venue


class Silent:
    """Progress that nobody looks at."""

    def step(self, *where: object) -> None: ...

    def preparing(self, cell: Cell) -> None: ...

    def block(self, *where: object) -> None: ...


# --- servers --------------------------------------------------------------------------


def no_wheel() -> str:
    """Why there is no embedded server; empty if there is one."""
    try:
        wheel.find()
    except MissingExtra as error:
        return str(error)
    return ""


def uri(place: Venue) -> str:
    """The shared server as a URI with its password."""
    to = place.server.target
    password = f":{quote(to.password, '')}" if to.password else ""
    return f"postgresql://{to.user}{password}@{quote(to.host, '')}:{to.port}/{to.dbname}"


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


# --- environments ---------------------------------------------------------------------


def environments_folder(factory: pytest.TempPathFactory) -> Path:
    """Where all processes of this run of the tests keep versions of drivers, so that each
    is installed once; $PGDYNO_TEST_ENVIRONMENTS keeps them for the next run."""
    if kept := os.environ.get("PGDYNO_TEST_ENVIRONMENTS"):
        return Path(kept)
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "environments"


# --- runs -----------------------------------------------------------------------------


def plain(name: str) -> Arm:
    """A driver as it is installed: what it has to register would cost each worker more time
    (to import NumPy) than most cells do."""
    return Arm(name, profile="default")


def checked(
    place: Venue, folder: Path, cells: Sequence[Cell], arms: Sequence[Arm]
) -> list[Check]:
    """Every cell judged for every arm."""
    checks: list[Check] = []
    Checker(place.stage, arms, folder, checks.append).run(cells)
    return checks


NOWHERE = host.Placement()
"""Unpinned: nobody's processor is watched."""


def timed(
    place: Venue,
    folder: Path,
    scenario: Scenario,
    cases: Sequence[str],
    arms: Sequence[Arm],
    plan: Plan,
    seed: int = 1,
    placement: host.Placement = NOWHERE,
) -> Run:
    """Some cases of a scenario, measured; the results file, read."""
    cells = [cell for cell in scenario.cells if cell.case in cases]
    out = folder / f"run-{len(list(folder.iterdir()))}.jsonl"
    with (
        Recording(out, "bench", place, [scenario], cells, arms, seed=seed) as recording,
        assembled(place, arms, placement) as crew,
    ):
        recording.begin()
        Runner(
            place.stage,
            arms,
            cells,
            plan,
            seed=seed,
            placement=placement,
            crew=crew,
            emit=recording.write,
            progress=Silent(),
            phases=PhaseClock(),
        ).run()
    return store.read(out)
