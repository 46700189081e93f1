"""The tables of a scenario file: what may be written, and which error a slip gives.

Everything here is about the file's own form. What the values mean together is decided
when cells are made (`cells.py`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


def _said(text: str) -> Meta:
    """What to write: for the hint of an error and for editors."""
    return Meta(description=text)


def _word(pattern: str, description: str, longest: int = 60) -> Meta:
    """A text of a form. `$` alone would let a newline pass at its end."""
    return Meta(
        pattern=f"^(?:{pattern})$(?!\\n)", max_length=longest, description=description
    )


Name = Annotated[
    str,
    _word("[a-z0-9][a-z0-9_-]*", "small letters, digits, - and _, up to 60 in all"),
]
Handle = Annotated[
    str,
    _word("[a-z][a-z0-9_]*", "a name of small letters, digits and _, a letter first"),
]
Count = Annotated[
    Annotated[int, Meta(ge=1)] | str,
    _said('a whole number of 1 or more, or a mark of an axis such as "${rows}"'),
]
AxisValue = Annotated[
    int | str, _said("a whole number, or a name of letters, digits and _ in quotes")
]
Settings = Annotated[
    dict[str, str],
    _said('text in quotes for each name: { work_mem = "5MB", TimeZone = "UTC" }'),
]
Made = Annotated[
    dict[str, Any], _said('a table that makes a value: { py = "bool", value = false }')
]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario file in which an unknown key is an error."""


class FixtureTable(_Strict, frozen=True, kw_only=True):
    """`[fixture]`: SQL run by the control connection before the cases, never timed."""

    sql: str
    scope: Literal["run", "trial"] = "run"


class StatementTable(_Strict, frozen=True, kw_only=True):
    """One entry of `statements`: SQL, and SQL that makes its parameters, a row for each
    time it is sent, or the columns of the case's `params` that are its parameters."""

    sql: str
    params: str = ""
    each: Count | None = None
    takes: list[str] = []


class ErrorTable(_Strict, frozen=True, kw_only=True):
    """`expect.error`: the error that must come, by SQLSTATE and the names it carries."""

    sqlstate: Annotated[
        str, _word("[0-9A-Z]{5}", 'a SQLSTATE of five digits and capitals: "23505"')
    ]
    constraint: str = ""
    table: str = ""
    column: str = ""


class RecallTable(_Strict, frozen=True, kw_only=True):
    """`expect.recall`: the share of the exact answer that an approximate search finds."""

    exact: str
    at_least: Annotated[float, Meta(ge=0, le=1)]


class ExpectTable(_Strict, frozen=True, kw_only=True):
    """`expect`: oracles besides the rows that a read returns."""

    state: str = ""
    equals: str = ""
    trait: bool = False
    error: ErrorTable | None = None
    rejected: bool = False
    recall: RecallTable | None = None
    plan: str = ""
    sessions: Annotated[int, Meta(ge=0)] | None = None
    unordered: bool = False


class ArrivalsTable(_Strict, frozen=True, kw_only=True):
    """`bench.arrivals`: ops begin at moments of their own, an open loop."""

    kind: Literal["uniform", "poisson"]
    rate: Count
    seconds: Count = 1


class BenchTable(_Strict, frozen=True, kw_only=True):
    """`[case.bench]`: makes a case timeable. `quick` and `standard` select axis points."""

    tier: Literal["quick", "standard", "full"] = "full"
    quick: list[dict[str, AxisValue]] = []
    standard: list[dict[str, AxisValue]] = []
    unit: str = "ops"
    units: Count = 1
    reset: str = ""
    server_settings: Settings = {}
    arrivals: ArrivalsTable | None = None
    floor: bool = False
    token: bool = False


class StepExpectTable(_Strict, frozen=True, kw_only=True):
    """`expect` of a step: what it must bring; nothing but an error is wrong without."""

    value: Any = msgspec.UNSET
    has: dict[str, Any] = {}
    like: str = ""
    error: ErrorTable | None = None
    rejected: bool = False
    trait: bool = False
    grows_mb: Annotated[int, Meta(ge=0)] = 0


