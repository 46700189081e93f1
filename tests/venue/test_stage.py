"""Schemas and settings: what failed half-way is neither kept nor left."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from harness import scenario
from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.venue import stage as stages
from harness.venue.control import Control, connected
from harness.venue.venue import Venue

SCENARIO = """
schema = 1
title = "T"
why = "W"

[fixture]
scope = "{scope}"
sql = '''
create table t (a int);
{more}
'''

[[case]]
name = "one"
op = "fetch_val"
sql = "select count(*) from t"
"""


def cell(folder: Path, more: str, scope: str = "trial") -> Cell:
    file = folder / "stage.toml"
    file.write_text(SCENARIO.format(more=more, scope=scope))
    return scenario.load(file).cells[0]


@pytest.mark.parametrize("scope", ["trial", "run"])
def test_a_fixture_that_failed_is_not_taken_for_made(
    place: Venue, tmp_path: Path, scope: str
) -> None:
    asked = cell(tmp_path, "select 1 / (select count(*) from later)", scope)
    for _ in range(2):  # the second cell of the scenario must not find half of it
        with pytest.raises(OracleError, match=r"the fixture of .* fails"):
            place.stage.schema(place.control, asked, "somebody")
    whole = replace(asked, fixture=replace(asked.fixture, sql="create table t (a int)"))
    name = place.stage.schema(place.control, whole, "somebody")
    assert place.control.value(f"select to_regclass('{name}.t') is not null") == "t"


def test_a_fixture_without_end_is_waited_for_once(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "FIXTURE_S", 1)
    asked = cell(tmp_path, "select pg_sleep(600)", "trial")
    sent: list[str] = []
    run = Control.run
    monkeypatch.setattr(
        Control, "run", lambda self, sql: (sent.append(sql), run(self, sql))[1]
    )
    for owner in ("somebody", "another", "a third"):
        with pytest.raises(OracleError, match=r"the fixture of .* no end within 1 s"):
            place.stage.schema(place.control, asked, owner)
    assert sum("pg_sleep" in sql for sql in sent) == 1


def test_a_fixture_that_fails_when_it_is_renewed_is_made_again(
    place: Venue, tmp_path: Path
) -> None:
    """The first time it works, the second time it does not, the third time it does."""
    place.control.run("create sequence if not exists public.turn")
    try:
        more = "select 1 / (nextval('public.turn') % 2)"
        asked = replace(cell(tmp_path, more), sql="select 1")
        asked = replace(asked, expect=replace(asked.expect, state="select a from t"))
        stage, control = place.stage, place.control
        name = stage.fresh_schema(control, asked, "turns")
        with pytest.raises(OracleError, match="division by zero"):
            stage.fresh_schema(control, asked, "turns")
        assert stage.schema(control, asked, "turns") == name
        assert control.value(f"select count(*) from {name}.t") == "0"
    finally:
        place.control.run("drop sequence public.turn")


def test_a_setting_is_taken_back_when_the_next_one_fails(
    place: Venue, tmp_path: Path
) -> None:
    file = tmp_path / "bench.toml"
    file.write_text(
        SCENARIO.format(more="", scope="run")
        + 'needs = ["owned"]\n[case.bench]\n'
        + 'server_settings = { work_mem = "9MB", nothing_such = "1" }\n'
    )
    asked = scenario.load(file).cells[0]
    before = place.control.value("show work_mem")
    with (
        pytest.raises(OracleError, match="nothing_such"),
        place.stage.server_settings(asked),
    ):
        pytest.fail("the block must not run")
    left = "select count(*) from pg_file_settings where sourcefile ~ 'auto.conf'"
    assert place.control.value(left) == "0"
    with pytest.raises(RuntimeError), place.stage.server_settings(only_first(asked)):
        raise RuntimeError
    assert place.control.value(left) == "0"
    assert place.control.value("show work_mem") == before


def only_first(asked: Cell) -> Cell:
    assert asked.bench is not None
    bench = replace(asked.bench, server_settings=asked.bench.server_settings[:1])
    return replace(asked, bench=bench)


def test_a_schema_that_several_want_at_once_is_made_once(
    place: Venue, tmp_path: Path
) -> None:
    asked = cell(tmp_path, "select pg_sleep(0.3)", "run")
    names: list[str] = []

    def want() -> None:
        with connected(place.server.target) as control:
            names.append(place.stage.fresh_schema(control, asked, "whoever"))
            assert control.value("select to_regclass('t') is not null") == "t"
            control.run("insert into t values (1)")

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 4
    assert len(set(names)) == 1
    assert place.control.value(f"select count(*) from {names[0]}.t") == "4"
