"""`pgdyno check`: is it right? Every case, every driver, a verdict for each."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.terminal import complain, say
from harness.core.arms import PROFILES, Arm
from harness.core.cells import Cell
from harness.core.verdicts import Verdict

if TYPE_CHECKING:
    from harness.check.checker import Checker, Hellos
    from harness.check.expectations import Baseline
    from harness.check.known import Known
    from harness.core.catalogue import Catalogue
    from harness.play.process import WorkerProcess
    from harness.report.checked import Asked
    from harness.results.records import Check
    from harness.scenario import Scenario


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "check",
        help="is it right: a verdict for every case and driver",
        description="Run the cases of scenarios against drivers and judge what comes back. "
        "Exits 1 when a verdict is not the expected one, or when a cell that is neither "
        "expected nor declared is as bad as --fail-on or worse.",
    )
    options.add_paths(parser)
    options.add_drivers(parser)
    options.add_server(parser)
    options.add_conditions(parser)
    add_judging(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "markdown", "junit"),
        default="text",
        help="how the result is printed (default: text)",
    )
    parser.add_argument(
        "--details",
        action="store_true",
        help="text: print every check that is not exact, and why, before the summary",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="file to write the run to"
    )
    _add_baselines(parser)
    parser.set_defaults(run=run)


def add_judging(parser: argparse.ArgumentParser) -> None:
    """How drivers are set up, and which verdicts fail."""
    parser.add_argument(
        "--profile",
        choices=(*PROFILES, "both"),
        default="both",
        help="as installed, with the documented registrations done, or both (default)",
    )
    failing = [
        verdict.value
        for verdict in Verdict
        if verdict not in (Verdict.EXACT, Verdict.INVALID)
    ]
    parser.add_argument(
        "--fail-on",
        choices=failing,
        default="lossy",
        metavar="VERDICT",
        help=f"the mildest verdict that fails the check: {', '.join(failing)} "
        "(default: lossy)",
    )


def _add_baselines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--baselines",
        type=Path,
        default=Path("results/baselines"),
        metavar="DIR",
        help="folder of the baselines (default: results/baselines)",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="accept what this check finds as the baseline: later differences are drift; "
        "cells that are not checked keep theirs",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="update even though the baselines have uncommitted changes",
    )


def run(args: argparse.Namespace) -> int:
    """Check, print the answer, and say by the exit code whether all is well."""
    from harness.check import baseline_files
    from harness.check.order import in_order
    from harness.play import early
    from harness.report.checked import Asked

    arms = asked_arms(args)
    if args.update:
        _refuse_pinned(arms)
    if args.update and not args.force:
        baseline_files.check_clean(args.baselines)
    options.make_environments(arms)
    begun = time.perf_counter_ns()
    with early.started(arms) as workers:
        scenarios, cells = asked_cells(args)
        every = _catalogue(scenarios, whole=args.update)
        cells = options.checked_under_conditions(args, cells)
        if args.update:
            _refuse_conditions(cells)
        known, checker, found = _checked(args, scenarios, cells, workers, arms, every)
    elapsed_ns = time.perf_counter_ns() - begun
    checks = in_order(found, cells, arms)
    if args.format != "text":
        print(rendered(checks, args.format).rstrip("\n"))
    elif args.details:
        say(f"{rendered(checks, 'text').rstrip()}\n")
    if args.update:
        known = _update(args.baselines, known, checker, checks, every)
        checks = [
            known.mark(check, checker.terms(check.driver, check.profile), lacking=True)
            for check in checks
        ]
    _tell(known, checks, args.baselines, every)
    code = _exit_code(checks, Verdict(args.fail_on))
    if args.format == "text":
        server = checker.stage.facts.version
        asked = Asked(server, elapsed_ns, str(args.out or ""), _outside(scenarios))
        say(_summary(checks, asked, code, Verdict(args.fail_on)).rstrip())
    return code


def asked_arms(args: argparse.Namespace) -> list[Arm]:
    """The arms that were asked for, in each profile."""
    profiles = PROFILES if args.profile == "both" else (args.profile,)
    return [arm for profile in profiles for arm in options.arms(args.driver, profile)]


def asked_cells(args: argparse.Namespace) -> tuple[list[Scenario], list[Cell]]:
    """The cells that were asked for, and their scenarios."""
    from harness.scenario import select_cells

    scenarios, cells = select_cells(args.path)
    if not args.path:
        cells = [cell for cell in cells if cell.checked]
    return scenarios, cells


def _refuse_pinned(arms: Sequence[Arm]) -> None:
    """A driver has one baseline, made with the version that is installed."""
    from harness.core.errors import UsageError

    if pinned := next((arm for arm in arms if arm.pin), None):
        raise UsageError(
            f"--update accepts what {pinned.unpinned} does as it is installed, not what "
            f"{pinned.name} does",
            hint=f"install that version, then: --update --driver {pinned.unpinned}",
        )


def _refuse_conditions(cells: Sequence[Cell]) -> None:
    """A baseline says what drivers do over a plain connection."""
    from harness.core.conditions import DIRECT
    from harness.core.errors import UsageError

    if any(cell.condition != DIRECT for cell in cells):
        raise UsageError(
            "--update accepts what drivers do over a plain connection",
            hint="leave out --via and --rtt",
        )


def _summary(checks: Sequence[Check], asked: Asked, code: int, fail_on: Verdict) -> str:
    """How the check ends, for people."""
    from harness.check.known import fails
    from harness.render import checked as shown
    from harness.report import checked

    failing = [check for check in checks if fails(check, fail_on)]
    return shown.render(checked.build(checks, failing, asked, code=code, fail_on=fail_on))


def _outside(scenarios: Sequence[Scenario]) -> dict[str, str]:
    """The files of scenarios that the library does not hold: their names lead nowhere."""
    return {
        scenario.name: scenario.path for scenario in scenarios if "/" not in scenario.name
    }


def _checked(
    args: argparse.Namespace,
    scenarios: Sequence[Scenario],
    cells: Sequence[Cell],
    workers: Mapping[Arm, WorkerProcess],
    arms: Sequence[Arm],
    every: Catalogue,
) -> tuple[Known, Checker, list[Check]]:
    """Play the cells; every check is marked with what was known before it is written.

    `workers` were started already, and `every` has the cells that there are.
    """
    from harness import servers
    from harness.check import known
    from harness.check.checker import Checker
    from harness.check.order import further_seats, number_of_checks
    from harness.cli.progress import CheckProgress
    from harness.play.recording import Recording
    from harness.venue import venue

    by_id = {cell.id: cell for cell in cells}
    connections = venue.connections_needed(cells, arms, further_seats(arms))
    spec = servers.parse(args.server, max_connections=connections, transport=args.transport)
    with (
        venue.opened(spec) as place,
        CheckProgress(number_of_checks(cells, arms)) as progress,
        Recording(args.out, "check", place, scenarios, cells, arms) as recording,
    ):
        options.tell_unwritable(place.stage.unwritable)
        major = place.facts.version_num // 10_000
        before = known.load(args.baselines, major, arms, every)

        def report(check: Check) -> None:
            lacking = bool(place.stage.lacks(by_id[check.cell]))
            terms = checker.terms(check.driver, check.profile)
            marked = before.mark(check, terms, lacking=lacking)
            recording.write(marked)
            progress.checked(marked)

        def begin(greeted: Hellos) -> None:
            options.tell_absent(greeted)
            recording.begin(greeted)

        checker = Checker(place.stage, arms, place.folder, report, workers)
        checker.run(cells, begin)
    return before, checker, recording.checks


def _catalogue(scenarios: Sequence[Scenario], *, whole: bool) -> Catalogue:
    """The cells of these scenarios; of the rest of the library its names, or the whole."""
    from harness.core.catalogue import Catalogue
    from harness.scenario import names, select

    read = [*scenarios, *(select([]) if whole else ())]
    cells = frozenset(cell.id for scenario in read for cell in scenario.cells)
    return Catalogue(cells, frozenset(scenario.name for scenario in read), names())


def _exit_code(checks: Sequence[Check], fail_on: Verdict) -> int:
    from harness.check.known import fails
    from harness.core.errors import EXIT_FAILED, EXIT_INVALID, EXIT_PASS
    from harness.report.checked import missing_arms

    verdicts = [Verdict(check.verdict) for check in checks]
    if all(verdict is Verdict.SKIPPED for verdict in verdicts):
        for reason in dict.fromkeys(check.detail for check in checks):
            complain(f"all skipped: {reason}")
        return EXIT_INVALID
    if any(fails(check, fail_on) for check in checks):
        return EXIT_FAILED
    lacking = Verdict.INVALID in verdicts or missing_arms(checks)
    return EXIT_INVALID if lacking else EXIT_PASS


# --- expectations -----------------------------------------------------------------------


def _tell(known: Known, checks: Sequence[Check], folder: Path, every: Catalogue) -> None:
    """On stderr, what a matrix does not show: how much drifted, is new, or is gone."""
    from harness.report import format as fmt

    drifted = sum(bool(check.drift) for check in checks)
    if drifted:
        complain(f"{drifted} of {len(checks)} checks drifted")
    baselines = {baseline.driver: baseline for baseline in known.baselines.values()}
    if gone := sum(len(_gone(baseline, every)) for baseline in baselines.values()):
        complain(
            f"{fmt.plural(gone, 'cell')} of the baseline {'is' if gone == 1 else 'are'} no "
            "longer in any scenario",
            "pgdyno check --update forgets them",
        )
    if new := known.new(checks):
        complain(
            f"{new} of {len(checks)} checks have no expectation in {folder}",
            "look at them, then pgdyno check --update",
        )


def _update(
    folder: Path, before: Known, checker: Checker, checks: Sequence[Check], every: Catalogue
) -> Known:
    """Write what was found as what is expected, driver by driver; what is known now."""
    from harness.check import baseline_files, expectations
    from harness.check.known import Known

    after = {}
    for driver in dict.fromkeys(check.driver for check in checks):
        old = before.baselines.get(driver) or expectations.Baseline(driver, before.server)
        new = old
        for profile in PROFILES:
            own = [
                check
                for check in checks
                if (check.driver, check.profile) == (driver, profile)
            ]
            found: dict[expectations.Key, Verdict] = {
                (check.cell, profile): Verdict(check.verdict) for check in own
            }
            traits: dict[expectations.Key, str] = {
                (check.cell, profile): check.trait for check in own
            }
            version = expectations.version_of(checker.terms(driver, profile))
            new = expectations.updated(new, found, version, _gone(old, every), traits)
        after[driver] = new
        path = baseline_files.save(folder, new)
        print(f"{path}: {expectations.changes(old, new)}", file=sys.stderr)
    return Known(before.server, after, before.deviations)


def _gone(expected: Baseline, every: Catalogue) -> set[str]:
    """Cells that the library had once. Those of own files may just not be asked for."""
    return {
        cell
        for cell, _ in expected.cells
        if "/" in cell.partition("#")[0] and every.lacks(cell)
    }


def rendered(checks: Sequence[Check], form: str) -> str:
    """The checks in the form that was asked for."""
    from harness.render import json, junit, markdown, text
    from harness.report import matrix

    if form == "json":
        return json.render(checks)
    if form == "junit":
        return junit.render(checks)
    table = matrix.build(checks)
    return markdown.matrix(table) if form == "markdown" else text.matrix(table)
