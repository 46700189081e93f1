"""Cases of steps: every defect of an act is found, and costs only its case."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import checked

from harness import scenario
from harness.core.arms import Arm
from harness.core.verdicts import Verdict
from harness.results.records import Check
from harness.venue.venue import Venue

pytestmark = pytest.mark.usefixtures("miniatures")

HEAD = 'schema = 1\ntitle = "T"\nwhy = "W"\n'


def played(
    place: Venue, folder: Path, steps: dict[str, str], driver: str
) -> dict[str, Check]:
    """The checks of some cases, each given by its steps."""
    file = folder / "steps.toml"
    cases = [f'[[case]]\nname = "{name}"\n{text}\n' for name, text in steps.items()]
    file.write_text(HEAD + "".join(cases))
    checks = checked(place, folder, scenario.load(file).cells, [Arm(driver)])
    return {check.case: check for check in checks}


def act(op: str, expect: str, **keys: str) -> str:
    more = "".join(f"{name} = {one}\n" for name, one in keys.items())
    return f'[[case.step]]\nop = "{op}"\n{more}expect = {{ {expect} }}\n'


SELECT = {"sql": '"select 1"'}
DEFECTS = {
    "value": (act("fetch_val", "value = 2", **SELECT), "lossy", "int: 1 instead of int: 2"),
    "type": (act("row_count", "value = 3", **SELECT), "differs", "str: '3' instead of int"),
    "entry": (act("info", 'has = { dbname = "x" }'), "lossy", "dbname: "),
    "untold": (act("info", 'has = { user = "x" }'), "differs", "no user"),
    "unlike": (act("fetch_val", 'like = "SCRAM%"', **SELECT), "lossy", "is not like"),
    "silent": (act("execute", "rejected = true", **SELECT), "lossy", "no error came"),
    "error": (
        act("execute", "error = { sqlstate = '42P01' }", sql='"selec"'),
        "rejected",
        "SQLSTATE 42601 instead of 42P01",
    ),
    "unasked": (
        act("execute", "value = 1", sql='"selec"'),
        "rejected",
        "step 1, main.execute",
    ),
    "secret": (
        act("connect", "rejected = true", **{"with": '{ application_name = "password" }'}),
        "lossy",
        "shows the password",
    ),
    "slow": (
        act("execute", "", sql='"select pg_sleep(0.2)"', within_ms="50"),
        "hung",
        "it took more than 50 ms",
    ),
    "control": (
        act("fetch_val", "", on='"control"', sql='"select pg_sleep(0.2)"', within_ms="50"),
        "hung",
        "step 1, control.fetch_val: it took more than 50 ms",
    ),
    "waits": (
        act("execute", "", sql='"select pg_sleep(0.5)"', start='"s"')
        + '[[case.step]]\njoin = "s"\nwithin_ms = 50\n',
        "hung",
        "still waiting after 50 ms",
    ),
    "crash": (act("execute", "rejected = true", sql='"crash"'), "crashed", "SIGABRT"),
    "elsewhere": (
        act("execute", "rejected = true", sql='"crash"', process='"b"'),
        "crashed",
        "step 1, b: main.execute: its process was killed by SIGABRT",
    ),
    "hang": (
        act("execute", "rejected = true", sql='"hang"'),
        "hung",
        "step 1, main.execute: still running after 15,000 ms",
    ),
    "blocks": (
        act("fetch_val", "trait = true", note='"before"', **SELECT)
        + act("execute", "trait = true", sql='"hang"', within_ms="100"),
        "hung",
        "step 2, main.execute: still running after 100 ms",
    ),
    "step": (act("fetch", "trait = true", **SELECT), "broken", "another query's answer"),
    "lacking": (act("listen", "rejected = true", **{"with": '{ channel = "x" }'}),
                "unsupported", "has no `listen`: Listen on a channel"),
    "option": (act("notices", "trait = true", **SELECT), "unsupported", "has no notices"),
    "oracle": (
        act("fetch_val", "value = '1'", on='"control"', sql='"selec"'),
        "invalid",
        "syntax error",
    ),
    "healthy": (act("fetch_val", "value = 1", **SELECT), "exact", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(
    place: Venue, miniatures: None, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Check]:
    texts = {name: text for name, (text, _, _) in DEFECTS.items()}
    return played(place, tmp_path_factory.mktemp("steps"), texts, "broken-acts")


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(found: dict[str, Check], name: str) -> None:
    _, verdict, words = DEFECTS[name]
    assert found[name].verdict == verdict, found[name].detail
    assert words in found[name].detail


def test_what_was_seen_before_a_step_that_hangs_is_kept(found: dict[str, Check]) -> None:
    check = found["blocks"]
    assert check.observed == "before: int: 1; still running after 100 ms"
    assert check.elapsed_ns < 10e9


def test_what_a_run_makes_up_is_not_recorded(place: Venue, tmp_path: Path) -> None:
    """Ports, schemas, names of sessions: two runs' records would differ by them."""
    control = '[[case.step]]\non = "control"\nop = "fetch_val"\n'
    asks = {
        "port": "inet_server_port()",
        "schema": "current_schema()",
        "path": "current_setting('search_path')",
        "app": "'@{app}'",
        "hashed": "'@{hashed}'",
    }
    steps = f"{control}sql = \"select 'x' || md5('@{{app}}')\"\nsave = \"hashed\"\n"
    for note, sql in asks.items():
        steps += f'{control}sql = "select {sql}"\nnote = "{note}"\nexpect.trait = true\n'
    check = played(place, tmp_path, {"c": steps}, "broken-acts")["c"]
    told = dict(part.split(": ", 1) for part in check.trait.split("; "))
    assert told == {
        "port": "str: '@{port}'",
        "schema": "str: '@{schema}'",
        "path": told["path"],
        "app": "str: '@{app}'",
        "hashed": "str: '@{hashed}'",
    }
    assert told["path"].startswith("str: '@{schema}")


