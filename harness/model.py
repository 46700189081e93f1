"""The nouns, frozen. Standard library only, because workers import this.

The glossary (docs/glossary.md) says what each word means; this module says what
shape it has. Text that comes from a file has been validated before it gets here.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

Profile = Literal["default", "configured"]
Kind = Literal["sync", "async", "program"]
Effort = Literal["quick", "standard", "full", "gate"]
Point = tuple[tuple[str, int | str], ...]

LANES: Mapping[str, str] = {
    "time": "time per op, slices of all drivers interleaved",
    "memory": "bytes per connection, and whether a long loop grows",
    "instructions": "instructions of the client per op, by callgrind: hardly any noise",
}
"""What a bench run can count: name → what a user reads about it."""

TEXT_FORM = (
    ("DateStyle", "ISO"),
    ("IntervalStyle", "iso_8601"),
    ("TimeZone", "UTC"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
)
"""Session settings under which the oracle's texts are written."""

PROFILES: tuple[Profile, ...] = ("default", "configured")


class Verdict(StrEnum):
    """What became of one cell of the matrix, worst first; `invalid` is our own fault."""

    BROKEN = "broken"
    CRASHED = "crashed"
    HUNG = "hung"
    LOSSY = "lossy"
    DIFFERS = "differs"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"
    EXACT = "exact"
    INVALID = "invalid"

    @property
    def severity(self) -> int:
        """0 for `exact`, more for what hurts more; `invalid` is outside the order: -1."""
        if self is Verdict.INVALID:
            return -1
        return len(_WORST_FIRST) - 1 - _WORST_FIRST.index(self)

    @property
    def timeable(self) -> bool:
        """Whether a cell with this verdict may be given a time."""
        return self in (Verdict.EXACT, Verdict.DIFFERS)


