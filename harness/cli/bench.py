"""`pgdyno bench`: how fast is it? Interleaved, verified, written to a file as it goes."""

from __future__ import annotations

import argparse
import datetime
import json
import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from harness import environments, lanes
from harness.cli import crowding, decomposing, options
from harness.cli.compare import add_rules
from harness.cli.terminal import complain, remark, say
from harness.core.arms import Arm, Profile
from harness.core.cells import Cell, Effort
from harness.core.errors import DriverError, UsageError
from harness.core.patterns import names_cell

if TYPE_CHECKING:
    from harness.bench.assignment import Forecast
    from harness.bench.orders import Order
    from harness.bench.schedule import Plan
    from harness.report.view import Report, RunView
    from harness.results.records import Run
    from harness.scenario import Scenario
    from harness.servers import ServerSpec

FORMATS = ("text", "json", "markdown")
_TIERS: dict[Effort, tuple[Effort, ...]] = {
    "quick": ("quick",),
    "standard": ("quick", "standard"),
    "full": ("quick", "standard", "full"),
    "gate": ("quick",),
}


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "bench",
        help="how fast is it: time cases side by side in one run",
        description="Time cases, each driver in fresh processes, short slices interleaved "
        "in random order, every result verified before and after. With PATH: all sweep "
        "points of that path.",
    )
    options.add_paths(parser)
    options.add_drivers(parser)
    options.add_server(parser)
    options.add_conditions(parser)
    add_measuring(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument(
        "--decompose",
        action="store_true",
        help="what a layer costs: beside each driver all installed wrappers and stacks on "
        "it (SQLSpec, SQLAlchemy, Django), and each of them over answers from memory",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.jsonl",
        help="file to write the run to (default: results/runs/TIME.jsonl)",
    )
    parser.add_argument(
        "--confirm",
        type=Path,
        action="append",
        default=[],
        metavar="RUN",
        help="measure again only what regressed in this run between --driver BASE and "
        "--driver CANDIDATE, or between two runs if given twice, with the effort gate; "
        "what fresh data do not show does not count",
    )
    add_rules(parser, "with --confirm: ")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a report there")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="how the result is printed; json and markdown have stdout for themselves "
        "(default: text)",
    )
    parser.set_defaults(run=run)


def add_measuring(parser: argparse.ArgumentParser) -> None:
    """What is counted, how much of it, and what beside the drivers that are asked for."""
    parser.add_argument(
        "--effort",
        choices=get_args(Effort),
        default="quick",
        help="quick: 11 cells, 75 s · standard: 36 cells, 7 minutes · full: everything · "
        "gate: enough rounds for a corrected test, of those that the settings gate or the "
        "same 11 (default: quick)",
    )
    parser.add_argument(
        "--lane",
        choices=lanes.known(),
        default=lanes.DEFAULT,
        help=f"what is counted; {_lanes()} "
        f"(default: {lanes.DEFAULT}, with --processes {crowding.LANE})",
    )
    crowding.add_options(parser)
    options.add_profile(parser)
    parser.add_argument(
        "--seed", type=int, metavar="N", help="order of slices (default: random)"
    )
    parser.add_argument(
        "--no-aa", action="store_true", help="leave out the A/A arm, one driver run twice"
    )
    parser.add_argument(
        "--no-floor",
        action="store_true",
        help="leave out the references: pgbench and an op that does nothing",
    )


def _lanes() -> str:
    """What can be counted, each lane in a sentence."""
    return " · ".join(f"{lane.name}: {lane.sentence}" for lane in lanes.known().values())


def run(args: argparse.Namespace) -> int:
    """Measure; results go to a file, its path to stdout, or stderr beside a document."""
    args.lane = crowding.lane_of(args)
    if args.confirm and args.decompose:
        raise UsageError("--confirm measures what regressed, --decompose what layers cost")
    if args.confirm:
        from harness.cli.confirming import confirm

        return confirm(args, measured)
    if args.threshold is not None or args.control:
        raise UsageError(
            "--threshold and --control say what regressed: they go with --confirm",
            hint="of a run that is there: pgdyno compare RUN --threshold 3%",
        )
    out = measured(args)
    return _ended(out, args.format) if out else 0