def test_a_trait_of_an_exception_has_its_wording_for_people_only(
    place: Venue, tmp_path: Path
) -> None:
    steps = act("execute", "trait = true", sql='"selec"', note='"a slip"')
    check = played(place, tmp_path, {"c": steps}, "broken-acts")["c"]
    assert "[42601]" in check.trait
    assert "syntax error" not in check.trait
    assert check.detail.startswith(f"{check.trait}: ")
    assert "syntax error" in check.detail


def test_a_driver_without_acts_cannot_play(place: Venue, tmp_path: Path) -> None:
    found = played(place, tmp_path, {"c": DEFECTS["healthy"][0]}, "no-acts")
    assert found["c"].verdict == Verdict.UNSUPPORTED


def test_a_slip_in_acts_is_ours_and_is_named(place: Venue, tmp_path: Path) -> None:
    found = played(place, tmp_path, {"c": DEFECTS["healthy"][0]}, "misshapen-acts")
    assert found["c"].verdict == Verdict.INVALID
    assert "`conect` is not an act" in found["c"].detail
    assert "`fetch_val` does not take connection, sql" in found["c"].detail


def test_what_was_saved_is_a_word_and_a_trait_is_told(place: Venue, tmp_path: Path) -> None:
    steps = (
        act("fetch_val", "", sql='"select pg_backend_pid()"', save='"pid"')
        + '[[case.step]]\nnote = "the server says"\non = "control"\nop = "fetch_val"\n'
        "sql = \"select application_name = '@{app}'"
        ' from pg_stat_activity where pid = @{pid}"\n'
        "expect.trait = true\n"
    )
    found = played(place, tmp_path, {"c": steps}, "broken-acts")
    assert (found["c"].verdict, found["c"].detail) == ("exact", "the server says: str: 't'")
    assert found["c"].trait == "the server says: str: 't'"


def test_a_profile_makes_no_difference_to_steps(place: Venue, tmp_path: Path) -> None:
    file = tmp_path / "steps.toml"
    file.write_text(f'{HEAD}[[case]]\nname = "c"\n{DEFECTS["healthy"][0]}')
    arms = [Arm("broken-acts", profile=profile) for profile in ("default", "configured")]
    checks = checked(place, tmp_path, scenario.load(file).cells, arms)
    assert [check.profile for check in checks] == ["default"]
