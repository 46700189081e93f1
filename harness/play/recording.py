"""A run on its way into a file: the header first, each record as it happens, the footer
whatever happened. Without a path, records are only counted and checks kept."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness import __version__, environments
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell, Share
from harness.core.interpreter import SWITCHED_ON
from harness.core.phases import PhaseClock
from harness.core.trips import round_trips_of, statements_of
from harness.environments import vital
from harness.machine import host
from harness.results.records import (
    SCHEMA,
    AnyRecord,
    ArmFacts,
    CellFacts,
    Check,
    Footer,
    Header,
    LaneRecord,
    Note,
    TaskFacts,
    Trial,
)
from harness.results.store import Writer
from harness.scenario import Scenario
from harness.venue.housekeeping import Housekeeping
from harness.venue.venue import Venue

_FOOTER_S = 5.0
"""How long a footer waits for what the server has to tell."""


class Recording:
    """Writes one run. The footer says how it ended: complete, interrupted or failed."""

    def __init__(
        self,
        path: Path | None,
        kind: str,
        venue: Venue,
        scenarios: Sequence[Scenario],
        cells: Sequence[Cell],
        arms: Sequence[Arm],
        *,
        seed: int = 0,
        effort: str = "",
        lane: str = "",
        placement: host.Placement | None = None,
        phases: PhaseClock | None = None,
    ) -> None:
        self.checks: list[Check] = []
        self.totals = Counter[str]()
        self._path = path
        self._writer: Writer | None = None  # there is no file without a header
        self._early: list[AnyRecord] = []  # what came before it
        self._venue = venue
        self._cells = cells
        self._scenarios = {scenario.name: scenario for scenario in scenarios}
        self._arms = [_arm_facts(arm, {}) for arm in arms]
        self._about: dict[str, Any] = {
            "kind": kind,
            "seed": seed,
            "effort": effort,
            "lane": lane,
            "placement": (placement or host.Placement()).describe(),
        }
        self._phases = phases
        self._begun = time.perf_counter_ns()
        self._before = venue.stage.housekeeping()
        self._footed = False
        self._writing = threading.Lock()

    def begin(self, hellos: Sequence[tuple[Arm, dict[str, Any]]] = ()) -> None:
        """Write the header, with what the drivers said of themselves."""
        if hellos:
            self._arms = [_arm_facts(arm, hello) for arm, hello in hellos]
        if self._path is not None:
            header = self._header()
            with interrupt.deferred():
                self._writer = _opened(self._path, header)
            for record in self._early:
                self._writer.write(record)
            self._early.clear()
        for arm in self._arms:
            if arm.gil == SWITCHED_ON:
                self.write(_locked(arm))

    def _header(self) -> Header:
        return Header(
            schema=SCHEMA,
            run=secrets.token_hex(8),
            pgdyno=__version__,
            started=_now(),
            command=_scrubbed(sys.argv[1:]),
            machine=host.describe(),
            server=self._venue.facts,
            arms=self._arms,
            cells=[
                _cell_facts(cell, self._scenarios[cell.scenario]) for cell in self._cells
            ],
            **self._about,
        )

    def write(self, record: AnyRecord) -> None:
        """Append a record, from any thread; raises `ResultsError` if the file takes no
        more."""
        with self._writing:
            if isinstance(record, Check):
                self.checks.append(record)
            self.totals[_total(record)] += 1
            if self._writer is not None:
                self._writer.write(record)
            elif self._path is not None:
                self._early.append(record)

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        reason = "complete"
        if kind is not None:
            reason = "interrupted" if issubclass(kind, KeyboardInterrupt) else "failed"
        with interrupt.deferred(), contextlib.ExitStack() as stack:
            if self._writer is not None:
                stack.callback(self._writer.close)
                self._foot(reason)

    def _foot(self, reason: str) -> None:
        done = Housekeeping()
        # The server may be what ended the run.
        with contextlib.suppress(Exception), self._venue.control.within(_FOOTER_S):
            done = self._venue.stage.housekeeping().since(self._before)
        self.write(
            Footer(
                ended=_now(),
                reason=reason,
                trials=self.totals["trials"],
                checks=len(self.checks),
                counts=self.totals["counts"],
                elapsed_ns=time.perf_counter_ns() - self._begun,
                cache_hits=max(0, done.cache_hits),
                cache_reads=max(0, done.cache_reads),
                phases_ns=self._phases.spent_ns() if self._phases else {},
            )
        )


def _total(record: AnyRecord) -> str:
    """The footer's total that counts a record; empty if none does."""
    if isinstance(record, LaneRecord):
        return record.footed
    return "trials" if isinstance(record, Trial) else ""


