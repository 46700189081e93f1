"""Where other tools are tested: pgdyno's server, its fixture, and one measure of slowness.

The tools run as people run them: not pinned. The server stays where it is: on a core of
its own if pgdyno has measured on it before, else anywhere. What an op takes is measured
once and kept, so that every tool gets the same burdens.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from harness import scenario
from harness.core.calls import Target
from harness.core.errors import ResultsError
from harness.results.records import ServerFacts
from harness.validity import kept
from harness.validity.live import CELL
from harness.venue.venue import Venue
from studies.validity.others.point import Order

SOURCES = ("field.py", "point.py", "by_pytest.py", "by_pyperf.py", "sequential.py")
"""What decides how a tool is run; `pairs` reads what came of it."""
_PATIENCE_S = 900.0
_LAST_LINES = 5
_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Field:
    """The point query on an open server; `op_ns` is by the wall clock.

    `postmaster` is 0 where the server's processes are not ours to stop.
    """

    target: Target
    facts: ServerFacts
    task: str
    folder: Path
    driver: str
    op_ns: float = math.nan
    turn_ns: float = math.nan
    postmaster: int = 0

    def claim(self, trials: str, **rules: Any) -> None:
        """These trials are measured by the code of today, here, by these rules."""
        sources = kept.digest(Path(__file__).parent / name for name in SOURCES)
        kept.claim(self.folder, self.facts, trials, {"tools": sources, **rules})

    def raw(self, *names: str) -> Path:
        """A folder for raw files of a tool."""
        made = self.folder.joinpath(*names)
        made.mkdir(parents=True, exist_ok=True)
        return made

    def order(self, burden: float = 0.0, defect: str = "") -> Order:
        """What a process shall do; a burden is a share of the op's time."""
        turns = round(burden * self.op_ns / self.turn_ns) if burden else 0
        return Order(self.target, self.task, self.driver, turns, defect)

    def put(self, burden: float, base_ns: float) -> float:
        """The log-ratio that was put in, seen from the time that a tool has measured."""
        return math.log1p(self.order(burden).turns * self.turn_ns / base_ns)


@contextlib.contextmanager
def opened(place: Venue, folder: Path, driver: str = "psycopg2") -> Iterator[Field]:
    """The field on a venue. Raw files are kept in the folder."""
    _, (cell,) = scenario.select_cells([CELL])
    play = place.stage.prepare(cell)
    schema = place.stage.fresh_schema(place.control, cell, "others")
    target = place.stage.place(cell, schema, "pgdyno others")
    with _not_pinned():
        field = Field(target, place.facts, str(play.path), folder.resolve(), driver)
        field.claim(f"op-{driver}", cell=cell.digest)
        known = _known(field)
        yield replace(
            field,
            op_ns=known["op_ns"],
            turn_ns=known["turn_ns"],
            postmaster=place.server.pid if place.server.managed else 0,
        )


def _known(field: Field) -> dict[str, float]:
    """What an op takes here, from the folder or measured now."""
    file = field.folder / f"op-{field.driver}.json"
    if not file.exists():
        # Processes differ, and one of them may have met a busy moment.
        looks = [told(act(field, field.order(), "calibrate")) for _ in range(_LOOKS)]
        keep(file, {what: median(look[what] for look in looks) for what in looks[0]})
    found: dict[str, float] = json.loads(file.read_text())
    return found


@contextlib.contextmanager
def _not_pinned() -> Iterator[None]:
    """Children run where our own parent may: a measurement before may have moved us."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, os.sched_getaffinity(os.getppid()))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# --- processes and files --------------------------------------------------------------


def act(field: Field, order: Order, *what: object) -> subprocess.CompletedProcess[str]:
    """One of the point query's own loops, in a process of its own."""
    command = ["-m", "studies.validity.others.point", *map(str, what)]
    return checked(python(command, order, field.folder))


def python(
    arguments: Sequence[str | Path], order: Order, cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Run Python as an order says, and keep what it prints."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=order.environment(),
        cwd=cwd,
        text=True,
        capture_output=True,
        timeout=_PATIENCE_S,
    )


def checked(
    done: subprocess.CompletedProcess[str],
) -> subprocess.CompletedProcess[str]:
    """The process if it went well; raises `ResultsError` with its last words if not."""
    if done.returncode:
        raise _failure(done)
    return done


def _failure(done: subprocess.CompletedProcess[str]) -> ResultsError:
    words = (done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:]
    return ResultsError(
        f"{' '.join(map(str, done.args[1:4]))} ends with {done.returncode}:"
        f" {' / '.join(words)}",
        hint="run it again: pairs that are there are kept",
    )


def told(done: subprocess.CompletedProcess[str]) -> dict[str, float]:
    """The JSON object on the last line."""
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def keep(file: Path, what: Any) -> None:
    """Write JSON so that the file is whole or not there."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(what))
    new.replace(file)
