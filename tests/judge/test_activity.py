"""What the server saw, against what terms declare: by rule, and by every driver."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness import scenario
from harness.bench.block import Block
from harness.bench.crew import assembled
from harness.bench.measurer import Measurer
from harness.bench.schedule import Plan
from harness.core.errors import DriverError
from harness.core.phases import PhaseClock
from harness.core.verdicts import EXACT, Code, Verdict
from harness.judge.activity import Activity, breach
from harness.machine import host
from harness.plugin import contract
from harness.venue.venue import Venue

BOUND = {"autocommit": "on (set at connect)", "wire_parameters": "binary"}
FILLED = BOUND | {"wire_parameters": "text", "binds": "client"}
SELECT = "select a,\n  '$1' -- of $1\nfrom t where a = $2 and b like $1 || '%';"
INSERT = "insert into t values ($1, $2)"
PLAN = Plan(300_000, 3, 1, 1, 0.0, 0, 0)


@pytest.mark.parametrize(
    ("terms", "statement", "query"),
    [
        (BOUND, SELECT, SELECT),
        (BOUND, SELECT, "select a, '$1' from t where a = $1 and b like $2 || '%'"),
        (BOUND, INSERT, INSERT),
        (BOUND, "select 1", "select 1 /* a comment of the library's */"),
        (FILLED, SELECT, "select a, '$1' from t where a = 7 and b like '$2' || '%'"),
        (FILLED, INSERT, "insert into t values ('o''x, y', null)"),
        (FILLED, INSERT, INSERT),
        (FILLED, "commit", "commit"),
    ],
)
def test_the_cells_statement_is_no_breach(
    terms: dict[str, str], statement: str, query: str
) -> None:
    assert breach(Activity(1, "idle", query), terms, statement) is EXACT


@pytest.mark.parametrize(
    ("terms", "statement", "query", "words"),
    [
        (BOUND, INSERT, "insert into t values (1, 2)", "put the parameters into the SQL"),
        (BOUND, INSERT, "insert into t values ($1, 2)", "put the parameters into the SQL"),
        (BOUND, "select 1", "select 1, 2", "is not the cell's: select 1, 2"),
        (BOUND, SELECT, "COMMIT", "is not the cell's: COMMIT"),
        (FILLED, INSERT, "insert into t values (1, 2) on conflict do nothing", "is not"),
        (FILLED, INSERT, "DISCARD ALL", "is not the cell's: DISCARD ALL"),
        (FILLED, SELECT, "select 'canary-17'::text", "repeats an answer"),
    ],
)
def test_other_work_is_a_breach(
    terms: dict[str, str], statement: str, query: str, words: str
) -> None:
    judged = breach(Activity(1, "idle", query), terms, statement)
    assert (judged.verdict, judged.code) == (Verdict.INVALID, Code.BREAKS_TERMS)
    assert judged.detail == f"against its terms: {judged.facts['message']}"
    assert words in judged.detail


@pytest.mark.parametrize("state", ["idle in transaction", "active"])
def test_a_session_must_be_idle(state: str) -> None:
    seen = Activity(1, state, SELECT)
    judged = breach(seen, BOUND)
    assert f"is {state}" in judged.detail
    assert (judged.facts["term"], judged.facts["state"]) == ("autocommit", state)
    assert breach(seen, BOUND | {"commits": "user"}) is EXACT


@pytest.mark.parametrize("state", ["", "disabled"])
def test_a_silent_server_accuses_nobody(state: str) -> None:
    assert breach(Activity(1, state, ""), BOUND, SELECT) is EXACT
    assert breach(Activity(1, state, "<insufficient privilege>"), BOUND, SELECT) is EXACT


def test_a_statement_that_the_server_has_cut() -> None:
    statement = f"select '{'x' * 90}', $1, $2, $3"
    cut = {
        "whole": Activity(1, "idle", statement[:80], cut=True),
        "bound": Activity(1, "idle", statement[:105], cut=True),
        "filled": Activity(1, "idle", statement[:101] + "7, 8", cut=True),
        "other": Activity(1, "idle", statement[:80].replace("select", "SELECT"), cut=True),
    }
    assert breach(cut["whole"], BOUND, statement) is EXACT
    assert breach(cut["bound"], BOUND, statement) is EXACT
    assert breach(cut["filled"], FILLED, statement) is EXACT
    assert "put the parameters" in breach(cut["filled"], BOUND, statement).detail
    assert "is not the cell's" in breach(cut["other"], BOUND, statement).detail


# --- every driver, on the server ----------------------------------------------------------

CASES = f"""
schema = 1
title = "What the server sees"
why = "Each kind of work whose traces a look finds."

[fixture]
scope = "trial"
sql = "create table t (a int, b text)"

[[case]]
name = "read"
op = "fetch_all"
sql = \"\"\"
select i, $2::text || '%' as b, '$1' -- a comment
  from generate_series($1::int, $1::int + 4) i
\"\"\"
params = "select 100 * i, 'o''x' from generate_series(1, 3) i"
[case.bench]
reset = "truncate t"

[[case]]
name = "all"
op = "fetch_all"
sql = "select a from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "without-parameters"
op = "fetch_val"
sql = "select count(*) from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "write"
op = "execute"
sql = "insert into t values ($1, $2)"
params = "select i, 'b' || i from generate_series(1, 2) i"
expect.state = "select a from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "long"
op = "execute"
sql = "insert into t select $1 + 0{" + 0" * 1_000}, $2"
params = "select 1, 'b'"
expect.state = "select a from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "transaction"
op = "transaction"
statements = [{{ sql = "select 1" }}, {{ sql = "insert into t values (1, 'b')" }}]
expect.state = "select a from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "silent"
op = "fetch_val"
sql = "select 1"
needs = ["superuser"]
settings = {{ track_activities = "off" }}
[case.bench]
reset = "truncate t"
"""


def blocks(place: Venue, folder: Path, name: str, case: str = "") -> dict[str, Block]:
    """Each case above, or one, once through a block with this driver."""
    file = folder / "looks.toml"
    file.write_text(CASES)
    arm = contract.parse_arm(name)
    nowhere, rng, found = host.Placement(), random.Random(1), {}
    with assembled(place, [arm], nowhere) as crew:
        measurer = Measurer(place.stage, PLAN, rng, nowhere, crew, PhaseClock())
        for cell in scenario.load(file).cells:
            if place.stage.lacks(cell) or case not in ("", cell.case):
                continue
            play = place.stage.prepare(cell)
            found[cell.case] = measurer.measure(play, 0, 0, list(crew.seats.values()))
    return found


@pytest.mark.parametrize(
    "name",
    ["psycopg", "psycopg-async", "psycopg2", "asyncpg", "asyncpg+noprepare", "psqlpy"],
)
def test_a_healthy_driver_keeps_its_terms(place: Venue, tmp_path: Path, name: str) -> None:
    try:
        contract.load(contract.parse_arm(name))
    except DriverError as error:
        pytest.skip(str(error))
    for case, block in blocks(place, tmp_path, name).items():
        judged = block.judged[name]
        assert judged.verdict is Verdict.EXACT, (case, judged)
        assert block.record(name), case


@pytest.mark.usefixtures("miniatures")
def test_a_lock_that_a_driver_left_is_named(place: Venue, tmp_path: Path) -> None:
    """The table cannot be brought back, and not the reset but the driver is to blame."""
    block = blocks(place, tmp_path, "extra-begin", case="all")["all"]
    judged = block.judged["extra-begin"]
    assert judged.verdict is Verdict.INVALID
    assert "its session is idle in transaction" in judged.detail
