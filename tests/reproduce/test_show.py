"""One cell shown, and its reproduction: it must do what the check saw."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from warm import Interpreter

from harness import scenario
from harness.cli import main, one_cell, show
from harness.core.arms import PROFILES, Arm
from harness.core.calls import Op
from harness.core.errors import UsageError
from harness.core.verdicts import Verdict
from harness.play.seat import Seat
from harness.plugin import contract
from harness.venue.venue import Venue

# --- it reproduces ------------------------------------------------------------------

# What reads comes first: the cells share a table, and only writes get it anew.
CASES = """
schema = 1
title = "What users do"
why = "Reproductions must do what the check saw."

[fixture]
scope = "trial"
sql = '''
create table t (id int primary key, n numeric, d date, j jsonb);
insert into t select i, i + 0.10, date '2024-02-28' + i, jsonb_build_object('i', i)
from generate_series(1, 5) i;
'''

[[case]]
name = "read"
op = "fetch_all"
sql = "select id, n, d from t where id > $1 and id < $1 + 3 order by id"
params = "select i from generate_series(0, 2) i"

[[case]]
name = "value"
op = "fetch_val"
sql = "select 'infinity'::date"

[[case]]
name = "row"
op = "fetch_one"
sql = "select '10.0.0.1'::inet, 1.5::float8, '100%', j from t where id = 1"

[[case]]
name = "unique"
op = "execute"
sql = "insert into t (id, n) values ($1, $2)"
params = "select 1, 2.50"
expect.error = { sqlstate = "23505" }

[[case]]
name = "refused"
op = "fetch_val"
sql = "select $1::text"
args = [{ py = "nul_str" }]
expect.rejected = true

[[case]]
name = "settings"
op = "fetch_val"
sql = "select current_setting('IntervalStyle')"
settings = { IntervalStyle = "sql_standard", DateStyle = "SQL, DMY" }

[[case]]
name = "copy-out"
op = "copy_out"
format = "csv"
sql = "select id, n, d from t order by id"

[[case]]
name = "write"
op = "execute"
sql = "insert into t (id, d) values ($1, $2)"
params = "select 10 + i, date '9999-12-30' + i from generate_series(0, 1) i"
expect.state = "select id, d from t"

[[case]]
name = "json"
op = "execute"
as = "wrapper"
sql = "insert into t (id, j) values (7, $1)"
params = "select jsonb_build_object('a', array[1, 2])"
expect.state = "select j from t"

[[case]]
name = "many"
op = "execute_many"
sql = "insert into t (n, id) values ($2, $1)"
rows = "select 100 + i, i * 1.50 from generate_series(1, 3) i"
expect.state = "select id, n from t"

[[case]]
name = "transaction"
op = "transaction"
statements = [
    { sql = "insert into t (id, n) values ($1, $2)", params = "select 20, 0.1" },
    { sql = "select count(*) from t" },
]
expect.state = "select id from t"

[[case]]
name = "sequential"
op = "sequential"
statements = [
    { sql = "select $1::int", params = "select 1" },
    { sql = "select id from t order by id limit 2" },
]

[[case]]
name = "copy-rows"
op = "copy_in"
table = "t"
columns = ["id", "d"]
format = "binary"
rows = "select 30 + i, date '9999-12-30' + i from generate_series(0, 1) i"
expect.state = "select id, d from t"

[[case]]
name = "copy-bytes"
op = "copy_in"
table = "t"
columns = ["id", "d"]
format = "binary"
source = "bytes"
rows = "select 30 + i, date '2024-01-01' + i from generate_series(1, 2) i"
expect.state = "select id, d from t"

[[case]]
name = "copy-text-rows"
op = "copy_in"
table = "t"
columns = ["id", "d"]
rows = "select 40 + i, date '2024-01-01' + i from generate_series(1, 2) i"
expect.state = "select id, d from t"

[[case]]
name = "pipeline"
op = "pipeline"
statements = [
    { sql = "insert into t (id, n) values ($1, $2)", params = "select 50, 0.1" },
    { sql = "select count(*) from t" },
]
expect.state = "select id from t"

[[case]]
name = "savepoint"
op = "savepoint"
statements = [
    { sql = "insert into t (id, n) values ($1, $2)", params = "select 60, 0.1" },
    { sql = "select n from t where id = $1 or id = $1 + 1", params = "select 60" },
]
expect.state = "select id from t"

[[case]]
name = "helper"
op = "bulk_insert"
strategy = "helper"
table = "t"
columns = ["id", "d"]
rows = "select 70 + i, date '2024-01-01' + i from generate_series(1, 3) i"
expect.state = "select id, d from t"

[[case]]
name = "connect"
op = "connect"
expect.sessions = 1

[[case]]
name = "connect-query"
op = "connect_query"
sql = "select 1"
expect.sessions = 1

