"""The same `pgdyno bench` of two commits, in turns: what of the time was timed?

    python benchmarks/efficiency.py --before v0.1.0 --after HEAD query/point --no-floor

Whatever is no option of this script goes to `pgdyno bench`. Each commit gets a work tree
and an environment of its own in the folder (`--keep`), made once; runs that are there are
not made again, so that a measurement that was cut off goes on where it was. Printed are
medians over the runs. Both commits' files are read by the code of this one, so that both
are counted alike; phases are only known of commits that write them. To clean up, remove the
folder and say `git worktree prune`.

Nothing here is an absolute figure: compare the two columns, of one machine in one hour.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness.analysis.times import measured
from harness.report import format as fmt
from harness.report import spent, view
from harness.results import store

ROOT = Path(__file__).resolve().parents[1]
KEEP = Path(tempfile.gettempdir()) / "pgdyno-efficiency"
ENDED = (0, 3)
"""Exit codes of a bench that measured: with an answer, or with disturbed blocks only."""


# --- making runs ------------------------------------------------------------------------


@dataclass(frozen=True)
class Commit:
    """A commit with its work tree and its environment."""

    sha: str
    folder: Path

    @property
    def short(self) -> str:
        """For people."""
        return self.sha[:10]

    @property
    def tree(self) -> Path:
        """Where its files are."""
        return self.folder / self.short

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.tree / ".venv" / "bin" / "python"

    def prepare(self) -> None:
        """Check it out and install it, if that was not done before."""
        ready = self.tree / ".venv" / "ready"
        if ready.exists():
            return
        if not self.tree.exists():
            git("worktree", "prune")
            git("worktree", "add", "--quiet", "--detach", str(self.tree), self.sha)
        tell(f"installing {self.short}")
        install(self.tree)
        ready.touch()


def git(*words: str) -> str:
    """The output of a git command in this repository."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), *words], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def install(tree: Path) -> None:
    """An environment with this tree's pgdyno and all drivers, by uv where that is there."""
    target, wanted = str(tree / ".venv"), f"{tree}[all]"
    python = f"{target}/bin/python"
    if uv := shutil.which("uv"):
        make = [
            uv,
            "venv",
            "--quiet",
            "--allow-existing",
            "--python",
            sys.executable,
            target,
        ]
        fill = [uv, "pip", "install", "--quiet", "--python", python, "--editable", wanted]
    else:
        make = [sys.executable, "-m", "venv", target]
        fill = [python, "-m", "pip", "install", "--quiet", "--editable", wanted]
    subprocess.run(make, check=True)
    subprocess.run(fill, check=True)


def made(commit: Commit, arguments: Sequence[str], number: int) -> Path:
    """The results of a run of this number; a run that is complete is not made again.

    Beside the file stands another one with what the command took; it is written last.
    """
    asked = hashlib.sha256(json.dumps(list(arguments)).encode()).hexdigest()[:8]
    file = commit.folder / "runs" / f"{commit.short}-{asked}-{number}.jsonl"
    if took_file(file).exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    tell(f"run {number + 1} of {commit.short}")
    command = [str(commit.python), "-m", "harness", "bench", *arguments, "--out", str(file)]
    begun = time.perf_counter_ns()
    done = subprocess.run(command, cwd=commit.tree, stdout=subprocess.DEVNULL)
    wall_ns = time.perf_counter_ns() - begun
    if done.returncode not in ENDED:
        sys.exit(f"{commit.short} ended with exit code {done.returncode}")
    took_file(file).write_text(json.dumps({"wall_ns": wall_ns}))
    return file


def took_file(file: Path) -> Path:
    """What the command of a run took, beside its results."""
    return file.with_suffix(".json")


