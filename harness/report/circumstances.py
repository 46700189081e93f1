"""Where and with what a run was made: the machine, the server, the drivers' terms."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from harness.analysis.times import measured
from harness.report import format as fmt
from harness.report.cells import CellView
from harness.report.routes import routes
from harness.report.sections import LaneView, RunFact
from harness.results.records import Run

TERMS = {
    "library": "library",
    "version": "version",
    "implementation": "implementation",
    "libpq": "libpq",
    "wire_results": "results on the wire",
    "wire_parameters": "parameters on the wire",
    "row_shape": "a row is",
    "placeholders": "placeholders",
    "statement_cache": "statement cache",
    "autocommit": "autocommit",
    "pool": "pool",
    "loop": "event loop",
    "commits": "commits an op",
    "binds": "binds parameters",
    "rewrites": "rewrites SQL",
    "wraps": "stands on",
    "wrapped_version": "version of that",
}


@dataclass(frozen=True, slots=True)
class ArmView:
    """A driver as a column: `rss_bytes` is its greatest peak."""

    id: str
    twin: str
    reference: str
    kind: str
    profile: str
    problem: str
    terms: dict[str, str]
    rss_bytes: int

    @property
    def habit(self) -> str:
        """The terms that decide most about speed, in few words."""
        wire, shape = self.terms.get("wire_results", ""), self.terms.get("row_shape", "")
        return " · ".join(part for part in (wire, shape) if part)


@dataclass(frozen=True, slots=True)
class TermRow:
    """One term of all arms; `differs` where the drivers do not all have the same."""

    name: str
    values: tuple[str, ...]
    differs: bool


def environment(run: Run, lane: LaneView | None) -> Iterator[RunFact]:
    """What was measured where, and how it was called."""
    header, machine, server = run.header, run.header.machine, run.header.server
    memory = f"{machine.memory_bytes / 2**30:.1f} GiB"
    kind = "" if machine.virtual == "yes" else f" ({machine.virtual})"
    virtual = f", virtual{kind}" if machine.virtual else ""
    yield RunFact(
        "machine", f"{machine.cpu}, {fmt.plural(machine.cores, 'core')}, {memory}{virtual}"
    )
    yield RunFact("system", f"{machine.system} {machine.release}")
    yield RunFact("Python", f"{machine.implementation} {machine.python}")
    managed = "managed by pgdyno" if server.managed else "borrowed"
    yield RunFact("server", f"PostgreSQL {server.version} ({server.label}, {managed})")
    yield RunFact("transport", server.transport)
    yield RunFact("extensions", _pairs(server.extensions, " "))
    yield RunFact("server settings", _pairs(server.settings, " = "))
    yield RunFact("placement", _pairs(header.placement, " = "))
    yield from routes(run)
    yield RunFact("effort", header.effort or fmt.NONE)
    yield from lane.facts if lane else ()
    yield RunFact("seed", str(header.seed))
    yield RunFact("started", header.started)
    yield RunFact("duration", fmt.span(run.footer.elapsed_ns) if run.footer else "unknown")
    yield RunFact("pgdyno", header.pgdyno)
    yield RunFact("command", shlex.join(["pgdyno", *_without_name(header.command)]))
    yield RunFact("results file", run.path.rpartition("/")[2])


def _without_name(command: Sequence[str]) -> Sequence[str]:
    return command[1:] if command and command[0] == "pgdyno" else command


def _pairs(values: dict[str, str], between: str) -> str:
    shown = (f"{name}{between}{value}" for name, value in sorted(values.items()))
    return ", ".join(shown) or "none"


def arms(run: Run, cells: Sequence[CellView]) -> Iterator[ArmView]:
    """All drivers, and the references that some driver is compared with: the harness's own
    have no terms."""
    floors = {cell.floor.row.arm for cell in cells if cell.floor}
    peaks = measured(run).peaks
    for arm in run.header.arms:
        if arm.reference and arm.id not in floors:
            continue
        yield ArmView(
            id=arm.id,
            twin=arm.twin,
            reference=arm.reference,
            kind=arm.kind,
            profile=arm.profile,
            problem=arm.problem,
            terms=arm.terms,
            rss_bytes=peaks.get(arm.id, 0),
        )


def term_rows(arms: Sequence[ArmView]) -> tuple[TermRow, ...]:
    """Every term of every arm; the known ones first and in their own order."""
    known = [name for name in TERMS if any(name in arm.terms for arm in arms)]
    other = sorted({name for arm in arms for name in arm.terms} - TERMS.keys())
    rows = [
        _term("kind", arms, lambda arm: arm.kind),
        _term("profile", arms, lambda arm: arm.profile),
        *(_term(_title(name), arms, partial(_declared, name)) for name in (*known, *other)),
    ]
    if any(arm.rss_bytes for arm in arms):
        rows.append(_term("peak memory (RSS)", arms, lambda arm: fmt.size(arm.rss_bytes)))
    return tuple(rows)


def _title(term: str) -> str:
    own = term.removeprefix("wrapped_")
    told = TERMS.get(term) or TERMS.get(own, own)
    return told if own == term or term in TERMS else f"{told}, of that"


def _declared(name: str, arm: ArmView) -> str:
    return arm.terms.get(name) or fmt.NONE


def _term(name: str, arms: Sequence[ArmView], value: Callable[[ArmView], str]) -> TermRow:
    drivers = {value(arm) for arm in arms if not arm.reference}
    return TermRow(name, tuple(map(value, arms)), len(drivers) > 1)