def _opened(path: Path, header: Header) -> Writer:
    """A file that begins with its header; none at all where that cannot be written."""
    writer = Writer(path)
    try:
        writer.write(header)
    except BaseException:
        writer.close()
        path.unlink()
        raise
    return writer


def _arm_facts(arm: Arm, hello: dict[str, Any]) -> ArmFacts:
    return ArmFacts(
        id=arm.id,
        driver=arm.driver,
        options=list(arm.options),
        profile=arm.profile,
        kind=hello.get("kind", ""),
        twin=arm.name if arm.copy else "",
        terms=hello.get("terms", {}),
        problem=hello.get("problem", ""),
        reference=arm.reference,
        isolates=arm.isolates,
        python=hello.get("python", ""),
        gil=hello.get("gil", ""),
        packages=hello.get("packages", {}),
        source=hello.get("source", ""),
        vital=_vital(arm, hello.get("terms", {})),
    )


def _vital(arm: Arm, terms: dict[str, str]) -> dict[str, str]:
    """What the package behind a driver says of itself, if it is one."""
    if arm.reference or not terms:
        return {}
    return dict(vital.signs(terms["library"], environments.of(arm)))


def _locked(arm: ArmFacts) -> Note:
    text = f"{arm.python} is free-threaded, but importing {arm.driver} switched its GIL on"
    return Note(kind="gil", text=text, arm=arm.id)


def _cell_facts(cell: Cell, scenario: Scenario) -> CellFacts:
    return CellFacts(
        id=cell.id,
        scenario=cell.scenario,
        case=cell.case,
        point=dict(cell.point),
        title=cell.title,
        why=scenario.why,
        op=cell.op.value,
        strategy=cell.strategy,
        unit=cell.bench.unit if cell.bench else "ops",
        units_per_op=cell.bench.units_per_op if cell.bench else 1,
        clients=cell.clients,
        pool=cell.pool,
        arrivals=cell.arrivals.kind if cell.arrivals else "",
        rate=cell.arrivals.rate if cell.arrivals else 0,
        sql=_sql(cell),
        digest=cell.digest,
        work=cell.work,
        task=cell.task,
        tasks=[_task_facts(share) for share in cell.mix],
    )


def _sql(cell: Cell) -> str:
    """All that a cell says, of a mix that of each task under its name."""
    if cell.mix:
        tasks = [share.cell for share in cell.mix]
        return "\n\n".join(f"-- {task.local_id}\n{_sql(task)}" for task in tasks)
    return cell.sql or "\n".join(statement.sql for statement in cell.statements)


def _task_facts(share: Share) -> TaskFacts:
    return TaskFacts(
        cell=share.cell.id,
        title=share.cell.title,
        op=share.cell.op.value,
        weight=share.weight,
        turns=share.turns,
        statements=statements_of(share.cell),
        round_trips=round_trips_of(share.cell),
    )


def _scrubbed(argv: Sequence[str]) -> list[str]:
    """The command line without anything that could hold an address or a password.

    libpq allows `password = x`, so a DSN is known by its beginning, not by its keys.
    """
    return ["dsn:…" if "://" in word or "dsn:" in word else word for word in argv]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
