"""The tables of a scenario file: what may be written, and which error a slip gives.

Everything here is about the file's own form. What the values mean together is decided
when cells are made (`cells.py`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from harness.core.errors import ScenarioError

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Count = Annotated[int, Meta(ge=1)] | str
AxisValue = int | str
_T = TypeVar("_T")


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario file in which an unknown key is an error."""


class FixtureTable(_Strict, frozen=True, kw_only=True):
    """`[fixture]`: SQL run by the control connection before the cases, never timed."""

    sql: str
    scope: Literal["run", "trial"] = "run"


class StatementTable(_Strict, frozen=True, kw_only=True):
    """One entry of `statements`: SQL, and SQL that makes one call's parameters per row."""

    sql: str
    params: str = ""


class ErrorTable(_Strict, frozen=True, kw_only=True):
    """`expect.error`: the error that must come, by SQLSTATE and the names it carries."""

    sqlstate: Annotated[str, Meta(pattern="^[0-9A-Z]{5}$")]
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
    server_settings: dict[str, str] = {}
    arrivals: ArrivalsTable | None = None
    floor: bool = False


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
    on: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")] = "main"
    sql: str = ""
    arguments: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    save: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    start: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    join: str = ""
    within_ms: Annotated[int, Meta(ge=1)] | None = None
    note: str = ""
    expect: StepExpectTable = StepExpectTable()


class CaseTable(_Strict, frozen=True, kw_only=True):
    """`[[case]]`: one checkable, perhaps timeable operation."""

    name: Name
    op: str = ""
    title: str = ""
    step: list[StepTable] = []
    sql: str = ""
    params: str = ""
    args: list[dict[str, Any]] = []
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
    settings: dict[str, str] = {}
    axes: dict[Name, list[AxisValue]] = {}
    requires: list[str] = []
    needs: list[str] = []
    accept: list[str] = []
    check: dict[str, list[AxisValue]] = {}
    once: bool = False
    expect: ExpectTable = ExpectTable()
    bench: BenchTable | None = None


class LiteralTable(_Strict, frozen=True, kw_only=True):
    """A value that is too long or too odd to be its own name: SQL, with a name."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:+/-]+$", max_length=40)]
    sql: str


Direction = Literal[
    "read", "write", "array-read", "array-write", "array-null", "copy", "copy-text"
]
DIRECTIONS: tuple[Direction, ...] = (
    "read", "write", "array-read", "array-write", "array-null", "copy",
)  # fmt: skip


class ValueTable(_Strict, frozen=True, kw_only=True):
    """`[[value]]`: round trips of a type, one cell for each literal and direction."""

    type: Annotated[str, Meta(min_length=1)]
    name: Name | None = None
    literals: Annotated[list[str | LiteralTable], Meta(min_length=1)]
    directions: tuple[Direction, ...] = DIRECTIONS
    form: str = msgspec.field(name="as", default="")
    requires: list[str] = []
    needs: list[str] = []
    accept: list[str] = []


class ScenarioFile(_Strict, frozen=True, kw_only=True):
    """A scenario: one question, with a fixture and cases."""

    schema: Literal[1]
    title: Annotated[str, Meta(min_length=1)]
    why: Annotated[str, Meta(min_length=1)]
    requires: list[str] = []
    needs: list[str] = []
    once: bool = False
    fixture: FixtureTable | None = None
    case: list[CaseTable] = []
    value: list[ValueTable] = []


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors."""
    schema = msgspec.json.schema(ScenarioFile)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "pgdyno scenario"
    return schema


def convert(raw: Any, kind: type[_T], where: str) -> _T:
    """A raw table as a struct; raises `ScenarioError`, with the nearest key for a slip."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        message = str(error)
        raise ScenarioError(f"{where}: {message}", hint=_nearest_key(message)) from error


_UNKNOWN = re.compile(r"unknown field `(?P<key>[^`]*)`(?: - at `(?P<path>[^`]*)`)?")
_TABLES: Mapping[str, type[msgspec.Struct]] = {
    "": ScenarioFile,
    "fixture": FixtureTable,
    "case": CaseTable,
    "value": ValueTable,
    "literals": LiteralTable,
    "statements": StatementTable,
    "step": StepTable,
    "expect": ExpectTable,
    "error": ErrorTable,
    "recall": RecallTable,
    "bench": BenchTable,
    "arrivals": ArrivalsTable,
}


def _nearest_key(message: str) -> str:
    unknown = _UNKNOWN.search(message)
    if unknown is None:
        return "docs/scenario-format.md describes every key"
    path = re.sub(r"\[.*?\]|\$", "", unknown["path"] or "").strip(".")
    last = path.rpartition(".")[2]
    table = _TABLES.get(last, CaseTable)
    if path.endswith("step.expect"):
        table = StepExpectTable
    keys = [field.encode_name for field in msgspec.structs.fields(table)]
    near = difflib.get_close_matches(unknown["key"], keys, 1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known keys here: {', '.join(keys)}"