def tell(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


# --- reading them -----------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """What one run says of itself. `wall_ns` is the command from start to end."""

    wall_ns: int
    timed_ns: int
    cells: int
    with_interval: int
    blocks_disturbed: int
    passes_left_out: float | None
    phases_ns: Mapping[str, int]

    @property
    def timed(self) -> float:
        """The share of the command's time that was timed."""
        return self.timed_ns / self.wall_ns


def figures(file: Path) -> Figures:
    """Of one results file, by what stands in it."""
    run = store.read(file)
    shown = view.build([run]).runs[0]
    screened = shown.screening
    return Figures(
        wall_ns=json.loads(took_file(file).read_text())["wall_ns"],
        timed_ns=sum(map(spent.timed_ns_of, run.trials)),
        cells=len(shown.cells),
        with_interval=sum(any(row.sure for row in cell.rows) for cell in shown.cells),
        blocks_disturbed=len(measured(run).disturbed),
        passes_left_out=screened.share if screened else None,
        phases_ns=run.footer.phases_ns if run.footer else {},
    )


# --- telling ----------------------------------------------------------------------------

Reading = Callable[[Figures], float | None]


def table(sides: Sequence[tuple[str, Sequence[Figures]]]) -> Iterator[str]:
    """A line for each mark with the medians of both, and the second to the first."""
    yield f"{'':<36}" + "".join(f"{name:>16}" for name, _ in sides) + f"{'ratio':>9}"
    yield line("wall", sides, lambda run: run.wall_ns, fmt.duration)
    yield line("timed", sides, lambda run: run.timed_ns, fmt.duration)
    yield line("timed share", sides, lambda run: run.timed, fmt.percentage)
    yield line("cells", sides, lambda run: run.cells, count)
    yield line("cells with an interval", sides, lambda run: run.with_interval, count)
    yield line("blocks thrown away", sides, lambda run: run.blocks_disturbed, count)
    yield line("passes left out", sides, lambda run: run.passes_left_out, fmt.percentage)
    for phase in phases(sides):
        yield line(f"  {phase}", sides, of_phase(phase), fmt.duration)


def line(
    name: str,
    sides: Sequence[tuple[str, Sequence[Figures]]],
    reading: Reading,
    form: Callable[[float], str],
) -> str:
    """One mark; a dash where a commit does not tell."""
    values = [middle(map(reading, runs)) for _, runs in sides]
    cells = (f"{fmt.NONE if value is None else form(value):>16}" for value in values)
    first, second = values[0], values[-1]
    ratio = fmt.times(second / first) if first and second is not None else fmt.NONE
    return f"{name:<36}{''.join(cells)}{ratio:>9}"


def middle(values: Iterator[float | None]) -> float | None:
    """The median of what is known."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def count(number: float) -> str:
    """A median of counts: `11`, `5.5`."""
    return f"{number:g}"


def phases(sides: Sequence[tuple[str, Sequence[Figures]]]) -> list[str]:
    """All phases of all runs, the longest of the last side first."""
    names = {name for _, runs in sides for run in runs for name in run.phases_ns}
    last = sides[-1][1]
    return sorted(names, key=lambda name: (-(middle(map(of_phase(name), last)) or 0), name))


def of_phase(name: str) -> Reading:
    """How long a phase of a run took; None where the run has no phases at all."""
    return lambda run: run.phases_ns.get(name, 0) if run.phases_ns else None


def main() -> int:
    """Make the runs that are missing, in turns, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--before", default="HEAD~1", help="default: %(default)s")
    parser.add_argument("--after", default="HEAD", help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=3, help="of each (default: 3)")
    parser.add_argument(
        "--keep",
        type=Path,
        default=KEEP,
        metavar="DIR",
        help="work trees, environments, runs (default: %(default)s)",
    )
    args, arguments = parser.parse_known_args()
    folder = args.keep.resolve()
    commits = [
        Commit(git("rev-parse", "--verify", f"{name}^{{commit}}"), folder)
        for name in (args.before, args.after)
    ]
    for commit in commits:
        commit.prepare()
    files: dict[str, list[Path]] = {commit.short: [] for commit in commits}
    for number in range(args.runs):
        for commit in commits if number % 2 == 0 else reversed(commits):
            files[commit.short].append(made(commit, arguments, number))
    sides = [(name, [*map(figures, found)]) for name, found in files.items()]
    print("\n".join(table(sides)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
