"""`pgdyno bisect`: in which released version did a cell change?"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.compare import share
from harness.cli.terminal import say
from harness.core.arms import PROFILES, Arm

if TYPE_CHECKING:
    from harness.bisect.conclusion import Conclusion
    from harness.bisect.contrasts import Contrast, Question
    from harness.cli.bisecting import KeptRuns
    from harness.core.cells import Cell
    from harness.scenario import Scenario

WHAT = ("verdict", "time")
WIDTH = 80
MOST = 8

# Both are shown as they stand here, so they are wrapped by hand.
_DESCRIPTION = """\
Find the released version in which a cell changed: the two ends are compared,
then the version in the middle with both of them, and so on. Each step is a run
of its own with all its versions side by side, judged by the gate of
`pgdyno compare`. A verdict that changed is looked for first, without timing.
"""
_EPILOG = """\
exit codes: 0 no change, or one for the better was found, 1 a version made the
cell worse, 3 inconclusive, or only a range is known, 4 nothing to compare

Each run is kept in a file; after Ctrl-C the same command goes on from there.

examples:
  pgdyno bisect copy/in#rows --driver asyncpg --from 0.27 --to 0.32
  pgdyno bisect types/numbers --driver psqlpy --from 0.11.12 --to 0.13.1 \\
      --what verdict
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bisect",
        help="find the released version in which a cell changed",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "cell",
        metavar="CELL",
        help="a cell or a case (copy/in#rows); of several cells the one that changed "
        "most is followed",
    )
    parser.add_argument(
        "--driver",
        required=True,
        metavar="D",
        help="a driver with its options and, with %%PYTHON, its interpreter",
    )
    for flag, name in (("--from", "first"), ("--to", "last")):
        parser.add_argument(
            flag, dest=name, required=True, metavar="VERSION", help=f"the {name} version"
        )
    parser.add_argument(
        "--what",
        choices=WHAT,
        help="what may have changed (default: the verdict; if that is the same, the time)",
    )
    parser.add_argument(
        "--profile", choices=PROFILES, default="configured", help="default: configured"
    )
    parser.add_argument(
        "--threshold",
        type=share,
        metavar="SHARE",
        help="differences up to this are the same: 3%% or 0.03 (default: the settings')",
    )
    options.add_server(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of the runs (default: results/bisect/… by the arguments)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Search; the exit code says what was found."""
    from harness.cli.bisecting import folder_of
    from harness.environments import releases
    from harness.scenario import select_cells

    driver = _driver(args)
    args.first, args.last = (_version(driver, text) for text in (args.first, args.last))
    scenarios, cells = select_cells([args.cell])
    versions = releases.between(driver, args.first, args.last)
    folder = folder_of(args, driver)
    say(f"bisect  {args.cell} · {driver.name} {args.first} … {args.last}")
    say_wrapped(f"released between them: {', '.join(versions) or 'none'}")
    bisection = Bisection(args, driver, scenarios, cells, versions, folder)
    try:
        return bisection.run()
    except KeyboardInterrupt as stop:
        stop.add_note(f"what was measured is in {folder}: the same command goes on there")
        raise


def say_wrapped(text: str, indent: str = "") -> None:
    """A text in lines that fit."""
    from harness.report import format as fmt

    for line in fmt.wrapped(text, WIDTH, first=indent, rest=f"{indent}  "):
        say(line)


def _server_words(args: argparse.Namespace) -> list[str]:
    """The options of the server, where they are not the usual ones; never a password."""
    words = []
    if args.server not in ("wheel", "dsn"):
        address = args.server.startswith("dsn:") or "://" in args.server
        words += ["--server", "dsn:…" if address else args.server]
    return words + (["--transport", args.transport] if args.transport != "tcp" else [])


def _driver(args: argparse.Namespace) -> Arm:
    """The driver that is asked for, of no version yet."""
    from harness.core.errors import UsageError

    (arm,) = options.arms([args.driver], args.profile)
    if arm.pin.version or arm.pin.path:
        raise UsageError(
            f"--driver {args.driver} names a copy of the library already",
            hint=f"--driver {arm.unpinned} --from VERSION --to VERSION",
        )
    return arm


def _version(driver: Arm, text: str) -> str:
    """A version as arms have it."""
    from harness.core.arms import parse

    return parse(f"{driver.unpinned}=={text}").pin.version


@dataclass(frozen=True, slots=True)
class Bisection:
    """What was asked for, and the versions between the ends."""

    args: argparse.Namespace
    driver: Arm
    scenarios: Sequence[Scenario]
    cells: Sequence[Cell]
    versions: Sequence[str]
    folder: Path

    def run(self) -> int:
        """Verdicts first, for they take seconds; then times, of what has any."""
        from harness.bisect.contrasts import Verdicts
        from harness.core.errors import UsageError

        verdicts: list[Contrast] = []
        if self.args.what != "time":
            cells = {cell.id: cell for cell in self.cells}
            verdicts = self._compared(Verdicts(), "verdict", cells)
            if verdicts[0].changed:
                return self._search(Verdicts(), "verdict", verdicts)
        timed = {cell.id: cell for cell in self.cells if cell.bench is not None}
        if timed and self.args.what != "verdict":
            return self._times(timed)
        if not verdicts:
            raise UsageError(
                f"nothing in {self.args.cell} can be timed", hint="--what verdict"
            )
        return self._unchanged(verdicts)

    def _times(self, cells: Mapping[str, Cell]) -> int:
        from harness.bisect.contrasts import STEP_TESTS, Times
        from harness.cli.compare import rules

        gate, threshold = replace(rules([]), cells=(), controls=()), self.args.threshold
        found = self._compared(Times(gate, threshold), "time", cells)
        if found[0].changed:
            return self._search(Times(gate, threshold, STEP_TESTS), "time", found)
        return self._unchanged(found)

    def _compared(
        self, question: Question, what: str, cells: Mapping[str, Cell]
    ) -> list[Contrast]:
        """What the two ends do, told cell by cell."""
        from harness.bisect.steps import ends
        from harness.core.errors import ResultsError

        runs = self._runs(what, cells)
        found = ends(question, runs, self.args.first, self.args.last, list(cells))
        if not found:
            raise ResultsError(
                f"nothing of {self.args.cell} was measured in both {self._ends}",
                hint=f"pgdyno report {self.folder}/*.jsonl shows what became of it",
            )
        self._tell(what, found)
        return found

    def _tell(self, what: str, found: Sequence[Contrast]) -> None:
        """How many cells changed, and what became of those that are not the same."""
        same = sum(told.changed is False for told in found)
        others = [told for told in found if told.changed is not False]
        changed = sum(bool(told.changed) for told in others)
        say(
            f"{what}, {self.args.first} → {self.args.last}: {changed} changed, {same} the "
            f"same, {len(others) - changed} undecided"
        )
        for told in others[:MOST] if len(found) > 1 else found:
            say(f"  {told.cell}\n    {told.said}")
        if len(others) > MOST:
            say(f"  … and {len(others) - MOST} more")

    def _search(self, question: Question, what: str, found: Sequence[Contrast]) -> int:
        """Follow the clearest change to its version."""
        from harness.bisect.conclusion import Conclusion
        from harness.bisect.steps import Steps

        first = found[0]
        if len(found) > 1:
            say(f"followed is {first.cell}")
        cells = {cell.id: cell for cell in self.cells if cell.id == first.cell}
        steps = Steps(question, self._runs(what, cells), first.cell, first, say)
        end = steps.search((self.args.first, *self.versions, self.args.last))
        conclusion = Conclusion(self.driver.name, end, steps.evidence, steps.reasons)
        return self._told(conclusion, what)

    def _told(self, conclusion: Conclusion, what: str) -> int:
        """The evidence and how to see it again, the conclusion last."""
        arms = [conclusion.evidence.before, conclusion.evidence.after]
        say(f"runs    {self.folder}")
        say("again:")
        say(self._again(conclusion.evidence.cell, arms, what))
        sentence = f"{conclusion.evidence.cell} {conclusion.sentence}"
        return self._ended(conclusion.exit_code, sentence, *conclusion.details)

    def _again(self, cell: str, arms: Sequence[str], what: str) -> str:
        """The commands that repeat the last comparison."""
        from harness.report.commands import command, path_of

        words = ["--driver", arms[0], "--driver", arms[1]]
        words += ["--profile", self.args.profile, *_server_words(self.args)]
        path = path_of(cell, [self.args.cell])
        if what == "verdict":
            return command("pgdyno", "check", path, *words)
        out = ("--effort", "gate", "--out", "again.jsonl")
        base = ("--base", arms[0], "--candidate", arms[1])
        return "\n".join(
            (
                command("pgdyno", "bench", path, *words, *out),
                command("pgdyno", "compare", "again.jsonl", *base),
            )
        )

    def _unchanged(self, found: Sequence[Contrast]) -> int:
        from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_PASS

        say(f"runs    {self.folder}")
        if all(told.changed is False for told in found):
            return self._ended(EXIT_PASS, f"no change between {self._ends}")
        if all(told.blocked for told in found if told.changed is None):
            return self._ended(EXIT_INVALID, f"{self._ends} cannot be compared")
        return self._ended(
            EXIT_INCONCLUSIVE,
            f"whether anything changed between {self._ends} is inconclusive",
        )

    def _ended(self, code: int, sentence: str, *details: str) -> int:
        say_wrapped(sentence)
        for detail in details:
            say_wrapped(detail, "  ")
        say(f"exit {code}")
        return code

    def _runs(self, what: str, cells: Mapping[str, Cell]) -> KeptRuns:
        from harness.cli.bisecting import KeptRuns

        return KeptRuns(self.args, self.driver, self.folder, self.scenarios, cells, what)

    @property
    def _ends(self) -> str:
        return f"{self.driver.name} {self.args.first} and {self.args.last}"
