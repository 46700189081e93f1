"""What a plan of 10,000 jobs takes, and what `run-job` adds to the verb that it runs.

The verb and the job that is the same take turns; what counts is the median of the
differences of their pairs. On a machine with other work read the CPU times.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PGDYNO = [sys.executable, "-m", "harness"]
LARGE = (
    "check", "--driver", "psycopg", "--driver", "asyncpg", "--python", "3.12,3.13",
    "--server", "wheel:16", "--server", "wheel:18", "--cells", "1", "--machines", "4",
)  # fmt: skip
SMALL = ("check", "query/point", "--driver", "psycopg", "--profile", "default")
PLAN_MARK_S = 2.0
JOB_MARK_S = 1.0


@dataclass(frozen=True, slots=True)
class Took:
    """What a command took, with all that it started."""

    wall_s: float
    cpu_s: float


def took(arguments: Sequence[str], out: Path) -> Took:
    """Run a command; its stdout goes to a file."""
    begun, before = time.perf_counter(), children_s()
    with out.open("wb") as stdout:
        subprocess.run(
            [*PGDYNO, *arguments], stdout=stdout, stderr=subprocess.DEVNULL, check=True
        )
    return Took(time.perf_counter() - begun, children_s() - before)


def children_s() -> float:
    """The processor time of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def planning(folder: Path) -> None:
    """The best of three: reading the catalogue is a floor, not a mean."""
    plan = folder / "large.jsonl"
    found = [took(("plan", *LARGE), plan) for _ in range(3)]
    jobs = plan.read_bytes().count(b"\n")
    best = min(found, key=lambda figure: figure.wall_s)
    print(
        f"plan of {jobs:,} jobs: {best.wall_s:.2f} s, CPU {best.cpu_s:.2f} s "
        f"(mark: {PLAN_MARK_S:g} s for 10,000)"
    )


def running(folder: Path, repeats: int) -> None:
    """A job beside the verb itself, in turns."""
    plan = folder / "small.jsonl"
    took(("plan", *SMALL), plan)
    pairs = []
    for number in range(repeats):
        verb = took((*SMALL, "--out", str(folder / f"{number}.jsonl")), folder / "said")
        job = ("run-job", str(plan), "--out", str(folder / str(number)))
        pairs.append((verb, took(job, folder / "said")))
    wall = statistics.median(job.wall_s - verb.wall_s for verb, job in pairs)
    cpu = statistics.median(job.cpu_s - verb.cpu_s for verb, job in pairs)
    alone = statistics.median(verb.wall_s for verb, _ in pairs)
    print(
        f"run-job beside its verb ({alone:.2f} s): {wall:+.2f} s, CPU {cpu:+.2f} s "
        f"(mark: {JOB_MARK_S:g} s)"
    )
    again = took(("run-job", str(plan), "--out", str(folder / "0")), folder / "said")
    print(f"run-job of what is there: {again.wall_s:.2f} s, CPU {again.cpu_s:.2f} s")


def main() -> int:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, metavar="N")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        planning(Path(folder))
        running(Path(folder), args.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
