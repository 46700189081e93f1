"""`pgdyno bench --decompose`: who takes part so that the cost of a layer shows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import options
from harness.cli.terminal import complain
from harness.core.arms import Arm
from harness.core.errors import (
    DriverError,
    LibraryMissingError,
    PgdynoError,
    UsageError,
    WorkerGone,
)
from harness.play.process import WorkerProcess
from harness.plugin import contract
from harness.plugin.stacks import Stacks, candidates

if TYPE_CHECKING:  # a command line that asks for help must not wait for what measures
    from harness.bench.schedule import Plan

USUAL_ARMS = 6
"""For so many arms, the usual drivers and one of them twice, the budgets are meant."""


def with_layers(arms: Sequence[Arm]) -> list[Arm]:
    """Each bare driver, followed by the layers that stand on it. Of a layer that was asked
    for by its name only its own chain takes part.

    Raises:
        UsageError: no layer is installed for any of them, or an arm is pinned.
    """
    for arm in arms:
        if arm.pin:
            raise UsageError(
                f"--decompose takes layers and drivers as they are installed, not {arm.id}",
                hint=f"pgdyno bench --decompose --driver {arm.unpinned}",
            )
    found = stacks([arm.driver for arm in arms])
    told = dict.fromkeys(arm for named in arms for arm in _chain(named, found))
    if not any(arm.driver in found.wraps for arm in told):
        raise _without_layers(arms, found)
    _tell_missing({found.bare(arm.driver) for arm in told}, found)
    return _in_order(list(told), found)


def stacks(drivers: list[str]) -> Stacks:
    """The layers on these drivers and below them, each asked in a process of its own: a
    plug-in may do anything when it is imported."""
    known = {name: point.value for name, point in contract.entry_points().items()}
    bare = [name for name in options.FIRST if name in known]
    asked = [name for name in candidates(drivers, known) if name not in bare]
    wraps: dict[str, str] = {}
    problems: dict[str, PgdynoError] = {}

    def ask(name: str) -> None:
        try:
            if below := _terms(name, Path(folder)).get("wraps"):
                wraps[name] = below
        except (DriverError, WorkerGone) as error:
            problems[name] = error

    with (
        tempfile.TemporaryDirectory(prefix="pgdyno-") as folder,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        list(threads.map(ask, asked))
    return Stacks(wraps, problems)


def _terms(name: str, folder: Path) -> dict[str, str]:
    worker = WorkerProcess(Arm(name), folder, [])
    try:
        terms: dict[str, str] = worker.greet()["terms"]
        return terms
    finally:
        worker.kill()


def _chain(named: Arm, found: Stacks) -> Iterator[Arm]:
    """A bare driver and all layers on it, or a layer with what is below it.

    Options are for the event loop, say: a layer without the same option is another one.
    """
    bare = found.bare(named.driver)
    names = found.on(bare) if named.driver == bare else found.chain(named.driver)[1:]
    for name in (bare, *names):
        arm = replace(named, driver=name)
        try:
            contract.verify_options(arm)
        except DriverError as error:
            complain(f"{error}: {arm.id} is left out", error.hint)
        else:
            yield arm


def _in_order(arms: Sequence[Arm], found: Stacks) -> list[Arm]:
    """A driver asked for twice, by itself and under a layer, has its layers once."""
    bare = [found.bare(arm.driver) for arm in arms]
    first = {name: bare.index(name) for name in bare}
    return sorted(
        arms,
        key=lambda arm: (
            first[found.bare(arm.driver)], arm.options, len(found.chain(arm.driver))
        ),
    )  # fmt: skip


def _tell_missing(drivers: set[str], found: Stacks) -> None:
    """Which layers of these drivers take no part, and why; once for all not installed."""
    lost = [name for driver in sorted(drivers) for name in found.missing(driver)]
    absent = [
        name for name in lost if isinstance(found.problems[name], LibraryMissingError)
    ]
    if absent:
        complain(f"not installed, so left out: {', '.join(absent)}", _install(absent))
    for name in lost:
        if name not in absent:
            complain(f"{found.problems[name]}: it is left out", found.problems[name].hint)


def _without_layers(arms: Sequence[Arm], found: Stacks) -> UsageError:
    drivers = dict.fromkeys(arm.driver for arm in arms)
    missing = [name for driver in drivers for name in found.missing(driver)]
    if not missing:
        return UsageError(
            f"no layer that pgdyno knows stands on {', '.join(drivers)}",
            hint="pgdyno list drivers shows all; docs/writing-a-driver.md adds another",
        )
    return UsageError(
        f"no layer that stands on {', '.join(drivers)} is installed: "
        f"{', '.join(missing)} would be",
        hint=_install(missing),
    )


def _install(names: Sequence[str]) -> str:
    return f"pip install 'pgdyno[{','.join(names)}]'"


def isolating(arms: Sequence[Arm]) -> list[Arm]:
    """The references that show the own cost of the layers among these arms."""
    plain = [arm for arm in arms if not arm.options and not arm.copy]
    profiles = {arm.driver: arm.profile for arm in plain}
    return [
        replace(null, profile=profiles[null.isolates])
        for null in contract.isolating(profiles)
    ]


def lengthened(plan: Plan, arms: int) -> Plan:
    """The plan, with a budget for so many arms."""
    return replace(plan, budget_s=plan.budget_s * max(1.0, arms / USUAL_ARMS))
