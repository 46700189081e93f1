"""Where the time of `pgdyno check` goes, for one commit or several side by side.

Each tree (the one that this file is in, and every `--against`) checks the same cells, in
turns. What is printed is the best of each figure: wall time, the time to the first
verdict, and the CPU time of the parent, of the servers that it starts, and of the rest,
which is the workers. On a machine with other work read the CPU times.

`--growth` shows instead whether the time grows in line with the number of checks: all
drivers check a quarter, half and the whole of a sample of the catalogue, in turns, three
times each. The exponent is the slope of log time over log number.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from harness import scenario, servers
from harness.check.checker import Checker
from harness.check.order import number_of_checks
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.plugin import contract
from harness.results.records import Check
from harness.venue import venue

DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
HERE = Path(__file__).parent.parent
SAMPLE_S = 0.05
SERVERS = ("postgres", "initdb", "pgbouncer")


@dataclass(slots=True)
class Figures:
    """What one check took, in seconds."""

    wall: float
    first_verdict: float
    parent: float
    server: float
    workers: float

    @property
    def cpu(self) -> float:
        """Of all processes together."""
        return self.parent + self.server + self.workers


class Watch:
    """Looks at a running check now and then: its processes, and its file of results."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path) -> None:
        self.first_verdict = math.nan
        self.parent = 0.0
        self._servers: dict[int, float] = {}
        self._process = process
        self._out = out
        self._begun = time.perf_counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self._thread.start()

    @property
    def server(self) -> float:
        """CPU seconds of all servers, ended ones included."""
        return sum(self._servers.values())

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            if math.isnan(self.first_verdict) and self._has_verdict():
                self.first_verdict = time.perf_counter() - self._begun
            try:
                self._look(psutil.Process(self._process.pid))
            except psutil.Error:
                continue  # one of them has just ended

    def _has_verdict(self) -> bool:
        return self._out.exists() and b'"record":"check"' in self._out.read_bytes()

    def _look(self, parent: psutil.Process) -> None:
        own = parent.cpu_times()
        self.parent = own.user + own.system
        for child in parent.children():
            if child.name() in SERVERS:
                self._servers[child.pid] = _with_children(child)


def _with_children(server: psutil.Process) -> float:
    """A postmaster's CPU seconds with those of its backends, ended and live."""
    times = server.cpu_times()
    seconds = sum(times[:4])  # user and system, its own and of those that have ended
    for backend in server.children():
        own = backend.cpu_times()
        seconds += own.user + own.system
    return float(seconds)


def measured(tree: Path, arguments: Sequence[str]) -> Figures:
    """One check by the code of a tree."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "check.jsonl"
        command = [sys.executable, "-m", "harness", "check", *arguments, "--out", str(out)]
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        watch = Watch(process, out)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        watch.end()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"pgdyno check of {tree} ended with {process.returncode}")
    rest = used.ru_utime + used.ru_stime - watch.parent - watch.server
    return Figures(wall, watch.first_verdict, watch.parent, watch.server, rest)


def compare(trees: Sequence[Path], arguments: Sequence[str], turns: int) -> None:
    """Let trees check in turns, and print the best of each figure."""
    found: dict[Path, list[Figures]] = {tree: [] for tree in trees}
    for _ in range(turns):
        for tree in trees:
            found[tree].append(measured(tree, arguments))
    names = [*(field.name for field in fields(Figures)), "cpu"]
    width = max(len(str(tree)) for tree in trees)
    print(f"{'seconds':{width}} " + " ".join(f"{name:>13}" for name in names))
    for tree, figures in found.items():
        best = [min(getattr(turn, name) for turn in figures) for name in names]
        print(f"{tree!s:{width}} " + " ".join(f"{value:>13.2f}" for value in best))


# --- growth -----------------------------------------------------------------------------


def sample(size: int, seed: int) -> list[Cell]:
    """So many one-op cells that a check of everything plays, drawn at random.

    Cases of steps are left out: some of them wait on purpose.
    """
    cells = [
        cell
        for loaded in scenario.select([])
        for cell in loaded.cells
        if cell.checked and not cell.steps
    ]
    random.Random(seed).shuffle(cells)
    return cells[:size]


def seconds(place: venue.Venue, cells: Sequence[Cell], arms: Sequence[Arm]) -> float:
    """The wall time of checking these cells; every check must have been reported."""
    found: list[Check] = []
    begun = time.perf_counter()
    Checker(place.stage, arms, place.folder, found.append).run(cells)
    elapsed = time.perf_counter() - begun
    assert len(found) == number_of_checks(cells, arms)
    return elapsed


def show_growth(size: int, seed: int) -> None:
    """Time per thousand checks, and the exponent of growth."""
    arms = [contract.parse_arm(name, "default") for name in DRIVERS]
    cells = sample(size, seed)
    sizes = [len(cells) // 4, len(cells) // 2, len(cells)]
    spec = servers.parse("wheel", max_connections=200)
    with venue.opened(spec) as place:
        seconds(place, cells[:5], arms)  # imports, caches
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(3):
            for size in sizes:
                times[size].append(seconds(place, cells[:size], arms))
    print(f"{'checks':>8} {'seconds':>9} {'per 1,000':>10}")
    best = {size * len(arms): min(found) for size, found in times.items()}
    for number, took in best.items():
        print(f"{number:>8,} {took:>7.2f} s {1000 * took / number:>8.2f} s")
    numbers, took_s = [math.log(n) for n in best], [math.log(s) for s in best.values()]
    slope = statistics.linear_regression(numbers, took_s).slope
    print(f"growth: time ~ checks^{slope:.2f}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="*", help="families, scenarios or files (all)")
    parser.add_argument("--driver", action="append", default=[], help="default: all")
    parser.add_argument("--against", type=Path, action="append", default=[], metavar="TREE")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--cells", type=int, default=400, help="growth: the largest size")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.growth:
        show_growth(args.cells, args.seed)
        return 0
    drivers = [word for name in args.driver for word in ("--driver", name)]
    trees = [HERE, *(tree.resolve() for tree in args.against)]
    compare(trees, [*args.path, *drivers], args.turns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
