"""The scenario format: what loads, what does not, and what a reader is told.

`scenarios/valid-pass` loads and a right driver is exact; `valid-fail` loads, but no
driver can pass; `invalid` does not load.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from helpers import checked

from harness import scenario
from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import ScenarioError
from harness.results.records import Check
from harness.venue.venue import Venue

FOLDER = Path(__file__).parent / "files"
CASE = "case 'case'"

# File → what the error says of the place, what it says, and its hint.
INVALID = {
    "unknown-key": (CASE, "there is no key `sqll`", "did you mean `sql`?"),
    "unknown-key-of-file": ("", "there is no key `tittle`", "did you mean `title`?"),
    "unknown-key-of-bench": (
        f"{CASE}, bench: ",
        "there is no key `teir`",
        "did you mean `tier`?",
    ),
    "unknown-key-of-error": (
        f"{CASE}, expect.error: ",
        "there is no key `colum`",
        "did you mean `column`?",
    ),
    "unknown-key-of-statement": (
        f"{CASE}, statement 1: ",
        "there is no key `parms`",
        "did you mean `params`?",
    ),
    "far-from-any-key": ("fixture: ", "no key `zzz`", "known keys here: sql, scope"),
    "wrong-type": (f"{CASE}, sql: ", "1 cannot stand here", "write text in quotes"),
    "missing-key-of-fixture": (
        "fixture: ",
        "`sql` is missing",
        "write `sql`: text in quotes",
    ),
    "no-case": ("", "it has neither a [[case]] nor a [[value]]", ""),
    "not-toml": ("line 2", "not TOML", ""),
    "newer-schema": ("schema: ", "2 cannot stand here", "reads schema = 1"),
    "case-without-name": ("case 1: ", "`name` is missing", "small letters, digits"),
    "wrong-name": ("case 'Two Words', name: ", "cannot stand here", "small letters"),
    "wrong-scope": (
        "fixture.scope: ",
        "'case' cannot stand here",
        'write "run" or "trial"',
    ),
    "wrong-sqlstate": (
        f"{CASE}, expect.error.sqlstate: ",
        "cannot stand here",
        "a SQLSTATE of five",
    ),
    "unknown-op": (CASE, "there is no op `fetchall`", "did you mean `fetch_all`?"),
    "unknown-capability": (
        CASE,
        "there is no capability 'pipelines'",
        "did you mean 'pipeline'?",
    ),
    "unknown-need": (
        CASE,
        "unknown server requirement 'version>16' in `needs`",
        "version>=N",
    ),
    "unknown-strategy": (CASE, "strategy: 'fast' cannot stand here", "one of: loop"),
    "unknown-format": (CASE, "format: 'parquet' cannot stand here", "one of: text"),
    "duplicate-case": ("", "two cases are called 'case'", "rename one"),
    "no-oracle": (CASE, "it has no oracle", "a write needs expect.state"),
    "no-oracle-of-statements": (CASE, "it has no oracle", "a write needs expect.state"),
    "fixture-beside-search-path": (CASE, 'beside search_path = "server"', "only read"),
    "unordered-value": (CASE, "expect.unordered for `fetch_val`", "`fetch_all`"),
    "state-in-shared-fixture": (CASE, "all drivers share", 'scope = "trial"'),
    "timed-error": (CASE, "an error cannot be timed", "leave bench out"),
    "missing-sql": (CASE, "sql is missing for op `fetch_all`", ""),
    "missing-columns": (CASE, "columns is missing for op `copy_in`", ""),
    "checkout-without-pool": (CASE, "pool is missing for op `checkout`", ""),
    "clients-without-pool": (CASE, "clients need a pool", "pool = 4"),
    "adk-without-pool": (CASE, "adk needs a pool", ""),
    "unknown-adk": (CASE, "adk: 'find_session' cannot stand here", "create_session"),
    "params-beside-params": (CASE, "params of the case beside", 'takes = ["id"]'),
    "params-that-nobody-takes": (CASE, "params of the case beside", 'takes = ["id"]'),
    "takes-without-params": (CASE, "there are no params", ""),
    "strategy-with-statements": (CASE, "a strategy makes its own statements", ""),
    "axis-value": (CASE, "axis 'value' has the value '1; drop", "identifiers only"),
    "axis-empty": (CASE, "axis 'value' has no values", ""),
    "axis-float": (
        f"{CASE}, axes.value, item 1: ",
        "1.5 cannot stand here",
        "a whole number, or a name",
    ),
    "check-of-other-value": (
        f"{CASE}, check",
        "100 is not a value of an axis 'rows'",
        "",
    ),
    "unknown-mark": (CASE, "${row} is not an axis", "axes: rows"),
    "unknown-mark-in-fixture": (CASE, "${rows} is not an axis", "axes: none"),
    "mark-is-no-number": (CASE, "clients = 'many' is not a number", ""),
    "point-of-other-value": (
        f"{CASE}, bench.quick",
        "100 is not a value of the axis 'rows'",
        "its values: 1, 10",
    ),
    "point-without-axis": (
        f"{CASE}, bench.standard",
        "must name every axis once: rows, columns",
        "",
    ),
    "point-without-axes": (f"{CASE}, bench.quick", "must name every axis once: none", ""),
    "tier-and-points": (CASE, "bench.tier beside a list of points", "of the tier full"),
}

# File → its cells.
VALID = {
    "minimal": ["one"],
    "no-why": ["case"],
    "axes": [
        "rows@size=small,rows=1",
        "rows@size=small,rows=2",
        "rows@size=large,rows=1",
        "rows@size=large,rows=2",
        "once",
    ],
    "axis-in-fixture": ["count@rows=2", "count@rows=5"],
    "writes": [
        "execute",
        "bulk@strategy=loop",
        "bulk@strategy=execute_many",
        "bulk@strategy=values",
        "bulk@strategy=unnest",
        "transaction",
    ],
    "errors": ["sqlstate", "constraint", "rejected"],
    "pool": ["clients@clients=1", "clients@clients=4"],
    "needs": ["array"],
}

# File → the verdict of every driver, and words of its reason.
FAILING = {
    "fixture-fails": ("invalid", 'type "no_such_type" does not exist'),
    "random-answer": ("invalid", "differs from one evaluation to the next"),
    "random-parameter": ("invalid", "differs from one evaluation to the next"),
    "wrong-sql": ("invalid", 'column "no_such_column" does not exist'),
    "no-rows": ("invalid", "returns no rows"),
    "missing-plan": ("invalid", "the plan has no 'Index Scan'"),
    "no-error": ("lossy", "no error came"),
    "no-op": ("unsupported", "has no batch_helper"),
    "no-such-extension": ("skipped", "the extension no_such_extension is not there"),
}


def load(folder: str, name: str) -> scenario.Scenario:
    return scenario.load(FOLDER / folder / f"{name}.toml")


def files(folder: str) -> set[str]:
    return {file.stem for file in (FOLDER / folder).glob("*.toml")}


def cells_of(name: str) -> dict[str, Cell]:
    return {cell.id.partition("#")[2]: cell for cell in load("valid-pass", name).cells}


@pytest.mark.parametrize(
    ("folder", "known"),
    [("invalid", INVALID), ("valid-pass", VALID), ("valid-fail", FAILING)],
)
def test_every_file_is_tested(folder, known):
    assert files(folder) == set(known)


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name):
    place, message, hint = INVALID[name]
    with pytest.raises(ScenarioError) as caught:
        load("invalid", name)
    told = str(caught.value)
    assert told.startswith(str(FOLDER / "invalid" / f"{name}.toml"))
    assert place in told
    assert message in told
    assert hint in caught.value.hint
    assert bool(hint) == bool(caught.value.hint)


@pytest.mark.parametrize("name", VALID)
def test_valid_files_expand_to_cells(name):
    assert list(cells_of(name)) == VALID[name]
    assert load("valid-pass", name).cells[0].id == f"{name}#{VALID[name][0]}"


def test_marks_are_replaced_everywhere():
    cell = cells_of("axes")["rows@size=large,rows=2"]
    assert cell.sql == "select id from large order by id limit 2"
    assert cell.bench.units_per_op == 2
    assert cells_of("axis-in-fixture")["count@rows=5"].fixture.sql.endswith("(1, 5) i")
    assert cells_of("pool")["clients@clients=4"].clients == 4


def test_lists_of_points_choose_tiers_and_the_rest_is_full():
    found = {name: cell.bench.effort for name, cell in cells_of("axes").items()}
    assert found == {
        "rows@size=small,rows=1": "quick",
        "rows@size=small,rows=2": "full",
        "rows@size=large,rows=1": "standard",
        "rows@size=large,rows=2": "standard",
        "once": "standard",
    }


def test_a_check_of_everything_may_leave_points_out():
    found = {name: cell.checked for name, cell in cells_of("axes").items()}
    assert [name for name, checked in found.items() if not checked] == [
        "rows@size=small,rows=2",
        "rows@size=large,rows=2",
    ]


def test_a_fixture_without_marks_is_one_for_all_points():
    assert len({cell.fixture for cell in load("valid-pass", "axes").cells}) == 1


def test_a_strategy_chooses_the_op():
    cells = cells_of("writes")
    assert cells["bulk@strategy=loop"].op is Op.SEQUENTIAL
    assert cells["bulk@strategy=execute_many"].op is Op.EXECUTE_MANY
    assert cells["bulk@strategy=values"].op is Op.EXECUTE


def test_requires_and_needs_of_file_and_case_are_joined_without_repeats():
    cell = cells_of("needs")["array"]
    assert cell.requires == ("arrays", "prepared")
    assert cell.needs == ("version>=12", "owned")


def test_the_digest_is_of_the_work_only(tmp_path):
    text = (FOLDER / "valid-pass" / "minimal.toml").read_text()
    digests = [
        digest_of(tmp_path, changed)
        for changed in (
            text,
            text.replace('title = "T"', 'title = "Other"'),
            text + '\n[case.bench]\ntier = "quick"\n',
            text.replace("select 1", "select 2"),
        )
    ]
    assert digests[0] == digests[1]
    assert digests[0] != digests[3]


def digest_of(folder: Path, text: str) -> str:
    file = folder / "same.toml"
    file.write_text(text)
    return scenario.load(file).cells[0].digest


# --- which cells a path means --------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "cells"),
    [
        (["query/point"], {"query/point#fetch-one", "query/point#missing"}),
        (["query/point#missing"], {"query/point#missing"}),
        (["query/point#missing", "query/constant"], {"query/constant#select-1"}),
        (["query/point#missing", "query"], {"query/point#fetch-one"}),
    ],
)
def test_paths_name_scenarios_families_and_cases(paths, cells):
    assert cells <= {cell.id for cell in scenario.select_cells(paths)[1]}


def test_a_case_leaves_the_others_out():
    (found,) = scenario.select_cells(["query/point#missing"])[1]
    assert found.id == "query/point#missing"


def test_a_file_can_be_given_with_a_case_and_a_point():
    axes = FOLDER / "valid-pass" / "axes.toml"
    assert len(scenario.select_cells([f"{axes}#rows"])[1]) == 4
    (found,) = scenario.select_cells([f"{axes}#rows@size=small,rows=2"])[1]
    assert found.id == "axes#rows@size=small,rows=2"


def test_some_values_of_axes_are_all_points_that_have_them():
    axes = FOLDER / "valid-pass" / "axes.toml"
    found = scenario.select_cells([f"{axes}#rows@rows=2"])[1]
    assert len(found) == 2
    assert all(dict(cell.point)["rows"] == 2 for cell in found)
    (found,) = scenario.select_cells([f"{axes}#rows@rows=2,size=small"])[1]
    assert found.id == "axes#rows@size=small,rows=2"
    for slip in ("rows=20000", "rows=2,rows=1", "nothing=2", "rows", ","):
        with pytest.raises(ScenarioError, match="is no sweep point of 'rows'") as error:
            scenario.select_cells([f"{axes}#rows@{slip}"])
        assert "#rows@size=small" in error.value.hint


def test_a_file_beside_a_case_keeps_its_cells():
    minimal = FOLDER / "valid-pass" / "minimal.toml"
    found = scenario.select_cells([str(minimal), "query/point#missing"])[1]
    assert [cell.id for cell in found] == ["minimal#one", "query/point#missing"]


def test_paths_that_overlap_give_each_cell_once():
    point = scenario.library() / "query" / "point.toml"
    once = scenario.select_cells(["query/point"])[1]
    assert scenario.select_cells(["query/point", str(point)])[1] == once


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("query/pont", "'query/pont' is not a scenario", "did you mean query/point"),
        ("querry", "'querry' is not a scenario", "did you mean query"),
        ("nowhere.toml", "there is no such file", ""),
        (
            "query/point#nothing",
            "no case is called query/point#nothing",
            "pgdyno list cases",
        ),
    ],
)
def test_a_path_that_names_nothing(path, message, hint):
    with pytest.raises(ScenarioError, match=message) as caught:
        scenario.select_cells([path])
    assert hint in caught.value.hint


# --- the library ---------------------------------------------------------------------


def test_the_library_loads_and_names_every_cell_once():
    _, cells = scenario.select_cells([])
    assert len({cell.id for cell in cells}) == len(cells)


def test_tiers_are_small():
    _, cells = scenario.select_cells([])
    efforts = [cell.bench.effort for cell in cells if cell.bench]
    assert efforts.count("quick") <= 11
    assert efforts.count("quick") + efforts.count("standard") <= 36


def test_the_schema_for_editors_knows_every_key():
    text = json.dumps(scenario.json_schema())
    for key in ("fixture", "params", "statements", "server_settings", "as"):
        assert f'"{key}"' in text


# --- on a server ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def verdicts(place: Venue, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Check]:
    """What psycopg is told for every case of the valid files."""
    cells = [
        cell
        for folder in ("valid-pass", "valid-fail")
        for name in sorted(files(folder))
        for cell in load(folder, name).cells
    ]
    folder = tmp_path_factory.mktemp("checks")
    checks = checked(place, folder, cells, [Arm("psycopg")])
    return {check.cell: check for check in checks}


@pytest.mark.parametrize(
    "cell", [f"{name}#{case}" for name, cases in VALID.items() for case in cases]
)
def test_a_right_driver_is_exact(verdicts, cell):
    assert (verdicts[cell].verdict, verdicts[cell].detail) == ("exact", "")


@pytest.mark.parametrize("name", FAILING)
def test_what_no_driver_can_pass(verdicts, name):
    verdict, words = FAILING[name]
    check = verdicts[f"{name}#case"]
    assert check.verdict == verdict
    assert words in check.detail


def test_the_catalogue_says_what_it_asks_and_why():
    """A file of one's own needs neither a title nor a reason; one of the catalogue does."""
    found = scenario.select([])
    assert len(found) > 90
    for one in found:
        raw = tomllib.loads(Path(one.path).read_text("utf-8"))
        assert raw.get("title", "").strip(), one.name
        assert len(one.why.split()) >= 8, one.name


def test_a_file_without_title_is_called_by_its_name(tmp_path):
    found = load("valid-pass", "no-why")
    assert (found.title, found.why) == ("no-why", "")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("false", '{ py = "bool", value = false }'),
        ("7", '{ py = "int", value = 7 }'),
        ("1.5", '{ py = "float", value = 1.5 }'),
        ('"a\\"b"', '{ py = "str", value = "a\\"b" }'),
        ("[1]", "a table that makes a value"),
    ],
)
def test_an_argument_that_is_no_table_is_told_what_to_write(tmp_path, value, written):
    file = tmp_path / "args.toml"
    file.write_text(
        'schema = 1\n[[case]]\nname = "first"\nop = "connect"\nexpect.sessions = 1\n'
        '[[case]]\nname = "truth"\nop = "fetch_val"\nsql = "select $1::bool"\n'
        f"args = [{value}]\n"
    )
    with pytest.raises(ScenarioError) as caught:
        scenario.load(file)
    assert "args.toml, case 'truth', argument 1: " in str(caught.value)
    assert written in caught.value.hint
