"""A bench beside a neighbour: what does it cost, answers or precision?

    python benchmarks/busy.py [--busy-ms 10] [--idle-ms 23] [--core server|clients]
        [--borrowed] […]

Runs `pgdyno bench` twice with the same further arguments, alone and beside a process that
uses one of the cores, and prints for both: questions with an interval, passes left out,
blocks thrown away, the width of a typical interval, and how far a driver was from itself.
With `--borrowed` the server is one that was there already, on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import servers
from harness.machine import host
from harness.report import format as fmt
from harness.report import measured, quality, view
from harness.results import store
from harness.results.records import Run
from harness.validity.interference import hog


def bench(name: str, arguments: list[str]) -> str:
    """One run of the command, and what it says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.jsonl"
        command = [sys.executable, "-m", "harness", "bench", *arguments, "--out", str(out)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        return line(name, store.read(out))


def line(name: str, run: Run) -> str:
    """What a run says of itself."""
    shown = view.build([run]).runs[0]
    ranked = sum(map(measured.is_ranked, shown.cells))
    blocks = {(trial.cell, trial.round, trial.attempt): trial for trial in run.trials}
    thrown = sum(bool(trial.disturbed) for trial in blocks.values())
    timed = [trial for trial in blocks.values() if trial.slices]
    passes = sum(len(trial.slices.wall_ns) for trial in timed if trial.slices)
    left_out = sum(len(trial.left_out) for trial in timed)
    precision = quality.typical_precision(shown.cells)
    width = f"±{fmt.change(precision, sign=False)}" if precision else "–"
    shifts = [cell.shift.point for test in shown.self_tests for cell in test.cells]
    aa = f"{fmt.change(min(shifts))} … {fmt.change(max(shifts))}" if shifts else "–"
    seconds = run.footer.elapsed_ns / 1e9 if run.footer else 0.0
    return (
        f"{name:<8}{seconds:>6.0f} s  {ranked} of {len(shown.cells)} ranked  "
        f"{left_out}/{passes} passes out  {thrown}/{len(blocks)} blocks out  "
        f"{width}  A/A {aa}"
    )


@contextlib.contextmanager
def lent(wanted: bool) -> Iterator[None]:
    """A server for commands to borrow, if one is wanted."""
    if not wanted:
        yield
        return
    with servers.open_server(servers.parse("wheel")) as server:
        to = server.target
        os.environ["PGDYNO_DSN"] = (
            f"postgresql://{to.user}:{to.password}@{to.host}:{to.port}/{to.dbname}"
        )
        yield


def main() -> None:
    """Alone, then beside the neighbour."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--busy-ms", type=float, default=10)
    parser.add_argument("--idle-ms", type=float, default=23)
    parser.add_argument("--core", choices=("server", "clients"), default="server")
    parser.add_argument("--borrowed", action="store_true")
    args, arguments = parser.parse_known_args()
    placement = host.place(server=True)
    (core,) = placement.server if args.core == "server" else placement.clients
    with lent(args.borrowed):
        print(bench("alone", arguments), flush=True)
        with hog([core], args.busy_ms / 1e3, args.idle_ms / 1e3):
            print(bench("beside", arguments), flush=True)


if __name__ == "__main__":
    main()
