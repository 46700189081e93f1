"""How long the commands take, against the marks that pgdyno sets itself.

Wall time and peak memory of the parent process, each command on its own. The marks are
for two cores; on a slower machine read the figures, not the marks.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

PGDYNO = [sys.executable, "-m", "harness"]
MIB = 1 << 20


@dataclass(frozen=True)
class Figure:
    """What one command took."""

    name: str
    seconds: float
    rss_bytes: int
    mark_s: float
    code: int


def measure(name: str, arguments: list[str], mark_s: float, repeats: int = 1) -> Figure:
    """The best of some repeats: start-up is a floor, not a mean."""
    found = [once(name, arguments, mark_s) for _ in range(repeats)]
    return min(found, key=lambda figure: figure.seconds)


def once(name: str, arguments: list[str], mark_s: float) -> Figure:
    """Run a command and watch its memory, not that of its workers."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*PGDYNO, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                peak = max(peak, psutil.Process(process.pid).memory_info().rss)
            except psutil.Error:
                return
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    elapsed = time.perf_counter() - begun
    watcher.join()
    return Figure(name, elapsed, peak, mark_s, code)


def main() -> int:
    """Measure every command; `--long` adds the standard run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="also bench --effort standard")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run.jsonl")
        figures = [
            measure("pgdyno --help", ["--help"], 0.3, 5),
            measure("pgdyno list scenarios", ["list", "scenarios"], 0.3, 5),
            measure("pgdyno list cases", ["list", "cases"], 0.3, 5),
            measure("pgdyno list drivers", ["list", "drivers"], 0.3, 5),
            measure("pgdyno check", ["check", "--format", "json"], 120),
        ]
        effort, mark = ("standard", 720.0) if args.long else ("quick", 90.0)
        figures.append(
            measure(
                f"pgdyno bench --effort {effort}",
                ["bench", "--effort", effort, "--out", run],
                mark,
            )
        )
        figures.append(measure("pgdyno report", ["report", run, "--out", folder], 5))
        arms = ["--base", "psycopg", "--candidate", "asyncpg"]
        figures.append(measure("pgdyno compare", ["compare", run, *arms], 2, 3))
        html = (Path(folder) / "report.html").stat().st_size
    print(f"{'command':<34} {'wall':>9} {'mark':>9} {'peak RSS':>10}  exit")
    for figure in figures:
        print(
            f"{figure.name:<34} {figure.seconds:>7.2f} s {figure.mark_s:>7.1f} s "
            f"{figure.rss_bytes / MIB:>6.0f} MiB  {figure.code}"
        )
    print(f"{'report.html':<34} {html / MIB:>7.2f} MiB of 3 MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