def measured(args: argparse.Namespace) -> Path | None:
    """Measure; the file with the results, None of a dry run."""
    from harness import servers
    from harness.bench import orders
    from harness.bench.assignment import runnable

    scenarios, cells = asked_cells(args)
    cells = options.under_conditions(args, cells)
    # An A/A arm is a test of clocks and of interleaving, so only times have one; what is
    # counted again in a fresh process is its own.
    clocks = lanes.get(args.lane).clocks
    twice = clocks and not args.no_aa
    arms = with_aa(_asked(args), wanted=twice)
    plan = plan_for(args, cells, arms)
    if not args.no_floor and clocks:
        arms += references(cells, args.profile)
    if args.decompose:
        arms += decomposing.isolating(arms)
    forecast = runnable(args.lane).forecast(cells, arms, plan)
    if args.dry_run:
        print_plan(cells, arms, forecast, args.format)
        return None
    spec = servers.parse(
        args.server, max_connections=forecast.connections, transport=args.transport
    )
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(2**31)
    out = args.out or default_path()
    options.make_environments(arms)
    arms = with_possible_aa(arms)
    order = orders.Order(scenarios, cells, arms, plan, args.effort, seed, args.lane)
    measure(spec, order, out)
    tell = say if args.format == "text" else remark
    tell(f"results: {out}")
    if args.report:
        from harness.cli.report import write_reports

        for path in write_reports([out], args.report):
            tell(f"report: {path}")
    return out


def asked_cells(args: argparse.Namespace) -> tuple[list[Scenario], list[Cell]]:
    """The cells that were asked for, and their scenarios.

    Raises:
        UsageError: none of them can be timed.
    """
    from harness.scenario import select_cells

    paths = args.path or list(lanes.get(args.lane).paths)
    scenarios, cells = select_cells(paths)
    named = () if paths or args.effort != "gate" else gated()
    cells = chosen_cells(cells, args.effort, everything=bool(paths), named=named)
    if not cells:
        raise UsageError(
            f"nothing in {' '.join(args.path or named)} can be timed",
            hint="a case with [case.bench] can: pgdyno list cases shows its effort",
        )
    return scenarios, cells


def _asked(args: argparse.Namespace) -> list[Arm]:
    """The arms that were asked for; to decompose, with the layers that belong to them."""
    arms = options.arms(args.driver, args.profile)
    if not args.decompose:
        return arms
    if not lanes.get(args.lane).clocks:
        raise UsageError(
            f"--decompose compares times, and --lane {args.lane} takes none",
            hint="name the layers instead: --driver asyncpg --driver '*-asyncpg'",
        )
    return decomposing.with_layers(arms)


def plan_for(args: argparse.Namespace, cells: Sequence[Cell], arms: Sequence[Arm]) -> Plan:
    """How much to measure, for the effort that was asked for."""
    from harness.bench import conditions, schedule

    if args.effort == "gate":
        return schedule.gate_plan(len(cells), len(arms))
    plan = conditions.budgeted(schedule.PLANS[args.effort], cells, arms)
    if args.lane == crowding.LANE:
        return replace(plan, crowd=crowding.crowd_of(args))
    return decomposing.lengthened(plan, len(arms)) if args.decompose else plan


def _ended(out: Path, form: str) -> int:
    """Say what was answered, in the form that was asked for; the exit code."""
    from harness.report import view
    from harness.results import store

    run = store.read(out)
    report = view.build([run])
    code = outcome(run) or _ranking(report.runs[0])
    say(_said(run, report, code, form).rstrip())
    return code


def _ranking(shown: RunView) -> int:
    """Inconclusive is a run of times in which no question got quiet rounds enough."""
    from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_PASS
    from harness.report import measured

    if shown.lane or any(map(measured.is_ranked, shown.cells)):
        return EXIT_PASS
    few = any(map(measured.too_few_rounds, shown.cells))
    return EXIT_INCONCLUSIVE if few else EXIT_PASS


def _said(run: Run, report: Report, code: int, form: str) -> str:
    """A run in one of the `FORMATS`."""
    from harness.render import json as drawn
    from harness.render import markdown
    from harness.report.numbers import numbers
    from harness.report.summary import summary

    (shown,) = report.runs
    if form == "json":
        return drawn.run(summary(run, shown), list(numbers(shown)))
    return markdown.render(report) if form == "markdown" else _summary(run, shown, code)


def _summary(run: Run, shown: RunView, code: int) -> str:
    """How the run ends, for people, in the words of its lane."""
    from harness.render import measured as drawn
    from harness.render import text
    from harness.report import format as fmt
    from harness.report import measured

    if shown.lane:
        last = "\n".join(fmt.wrapped(f"exit {code}: {shown.answer}", text.WIDTH))
        parts = text.lane(shown.lane), text.remarks(shown.lane), last
        return "\n\n".join(filter(None, parts))
    return drawn.render(measured.build(run, shown, code))


def gated() -> tuple[str, ...]:
    """What a project gates, and the cells by which it watches the machine, as patterns."""
    from harness import settings

    decided = settings.load(Path.cwd())
    return decided.gate and decided.gate + decided.control


