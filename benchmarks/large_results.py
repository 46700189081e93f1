"""Time and memory that reading large results files takes: both grow with their size.

    python benchmarks/large_results.py [--sizes 20000 40000] [--shape rounds]

Each size and command runs in a process of its own; time is processor time, memory the
greatest resident size. Files are made from a seed, like those of a real run: few cells
with many rounds, many cells with few, checks, or trials with latencies.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.core.verdicts import EXACT
from harness.results.records import (
    SCHEMA,
    ArmFacts,
    CellFacts,
    Check,
    Footer,
    Header,
    Machine,
    ServerFacts,
    Slices,
    Trial,
)
from harness.results.store import Writer

ARMS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
SHAPES = ("rounds", "cells", "copies", "checks", "latencies")
MOST_CELLS = 20
COMMANDS = {
    "load": "from harness.results.store import read; from pathlib import Path\n"
    "sum(1 for _ in read(Path(argv[0])).trials)",
    "text": "from harness.cli.main import main\n"
    "assert main(['report', argv[0], '--format', 'text', '--out', argv[2]]) == 0",
    "ratios": "import pgdyno\npgdyno.load(argv[0]).ratios()",
    "compare": "from harness.cli.main import main\n"
    "assert main(['compare', *argv[:2]]) != 2",
}


def main() -> None:
    """Make files of several sizes and show what each command takes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 20_000, 40_000])
    parser.add_argument("--shape", choices=SHAPES, nargs="+", default=list(SHAPES))
    parser.add_argument("--command", choices=COMMANDS, nargs="+", default=list(COMMANDS))
    args = parser.parse_args()
    print(f"{'shape':<10} {'records':>9} {'MB':>6}  {'command':<8} {'s':>7} {'MB':>6}")
    for shape in args.shape:
        for size in args.sizes:
            with tempfile.TemporaryDirectory() as folder:
                base, candidate = (
                    make(Path(folder) / f"{seed}.jsonl", shape, size, seed)
                    for seed in (1, 2)
                )
                megabytes = base.stat().st_size / 1e6
                for command in args.command:
                    seconds, peak = spent(command, base, candidate, Path(folder) / "out")
                    print(
                        f"{shape:<10} {size:>9,} {megabytes:>6.0f}  {command:<8} "
                        f"{seconds:>7.2f} {peak:>6.0f}"
                    )


def spent(command: str, base: Path, candidate: Path, out: Path) -> tuple[float, float]:
    """Processor seconds and the greatest resident size, MB, of a command."""
    code = f"import sys\nargv = sys.argv[1:]\n{COMMANDS[command]}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, base, candidate, out], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{command} of {base.stat().st_size:,} bytes failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def make(path: Path, shape: str, records: int, seed: int) -> Path:
    """A results file of so many records."""
    rng = random.Random(f"{shape} {seed}")
    blocks = max(1, records // len(ARMS))
    cells = blocks // 10 + 1 if shape in ("cells", "checks") else min(blocks, MOST_CELLS)
    with Writer(path) as writer:
        writer.write(
            header(shape, [f"family/scenario#case-{n}" for n in range(cells)], seed)
        )
        for record in _records(rng, shape, blocks, cells):
            writer.write(record)
        trials, checks = writer.trials, writer.checks
        writer.write(
            Footer(
                ended="2031", reason="complete", elapsed_ns=1, trials=trials, checks=checks
            )
        )
    return path


def _records(
    rng: random.Random, shape: str, blocks: int, cells: int
) -> Iterator[Trial | Check]:
    for block in range(blocks):
        number, place = divmod(block, cells)
        cell = f"family/scenario#case-{place}"
        for speed, arm in enumerate(ARMS, 10):
            if shape == "checks":
                yield _check(cell if number % 2 else f"{cell}-{number}", arm)
            elif shape == "copies":  # as if the lines of a small file were repeated
                yield _trial(random.Random(f"{place} {number % 7} {arm}"), cell, arm,
                             number, speed, 0)  # fmt: skip
            else:
                singles = 400 if shape == "latencies" else 0
                yield _trial(rng, cell, arm, number, speed, singles)


def _trial(
    rng: random.Random, cell: str, arm: str, number: int, speed: int, singles: int
) -> Trial:
    walls = [int(speed * 400_000 * rng.lognormvariate(0, 0.02)) for _ in range(12)]
    return Trial(
        cell=cell,
        arm=arm,
        round=number,
        judgement=EXACT,
        slices=Slices(
            ops=120,
            lead=24,
            wall_ns=walls,
            cpu_ns=[wall // 2 for wall in walls],
            server_cpu_ns=[wall // 3 for wall in walls],
            voluntary_switches=[120] * len(walls),
            involuntary_switches=[rng.randrange(2) for _ in walls],
        ),
        latency_ns=[int(speed * 3000 * rng.lognormvariate(0, 0.2)) for _ in range(singles)],
        rss_peak_bytes=50_000_000 + rng.randrange(1000),
    )


def _check(cell: str, arm: str) -> Check:
    return Check(
        scenario="family/scenario",
        case=cell.partition("#")[2],
        cell=cell,
        driver=arm,
        profile="configured",
        judgement=EXACT,
        elapsed_ns=1_000_000,
    )


def header(shape: str, cells: list[str], seed: int) -> Header:
    """The first line of a file of this shape."""
    machine = Machine(
        system="Linux",
        release="6",
        cpu="a processor",
        cores=2,
        memory_bytes=8 << 30,
        python="3.11.9",
        implementation="CPython",
        hostname_hash="0",
    )
    server = ServerFacts(
        label="wheel",
        version="18.4",
        version_num=180004,
        managed=True,
        transport="tcp",
        settings={},
        extensions={},
    )
    return Header(
        schema=SCHEMA,
        run=f"{seed:016x}",
        kind="check" if shape == "checks" else "bench",
        pgdyno="0",
        started="2031-01-01T00:00:00+00:00",
        seed=seed,
        machine=machine,
        server=server,
        arms=[
            ArmFacts(id=arm, driver=arm, options=[], profile="configured", kind="sync")
            for arm in ARMS
        ],
        cells=list(map(_cell, cells)),
    )


def _cell(identity: str) -> CellFacts:
    scenario, _, case = identity.partition("#")
    return CellFacts(
        id=identity,
        scenario=scenario,
        case=case,
        point={},
        title="A question",
        why="",
        op="fetch_all",
    )


if __name__ == "__main__":
    main()
