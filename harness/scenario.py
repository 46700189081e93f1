"""Scenario files: TOML → cells, strictly. docs/scenario-format.md is the reference.

Parsing has three steps, each of which can only fail with a `ScenarioError` that names
the file and the key: TOML to the structs below (an unknown key is an error that knows
the nearest key), axes to points, and `${axis}` marks to values. What comes out is
`harness.model.Cell`; nothing after this module sees a file's text.
"""

from __future__ import annotations

import difflib
import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from harness.capabilities import Capability
from harness.errors import ScenarioError
from harness.model import (
    BenchSpec,
    Cell,
    Effort,
    Expect,
    ExpectedError,
    Fixture,
    Op,
    Point,
    Recall,
    StatementSpec,
)
from harness.sql import returns_rows

SCHEMA = 1
STRATEGIES: Mapping[str, Op] = {
    "loop": Op.SEQUENTIAL,
    "execute_many": Op.EXECUTE_MANY,
    "helper": Op.BATCH_HELPER,
    "pipeline": Op.PIPELINE,
    "values": Op.EXECUTE,
    "unnest": Op.EXECUTE,
}
NEEDS = re.compile(r"version>=\d+|extension:\w+|superuser|owned|tls|standby")
_MARK = re.compile(r"\$\{(\w+)\}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

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
    error: ErrorTable | None = None
    rejected: bool = False
    recall: RecallTable | None = None
    plan: str = ""
    sessions: Annotated[int, Meta(ge=0)] | None = None


class BenchTable(_Strict, frozen=True, kw_only=True):
    """`[case.bench]`: makes a case timeable. `quick` and `standard` select axis points."""

    tier: Literal["quick", "standard", "full"] = "full"
    quick: list[dict[str, AxisValue]] = []
    standard: list[dict[str, AxisValue]] = []
    unit: str = "ops"
    units: Count = 1
    reset: str = ""
    server_settings: dict[str, str] = {}


class CaseTable(_Strict, frozen=True, kw_only=True):
    """`[[case]]`: one checkable, perhaps timeable operation."""

    name: Name
    op: str
    title: str = ""
    sql: str = ""
    params: str = ""
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
    expect: ExpectTable = ExpectTable()
    bench: BenchTable | None = None


class ScenarioFile(_Strict, frozen=True, kw_only=True):
    """A scenario: one question, with a fixture and cases."""

    schema: Literal[1]
    title: Annotated[str, Meta(min_length=1)]
    why: Annotated[str, Meta(min_length=1)]
    requires: list[str] = []
    needs: list[str] = []
    fixture: FixtureTable | None = None
    case: Annotated[list[CaseTable], Meta(min_length=1)]


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario, expanded: its name, its question and its cells."""

    name: str
    title: str
    why: str
    path: str
    cells: tuple[Cell, ...]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors."""
    schema = msgspec.json.schema(ScenarioFile)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "pgdyno scenario"
    return schema


def library() -> Path:
    """The folder of the scenarios that come with pgdyno, installed or in a checkout."""
    installed = Path(__file__).parent / "_scenarios"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "scenarios"


def select(paths: list[str]) -> list[Scenario]:
    """Scenarios by name (`copy/in`), family (`copy`) or TOML file; all when empty.

    Raises:
        ScenarioError: a path names nothing, or a file is wrong.
    """
    named = paths or _families()
    files = {file.resolve(): file for path in named for file in _files(path)}
    return [load(file) for file in files.values()]


def select_cells(paths: list[str]) -> tuple[list[Scenario], list[Cell]]:
    """Like `select`, where a path may also end in `#case` or `#case@axis=value,…`."""
    scenarios: dict[str, Scenario] = {}
    cells: dict[tuple[str, str], Cell] = {}
    for path in paths or _families():
        for scenario, chosen in _chosen(path):
            scenarios.setdefault(scenario.path, scenario)
            cells.update({(scenario.path, cell.id): cell for cell in chosen})
    return list(scenarios.values()), list(cells.values())


def _chosen(path: str) -> list[tuple[Scenario, list[Cell]]]:
    """The scenarios that one path names, with those of their cells that it means."""
    file, _, case = path.partition("#")
    found = [
        (scenario, [cell for cell in scenario.cells if not case or _is_called(cell, case)])
        for scenario in select([file])
    ]
    if not any(cells for _, cells in found):
        raise ScenarioError(f"no case is called {path}", hint="pgdyno list cases")
    return found


def _is_called(cell: Cell, case: str) -> bool:
    return case in (cell.case, cell.id.partition("#")[2])


def _families() -> list[str]:
    root = library()
    return sorted({file.relative_to(root).parts[0] for file in root.rglob("*.toml")})


def _files(path: str) -> list[Path]:
    root = library()
    own = Path(path)
    if own.suffix == ".toml":
        if not own.is_file():
            raise ScenarioError(f"{path}: there is no such file")
        return [own]
    if (root / f"{path}.toml").is_file():
        return [root / f"{path}.toml"]
    if path and (root / path).is_dir():
        return sorted((root / path).rglob("*.toml"))
    if own.is_dir():
        return sorted(own.rglob("*.toml"))
    names = [str(file.relative_to(root).with_suffix("")) for file in root.rglob("*.toml")]
    near = difflib.get_close_matches(path, [*names, *{n.split("/")[0] for n in names}], 3)
    raise ScenarioError(
        f"'{path}' is no scenario, family or TOML file",
        hint=f"did you mean {', '.join(near)}?" if near else "pgdyno list scenarios",
    )


def load(file: Path) -> Scenario:
    """Read and expand one scenario file; raises `ScenarioError`."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{file}: not TOML: {error}") from error
    parsed = _convert(raw, ScenarioFile, str(file))
    name = _name(file)
    cells = tuple(
        cell
        for index, case in enumerate(parsed.case)
        for cell in _expand(
            parsed, case, raw["case"][index], name, f"{file}, case '{case.name}'"
        )
    )
    _no_duplicates(file, [case.name for case in parsed.case])
    return Scenario(
        name=name, title=parsed.title, why=parsed.why.strip(), path=str(file), cells=cells
    )


def _name(file: Path) -> str:
    try:
        return file.resolve().relative_to(library().resolve()).with_suffix("").as_posix()
    except ValueError:
        return file.stem


def _no_duplicates(file: Path, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"{file}: two cases are called '{name}'", hint="rename one")


# --- strict conversion -----------------------------------------------------------


def _convert(raw: Any, kind: type[_T], where: str) -> _T:
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
    "statements": StatementTable,
    "expect": ExpectTable,
    "error": ErrorTable,
    "recall": RecallTable,
    "bench": BenchTable,
}


def _nearest_key(message: str) -> str:
    unknown = _UNKNOWN.search(message)
    if unknown is None:
        return "docs/scenario-format.md describes every key"
    path = re.sub(r"\[.*?\]|\$", "", unknown["path"] or "").strip(".")
    table = _TABLES.get(path.rpartition(".")[2], CaseTable)
    keys = [field.encode_name for field in msgspec.structs.fields(table)]
    near = difflib.get_close_matches(unknown["key"], keys, 1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known keys here: {', '.join(keys)}"


# --- axes ------------------------------------------------------------------------


def _expand(
    file: ScenarioFile, case: CaseTable, raw: dict[str, Any], scenario: str, where: str
) -> Iterator[Cell]:
    _check_axes(case, where)
    fixed = {key: value for key, value in raw.items() if key not in ("name", "axes")}
    for values in itertools.product(*case.axes.values()):
        point: Point = tuple(zip(case.axes, values, strict=True))
        marks = {name: str(value) for name, value in point}
        filled = _fill(fixed, marks, where) | {"name": case.name}
        table = _convert(filled, CaseTable, where)
        yield _cell(
            file, table, scenario, point, _fill(_fixture(file), marks, where), where
        )


def _fixture(file: ScenarioFile) -> Any:
    return (
        msgspec.to_builtins(file.fixture) if file.fixture else {"sql": "", "scope": "run"}
    )


def _check_axes(case: CaseTable, where: str) -> None:
    for name, values in case.axes.items():
        if not values:
            raise ScenarioError(f"{where}: axis '{name}' has no values")
        for value in values:
            if isinstance(value, str) and not _IDENTIFIER.fullmatch(value):
                raise ScenarioError(
                    f"{where}: axis '{name}' has the value {value!r}",
                    hint="axis values are integers and identifiers only",
                )
    for tier in ("quick", "standard"):
        for point in getattr(case.bench, tier, []):
            _check_point(case, point, f"{where}, bench.{tier}")


def _check_point(case: CaseTable, point: dict[str, AxisValue], where: str) -> None:
    if set(point) != set(case.axes):
        raise ScenarioError(
            f"{where}: a point must name every axis once: {', '.join(case.axes) or 'none'}"
        )
    for name, value in point.items():
        if value not in case.axes[name]:
            raise ScenarioError(f"{where}: {value!r} is no value of the axis '{name}'")


def _fill(value: Any, marks: dict[str, str], where: str) -> Any:
    if isinstance(value, str):
        return _MARK.sub(lambda mark: _marked(mark[1], marks, where), value)
    if isinstance(value, list):
        return [_fill(one, marks, where) for one in value]
    if isinstance(value, dict):
        return {key: _fill(one, marks, where) for key, one in value.items()}
    return value


def _marked(name: str, marks: dict[str, str], where: str) -> str:
    if name not in marks:
        raise ScenarioError(
            f"{where}: ${{{name}}} is no axis", hint=f"axes: {', '.join(marks) or 'none'}"
        )
    return marks[name]


# --- cells -----------------------------------------------------------------------


def _cell(
    file: ScenarioFile,
    case: CaseTable,
    scenario: str,
    point: Point,
    fixture: dict[str, Any],
    where: str,
) -> Cell:
    cell = Cell(
        scenario=scenario,
        case=case.name,
        point=point,
        title=case.title or file.title,
        op=_op(case, where),
        fixture=Fixture(fixture["sql"], fixture["scope"]),
        expect=_expect(case),
        sql=case.sql.strip(),
        params=case.params.strip(),
        forms=(case.form,) if isinstance(case.form, str) else tuple(case.form),
        statements=tuple(
            StatementSpec(one.sql.strip(), one.params.strip()) for one in case.statements
        ),
        table=case.table,
        columns=tuple(case.columns),
        rows=case.rows.strip(),
        format=_one_of(case.format, ("text", "csv", "binary"), "format", where),
        source=_one_of(case.source, ("rows", "bytes"), "source", where),
        strategy=case.strategy,
        clients=_number(case.clients, "clients", where),
        pool=_number(case.pool, "pool", where),
        requires=_capabilities((*file.requires, *case.requires), where),
        needs=_needs((*file.needs, *case.needs), where),
        accept=tuple(case.accept),
        settings=tuple(case.settings.items()),
        bench=_bench(case, point, where),
    )
    _check_complete(cell, where)
    _check_oracle(cell, where)
    return cell


def _op(case: CaseTable, where: str) -> Op:
    if case.op == "bulk_insert":
        return STRATEGIES[_one_of(case.strategy, tuple(STRATEGIES), "strategy", where)]
    try:
        return Op(case.op)
    except ValueError:
        near = difflib.get_close_matches(case.op, [*Op, "bulk_insert"], 1)
        hint = (
            f"did you mean `{near[0]}`?" if near else f"ops: bulk_insert, {', '.join(Op)}"
        )
        raise ScenarioError(f"{where}: there is no op `{case.op}`", hint=hint) from None


def _one_of(value: str, known: tuple[Any, ...], key: str, where: str) -> Any:
    if value not in known:
        raise ScenarioError(
            f"{where}: {key} = {value!r}", hint=f"one of: {', '.join(known)}"
        )
    return value


def _number(value: int | str | None, key: str, where: str) -> int:
    if value is None:
        return 0
    if isinstance(value, str) and not value.isdecimal():
        raise ScenarioError(f"{where}: {key} = {value!r} is no number")
    return int(value)


def _capabilities(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    known = [str(one) for one in Capability]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise ScenarioError(
                f"{where}: there is no capability '{name}'",
                hint=f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}",
            )
    return tuple(dict.fromkeys(names))


def _needs(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    for name in names:
        if not NEEDS.fullmatch(name):
            raise ScenarioError(
                f"{where}: a server cannot be asked for '{name}'",
                hint="version>=N, extension:NAME, superuser, owned, tls or standby",
            )
    return tuple(dict.fromkeys(names))


def _expect(case: CaseTable) -> Expect:
    table = case.expect
    reads = case.op in _READS or any(returns_rows(one.sql) for one in case.statements)
    return Expect(
        rows=reads and table.error is None and not table.rejected,
        state=table.state.strip(),
        error=ExpectedError(**msgspec.to_builtins(table.error)) if table.error else None,
        rejected=table.rejected,
        recall=Recall(table.recall.exact.strip(), table.recall.at_least)
        if table.recall
        else None,
        plan=table.plan,
        sessions=table.sessions,
    )


_READS = {Op.FETCH_ALL, Op.FETCH_ONE, Op.FETCH_VAL, Op.CONNECT_QUERY, Op.COPY_OUT}


def _bench(case: CaseTable, point: Point, where: str) -> BenchSpec | None:
    table = case.bench
    if table is None:
        return None
    return BenchSpec(
        effort=_effort(table, point),
        unit=table.unit,
        units_per_op=_number(table.units, "bench.units", where),
        reset=table.reset.strip(),
        server_settings=tuple(table.server_settings.items()),
    )


def _effort(table: BenchTable, point: Point) -> Effort:
    """The smallest effort at which a cell is timed. Points come filled, so as text."""
    here = {name: str(value) for name, value in point}
    for tier in ("quick", "standard"):
        chosen = [{name: str(v) for name, v in one.items()} for one in getattr(table, tier)]
        if here in chosen or (not point and table.tier == tier):
            return tier
    return table.tier if not (table.quick or table.standard) else "full"


_NEEDED: Mapping[Op, tuple[str, ...]] = {
    Op.CONNECT: (),
    Op.CHECKOUT: ("pool",),
    Op.SEQUENTIAL: ("statements",),
    Op.PIPELINE: ("statements",),
    Op.TRANSACTION: ("statements",),
    Op.SAVEPOINT: ("statements",),
    Op.COPY_IN: ("table", "columns", "rows"),
    Op.EXECUTE_MANY: ("sql", "rows"),
}


def _check_complete(cell: Cell, where: str) -> None:
    needed = (
        ("table", "columns", "rows") if cell.strategy else _NEEDED.get(cell.op, ("sql",))
    )
    missing = [key for key in needed if not getattr(cell, key)]
    if missing:
        raise ScenarioError(f"{where}: {', '.join(missing)} is missing for op `{cell.op}`")
    if cell.strategy and cell.statements:
        raise ScenarioError(f"{where}: a strategy makes its own statements")
    if cell.clients and not cell.pool:
        raise ScenarioError(f"{where}: clients need a pool", hint="pool = 4")


def _check_oracle(cell: Cell, where: str) -> None:
    expect = cell.expect
    oracles = (expect.rows, expect.state, expect.error, expect.rejected)
    if not any(oracles) and expect.sessions is None:
        raise ScenarioError(
            f"{where}: it has no oracle: nothing could ever be wrong",
            hint="a write needs expect.state, a connect needs expect.sessions",
        )
    if expect.state and cell.fixture.scope == "run":
        raise ScenarioError(
            f"{where}: expect.state in a fixture that all drivers share",
            hint='[fixture] scope = "trial": each driver writes in a schema of its own',
        )