def chosen_cells(
    cells: Sequence[Cell],
    effort: Effort,
    *,
    everything: bool,
    named: Sequence[str] = (),
) -> list[Cell]:
    """The cells of an effort; with a path, all its timeable points; with patterns, those
    that they name of the effort `standard`."""
    tiers = _TIERS["full" if everything else "standard" if named else effort]
    return [
        cell
        for cell in cells
        if cell.bench is not None
        and cell.bench.effort in tiers
        and (not named or any(names_cell(pattern, cell.id) for pattern in named))
    ]


def with_aa(arms: Sequence[Arm], *, wanted: bool) -> list[Arm]:
    """The arms and one of them twice: two identical arms must come out the same."""
    if not wanted or not arms:
        return list(arms)
    first = arms[0]
    return [*arms, replace(first, copy=1)]


def with_possible_aa(arms: Sequence[Arm]) -> list[Arm]:
    """The arms; where the one that would run twice cannot be made, the first that can does
    instead, so that a run without it shows its noise, too."""
    made = [arm for arm in arms if not arm.copy and not arm.reference and _is_made(arm)]
    lost = [arm for arm in arms if arm.copy and not _is_made(arm)]
    if not lost or not made:
        return list(arms)
    return [replace(made[0], copy=1) if arm in lost else arm for arm in arms]


def _is_made(arm: Arm) -> bool:
    try:
        environments.of(arm)
    except DriverError:
        return False
    return True


def references(cells: Sequence[Cell], profile: Profile) -> list[Arm]:
    """The references, if any cell has a floor: they take part in no other."""
    from harness.plugin import contract

    return contract.references(profile) if any(cell.floor for cell in cells) else []


def print_plan(
    cells: Sequence[Cell], arms: Sequence[Arm], plan: Forecast, form: str = "text"
) -> None:
    """What would be done, and about how long it would take; for programs as JSON."""
    if form == "json":
        say(json.dumps(_plan(cells, arms, plan), indent=2))
        return
    say(f"cells: {len(cells)}")
    for cell in cells:
        say(f"  {cell.id}"[:80])
    drivers = [arm.id for arm in arms if not arm.reference]
    say(f"arms: {len(drivers)}: {', '.join(drivers)}")
    if beside := [arm.id for arm in arms if arm.reference and not arm.isolates]:
        floors = sum(cell.floor for cell in cells)
        say(f"references in {floors} of {len(cells)} cells: {', '.join(beside)}")
    if alone := [arm.isolates for arm in arms if arm.isolates]:
        say(f"layers over answers from memory: {len(alone)}: {', '.join(alone)}")
    say(f"rounds: {plan.rounds}")
    say(f"connections: up to {plan.connections}")
    most = f", at most {plan.at_most:.0f} s" if plan.at_most else ""
    say(f"time: about {plan.seconds:.0f} s{most}")


def _plan(cells: Sequence[Cell], arms: Sequence[Arm], plan: Forecast) -> dict[str, Any]:
    return {
        "cells": [cell.id for cell in cells],
        "arms": [arm.id for arm in arms if not arm.reference],
        "references": [arm.id for arm in arms if arm.reference],
        "rounds": plan.rounds,
        "connections": plan.connections,
        "seconds": plan.seconds,
        "at_most_seconds": plan.at_most or None,
    }


def default_path() -> Path:
    """A new file under results/runs; another one for each of two runs at once."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    return Path("results") / "runs" / f"{stamp}.jsonl"


def measure(spec: ServerSpec, order: Order, out: Path) -> None:
    """Open a venue and run; whatever ends it, the file is left readable."""
    from harness.bench import orders
    from harness.cli.progress import BenchProgress
    from harness.core.phases import Phase, PhaseClock
    from harness.venue import venue

    phases = PhaseClock()
    with ExitStack() as stack:
        with phases.phase(Phase.SERVER):
            place = stack.enter_context(venue.opened(spec))
        progress = stack.enter_context(BenchProgress())
        options.tell_unwritable(place.stage.unwritable)
        orders.measure(place, order, out, progress, complain=complain, phases=phases)


def outcome(run: Run) -> int:
    """Nothing measured is invalid, and so is a version that was asked for and could not be
    had; nothing but disturbed blocks is inconclusive."""
    from harness.analysis.times import has_time
    from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_PASS

    if run.missing_arms:
        return EXIT_INVALID
    # Beside times, counts are no answer.
    own = (run.header.lane or lanes.DEFAULT) != lanes.DEFAULT
    if own and any(record.measured for record in run.lane_records):
        return EXIT_PASS
    timed = [trial for trial in run.trials if has_time(trial)]
    if not timed:
        return EXIT_INVALID
    return EXIT_INCONCLUSIVE if all(trial.disturbed for trial in timed) else EXIT_PASS