class StepTable(_Strict, frozen=True, kw_only=True):
    """`[[case.step]]`: one act, on a session, on the control connection or on a server."""

    op: str = ""
    on: Handle = "main"
    sql: str = ""
    repeat: Count | None = None
    step: list[StepTable] = []
    arguments: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    save: Handle | None = None
    start: Handle | None = None
    with_next: bool = False
    join: str = ""
    process: Handle | None = None
    within_ms: Annotated[int, Meta(ge=1)] | None = None
    note: str = ""
    expect: StepExpectTable = StepExpectTable()


class ConditionsTable(_Strict, frozen=True, kw_only=True):
    """`[case.conditions]`: how a case is reached when timed: each way, each RTT."""

    via: list[str] = []
    rtt: list[float] = []


class CaseTable(_Strict, frozen=True, kw_only=True):
    """`[[case]]`: one checkable, perhaps timeable operation."""

    name: Name
    op: str = ""
    adk: str = ""
    title: str = ""
    step: list[StepTable] = []
    sessions: list[Handle] = []
    cleanup: str = ""
    sql: str = ""
    params: str = ""
    args: list[Made] = []
    args_rows: list[list[Made]] = []
    form: str | list[str] = msgspec.field(name="as", default_factory=list)
    statements: list[StatementTable] = []
    table: str = ""
    columns: list[str] = []
    rows: str = ""
    format: str = "text"
    source: str = "rows"
    strategy: str = ""
    clients: Count | None = None
    pool: Count | None = None
    settings: Settings = {}
    axes: dict[Name, list[AxisValue]] = {}
    requires: list[str] = []
    needs: list[str] = []
    accept: list[str] = []
    check: dict[str, list[AxisValue]] = {}
    once: bool = False
    task: str = ""
    expect: ExpectTable = ExpectTable()
    conditions: ConditionsTable | None = None
    bench: BenchTable | None = None


Weight = Annotated[float, _said("a number above 0")]


class MixTable(_Strict, frozen=True, kw_only=True):
    """`[[mix]]`: cases of the same file, taken in turn by their weights."""

    name: Name
    title: str = ""
    weights: Annotated[
        dict[str, Weight], _said("a table of cases: { read = 9, write = 1 }")
    ]
    seed: int = 1
    turns: Count | None = None
    clients: Count | None = None
    pool: Count | None = None
    axes: dict[Name, list[AxisValue]] = {}
    check: dict[str, list[AxisValue]] = {}
    bench: BenchTable | None = None


class LiteralTable(_Strict, frozen=True, kw_only=True):
    """A value that is too long or too odd to be its own name: SQL, with a name."""

    name: Annotated[
        str, _word("[A-Za-z0-9_.:+/-]+", "letters, digits and _.:+/-, up to 40", 40)
    ]
    sql: str


Direction = Literal[
    "read", "write", "array-read", "array-write", "array-null", "copy", "copy-text"
]
DIRECTIONS: tuple[Direction, ...] = (
    "read", "write", "array-read", "array-write", "array-null", "copy",
)  # fmt: skip


class ValueTable(_Strict, frozen=True, kw_only=True):
    """`[[value]]`: round trips of a type, one cell for each literal and direction."""

    type: Annotated[str, Meta(min_length=1, description='a type\'s name: "numeric"')]
    name: Name | None = None
    literals: Annotated[
        list[Annotated[str | LiteralTable, _said('text, or { name = "…", sql = "…" }')]],
        Meta(min_length=1, description='a list of texts: ["1.10", "NaN"]'),
    ]
    directions: Annotated[tuple[Direction, ...], Meta(min_length=1)] = DIRECTIONS
    form: str = msgspec.field(name="as", default="")
    requires: list[str] = []
    needs: list[str] = []
    accept: list[str] = []


class ScenarioFile(_Strict, frozen=True, kw_only=True):
    """A scenario: one question, with a fixture and cases."""

    schema: Literal[1]
    title: str = ""
    why: str = ""
    requires: list[str] = []
    needs: list[str] = []
    once: bool = False
    task: str = ""
    search_path: Literal["", "server"] = ""
    fixture: FixtureTable | None = None
    case: list[CaseTable] = []
    mix: list[MixTable] = []
    value: list[ValueTable] = []


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors."""
    schema = msgspec.json.schema(ScenarioFile)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "pgdyno scenario"
    return schema