[[case]]
name = "float32"
op = "fetch_val"
sql = "select $1::float4[]"
args = [{ py = "float32_array", values = [1.5, 2.5] }]
expect.equals = "select array[1.5, 2.5]::float4[]"
"""

# What a driver cannot do has nothing to reproduce, nor what a session of SQLAlchemy asks an
# engine for.
CORE_LACKS = {
    "connect", "connect-query", "copy-bytes", "copy-out", "copy-rows", "copy-text-rows",
    "helper", "pipeline", "savepoint", "transaction",
}  # fmt: skip
NOTHING = {
    "psycopg": {"helper"},
    "psycopg-async": {"helper"},
    "psycopg2": {"copy-rows", "copy-text-rows", "pipeline"},
    "asyncpg": {"json", "copy-text-rows", "pipeline", "helper"},
    "psqlpy": {"copy-out", "copy-text-rows", "helper"},
    "sqlalchemy-core-asyncpg": CORE_LACKS,
}


def cases(folder: Path) -> dict[str, object]:
    file = folder / "what.toml"
    file.write_text(CASES)
    return {cell.case: cell for cell in scenario.load(file).cells}


# What neither a registration nor an option can change is played in one profile only.
FEW = {"read", "json", "float32", "transaction", "copy-rows", "connect", "connect-query"}

ARMS = [
    *((driver, profile) for driver in NOTHING for profile in PROFILES),
    ("psycopg+binary", "configured"),
    ("psycopg-async+binary+uvloop", "default"),
    ("asyncpg+noprepare+uvloop", "configured"),
    ("psqlpy+uvloop", "default"),
]


def whole(driver: str, profile: str) -> bool:
    """Whether all cases are played: once for each driver."""
    return profile == "configured" and "+" not in driver


@contextlib.contextmanager
def seat(place: Venue, arm: Arm) -> Iterator[Seat]:
    """One worker for many cells: starting it takes longer than playing them."""
    seated = show.seat_of(place, arm)
    try:
        yield seated
    finally:
        seated.dismiss()


@contextlib.contextmanager
def warm_scripts(place: Venue, folder: Path) -> Iterator[None]:
    """Scripts whose beginning, the same for all of a driver, is done only once."""
    with pytest.MonkeyPatch.context() as patch, Interpreter(folder, place) as python:
        patch.setattr(show, "run_script", lambda text, *_: python.run(text))
        yield


@pytest.mark.parametrize(("driver", "profile"), ARMS)
def test_a_reproduction_reproduces(place, tmp_path, driver, profile):
    """Every op, with what a profile registers and what options change.

    Scripts of arms without options are forked; the others are started as users do it.
    """
    found = {}
    verdicts = set()
    all_ops = whole(driver, profile)
    plainly = "+" in driver
    forked = contextlib.nullcontext() if plainly else warm_scripts(place, tmp_path)
    with forked, seat(place, contract.parse_arm(driver, profile)) as seated:
        for name, cell in cases(tmp_path).items():
            if not all_ops and name not in FEW:
                continue
            play = place.stage.prepare(cell)
            played = show.played_by(seated, place, play)
            seated.close()
            text, reason = show.reproduction_of(place, play, played)
            verdicts.add(played.judged.verdict)
            found[name] = show.compared(place, played, text) if text else reason
    nothing = NOTHING[driver.partition("+")[0]] & set(found)
    assert {name for name, told in found.items() if told} == nothing, found
    assert verdicts >= {Verdict.EXACT}


def test_every_op_is_among_them(tmp_path):
    asked = {str(cell.op) for cell in cases(tmp_path).values()} | {"batch_helper"}
    others = {"checkout", "steps", "mix", "fetch_arrow"}  # the last is no usual driver's
    assert asked >= {str(op) for op in Op} - others


# Two sessions, a cancel, a failing block, a cursor, COPY, a pool, notifications.
STEPS = [
    "transactions/cancel#running-query",
    "transactions/failed#commit-sql",
    "transactions/blocks#exception",
    "cursor/server_side#itersize",
    "copy/faults#text-bad-last",
    "pool/exhaustion#default",
    "notify/channels#unlisten",
    "prepared/automatic#add-column",
    "errors/diagnostics#check",
    "connections/terminated#idle",
    "transactions/isolation#read-write",
]


@pytest.mark.parametrize("driver", [*contract.usual(), "pg8000", "aiopg"])
def test_a_reproduction_of_steps_reproduces(place, tmp_path, driver):
    found = {}
    arm = Arm(driver, profile="default")
    with warm_scripts(place, tmp_path), seat(place, arm) as seated:
        for name in STEPS:
            play = place.stage.playable(one_cell.only_cell(name))
            played = show.played_by(seated, place, play)
            text, reason = show.reproduction_of(place, play, played)
            wrong = show.compared(place, played, text) if text else ""
            found[name] = wrong or ("none" if reason else "ok")
            if reason:
                assert played.judged.verdict is Verdict.UNSUPPORTED, reason
    assert not {name: told for name, told in found.items() if told not in ("ok", "none")}
    asked = 5 if driver in contract.usual() else 4  # a small library offers less
    assert list(found.values()).count("ok") >= asked


# --- the verb -----------------------------------------------------------------------


def test_the_verb_shows_and_runs(tmp_path, capsys, dsn):
    file = tmp_path / "what.toml"
    cases(tmp_path)
    code = main.main(
        ["show", f"{file}#value", "--driver", "psycopg2", "--server", dsn, "--run",
         "--script", str(tmp_path / "made.py")]
    )  # fmt: skip
    told = capsys.readouterr().out
    assert code == 0
    assert "verdict    lossy" in told
    assert "result     date: datetime.date(9999, 12, 31)" in told
    assert (tmp_path / "made.py").read_text() in told
    assert "it shows what the check saw" in told


def test_the_verb_is_honest_where_there_is_no_reproduction(
    tmp_path, capsys, miniatures, dsn
):
    file = tmp_path / "what.toml"
    cases(tmp_path)
    code = main.main(
        ["show", f"{file}#read", "--driver", "wrong-value", "--server", dsn, "--run"]
    )
    assert code == 3
    assert "its op is made of another function, `healthy`" in capsys.readouterr().out


def test_the_verb_wants_one_cell():
    with pytest.raises(UsageError, match=r"query names \d+ cells"):
        one_cell.only_cell("query")
