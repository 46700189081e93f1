"""The runs of a bisection: measured into files, and read where they are there already."""

from __future__ import annotations

import argparse
import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import options
from harness.core.arms import Arm
from harness.core.cells import Cell

if TYPE_CHECKING:
    from harness.bench.schedule import Plan
    from harness.results.records import Run
    from harness.scenario import Scenario


@dataclass(slots=True)
class KeptRuns:
    """Runs of versions of a driver, each in a file of its own in `folder`.

    A run that is complete is never measured again; one that was interrupted stays, and the
    next attempt has a file beside it.
    """

    args: argparse.Namespace
    driver: Arm
    folder: Path
    scenarios: Sequence[Scenario]
    cells: Mapping[str, Cell]
    what: str

    def arm(self, version: str) -> str:
        """The id of the arm that is this version."""
        return self._arm(version).id

    def prepare(self, version: str) -> None:
        """Make the environment of a version, unless there is one."""
        from harness import environments
        from harness.cli.terminal import remark

        environments.of(self._arm(version), lambda text: remark(f"pgdyno: {text}"))

    def run(self, versions: Sequence[str], cells: Sequence[str], *, more: bool) -> Run:
        """The run of these cells with these versions; measured, unless it was before."""
        from harness.results.store import read

        arms = [self._arm(version) for version in versions]
        chosen = [self.cells[cell] for cell in cells]
        for path in self._files(versions, more=more):
            if path.exists():
                if found := self._usable(path, arms, chosen):
                    return found
                continue
            if self.what == "verdict":
                self._check(path, chosen, arms)
            else:
                self._bench(path, chosen, arms, more=more)
            return read(path)
        raise AssertionError("there is always another name")

    def _arm(self, version: str) -> Arm:
        return replace(self.driver, pin=replace(self.driver.pin, version=version))

    def _files(self, versions: Sequence[str], *, more: bool) -> Iterator[Path]:
        """`time-0.27-0.29.0-0.32.jsonl`; with `-more` where it has more rounds, and with
        a number where what is in the file before cannot be used."""
        stem = "-".join((self.what, *versions, *(("more",) if more else ())))
        yield self.folder / f"{stem}.jsonl"
        yield from (self.folder / f"{stem}.{number}.jsonl" for number in count(2))

    def _usable(self, path: Path, arms: Sequence[Arm], cells: Sequence[Cell]) -> Run | None:
        """The run in a file, if it is complete and of these cells as they are now."""
        from harness.core.errors import ResultsError
        from harness.results.store import read

        try:
            run = read(path)
        except ResultsError:  # cut at its start
            return None
        asked = {cell.id: cell.digest for cell in run.header.cells}
        fits = (
            run.footer is not None
            and run.footer.reason == "complete"
            and asked == {cell.id: cell.digest for cell in cells}
            and {arm.id for arm in run.header.arms} >= {arm.id for arm in arms}
        )
        return run if fits else None

    def _check(self, path: Path, cells: Sequence[Cell], arms: Sequence[Arm]) -> None:
        from harness.cli.checking import check_into

        check_into(path, self.args, self.scenarios, cells, arms, options.tell_absent)

    def _bench(
        self, path: Path, cells: Sequence[Cell], arms: Sequence[Arm], *, more: bool
    ) -> None:
        from harness import servers
        from harness.bench.assignment import runnable
        from harness.bench.orders import Order
        from harness.cli.bench import measure, with_aa

        everyone = with_aa(arms, wanted=True)
        plan = _plan(len(cells), len(everyone), more=more)
        needed = runnable("time").forecast(cells, everyone, plan).connections
        spec = servers.parse(
            self.args.server, max_connections=needed, transport=self.args.transport
        )
        seed = random.SystemRandom().randrange(2**31)
        order = Order(self.scenarios, cells, everyone, plan, "gate", seed)
        measure(spec, order, path)


def _plan(cells: int, arms: int, *, more: bool) -> Plan:
    """The plan of a gate; with `more`, one of twice the rounds and three times the time,
    that aims at an interval of two thirds of the width."""
    from harness.bench import schedule

    plan = schedule.gate_plan(cells, arms)
    if not more:
        return plan
    return replace(
        plan,
        min_rounds=2 * plan.min_rounds,
        max_rounds=2 * plan.max_rounds,
        target=plan.target / 1.5,
        budget_s=3 * plan.budget_s,
    )


def folder_of(args: argparse.Namespace, driver: Arm) -> Path:
    """The folder of a bisection: the same for the same arguments."""
    if args.out:
        return Path(args.out)
    asked = (driver.name, driver.profile, args.first, args.last, args.cell)
    digest = hashlib.sha256(repr((*asked, args.server, args.transport)).encode())
    words = (driver.unpinned, args.first, args.last, args.cell, digest.hexdigest()[:6])
    name = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words))
    return Path("results") / "bisect" / name
