"""The scenario file: what an application asks, as cases and a mix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.core.sql import shortened
from harness.core.toml import quoted, text
from harness.core.visible import visible_line
from harness.workload.trial import Repeatable

TITLE_CHARS = 70
TURNS = 100
CYCLE_S = 0.5
"""A slice of a run is a whole cycle of the mix, so that should not take long."""
LISTED = 100
"""So many statements that were left out are listed; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Case:
    """A statement of the file."""

    name: str
    tried: Repeatable
    calls: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A statement, or several, that cannot be repeated, and why; without private values."""

    text: str
    reason: str
    calls: float
    total_ms: float = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """All that an import found."""

    source: str
    date: str
    version: str
    database: str
    seed: int
    cases: Sequence[Case]
    left_out: Sequence[LeftOut]

    @property
    def calls(self) -> float:
        """Of all statements that the source has, covered or not."""
        return sum(case.calls for case in self.cases) + sum(
            part.calls for part in self.left_out
        )

    @property
    def total_ms(self) -> float:
        """The server's time for them; 0 where the source does not tell."""
        return sum(case.total_ms for case in self.cases) + sum(
            part.total_ms for part in self.left_out
        )


def named(tried: Sequence[tuple[Repeatable, float, float]]) -> list[Case]:
    """The cases with names: of the first table, and a number."""
    counts: dict[str, int] = {}
    made = []
    for found, calls, total_ms in tried:
        table = next(iter(found.statement.tables), "")
        slug = re.sub(r"[^a-z0-9]+", "-", table.lower()).strip("-")[:40] or "statement"
        counts[slug] = counts.get(slug, 0) + 1
        made.append(Case(f"{slug}-{counts[slug]}", found, calls, total_ms))
    return made


def title_of(sql: str) -> str:
    """A statement in short, on one line."""
    return shortened(visible_line(" ".join(sql.split())), TITLE_CHARS)


def covered(workload: Workload) -> str:
    """How much of what the source has can be repeated."""
    calls = sum(case.calls for case in workload.cases)
    total_ms = sum(case.total_ms for case in workload.cases)
    found = len(workload.cases) + len(workload.left_out)
    share = f"{_percent(calls, workload.calls)} of the calls"
    if workload.total_ms:
        share += f" and {_percent(total_ms, workload.total_ms)} of the server's time"
    return f"{len(workload.cases)} of {found} statements, {share}"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def toml(workload: Workload) -> str:
    """The file."""
    lines = [*_head(workload), "schema = 1"]
    lines.append(f"title = {quoted(f'The workload of {workload.database}')}")
    lines.append(f"why = {quoted(f'Imported from {workload.source}, {workload.date}.')}")
    lines.append('search_path = "server"')
    for case in workload.cases:
        lines += ["", *_case(case)]
    lines += ["", *_mix(workload)]
    return "\n".join(lines) + "\n"


def _head(workload: Workload) -> Iterator[str]:
    told = [
        f"Imported by pgdyno from {workload.source}, {workload.date}.",
        f"Database {workload.database}, PostgreSQL {workload.version}; seed"
        f" {workload.seed}.",
        f"Covered: {covered(workload)}.",
        "The server draws the parameters from its tables; none of their values is here.",
    ]
    if workload.left_out:
        told += ["", "Left out:", *map(left_out_line, workload.left_out[:LISTED])]
        if more := len(workload.left_out) - LISTED:
            told += [f"  and {more:,} more"] if more > 0 else []
    return (f"# {visible_line(line)}".rstrip() for line in told)


def left_out_line(part: LeftOut) -> str:
    """One statement that is left out."""
    number = "1 call" if part.calls == 1 else f"{part.calls:,.15g} calls"
    return f"  {title_of(part.text)}: {part.reason} ({number})"


def _case(case: Case) -> Iterator[str]:
    statement = case.tried.statement
    yield "[[case]]"
    yield f"name = {quoted(case.name)}"
    yield f"title = {quoted(title_of(statement.sql))}"
    yield 'op = "fetch_all"'
    yield f"sql = {text(statement.sql)}"
    if case.tried.params:
        yield f"params = {text(case.tried.params)}"
    if not statement.ordered:
        yield "expect.unordered = true"
    yield ""
    yield "[case.bench]"


def _mix(workload: Workload) -> Iterator[str]:
    yield "[[mix]]"
    yield f"name = {quoted(mix_name(workload))}"
    title = f"The workload of {workload.database}: statements by their calls"
    yield f"title = {quoted(title)}"
    yield f"seed = {workload.seed}"
    if (turns := turns_of(workload.cases)) != TURNS:
        yield f"turns = {turns}"
    yield ""
    yield "[mix.weights]"
    for case in workload.cases:
        yield f"{quoted(case.name)} = {case.calls:.15g}"
    yield ""
    yield "[mix.bench]"
    yield 'unit = "statements"'


def turns_of(cases: Sequence[Case]) -> int:
    """The length of a cycle: fewer turns where they would take the server too long."""
    calls = sum(case.calls for case in cases)
    turn_s = sum(case.tried.seconds * case.calls / calls for case in cases)
    return max(len(cases), min(TURNS, int(CYCLE_S / max(turn_s, 1e-9))))


def mix_name(workload: Workload) -> str:
    """The mix's name, which no case has."""
    taken = {case.name for case in workload.cases}
    return "workload" if "workload" not in taken else "all-statements"