_WORST_FIRST = tuple(verdict for verdict in Verdict if verdict != "invalid")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what a person needs to believe it."""

    verdict: Verdict
    detail: str = ""
    observed: str = ""
    expected: str = ""


class Op(StrEnum):
    """The closed vocabulary of what a driver can be asked; a method has its name."""

    CONNECT = "connect"
    CONNECT_QUERY = "connect_query"
    CHECKOUT = "checkout"
    EXECUTE = "execute"
    FETCH_ALL = "fetch_all"
    FETCH_ONE = "fetch_one"
    FETCH_VAL = "fetch_val"
    EXECUTE_MANY = "execute_many"
    BATCH_HELPER = "batch_helper"
    SEQUENTIAL = "sequential"
    PIPELINE = "pipeline"
    TRANSACTION = "transaction"
    SAVEPOINT = "savepoint"
    COPY_IN = "copy_in"
    COPY_OUT = "copy_out"
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class PgType:
    """A PostgreSQL type as the server describes it.

    `name` is `pg_type.typname`; `element` is set for arrays, domains, ranges and
    multiranges; `fields` for composites.
    """

    name: str
    kind: Literal["base", "array", "enum", "composite", "domain", "range", "multirange"] = (
        "base"
    )
    element: PgType | None = None
    fields: tuple[tuple[str, PgType], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as the server wrote them: text form or None, column by column typed."""

    columns: tuple[str, ...]
    types: tuple[PgType, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with `$n` placeholders and one call's parameters."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """What a plug-in binds an op to: everything it needs, as Python objects.

    `sql` has `$n` placeholders. `params` holds one tuple per call; calls cycle
    through it, starting at `offset`. `statements` is the list of a pipeline, a
    transaction or a sequence. `rows` are the rows of an `execute_many` or a COPY,
    `data` the encoded COPY stream when the source is bytes, `types` the
    `pg_type.typname` of each column.
    """

    op: Op
    sql: str = ""
    params: tuple[tuple[Any, ...], ...] = ()
    statements: tuple[Statement, ...] = ()
    table: str = ""
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    data: bytes = b""
    format: Literal["text", "csv", "binary"] = "text"
    offset: int = 0

    def cycle(self) -> Iterator[tuple[Any, ...]]:
        """The endless sequence of parameters: the same for every driver."""
        start = self.offset % len(self.params) if self.params else 0
        return itertools.cycle(self.params[start:] + self.params[:start])


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and with which session settings (sent as startup options)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str
    settings: tuple[tuple[str, str], ...] = ()
    application_name: str = "pgdyno"

    @property
    def options(self) -> str:
        """The settings in libpq's form: `-c name=value`, with spaces escaped."""
        return libpq_options(self.settings)


def libpq_options(settings: Iterable[tuple[str, str]]) -> str:
    """Settings as libpq's `options`: `-c name=value`, with blanks escaped."""
    escaped = {name: re.sub(r"([\\ ])", r"\\\1", value) for name, value in settings}
    return " ".join(f"-c {name}={value}" for name, value in escaped.items())


BOUND_BY_CLIENT = "put into the SQL by the client"
"""In `Terms.wire_parameters`: the server never sees the parameters as such."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a driver does its work; shown beside every number.

    Most are free text. Before a driver is timed, two are compared with what the server
    sees: `autocommit`, which begins with "off" where that is so, and `wire_parameters`, by
    the words `BOUND_BY_CLIENT`.
    """

    library: str
    version: str
    implementation: str
    libpq: str
    wire_results: str
    wire_parameters: str
    row_shape: str
    placeholders: str
    statement_cache: str
    autocommit: str
    pool: str
    loop: str


@dataclass(frozen=True, slots=True)
class ErrorFields:
    """What an exception of a driver tells, as far as the library exposes it."""

    sqlstate: str = ""
    message: str = ""
    constraint: str = ""
    table: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """One column of a run: a driver, its options, and which copy of it (A/A).

    `burden` is the share of its own time by which every op is made slower, to see whether
    a comparison finds that; None for an arm as it is. `reference` says what the arm is a
    reference for; empty for a driver, which competes.
    """

    driver: str
    options: tuple[str, ...] = ()
    profile: Profile = "configured"
    copy: int = 0
    burden: float | None = None
    reference: str = ""

    @property
    def name(self) -> str:
        """The driver as a user spells it: `asyncpg+uvloop`."""
        return "+".join((self.driver, *self.options))

    @property
    def id(self) -> str:
        """Unique in a run; the second copy of a driver is its A/A arm."""
        if self.burden is not None:
            return f"{self.name} (+{self.burden:.1%}, {self.copy})"
        return f"{self.name} (A/A)" if self.copy else self.name


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """Which error must come; empty fields are not looked at."""

    sqlstate: str
    constraint: str = ""
    table: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Recall:
    """An approximate search must find at least this share of the exact answer."""

    exact: str
    at_least: float


@dataclass(frozen=True, slots=True)
class Expect:
    """The oracles of a case. `rows` is implied for every op that returns rows.

    `state` is a query that must give the same rows in the driver's schema as in the
    schema where the control connection did the same work; `equals` is a query that
    gives the answer of a call; `trait` asks for a fact without right or wrong;
    `sessions` is how many server sessions one op opens.
    """

    rows: bool = False
    state: str = ""
    equals: str = ""
    trait: bool = False
    error: ExpectedError | None = None
    rejected: bool = False
    recall: Recall | None = None
    plan: str = ""
    sessions: int | None = None


@dataclass(frozen=True, slots=True)
class StepExpect:
    """What one step must bring; nothing but an error is wrong where all is empty.

    `value` holds the one expected value, or nothing; `has` the entries that a dict must
    have; `like` a pattern of SQL's LIKE for a text; `grows_mb` how much memory the step
    may take at most.
    """

    value: tuple[Any, ...] = ()
    has: Mapping[str, Any] = field(default_factory=dict)
    like: str = ""
    error: ExpectedError | None = None
    rejected: bool = False
    trait: bool = False
    grows_mb: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case of several: an act (`harness.acts`) on a named object.

    `on` names what `save` saved, or control, server, proxy, which the parent plays.
    `start` runs it beside the next steps under a name, `join` waits for it.
    """

    on: str
    op: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    save: str = ""
    start: str = ""
    join: str = ""
    within_ms: int = 0
    note: str = ""
    expect: StepExpect = field(default_factory=StepExpect)

    @property
    def by_parent(self) -> bool:
        """Whether the parent plays it, and no driver."""
        return self.on in ("control", "server", "proxy") and not self.join

    @property
    def label(self) -> str:
        """What a reader calls it."""
        return self.note or (f"join {self.join}" if self.join else f"{self.on}.{self.op}")


@dataclass(frozen=True, slots=True)
class StatementSpec:
    """A statement of a scenario file: SQL and the SQL that makes its parameters."""

    sql: str
    params: str = ""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Ops that begin at moments of their own, whether or not the last one is back (an open
    loop): `rate` per second, for so many seconds, at equal distances or as a Poisson
    process."""

    kind: Literal["uniform", "poisson"]
    rate: int
    seconds: int


@dataclass(frozen=True, slots=True)
class BenchSpec:
    """How a cell is timed: what one op is worth, what undoes it, and, for an open loop,
    when ops arrive.

    With `floor` the references take part. That is not part of the work, so it stays out
    of the repr, from which the cell's digest is made.
    """

    effort: Effort
    unit: str
    units_per_op: int
    reset: str
    server_settings: tuple[tuple[str, str], ...] = ()
    arrivals: Arrivals | None = None
    floor: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Fixture:
    """SQL of the control connection, with one schema per `run` or per `trial`.

    `reset` brings it back to its first state without making it anew.
    """

    sql: str = ""
    scope: Literal["run", "trial"] = "run"
    reset: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A case at one point of its axes: what is checked and perhaps timed.

    All `${axis}` marks are replaced. `checked` cells are those that a check of everything
    plays; the other points of a sweep are verified when they are timed. A check plays
    those that are played `once` in one profile only. `clients` > 0
    makes it a concurrency cell over a pool of `pool` connections. `forms` says in which
    Python form each parameter or column is sent; `args` are one call's parameters that
    SQL cannot make, by their constructors.
    """

    scenario: str
    case: str
    point: Point
    title: str
    op: Op
    fixture: Fixture
    expect: Expect
    sql: str = ""
    params: str = ""
    args: tuple[Mapping[str, Any], ...] = ()
    forms: tuple[str, ...] = ()
    statements: tuple[StatementSpec, ...] = ()
    table: str = ""
    columns: tuple[str, ...] = ()
    rows: str = ""
    format: Literal["text", "csv", "binary"] = "text"
    source: Literal["rows", "bytes"] = "rows"
    strategy: str = ""
    clients: int = 0
    pool: int = 0
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    bench: BenchSpec | None = None
    checked: bool = True
    once: bool = False

    @property
    def id(self) -> str:
        """The cell's identity: `copy/in#rows@format=text,rows=1000`."""
        head = f"{self.scenario}#{self.case}"
        axes = ",".join(f"{name}={value}" for name, value in self.point)
        return f"{head}@{axes}" if axes else head

    @property
    def digest(self) -> str:
        """Equal for two versions of a cell that ask the same work."""
        bench = self.bench and replace(self.bench, effort="full", unit="")
        work = repr(replace(self, title="", bench=bench, checked=True, once=False))
        return hashlib.sha256(work.encode()).hexdigest()[:16]

    @property
    def work(self) -> str:
        """Equal for two cells that ask the same work, whatever they are called."""
        nameless = replace(self, scenario="", case="", point=(), title="")
        return nameless.digest

    @property
    def floor(self) -> bool:
        """Whether references take part when it is timed."""
        return self.bench is not None and self.bench.floor

    def played_by(self, arm: Arm) -> bool:
        """Whether an arm takes part: a driver always, a reference in cells with a floor."""
        return self.floor or not arm.reference

    @property
    def round_trip(self) -> bool:
        """A `[[value]]`: it leaves no trace but a row that is removed, so the next one may
        have its session."""
        return any(axis == "value" for axis, _ in self.point)

    @property
    def arrivals(self) -> Arrivals | None:
        """When ops arrive, of a cell that is an open loop."""
        return self.bench.arrivals if self.bench else None

    @property
    def family(self) -> str:
        """The folder of the scenario: `copy`."""
        return self.scenario.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Expected:
    """An oracle's answer, ready for a worker: one list of tables per call.

    `calls[i][j]` is what statement j of call i returns; None where it returns none.
    """

    calls: tuple[tuple[Table | None, ...], ...] = ()
    error: ExpectedError | None = None
    rejected: bool = False
    trait: bool = False
    accept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A cell as a worker needs it: inputs and expected answers, no scenario, no server."""

    cell: str
    op: Op
    expected: Expected
    requires: tuple[str, ...] = ()
    sql: str = ""
    params: Table | None = None
    args: tuple[Mapping[str, Any], ...] = ()
    statements: tuple[tuple[str, Table | None], ...] = ()
    table: str = ""
    columns: tuple[str, ...] = ()
    rows: Table | None = None
    data: bytes = b""
    format: Literal["text", "csv", "binary"] = "text"
    source: Literal["rows", "bytes"] = "rows"
    forms: tuple[str, ...] = ()
    clients: int = 0
    pool: int = 0
    steps: tuple[Step, ...] = ()
