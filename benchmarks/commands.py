"""How long the commands take, against the marks that pgdyno sets itself.

Wall time, processor time of the command with all that it started, and peak memory of the
parent process, each command on its own. The marks are for two quiet cores; on a slower
machine read the figures, not the marks, and on a busy one the processor time.
"""

from __future__ import annotations

import argparse
import resource
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
    cpu_s: float
    rss_bytes: int
    mark_s: float
    code: int


def measure(name: str, arguments: list[str], mark_s: float, repeats: int = 1) -> Figure:
    """The best of some repeats: start-up is a floor, not a mean."""
    found = [once(name, arguments, mark_s) for _ in range(repeats)]
    return min(found, key=lambda figure: figure.seconds)


def once(name: str, arguments: list[str], mark_s: float) -> Figure:
    """Run a command and watch its memory, not that of its workers."""
    begun, spent = time.perf_counter(), children_s()
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
    return Figure(name, elapsed, children_s() - spent, peak, mark_s, code)


def children_s() -> float:
    """The processor time of the children that have ended, with their own."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


STARTS = ("--help", "list scenarios", "list cases", "list drivers", "list servers")
"""What needs no server: a person waits for it with the hand on the keyboard."""
START_MARK_S = 0.3


def starts() -> list[Figure]:
    """Commands that only have to start."""
    return [
        measure(f"pgdyno {words}", words.split(), START_MARK_S, repeats=5)
        for words in STARTS
    ]


def runs(folder: Path, *, long: bool) -> list[Figure]:
    """Commands that do what pgdyno is for; the report is of the run before it."""
    run = str(folder / "run.jsonl")
    effort, mark_s = ("standard", 720.0) if long else ("quick", 90.0)
    bench = ["bench", "--effort", effort, "--out", run]
    arms = ["--base", "psycopg", "--candidate", "asyncpg"]
    return [
        measure("pgdyno check", ["check", "--format", "json"], 120),
        measure(f"pgdyno bench --effort {effort}", bench, mark_s),
        measure("pgdyno report", ["report", run, "--out", str(folder)], 5),
        measure("pgdyno compare", ["compare", run, *arms], 2, 3),
    ]


def main() -> int:
    """Measure every command; `--long` adds the standard run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="also bench --effort standard")
    parser.add_argument("--starts", action="store_true", help="only help and lists")
    args = parser.parse_args()
    figures = starts()
    html_bytes = 0
    if not args.starts:
        with tempfile.TemporaryDirectory() as folder:
            figures += runs(Path(folder), long=args.long)
            html_bytes = (Path(folder) / "report.html").stat().st_size
    print(f"{'command':<34} {'wall':>9} {'mark':>9} {'CPU':>9} {'peak RSS':>10}  exit")
    for figure in figures:
        print(
            f"{figure.name:<34} {figure.seconds:>7.2f} s {figure.mark_s:>7.1f} s "
            f"{figure.cpu_s:>7.2f} s {figure.rss_bytes / MIB:>6.0f} MiB  {figure.code}"
        )
    if html_bytes:
        print(f"{'report.html':<34} {html_bytes / MIB:>7.2f} MiB of 3 MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
