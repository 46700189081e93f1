"""`pgdyno plan`: what many processes are to do, as jobs, one a line. Nothing is started."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness import lanes
from harness.cli import bench, check, crowding, options
from harness.cli.terminal import remark
from harness.core import arms as arm_names
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.conditions import DIRECT, Condition, listed
from harness.core.errors import UsageError

if TYPE_CHECKING:
    from harness.jobs.job import Job
    from harness.jobs.naming import Paths
    from harness.jobs.planning import Design, Questions
    from harness.scenario import Scenario

MINUTES = 5.0
"""Of a job, unless told otherwise: its start is little beside it, and so is what is lost
when it is."""
FLEETS = (2, 5, 10)
"""For so many machines the time is forecast."""
_VERBS = {"check": check.add_judging, "bench": bench.add_measuring}
_Seconds = Callable[[Sequence[Cell]], float]


def add_parser(subparsers: Any) -> None:
    """Declare the verb, and those that can be planned."""
    parser = subparsers.add_parser(
        "plan",
        help="what many processes are to do: jobs for machines, one a line",
        description="Write jobs to stdout: every driver with every Python as arms of each "
        "job; every server, every condition and every part of the cells as jobs. No server "
        "is started. Several plans in one file: plan twice, cat together.",
    )
    planned = parser.add_subparsers(title="verbs", metavar="check|bench", dest="planned")
    planned.required = True
    for verb, add_own in _VERBS.items():
        own = planned.add_parser(verb, help=f"jobs of pgdyno {verb}")
        _add_options(own)
        add_own(own)
    parser.set_defaults(run=run, decompose=False)


def _add_options(parser: argparse.ArgumentParser) -> None:
    options.add_paths(parser)
    options.add_drivers(parser)
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="V",
        help="run each driver that names no Python on these, such as 3.12,3.13; each is an "
        "arm (default: pgdyno's own)",
    )
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="S",
        help="wheel[:16|:18], local[:BINDIR], dsn[:postgresql://…], container:IMAGE; each "
        "repetition is jobs of its own (default: dsn if $PGDYNO_DSN is set, else wheel)",
    )
    options.add_transport(parser)
    options.add_conditions(parser)
    parser.add_argument(
        "--machines",
        type=_whole,
        default=0,
        metavar="N",
        help="repeat every job on N machines, as blocks (default: any machine, once)",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="a job is done without those versions and Pythons that cannot be had where it "
        "runs, such as an old release that does not build on a new Python (default: it is "
        "not done until all can)",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--cells", type=_whole, metavar="N", help="at most N cells a job")
    size.add_argument(
        "--minutes",
        type=_minutes,
        metavar="M",
        help=f"jobs of about M minutes at most (default: {MINUTES:g})",
    )


def _whole(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) <= 10_000:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no number from 1 to 10000")
    return int(text)


def _minutes(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 10_000:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no time in minutes")
    return found


def run(args: argparse.Namespace) -> int:
    """The plan goes to stdout, what it is to stderr."""
    from harness.jobs import job, planning

    design = (_checks if args.planned == "check" else _benches)(args)
    jobs = planning.jobs_of(design)
    if not jobs:
        raise UsageError(
            "nothing that was named is asked under a condition: cases of steps connect to "
            "places of their own",
            hint="leave out --via and --rtt",
        )
    for planned in jobs:
        sys.stdout.write(job.line(planned).decode())
    remark("\n".join(_told(jobs, design)))
    return 0


# --- what is asked ----------------------------------------------------------------------


def _checks(args: argparse.Namespace) -> Design:
    from harness.check.forecast import forecast

    _name_arms(args, "default")
    arms = check.asked_arms(args)
    scenarios, cells = check.asked_cells(args)
    own = ["--profile", args.profile, "--fail-on", args.fail_on]
    return _design(args, scenarios, cells, own, lambda cells: forecast(cells, arms))


def _benches(args: argparse.Namespace) -> Design:
    from harness.bench.assignment import runnable

    args.lane = crowding.lane_of(args)
    _name_arms(args, args.profile)
    clocks = lanes.get(args.lane).clocks
    drivers = options.arms(args.driver, args.profile)
    arms = bench.with_aa(drivers, wanted=clocks and not args.no_aa)
    scenarios, cells = bench.asked_cells(args)

    def seconds(cells: Sequence[Cell]) -> float:
        floor = clocks and not args.no_floor
        everyone = arms + (bench.references(cells, args.profile) if floor else [])
        plan = bench.plan_for(args, cells, arms)
        return runnable(args.lane).forecast(cells, everyone, plan).seconds

    seed = random.SystemRandom().randrange(2**31) if args.seed is None else args.seed
    own = ["--profile", args.profile, "--lane", args.lane, "--effort", args.effort]
    own += ["--seed", str(seed)]
    own += ["--no-aa"] * args.no_aa + ["--no-floor"] * args.no_floor
    own += crowding.words_of(args)
    return _design(args, scenarios, cells, own, seconds)


def _name_arms(args: argparse.Namespace, profile: arm_names.Profile) -> None:
    """The drivers of every job, each named as an arm: those that are usual on the machine
    that plans, and all Pythons with those that name none."""
    pythons = listed(args.python)
    arms = options.arms(args.driver, profile)
    args.driver = list(dict.fromkeys(name for arm in arms for name in _on(arm, pythons)))


def _on(arm: Arm, pythons: Sequence[str]) -> Iterator[str]:
    if arm.pin.python or not pythons:
        yield arm.name
        return
    for python in pythons:
        pin = arm_names.parse(f"{arm.name}%{python}").pin
        yield replace(arm, pin=replace(arm.pin, python=pin.python)).name


def _design(
    args: argparse.Namespace,
    scenarios: Sequence[Scenario],
    cells: Sequence[Cell],
    own: Sequence[str],
    seconds: _Seconds,
) -> Design:
    from harness.jobs.asking import takes
    from harness.jobs.naming import Paths
    from harness.jobs.planning import Design

    every = [cell for scenario in scenarios for cell in scenario.cells]
    known = Paths(scenarios, [cell for cell in every if takes(args.planned, cell)])
    drivers = [word for name in args.driver for word in ("--driver", name)]
    minutes = MINUTES if args.minutes is None and args.cells is None else args.minutes
    return Design(
        verb=args.planned,
        questions=list(_questions(args, cells, known, seconds)),
        servers=_servers(args.server),
        options=[*drivers, *own, "--transport", args.transport],
        machines=args.machines,
        cells=args.cells or 0,
        seconds=60 * (minutes or 0),
        allow_missing=args.allow_missing,
    )


def _questions(
    args: argparse.Namespace, cells: Sequence[Cell], paths: Paths, seconds: _Seconds
) -> Iterator[Questions]:
    """The cells under each condition that is asked for; in jobs without, those whose path
    names one, and all where none is asked for."""
    from harness.jobs.planning import Questions

    asked = options.conditions(args)
    plain = [cell for cell in cells if asked and cell.condition == DIRECT]
    rest = [cell for cell in cells if not asked or cell.condition != DIRECT]
    for condition in (None, *asked):
        if own := rest if condition is None else plain:
            under = {cell.id: _under(args.planned, condition, cell) for cell in own}
            forecast = partial(_forecast, seconds, under)
            yield Questions(own, paths, forecast, condition)


def _under(verb: str, condition: Condition | None, cell: Cell) -> list[Cell]:
    """The cell as a job asks it; only to be timed, files name conditions."""
    if cell.condition != DIRECT:
        return [cell]
    own = cell.conditions if verb == "bench" else ()
    return cell.under([condition] if condition else own or [DIRECT])


def _forecast(
    seconds: _Seconds, under: Mapping[str, Sequence[Cell]], cells: Sequence[Cell]
) -> float:
    return seconds([asked for cell in cells for asked in under[cell.id]])


def _servers(names: Sequence[str]) -> list[str]:
    """The servers, each once.

    Raises:
        UsageError: there is no such kind, or a password would be in the plan.
    """
    from harness import servers
    from harness.jobs.job import has_secret

    found = list(names) or ["dsn" if os.environ.get("PGDYNO_DSN") else "wheel"]
    for name in found:
        if has_secret(name):
            raise UsageError(
                "a plan holds no password: it is copied to other machines",
                hint="each machine knows its own: --server dsn with PGDYNO_DSN set there, "
                "or a DSN without it beside PGPASSFILE",
            )
        servers.parse(name)
    return list(dict.fromkeys(found))


# --- what the plan is, in words ---------------------------------------------------------


def _told(jobs: Sequence[Job], design: Design) -> Iterator[str]:
    from harness.jobs.packing import makespan
    from harness.report.format import plural

    cells = {cell.id for questions in design.questions for cell in questions.cells}
    drivers = design.options.count("--driver")
    yield (
        f"{plural(len(jobs), 'job')}: {plural(drivers, 'arm')} × "
        f"{plural(len(cells), 'cell')}, {plural(len(design.servers), 'server')}"
    )
    if design.machines:
        seconds = [job.seconds for job in jobs if job.block == 1]
        yield f"{plural(design.machines, 'machine')}: about {_time(sum(seconds))} on each"
        return
    seconds = [job.seconds for job in jobs]
    told = [f"about {_time(sum(seconds))} on one machine"]
    told += [f"{_time(makespan(seconds, n))} on {n}" for n in FLEETS if n <= len(jobs)]
    yield ", ".join(told)


def _time(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 5 min`: as exact as a forecast is."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
