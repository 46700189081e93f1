"""Time and memory that merging many results files takes.

    python benchmarks/merge.py [--runs 1000] [--machines 20] [--run RUN.jsonl]

A real run is copied: each machine has jobs that ask cells of other names, with other
times. Merging runs in a process of its own; memory is the greatest resident size.
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
from pathlib import Path

from harness.results import store
from harness.results.lines import encoded
from harness.results.records import AnyRecord, Check, Header, JobFacts, Trial, changed

REAL = Path(__file__).parent.parent / "tests" / "results" / "files" / "schema-2.jsonl"
COMMAND = "from harness.cli.main import main; main(['merge', *argv])"


def main() -> None:
    """Copy a run many times, merge the copies, and show what that takes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--machines", type=int, default=20)
    parser.add_argument("--run", type=Path, default=REAL, metavar="RUN.jsonl")
    args = parser.parse_args()
    records = [record for _, record in store.records(args.run) if record is not None]
    print(f"{'files':>6} {'MB':>6} {'whole runs':>10} {'s':>7} {'CPU s':>7} {'peak MB':>8}")
    for runs in args.runs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "jobs"
            folder.mkdir()
            for number in range(runs):
                path = folder / f"job-{number:05}.jsonl"
                path.write_bytes(encoded(copied(records, number, args.machines)))
            size = sum(file.stat().st_size for file in folder.iterdir())
            out = Path(name) / "whole"
            wall, cpu, peak = spent(folder, out)
            whole = len(list(out.iterdir()))
            print(
                f"{runs:>6,} {size / 1e6:>6.1f} {whole:>10} {wall:>7.2f} {cpu:>7.2f} "
                f"{peak:>8.0f}"
            )


def spent(folder: Path, out: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and the greatest resident size, MB, of a merge."""
    code = f"import sys\nargv = sys.argv[1:]\n{COMMAND}"
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, folder, "--out", out], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit("the merge failed")
    wall = time.perf_counter() - begun
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def copied(records: list[AnyRecord], number: int, machines: int) -> Iterator[AnyRecord]:
    """The run as the job of a plan that asks cells of its own on a machine of its own."""
    rng = random.Random(number)
    machine, name = number % machines, f"part-{number // machines:03}"
    for record in records:
        if isinstance(record, Header):
            yield _header(record, number, machine, name)
        elif isinstance(record, Check):
            yield changed(record, scenario=name, cell=f"{name}/{record.cell}")
        elif isinstance(record, Trial):
            yield _slower(changed(record, cell=f"{name}/{record.cell}"), rng)
        else:
            yield record


def _header(header: Header, number: int, machine: int, name: str) -> Header:
    return changed(
        header,
        run=f"{number:016x}",
        cells=[changed(cell, id=f"{name}/{cell.id}") for cell in header.cells],
        machine=changed(header.machine, hostname_hash=f"{machine:012x}"),
        job=JobFacts(plan="0123456789abcdef", id=f"job-{number:05}"),
    )


def _slower(trial: Trial, rng: random.Random) -> Trial:
    if trial.slices is None:
        return trial
    wall_ns = [round(wall * rng.lognormvariate(0, 0.02)) for wall in trial.slices.wall_ns]
    return changed(trial, slices=changed(trial.slices, wall_ns=wall_ns))


if __name__ == "__main__":
    main()
