"""`pgdyno try`: a statement of one's own, checked and timed with all drivers at once."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.terminal import complain, remark, say
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.conditions import Condition
from harness.core.errors import EXIT_INVALID, UsageError
from harness.core.verdicts import Code, Verdict

if TYPE_CHECKING:
    from harness.play.process import WorkerProcess
    from harness.report.tried import Tried
    from harness.results.records import Check
    from harness.scenario import Scenario
    from harness.statements import Examined, Proposal
    from harness.venue.venue import Venue

SECONDS = 12.0
"""How long the timing may take, unless somebody says otherwise."""
_MOST_ROUNDS = 24
"""Time is what ends a try: rounds that somebody disturbed leave some for others."""
_SLOW_S = 0.25
"""From here on six rounds of all drivers do not fit into `SECONDS`."""
_OPS = ("fetch_all", "fetch_one", "fetch_val")


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "try",
        help="a statement of your own: check and time it with all drivers, no file needed",
        description="Check and time one statement with all installed drivers: which values "
        "they give, how fast they are, and the scenario file that repeats it. Names are "
        "looked up as the server's user does; the sessions only read.",
    )
    parser.add_argument("sql", metavar="SQL", help="one statement, with $1, $2, …")
    parser.add_argument(
        "--params",
        metavar="SQL",
        default="",
        help="makes the parameters: a row for each call, its columns are $1, $2, …; "
        "without a limit of its own, 200 rows",
    )
    parser.add_argument(
        "--op",
        choices=_OPS,
        default="fetch_all",
        help="all rows, the first one, or its first value (default: fetch_all)",
    )
    parser.add_argument(
        "--writes",
        action="store_true",
        help="for insert, update, delete and merge: play them on copies of their tables, "
        "in a schema of pgdyno's own",
    )
    options.add_drivers(parser)
    options.add_server(parser)
    options.add_conditions(parser)
    options.add_profile(parser)
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        metavar="S",
        help=f"how long the timing may take (default: {SECONDS:g})",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="order of slices (default: random)"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE.toml", help="write the scenario to a new file"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.jsonl",
        help="file to write the run to (default: results/runs/TIME.jsonl)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "markdown"),
        default="text",
        help="how the result is printed; json and markdown have stdout for themselves "
        "(default: text)",
    )
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 86_400:
        raise argparse.ArgumentTypeError("seconds above 0, up to a day")
    return value


@dataclass(slots=True)
class Found:
    """What is known at a moment: a Ctrl-C keeps it."""

    question: Examined
    scenario: Scenario
    text: str
    cells: Sequence[Cell]
    checks: Sequence[Check] = ()
    run: Path | None = None


def run(args: argparse.Namespace) -> int:
    """Examine, check, time; the exit code says whether the values are right."""
    from harness import servers
    from harness.play import early
    from harness.results import store
    from harness.venue import venue

    begun = time.monotonic()
    conditions = options.conditions(args)
    asked = _asked(args, conditions)
    _check_save(args.save)
    if args.out:
        store.check_new(args.out)
    arms = options.arms(args.driver, args.profile)
    options.make_environments(arms)
    needed = venue.connections_needed([], arms)
    spec = servers.parse(args.server, max_connections=needed, transport=args.transport)
    with early.started(arms) as workers, venue.opened(spec) as place:
        found = _found(args, place, asked, conditions)
        try:
            found.checks = _checked(args, place, found, arms, workers)
            timed = _timeable(found.checks, arms)
            if timed and not found.question.untimed:
                _measure(args, place, found, timed)
        except KeyboardInterrupt:
            _tell(args, place, found, begun)
            raise
        return _tell(args, place, found, begun)


def _asked(args: argparse.Namespace, conditions: Sequence[Condition]) -> Proposal:
    from harness.statements import Proposal, single

    rtt_ms = max((condition.rtt_ms for condition in conditions), default=0.0)
    params = single(args.params, "--params") if args.params else ""
    return Proposal(single(args.sql), params, args.op, rtt_ms / 1e3, args.seconds)


def _check_save(file: Path | None) -> None:
    """Before anything is measured: a file that is there already stays as it is."""
    from harness.scenario import check_name

    if file is None:
        return
    if file.suffix != ".toml":
        raise UsageError(f"--save {file}: a scenario file ends in .toml")
    check_name(file.stem, str(file))
    if file.exists():
        raise UsageError(f"--save {file}: it exists already", hint="name a new file")
    if not file.parent.is_dir():
        raise UsageError(f"--save {file}: there is no folder {file.parent}")


def _found(
    args: argparse.Namespace, place: Venue, asked: Proposal, conditions: Sequence[Condition]
) -> Found:
    """The statement as a scenario, through a file like any other."""
    from harness.scenario import load
    from harness.statements import examined, examined_on_copies, scenario_text

    if args.writes:
        question = examined_on_copies(place.stage, asked)
    else:
        question = examined(place.control, asked)
    text = scenario_text(question, conditions)
    file = place.folder / (args.save.name if args.save else "try.toml")
    file.write_text(text, "utf-8")
    scenario = load(file)
    if args.save:
        with args.save.open("x", encoding="utf-8") as saved:
            saved.write(text)
    return Found(
        question, scenario, text, options.under_conditions(args, list(scenario.cells))
    )


# --- right? -----------------------------------------------------------------------------


def _checked(
    args: argparse.Namespace,
    place: Venue,
    found: Found,
    arms: Sequence[Arm],
    workers: Mapping[Arm, WorkerProcess],
) -> list[Check]:
    """Every driver's verdict, each said as soon as it is known."""
    from harness.check.checker import Checker, Hellos
    from harness.check.order import in_order
    from harness.render.tried import verdict_line

    tell = say if args.format == "text" else remark
    checks: list[Check] = []

    def report(check: Check) -> None:
        if args.driver or check.code != Code.NO_DRIVER:
            checks.append(check)
            tell(verdict_line(check))

    def begin(greeted: Hellos) -> None:
        options.tell_absent(greeted)

    checker = Checker(place.stage, arms, place.folder, report, workers)
    checker.run(found.cells, begin)
    return in_order(checks, found.cells, arms)


