"""`pgdyno bench --confirm`: what a comparison flagged, measured again.

Only the cells that regressed are measured, with the effort of a gate; a regression counts
only if fresh data show it, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import lanes
from harness.cli.terminal import say
from harness.core.errors import EXIT_PASS, UsageError

if TYPE_CHECKING:
    from harness.analysis.changes import Comparison
    from harness.report.comparison import Request
    from harness.results.records import Run


def confirm(
    args: argparse.Namespace, measure: Callable[[argparse.Namespace], Path | None]
) -> int:
    """Compare, measure again what regressed, and say what is left of it."""
    from harness.report.comparison import compare
    from harness.results.store import read

    asked = _asked(args)
    found = compare(asked)
    if not found.flagged:
        say("nothing regressed, so there is nothing to confirm")
        return _told(found)
    out = measure(_order(args, asked, found))
    if out is None:
        return EXIT_PASS
    return _told(compare(replace(asked, fresh=read(out))))


def _asked(args: argparse.Namespace) -> Request:
    """One run and two arms of it, or two runs."""
    from harness.cli.compare import rules
    from harness.report.comparison import Request
    from harness.results.store import read

    if len(args.confirm) > 2:
        raise UsageError(
            f"--confirm is given {len(args.confirm)} times",
            hint="name one run, or the base and the candidate",
        )
    runs = [read(path) for path in args.confirm]
    arms = ("", "") if len(runs) == 2 else _two_arms(runs[0], args.driver)
    return Request(
        runs[0],
        runs[-1],
        *arms,
        threshold=args.threshold,
        rules=rules(args.control),
    )


def _two_arms(run: Run, named: Sequence[str]) -> tuple[str, str]:
    """The base and the candidate: the drivers that are named, else those of the run."""
    from harness.cli.compare import arm_id

    competing = (arm.id for arm in run.header.arms if arm.competes)
    arms = [arm_id(name) for name in named] or list(competing)
    if len(arms) != 2:
        raise UsageError(
            f"{run.path} is confirmed for two arms, and these are {len(arms)}: "
            f"{', '.join(arms) or 'none'}",
            hint="name the base, then the candidate: --driver BASE --driver CANDIDATE",
        )
    return arms[0], arms[1]


def _order(
    args: argparse.Namespace, asked: Request, found: Comparison
) -> argparse.Namespace:
    """What is to be measured: the flagged cells, of those who are compared."""
    from harness.report.commands import path_of

    flagged = {row.cell for row in found.flagged}
    known = [cell.id for cell in asked.candidate.header.cells if cell.id in flagged]
    paths = [path_of(cell, args.path) for cell in known]
    arms = [asked.base_arm, asked.candidate_arm] if asked.base_arm else list(args.driver)
    competing = [arm for arm in asked.candidate.header.arms if arm.competes]
    chosen = arms or [arm.id for arm in competing]
    values = vars(args) | {"path": paths, "driver": chosen, "effort": "gate"}
    values["lane"] = asked.candidate.header.lane or lanes.DEFAULT
    profiles = {arm.profile for arm in competing}
    if len(profiles) == 1:
        values["profile"] = profiles.pop()
    say(f"regressed, and measured again: {', '.join(known)}")
    return argparse.Namespace(**values)


def _told(comparison: Comparison) -> int:
    from harness.cli.compare import written

    say(written(comparison, "text").rstrip())
    return comparison.exit_code
