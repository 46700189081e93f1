"""What a trend over many runs takes: time and memory of `pgdyno trend`, and of `store add`.

    python benchmarks/trend.py [--runs 100 1000 10000]

Runs are made from a seed: eleven cells of five arms over three years, and in one of them a
step of 20 %. A trend reads ratios only, so of these runs only the ratios are stored, by the
store's own writer; `store add` is measured on whole runs. Each command has a process of its
own, with the interpreter's start; memory is the greatest resident size.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

from large_results import make

from harness.history import parquet
from harness.history.adding import summarise
from harness.history.places import Partition, file_name
from harness.history.tables import TABLES

ARMS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
CELLS = [f"family-{number // 4}/scenario-{number}#case" for number in range(11)]
BEGIN = datetime(2031, 1, 1, tzinfo=UTC)
MONTHS = 36
COMMANDS = {
    "a cell by date": [CELLS[0], "--by", "date"],
    "a cell by version": [CELLS[0], "--by", "version"],
    "a family of four": ["family-0", "--by", "date"],
    "a cell, last month": [CELLS[0], "--by", "date", "--since", "2033-12"],
}


def main() -> None:
    """Make stores of several sizes and show what each command takes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1000, 10_000])
    args = parser.parse_args()
    print(f"{'runs':>7}  {'command':<20} {'wall s':>7} {'CPU s':>7} {'peak MB':>8}")
    for runs in args.runs:
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "store"
            fill(store, runs)
            for name, asked in COMMANDS.items():
                trend = ["trend", *asked, "--control", "psycopg2", "--store", str(store)]
                show(runs, name, trend)
    with tempfile.TemporaryDirectory() as folder:
        files = [
            make(Path(folder) / f"{seed}.jsonl", "rounds", 550, seed) for seed in range(40)
        ]
        for some in (files[:4], files):
            added = ["store", "add", *map(str, some), "--store", f"{folder}/{len(some)}"]
            show(len(some), "store add", added)


def show(runs: int, name: str, arguments: list[str]) -> None:
    """Run a command and print what it took."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"{' '.join(arguments)} failed")
    print(
        f"{runs:>7,}  {name:<20} {wall:>7.2f} {usage.ru_utime + usage.ru_stime:>7.2f} "
        f"{usage.ru_maxrss / 1000:>8.0f}"
    )


def fill(store: Path, runs: int) -> None:
    """The ratios of so many runs, spread over the months."""
    table, places = TABLES["ratios"], set()
    rng = random.Random(runs)
    for number in range(runs):
        started = BEGIN + timedelta(days=365 * 3 * number / runs)
        place = Partition("0" * 12, f"{started:%Y-%m}")
        name = f"{number:016x}"
        path = store / table.name / place.folder / file_name(name)
        columns = parquet.schema(table, run=name)
        rows = ratios(rng, name, started, number / runs)
        parquet.write(path, columns, parquet.tables(rows, columns))
        places.add(place)
    for place in places:
        summarise(store, place)


def ratios(
    rng: random.Random, run: str, started: datetime, along: float
) -> Iterator[tuple[Any, ...]]:
    """Every arm against every other, as a run of that time has them."""
    facts = (run, started, "1.0", "18.4", "3.13.1")
    version = f"0.{int(along * 40)}.0"
    for cell in CELLS:
        level = {arm: rng.gauss(place / 5, 0.01) for place, arm in enumerate(ARMS)}
        level["asyncpg"] += 0.18 if along > 0.6 else 0
        for arm, control in permutations(ARMS, 2):
            shift = level[arm] - level[control]
            own = (arm, arm, arm, version if arm == "asyncpg" else "1.0", "", True, "exact")
            other = (control, control, "1.0", True, "exact")
            numbers = (10, shift, shift - 0.01, shift + 0.01)
            yield (*facts, cell, "2:0123456789abcdef", *own, *other, *numbers)


if __name__ == "__main__":
    main()