def _timeable(checks: Sequence[Check], arms: Sequence[Arm]) -> list[Arm]:
    """The drivers whose values may be timed."""
    able = {check.driver for check in checks if Verdict(check.verdict).timeable}
    return [arm for arm in arms if arm.name in able]


# --- fast? ------------------------------------------------------------------------------


def _measure(
    args: argparse.Namespace, place: Venue, found: Found, arms: Sequence[Arm]
) -> None:
    """Time those whose values are right, as `bench` does, into a run file."""
    from harness.bench import conditions, orders, schedule
    from harness.cli.bench import default_path, with_aa
    from harness.cli.progress import BenchProgress

    quick = schedule.PLANS["quick"]
    plan = replace(quick, budget_s=args.seconds, max_rounds=_MOST_ROUNDS)
    plan = conditions.budgeted(plan, found.cells, arms)
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(2**31)
    timed = with_aa(arms, wanted=True)
    order = orders.Order([found.scenario], found.cells, timed, plan, "quick", seed)
    found.run = args.out or default_path()
    with BenchProgress() as progress:
        orders.measure(place, order, found.run, progress, complain=complain)


# --- the end ----------------------------------------------------------------------------


def _tell(args: argparse.Namespace, place: Venue, found: Found, begun: float) -> int:
    """Say what was found so far, in the form that was asked for; the exit code."""
    from harness.render import json as drawn
    from harness.render import tried as draw
    from harness.report import tried, view
    from harness.report.numbers import numbers
    from harness.results import store

    timed = store.read(found.run) if found.run and found.run.exists() else None
    (shown,) = view.build([timed]).runs if timed else (None,)
    head = _head(place, found, time.monotonic() - begun)
    notes = _notes(found.question)
    end = tried.build(head, found.checks, timed, shown, found.text, notes)
    if args.format == "json":
        say(drawn.tried(end, found.checks, list(numbers(shown)) if shown else []).rstrip())
    elif args.format == "markdown":
        say(draw.markdown(end).rstrip())
    else:
        say(f"\n{draw.text(end)}".rstrip())
    if found.run:
        remark(f"results: {found.run}")
    if args.save:
        remark(f"scenario: {args.save}")
    return _code(end, found.checks)


def _head(place: Venue, found: Found, seconds: float) -> list[str]:
    from harness.report import format as fmt
    from harness.statements.copies import ROWS

    question = found.question
    parts = [f"try  {found.scenario.title}"]
    if question.params:
        few = question.calls < question.offered
        of = f"{question.calls} of " if few else ""
        parts.append(of + fmt.plural(question.offered, "parameter"))
    if question.copied:
        parts.append(f"copies of {', '.join(question.copied)}, {ROWS:,} rows at most")
    return [*parts, f"PostgreSQL {place.facts.version}", f"{seconds:.0f} s"]


def _notes(question: Examined) -> list[str]:
    """What a reader must know of how it was played."""
    notes = []
    if question.left_out:
        listed = ", ".join(question.left_out)
        notes.append(
            f"not compared, because clocks, random keys or counters fill them: {listed}."
        )
    if question.seconds > _SLOW_S:
        notes.append(
            f"an op takes {question.seconds:.1f} s, so rounds are long: --seconds gives "
            "them time for an interval."
        )
    if question.untimed:
        notes.append(f"checked and not timed: {question.untimed}.")
    return notes


def _code(end: Tried, checks: Sequence[Check]) -> int:
    """Who was named and cannot be asked leaves the answer incomplete."""
    missing = any(check.code == Code.NO_DRIVER for check in checks)
    return end.code or (EXIT_INVALID if missing else 0)
