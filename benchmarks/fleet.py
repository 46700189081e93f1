"""What a fleet gains and costs on this machine.

    python benchmarks/fleet.py [PATH …] [--cells N]   two workers against one, cost of a job
    python benchmarks/fleet.py --idle [--repeats N]   is an idle worker seen by a bench?

The first runs one conformance plan by a loop of `run-job`, by one worker and by two. Two
have to take at most 0.6 of one's time, and a fleet may add a second to a job. The start of
the workers, which is paid once, is left out.

The second asks in turns, without a fleet and beside an idle worker: which share of the
cores' time went to others, and how far are two arms of the same driver apart? Run it with
nothing else going on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.analysis.times import measured, paired_log_ratios
from harness.fleet import connection, local
from harness.jobs.job import read_jobs
from harness.machine.watch import Watch
from harness.results import store

PGDYNO = [sys.executable, "-m", "harness"]
WATCHED_S = 20.0
GAIN_MARK = 0.6
COST_MARK_S = 1.0
CELL = "query/point#fetch-one"


def call(*words: str) -> float:
    """Seconds of a command that comes to its end, whatever it finds."""
    begun = time.perf_counter()
    code = subprocess.run([*PGDYNO, *words], capture_output=True).returncode
    if code not in (0, 1, 3, 4):
        raise SystemExit(f"pgdyno {' '.join(words)}: exit {code}")
    return time.perf_counter() - begun


# --- what it gains --------------------------------------------------------------------


def gain(paths: Sequence[str], cells: int) -> None:
    """The same plan by a loop, by one worker and by two."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = folder / "jobs.jsonl"
        words = ["plan", "check", *paths, "--driver", "psycopg", "--cells", str(cells)]
        plan.write_bytes(subprocess.check_output([*PGDYNO, *words]))
        jobs = len(read_jobs(plan))
        loop = sum(
            call("run-job", f"{plan}#{number}", "--out", str(folder / "loop"))
            for number in range(1, jobs + 1)
        )
        took = [fleet(plan, workers, folder) for workers in (1, 2)]
    share = took[1] / took[0]
    cost = (took[0] - loop) / jobs
    print(f"{jobs} jobs, without the start of workers")
    print(f"  loop of run-job {loop:7.1f} s")
    for workers, seconds in enumerate(took, 1):
        print(f"  local:{workers}         {seconds:7.1f} s")
    print(f"two workers take {share:.2f} of one's time (mark {GAIN_MARK})")
    print(f"a fleet adds {cost:+.2f} s to a job (mark {COST_MARK_S:.0f} s)")


def fleet(plan: Path, workers: int, folder: Path) -> float:
    """Seconds of a plan on workers that are there already."""
    out = str(folder / f"local-{workers}")
    with local.started(workers) as address:
        return call("fleet", "run", str(plan), "--scheduler", address, "--out", out)


# --- what it disturbs -----------------------------------------------------------------


@contextlib.contextmanager
def idle_worker(wanted: bool) -> Iterator[None]:
    """Beside a worker that is made quiet and has nothing to do, or without."""
    if not wanted:
        yield
        return
    with local.started(1) as address:
        with connection.connected(connection.SchedulerPlace(address)):
            pass
        time.sleep(2)  # what it does once is over
        yield


def foreign() -> float:
    """The share of all cores' time that went to others while this process sleeps."""
    watch = Watch(sorted(os.sched_getaffinity(0)), [])
    time.sleep(WATCHED_S)
    return watch.foreign()


def twins(folder: Path) -> float:
    """How far two arms of one driver are apart, as a share, in a run of one cell."""
    file = folder / f"{time.monotonic_ns()}.jsonl"
    call("bench", CELL, "--driver", "psycopg", "--effort", "quick", "--out", str(file))
    series = measured(store.read(file)).series
    own = {arm: timings for (_, arm), timings in series.items()}
    twin = next(name for name in own if "A/A" in name)
    return abs(statistics.median(paired_log_ratios(own[twin], own["psycopg"])))


def disturbance(repeats: int) -> None:
    """Both questions in turns, without and beside an idle worker."""
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as name:
        for number in range(2 * repeats):
            beside = bool((number + number // 2) % 2)  # without, beside, beside, without, …
            with idle_worker(beside):
                found[beside].append((foreign(), twins(Path(name))))
    print(f"{'':<8} {'foreign time':>13} {'A/A':>8}   medians of {repeats}")
    for beside, pairs in found.items():
        shares, ratios = zip(*pairs, strict=True)
        label = "beside" if beside else "without"
        share, ratio = statistics.median(shares), statistics.median(ratios)
        each = " ".join(f"{share:.2%}/{ratio:.2%}" for share, ratio in pairs)
        print(f"{label:<8} {share:>12.2%} {ratio:>8.2%}   {each}")


def main() -> int:
    """Measure one or the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", default=["types"], help="default: types")
    parser.add_argument("--cells", type=int, default=60, help="cells of a job at most")
    parser.add_argument("--idle", action="store_true", help="what an idle worker disturbs")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    if args.idle:
        disturbance(args.repeats)
    else:
        gain(args.paths, args.cells)
    return 0


if __name__ == "__main__":
    sys.exit(main())
