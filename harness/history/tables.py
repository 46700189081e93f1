"""The tables of a store: their columns, and a run as rows of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.history import ratios
from harness.history.places import started
from harness.history.series import commit_of, series_of
from harness.report import columns, rows
from harness.report.columns import COUNT, FLAG, NUMBER, TEXT, WORD
from harness.results.records import Run

MOMENT = "timestamp"
"""A dtype besides those of `columns`: microseconds in UTC."""

_RUNS = {
    "run": WORD,
    "started": MOMENT,
    "kind": WORD,
    "lane": WORD,
    "effort": WORD,
    "pgdyno": WORD,
    "schema": COUNT,
    "seed": COUNT,
    "command": TEXT,
    "placement": TEXT,
    "system": WORD,
    "release": WORD,
    "cpu": WORD,
    "cores": COUNT,
    "memory_bytes": COUNT,
    "hostname_hash": WORD,
    "virtual": WORD,
    "python": WORD,
    "implementation": WORD,
    "server": WORD,
    "server_version": WORD,
    "server_version_num": COUNT,
    "managed": FLAG,
    "transport": WORD,
    "settings": TEXT,
    "extensions": TEXT,
    "ended": TEXT,
    "reason": TEXT,
    "elapsed_ns": COUNT,
    "truncated": TEXT,
}
_ARMS = {
    "run": WORD,
    "arm": WORD,
    "series": WORD,
    "driver": WORD,
    "options": WORD,
    "profile": WORD,
    "kind": WORD,
    "library": WORD,
    "library_version": WORD,
    "commit": WORD,
    "twin": WORD,
    "reference": TEXT,
    "problem": TEXT,
    "terms": TEXT,
}
_CELLS = {
    "run": WORD,
    "cell": WORD,
    "scenario": WORD,
    "case": WORD,
    "point": TEXT,
    "title": TEXT,
    "op": WORD,
    "strategy": WORD,
    "unit": WORD,
    "units_per_op": COUNT,
    "clients": COUNT,
    "pool": COUNT,
    "arrivals": WORD,
    "rate": COUNT,
    "sql": TEXT,
    "digest": WORD,
    "work": WORD,
}
_RATIOS = {
    "run": WORD,
    "started": MOMENT,
    "pgdyno": WORD,
    "server_version": WORD,
    "python": WORD,
    "cell": WORD,
    "digest": WORD,
    "arm": WORD,
    "series": WORD,
    "driver": WORD,
    "library_version": WORD,
    "commit": WORD,
    "competes": FLAG,
    "verdict": WORD,
    "control": WORD,
    "control_series": WORD,
    "control_version": WORD,
    "control_competes": FLAG,
    "control_verdict": WORD,
    "n": COUNT,
    "log_ratio": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
}

Row = Iterable[Any]


@dataclass(frozen=True, slots=True)
class StoreTable:
    """A table: its name, the dtype of each column, and the rows of a run."""

    name: str
    columns: Mapping[str, str]
    rows: Callable[[Run], Iterator[Row]]


# --- rows -----------------------------------------------------------------------------


def _runs(run: Run) -> Iterator[Row]:
    header, footer = run.header, run.footer
    machine, server = header.machine, header.server
    yield (
        header.run,
        started(header),
        header.kind,
        header.lane,
        header.effort,
        header.pgdyno,
        header.schema,
        header.seed,
        _json(header.command),
        _json(header.placement),
        machine.system,
        machine.release,
        machine.cpu,
        machine.cores,
        machine.memory_bytes,
        machine.hostname_hash,
        machine.virtual,
        machine.python,
        machine.implementation,
        server.label,
        server.version,
        server.version_num,
        server.managed,
        server.transport,
        _json(server.settings),
        _json(server.extensions),
        footer.ended if footer else "",
        footer.reason if footer else "",
        footer.elapsed_ns if footer else None,
        run.truncated,
    )


def _arms(run: Run) -> Iterator[Row]:
    for arm in run.header.arms:
        yield (
            run.header.run,
            arm.id,
            series_of(arm),
            arm.driver,
            "+".join(arm.options),
            arm.profile,
            arm.kind,
            arm.terms.get("library", ""),
            arm.terms.get("version", ""),
            commit_of(arm),
            arm.twin,
            arm.reference,
            arm.problem,
            _json(arm.terms),
        )


def _cells(run: Run) -> Iterator[Row]:
    for cell in run.header.cells:
        yield (
            run.header.run,
            cell.id,
            cell.scenario,
            cell.case,
            _json(cell.point),
            cell.title,
            cell.op,
            cell.strategy,
            cell.unit,
            cell.units_per_op,
            cell.clients,
            cell.pool,
            cell.arrivals,
            cell.rate,
            cell.sql,
            cell.digest,
            cell.work,
        )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


TABLES: Mapping[str, StoreTable] = {
    table.name: table
    for table in (
        StoreTable("ratios", _RATIOS, ratios.rows),
        StoreTable("slices", columns.SLICES, rows.slices),
        StoreTable("trials", columns.TRIALS, rows.trials),
        StoreTable("checks", columns.CHECKS, rows.checks),
        StoreTable("cells", _CELLS, _cells),
        StoreTable("arms", _ARMS, _arms),
        StoreTable("runs", _RUNS, _runs),
    )
}
"""In the order in which they are written: a run that is in `runs` is in all others."""
