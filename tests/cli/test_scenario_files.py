"""Scenario files of one's own: what is wrong with them is told, by every verb."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import FIXTURE_FAILS, HEAD, ONE, check, pgdyno

from harness import scenario

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "scenario.schema.json"


def test_a_key_that_is_not_known_names_the_file_and_the_nearest_key(
    file: Callable[..., Path],
) -> None:
    path = file(ONE.replace("sql", "sqll"))
    ended = pgdyno("check", path)
    assert ended.code == 2
    assert str(path) in ended.err
    assert "there is no key `sqll`" in ended.err
    assert "hint: did you mean `sql`?" in ended.err


def test_text_that_is_no_toml_names_the_line(file: Callable[..., Path]) -> None:
    ended = pgdyno("bench", file(ONE + "\nwhat is this"))
    assert ended.code == 2
    assert "outside.toml: not TOML" in ended.err
    assert "line 9" in ended.err


def test_a_capability_that_is_not_known(file: Callable[..., Path]) -> None:
    ended = pgdyno("check", file(ONE + 'requires = ["pipelines"]'))
    assert ended.code == 2
    assert "case 'one': there is no capability 'pipelines'" in ended.err
    assert "did you mean 'pipeline'?" in ended.err


def test_a_borrowed_server_can_never_be_reconfigured(file: Callable[..., Path]) -> None:
    more = "[case.bench]\nserver_settings = { fsync = 'on' }\n"
    ended = pgdyno("bench", file(ONE + more))
    assert ended.code == 2
    assert "bench.server_settings on a server that may be somebody else's" in ended.err
    assert 'hint: needs = ["owned"]' in ended.err


def test_two_files_of_one_name_are_not_mixed_up(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    ended = pgdyno("check", file(ONE), file(ONE, "other/outside.toml"))
    assert ended.code == 2
    assert "are both called 'outside'" in ended.err
    assert "hint: rename one" in ended.err


@pytest.mark.usefixtures("borrowed")
def test_one_file_named_twice_is_checked_once(file: Callable[..., Path]) -> None:
    path = file(ONE)
    twice = (path, f"{path.parent}/./{path.name}", f"{path}#one")
    checks = check(*twice, "--driver", "psycopg2", "--profile", "default")
    assert [one["cell"] for one in checks] == ["outside#one"]


BAD = (
    HEAD
    + """
[[case]]
name = "sql"
op = "fetch_all"
sql = '''
select 1,
  no_such_column
'''

[[case]]
name = "random"
op = "fetch_val"
sql = "select random()"

[[case]]
name = "random-in-a-transaction"
op = "transaction"
statements = [{ sql = "select random()" }]

[[case]]
name = "no-error"
op = "execute"
sql = "select 1"
expect.error = { sqlstate = "23505" }

[[case]]
name = "other-error"
op = "execute"
sql = "select 1 / 0"
expect.error = { sqlstate = "23505" }

[[case]]
name = "good"
op = "fetch_val"
sql = "select 1"
"""
)


@pytest.fixture(scope="module")
def invalid(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Everything that is the scenario's own fault, in one run of two drivers."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad.toml").write_text(BAD)
    (folder / "fixture.toml").write_text(FIXTURE_FAILS)
    return check(
        folder, "--driver", "psycopg2", "--driver", "asyncpg", "--profile", "default",
        "--server", f"dsn:{dsn}", code=4,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("sql", 'column "no_such_column" does not exist (SQLSTATE 42703) at line 2'),
        ("random", "the answer differs from one evaluation to the next"),
        ("random-in-a-transaction", "the answer differs from one evaluation"),
        ("no-error", "expects SQLSTATE 23505, the server gives no error"),
        ("other-error", "expects SQLSTATE 23505, the server gives 22012"),
        ("fixture", "the fixture of fixture fails: invalid input syntax for type integer"),
    ],
)
def test_a_fault_of_the_scenario_is_charged_to_no_driver(
    invalid: list[dict[str, Any]], case: str, words: str
) -> None:
    found = [one for one in invalid if one["case"] == case]
    assert [one["driver"] for one in found] == ["psycopg2", "asyncpg"]
    assert {one["verdict"] for one in found} == {"invalid"}
    assert all(words in one["detail"] for one in found), found


def test_the_cases_beside_it_are_judged_all_the_same(invalid: list[dict[str, Any]]) -> None:
    good = [one["verdict"] for one in invalid if one["case"] == "good"]
    assert good == ["exact", "exact"]


KEYS = {
    "scenario",
    "case",
    "driver",
    "profile",
    "verdict",
    "detail",
    "observed",
    "expected",
}


def test_json_is_one_array_of_objects_with_the_same_keys(
    invalid: list[dict[str, Any]],
) -> None:
    assert len(invalid) == 7 * 2
    assert all(KEYS | {"cell"} <= set(one) for one in invalid)
    assert len({tuple(one) for one in invalid}) == 1
    assert all(isinstance(one[key], str) for one in invalid for key in KEYS)


# --- for editors --------------------------------------------------------------------------


def test_the_schema_for_editors_is_current() -> None:
    made = json.dumps(scenario.json_schema(), indent=1, sort_keys=True, ensure_ascii=False)
    assert SCHEMA_FILE.read_text() == made + "\n", "write json_schema() into it again"


def test_the_schema_names_every_key_that_scenarios_use() -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    keys = {key for one in schema["$defs"].values() for key in one["properties"]}
    assert {"sql", "as", "at_least", "sqlstate", "reset", "check", "axes"} <= keys
    assert all(not one["additionalProperties"] for one in schema["$defs"].values())


def test_every_scenario_of_the_library_loads() -> None:
    files = sorted(scenario.library().rglob("*.toml"))
    assert len(files) > 10
    assert all(scenario.load(one).cells for one in files)
    assert shutil.which("pgdyno") is None or len(scenario.select([])) == len(files)
