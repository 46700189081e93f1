"""What changed between versions of drivers: recipes, each a question with its answer.

    python -m studies.recipes [RECIPE…] [--part times|verdicts]

The versions of a recipe are arms of one run. Each is compared with the one before it, and
the last with the first. Times are those of the cells that the question is about, verdicts
those of the whole catalogue. What is kept is not run again, and a version that cannot be
installed is left out with its reason.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from harness.analysis.changes import CellChange
from harness.cli import bench
from harness.cli.main import main as pgdyno
from harness.core.arms import Arm, parse
from harness.core.errors import EXIT_PASS, UsageError
from harness.report import format as fmt
from harness.report.comparison import Request, compare
from harness.results.records import Run
from harness.validity import kept
from studies.endings import exit_code
from studies.runs import Measurement, available, lasting, quick_cells

PARTS = ("times", "verdicts")
MEASURE_S = 200


@dataclass(frozen=True, slots=True)
class Recipe:
    """Versions of a driver, the oldest first; no cells stand for the quick ones."""

    question: str
    driver: str
    versions: tuple[str, ...]
    cells: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def arms(self) -> list[Arm]:
        """An arm for each version."""
        return [parse(f"{self.driver}=={version}") for version in self.versions]


RECIPES: Mapping[str, Recipe] = {
    "asyncpg": Recipe(
        "Did copy_records_to_table become 22 % slower (asyncpg#1327)?",
        "asyncpg",
        ("0.30.0", "0.31.0", "0.32.0"),
        (
            "copy/in#rows@format=binary,rows=1000",
            "copy/in#rows@format=binary,rows=10000",
            "copy/in#wide-rows@format=binary,rows=1000",
            "classic/writes#copy-rows",
        ),
    ),
    "psqlpy": Recipe(
        "By how much did execute_many change?",
        "psqlpy",
        ("0.11.12", "0.12.1", "0.13.1"),
        (
            "execute_many/strategies#insert@rows=100,strategy=execute_many",
            "execute_many/strategies#insert@rows=1000,strategy=execute_many",
            "execute_many/strategies#insert@rows=10000,strategy=execute_many",
            "classic/writes#batch",
        ),
    ),
    "psycopg": Recipe(
        "Which times and which verdicts changed from 3.1 to 3.3?",
        "psycopg",
        ("3.1.20", "3.2.13", "3.3.9"),
    ),
    "psycopg2": Recipe(
        "Which times and which verdicts changed from 2.9.9 to 2.9.13?",
        "psycopg2",
        ("2.9.9", "2.9.13"),
    ),
}


# --- times ------------------------------------------------------------------------------


def times(
    recipe: Recipe, arms: Sequence[Arm], measurement: Measurement, out: Path
) -> Iterator[str]:
    """Measure all versions in one run; a row for each cell, a column for each step."""
    cells = recipe.cells or [cell.id for cell in quick_cells()]
    run = measurement.run(out, cells, bench.with_aa(arms, wanted=True))
    steps = list(pairs(arms))
    found = [changes(run, base, candidate) for base, candidate in steps]
    names = [f"{base.pin.version} → {candidate.pin.version}" for base, candidate in steps]
    yield f"| cell | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for cell in cells:
        yield f"| `{cell}` | {' | '.join(told(step.get(cell)) for step in found)} |"


def pairs(arms: Sequence[Arm]) -> Iterator[tuple[Arm, Arm]]:
    """Each version with the next, and the first with the last."""
    yield from pairwise(arms)
    if len(arms) > 2:
        yield arms[0], arms[-1]


def changes(run: Run, base: Arm, candidate: Arm) -> dict[str, CellChange]:
    """What changed between two arms of a run, by cell."""
    comparison = compare(Request(run, run, base.id, candidate.id))
    return {row.cell: row for row in comparison.changes}


def told(row: CellChange | None) -> str:
    """`+22.1 % (+20.9 … +23.4 %), regressed`, or why there is no number."""
    if row is None:
        return fmt.NONE
    if row.shift is None:
        return f"{row.change}: {row.reason}"
    interval = fmt.change_interval(row.shift)
    return f"{fmt.change(row.shift.point)} ({interval}), {row.change}"


# --- verdicts ---------------------------------------------------------------------------


def verdicts(recipe: Recipe, arms: Sequence[Arm], server: str, out: Path) -> Iterator[str]:
    """Ask all versions the catalogue; a guide from each version to the next."""
    drivers = [word for arm in arms for word in ("--driver", arm.name)]
    common = ("--profile", "configured", "--server", server)
    if not kept.complete(out):
        out.unlink(missing_ok=True)
        pgdyno(["check", *recipe.paths, *drivers, *common, "--out", str(out)])
    for base, candidate in pairs(arms):
        guide = out.with_name(f"{base.name}-{candidate.name}.md")
        asked = ["diff", base.name, candidate.name, "--from", str(out)]
        code = pgdyno([*asked, "--out", str(guide)])
        if code == EXIT_PASS:
            _, _, lead, *_ = guide.read_text("utf-8").splitlines()
            yield f"{base.name} → {candidate.name}: {lead}"


# --- the study --------------------------------------------------------------------------


def answered(
    name: str, recipe: Recipe, args: argparse.Namespace, measurement: Measurement
) -> Iterator[str]:
    """A recipe's answer as Markdown, line by line."""
    yield f"## {name}: {recipe.question}"
    arms, problems = available(recipe.arms)
    yield from (f"left out: {problem}" for problem in problems.values())
    if len(arms) < 2:
        yield "fewer than two versions are there: nothing to compare"
        return
    if "times" in args.part:
        yield from times(recipe, arms, measurement, args.keep / f"{name}-times.jsonl")
    if "verdicts" in args.part:
        out = args.keep / f"{name}-verdicts.jsonl"
        yield from verdicts(recipe, arms, measurement.server, out)


def parser() -> argparse.ArgumentParser:
    """The options of the study."""
    made = argparse.ArgumentParser(
        prog="python -m studies.recipes",
        description="What changed between versions of drivers: measured, and asked. What "
        "is kept is not run again.",
    )
    known = ", ".join(RECIPES)
    made.add_argument(
        "recipe", nargs="*", metavar="RECIPE", help=f"any of {known} (default: all)"
    )
    made.add_argument(
        "--part",
        action="append",
        choices=PARTS,
        help="only the times, or only the verdicts (default: both)",
    )
    made.add_argument(
        "--seconds",
        type=float,
        default=MEASURE_S,
        metavar="N",
        help=f"how long each recipe measures (default: {MEASURE_S})",
    )
    made.add_argument("--server", default="wheel", metavar="S", help="as for pgdyno bench")
    made.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        default=Path("results/recipes"),
        help="where runs and guides are kept (default: results/recipes)",
    )
    return made


def run(args: argparse.Namespace) -> int:
    """Print the answers."""
    wanted = {name: _recipe(name) for name in args.recipe or RECIPES}
    args.part = args.part or PARTS
    args.keep.mkdir(parents=True, exist_ok=True)
    measurement = Measurement(lasting(args.seconds), args.server)
    for name, recipe in wanted.items():
        for line in answered(name, recipe, args, measurement):
            print(line, flush=True)
    return EXIT_PASS


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code; a known error is a sentence."""
    args = parser().parse_args(argv)
    return exit_code(lambda: run(args))


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise UsageError(f"there is no recipe '{name}': {', '.join(RECIPES)}")
    return RECIPES[name]


if __name__ == "__main__":
    sys.exit(main())
