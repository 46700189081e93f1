"""Gates on a real server: do they stop whom they should, and whom not?

    python -m studies.live_gates [--gates 6]

Each gate compares two arms over the quick cells with the plan of the effort `gate`, and
measures again what regressed. In half of them the arms are one release in two environments
that were made apart; in the others the second is slowed by 5 % of its own time. An equal
arm must not be a regression, a slowed one must be. What is kept is not run again.
`python -m studies.replayed_gates` asks the same of hundreds of gates on a fake clock.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness import environments
from harness.analysis.changes import Answer, Comparison
from harness.cli import bench
from harness.core.arms import Arm, parse
from harness.core.cells import Cell
from harness.core.errors import EXIT_FAILED, EXIT_PASS
from harness.core.verdicts import Change
from harness.environments import cache
from harness.report.comparison import Request, compare
from harness.results.records import Run
from studies.endings import exit_code
from studies.runs import Measurement, quick_cells

VERSION = "asyncpg==0.31.0"
SLOWED = 0.05
GATES = 6


@dataclass(frozen=True, slots=True)
class Gate:
    """Two arms, and whether the second is slower."""

    name: str
    arms: tuple[Arm, Arm]
    slower: bool

    @property
    def measured_arms(self) -> list[Arm]:
        """The A/A arm is a control; a burdened arm has no twin."""
        return bench.with_aa(self.arms, wanted=not self.slower)

    def paths(self, cells: Sequence[Cell]) -> list[str]:
        """What it measures. Clients that share a loop wait for each other's burdens, so
        that a slowed arm would lose far more than its share there."""
        return [cell.id for cell in cells if not (self.slower and cell.clients)]

    def is_right(self, answer: Answer) -> bool:
        """Whether the gate said what is so, or that it cannot tell where nothing is."""
        if self.slower:
            return answer is Answer.REGRESSION
        return answer in (Answer.PASS, Answer.INCONCLUSIVE)


def equal_arms(version: str, folder: Path) -> tuple[Arm, Arm]:
    """One release from two environments: the second is made in a folder of its own."""
    python = "{}.{}".format(*sys.version_info)
    arms = parse(version), parse(f"{version}%{python}")
    environments.of(arms[0], print)
    with variable(cache.VARIABLE, str(folder.absolute())):
        environments.of(arms[1], print)
    return arms


def slowed_arms(version: str) -> tuple[Arm, Arm]:
    """One release; before each op both turn an empty loop, the first one of no turns."""
    arm = parse(version)
    return replace(arm, burden=0.0), replace(arm, burden=SLOWED)


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """An environment variable, for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def played(
    gate: Gate, measurement: Measurement, cells: Sequence[Cell], keep: Path
) -> tuple[Comparison, float]:
    """What a gate answers, and the seconds that it took."""
    out = keep / f"{gate.name}.jsonl"
    run = measurement.run(out, gate.paths(cells), gate.measured_arms)
    base, candidate = gate.arms
    asked = Request(run, run, base.id, candidate.id)
    found = compare(asked)
    if not found.flagged:
        return found, seconds(run)
    flagged = list(dict.fromkeys(row.cell for row in found.flagged))
    again = keep / f"{gate.name}-fresh.jsonl"
    fresh = measurement.run(again, flagged, gate.measured_arms)
    return compare(replace(asked, fresh=fresh)), seconds(run) + seconds(fresh)


def seconds(run: Run) -> float:
    """How long a run took."""
    return run.footer.elapsed_ns / 1e9 if run.footer else 0.0


def row(gate: Gate, found: Comparison, took_s: float) -> str:
    """A gate as a row of the table."""
    kinds = (Change.REGRESSED, Change.IMPROVED, Change.SAME, Change.INCONCLUSIVE)
    counts = [str(found.counts[kind]) for kind in kinds]
    mark = "✓" if gate.is_right(found.answer) else "✗"
    cells = (gate.name, f"{mark} {found.answer}", *counts, f"{took_s:.0f} s")
    return f"| {' | '.join(cells)} |"


def parser() -> argparse.ArgumentParser:
    """The options of the study."""
    made = argparse.ArgumentParser(
        prog="python -m studies.live_gates",
        description="Gates over the quick cells: on equal arms, and on one slowed by 5 %. "
        "Exits 1 if one says what is not so. What is kept is not run again.",
    )
    made.add_argument(
        "--gates",
        type=int,
        default=GATES,
        metavar="N",
        help=f"gates of each kind (default: {GATES})",
    )
    made.add_argument("--server", default="wheel", metavar="S", help="as for pgdyno bench")
    made.add_argument(
        "--version", default=VERSION, metavar="ARM", help="a driver's release"
    )
    made.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        default=Path("results/gates"),
        help="where runs are kept (default: results/gates)",
    )
    return made


def run(args: argparse.Namespace, measurement: Measurement, cells: Sequence[Cell]) -> int:
    """Print a row for each gate."""
    args.keep.mkdir(parents=True, exist_ok=True)
    kinds = {
        "identical": (equal_arms(args.version, args.keep / "environments"), False),
        "slowed": (slowed_arms(args.version), True),
    }
    print("| gate | answer | slower | faster | same | inconclusive | took |")
    print("|---|---|--:|--:|--:|--:|--:|")
    right = True
    for number in range(1, args.gates + 1):
        for name, (arms, slower) in kinds.items():
            gate = Gate(f"{name}-{number}", arms, slower)
            found, took_s = played(gate, measurement, cells, args.keep)
            print(row(gate, found, took_s), flush=True)
            right = right and gate.is_right(found.answer)
    return EXIT_PASS if right else EXIT_FAILED


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code; a known error is a sentence."""
    args = parser().parse_args(argv)
    return exit_code(lambda: run(args, Measurement(server=args.server), quick_cells()))


if __name__ == "__main__":
    sys.exit(main())
