"""One cell shown, and its reproduction: it must do what the check saw."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import itertools
import json
import math
import uuid
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy
import pytest

from harness import scenario
from harness.cli import main, show
from harness.core.arms import PROFILES, Arm
from harness.core.calls import Op
from harness.core.errors import Unsupported, UsageError
from harness.core.verdicts import Verdict
from harness.play.seat import Seat
from harness.plugin import contract
from harness.plugin.op_source import op_source
from harness.reproduce import script as reproduce
from harness.reproduce.script import OpCode, Ran, Setting, disagreement
from harness.values.source import NoLiteral, literal
from harness.venue.venue import Venue

# --- literals -----------------------------------------------------------------------

Sample = Enum("Sample", {"MEMBER": "value"})
StrSample = Enum("StrSample", {"MEMBER": "value"}, type=str)


@pytest.mark.parametrize(
    "value",
    [
        None, True, -(2**70), 1.5, -0.0, math.inf, -math.inf, math.nan,
        "é\0'\"\\\n", "\ud800", "ab" * 5000, b"\x00\xff" * 300, b"",
        bytearray(b"a"), memoryview(b"\x00"), (), (1,), [1, [None, "x"]], {"a": {1: (2,)}},
        set(), {1}, Decimal("1.10"), Decimal("-0"), Decimal("NaN"), uuid.UUID(int=7),
        datetime.date(1, 1, 1), datetime.time(1, tzinfo=datetime.UTC),
        datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Amsterdam")),
        datetime.timedelta(days=-1, microseconds=1),
        ipaddress.ip_address("::1"), ipaddress.ip_interface("10.0.0.1/8"),
        ipaddress.ip_network("10.0.0.0/8"), numpy.array([0.1, 2], dtype=numpy.float32),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_literal_makes_the_same_value(value):
    imports: set[str] = set()
    code = literal(value, imports)
    space: dict[str, object] = {}
    exec("\n".join(imports), space)
    made = eval(code, space)
    assert type(made) is type(value)
    same = bytes(made) == bytes(value) if isinstance(value, memoryview) else None
    assert same or repr(made) == repr(value)
    assert len(code) < 1000


@pytest.mark.parametrize("value", [Sample.MEMBER, StrSample.MEMBER])
def test_a_literal_makes_an_enum_like_it(value):
    imports: set[str] = set()
    code = literal(value, imports)
    made = eval(code, {"Enum": Enum})
    assert repr(made) == repr(value)
    assert isinstance(made, str) is isinstance(value, str)


def test_no_literal_is_an_error_not_an_approximation():
    with pytest.raises(NoLiteral, match="a object has no literal"):
        literal([object()], set())


# --- does it agree? -----------------------------------------------------------------

SEEN = [{"type": "int", "repr": "1", "chars": 1}, {"type": "int", "repr": "2", "chars": 1}]
RAISED = [SEEN[0], {"raised": "lib.Error", "sqlstate": "", "message": ""}]
TRACE = (
    "Traceback (most recent call last):\n  File 'x'\n    y()\nlib.Error: no\nDETAIL: x\n"
)


@pytest.mark.parametrize(
    ("seen", "verdict", "ran", "words"),
    [
        (SEEN, "exact", Ran("1\n2\n", "", 0), ""),
        (SEEN, "exact", Ran("1\n3\n", "", 0), "call 2 gave 2, the script printed 3"),
        (
            SEEN,
            "exact",
            Ran("1\n", TRACE, 1),
            "the script raised lib.Error with 1",
        ),
        (SEEN, "exact", Ran("1\n22\n", "", 0), "printed 22"),
        (SEEN, "exact", Ran("1\n2\n", TRACE, 1), "the check saw no error"),
        (SEEN, "exact", Ran("1\n2\nmore\n", "", 0), "afterwards"),
        (SEEN, "exact", Ran("1\n2\n", "", -6), ""),
        (SEEN, "exact", Ran("1\n", "", -6), "ended with -6"),
        (RAISED, "rejected", Ran("1\n", TRACE, 1), ""),
        (RAISED, "rejected", Ran("1\n2\n", "", 0), "the script nothing"),
        (
            RAISED,
            "rejected",
            Ran("1\n", TRACE.replace("lib.E", "E"), 1),
            "the script Error",
        ),
        ([], "hung", Ran("", "", None), ""),
        ([], "hung", Ran("", "", 0), "the script ended"),
        (SEEN, "exact", Ran("", "", None), "did not end in time"),
        ([], "crashed", Ran("", "", -11), ""),
        ([], "crashed", Ran("", "", 0), "the script did not"),
    ],
)
def test_disagreement(seen, verdict, ran, words):
    told = disagreement(seen, "", verdict, ran)
    assert words in told
    assert bool(told) is bool(words)


def test_a_long_repr_is_compared_by_its_beginning_and_length():
    seen = [{"type": "str", "repr": "'aaa", "chars": 8}]
    assert not disagreement(seen, "", "exact", Ran("'aaaaaa'\n", "", 0))
    assert disagreement(seen, "", "exact", Ran("'aaaaaaa'\n", "", 0))


def test_addresses_are_no_difference():
    seen = [{"type": "memoryview", "repr": "<memory>", "chars": 8}]
    assert not disagreement(seen, "", "exact", Ran("<memory at 0x7f00>\n", "", 0))


def test_the_state_afterwards_counts():
    ran = Ran("done\n1 rows\n", "", 0)
    seen = [{"type": "", "repr": "done", "chars": 4}]
    assert not disagreement(seen, "1 rows", "exact", ran)
    assert "the check's '2 rows'" in disagreement(seen, "2 rows", "exact", ran)


# --- scripts ------------------------------------------------------------------------


def script(place, folder, driver, case, profile="default"):
    """The reproduction of a case that is written here, or the reason why there is none."""
    file = folder / "only.toml"
    file.write_text(
        f'schema = 1\ntitle = "t"\nwhy = "w"\n[[case]]\nname = "only"\n{case}\n'
    )
    (cell,) = scenario.load(file).cells
    play = place.stage.prepare(cell)
    arm = contract.parse_arm(driver, profile)
    text, reason = show.reproduction_of(place, play, show.played_cell(place, play, arm))
    return text or reason


BASE_DRIVERS = sorted(contract.entry_points())

ONE = 'op = "fetch_val"\nsql = "select 1"'
TWO = 'op = "fetch_all"\nsql = "select $2::int, $1::int"\nparams = "select 1, 2"'


@pytest.mark.parametrize(
    ("driver", "wanted"),
    [
        ("psycopg", "query = 'select %s::int, %s::int'\nparams = (2, 1)"),
        ("psycopg2", "query = 'select %s::int, %s::int'\nparams = (2, 1)"),
        ("asyncpg", "query = 'select $2::int, $1::int'\nparams = (1, 2)"),
        ("psqlpy", "query = 'select $2::int, $1::int'\nparams = (1, 2)"),
    ],
)
def test_placeholders_are_the_library_s_own(place, tmp_path, driver, wanted):
    assert wanted in script(place, tmp_path, driver, TWO)


def test_a_parameter_used_twice_has_a_name_in_psycopg(place, tmp_path):
    case = 'op = "fetch_all"\nsql = "select $1::int, $1::int"\nparams = "select 2"'
    assert "params = {'p1': 2}" in script(place, tmp_path, "psycopg", case)


def test_an_op_is_printed_as_its_session_bound_it(place, tmp_path):
    assert (
        "async def op(connection, params):\n"
        "    return (await (await connection.execute(query, params, binary=True))"
        ".fetchone())[0]\n"
    ) in script(place, tmp_path, "psycopg-async+binary", ONE)
    assert (
        "def op(connection, params):\n"
        "    with connection.cursor() as cursor:\n"
        "        cursor.execute(query, params)\n"
        "        return cursor.fetchone()[0]\n"
    ) in script(place, tmp_path, "psycopg2", ONE)


def test_options_are_written_out(place, tmp_path):
    assert "binary=False" in script(place, tmp_path, "psycopg", ONE)
    asyncpg = script(place, tmp_path, "asyncpg+noprepare", ONE)
    assert "'statement_cache_size': 0" in asyncpg
    assert "uvloop.run(main())" in script(place, tmp_path, "psqlpy+uvloop", ONE)


def test_an_environment_is_set_before_the_library_is_imported():
    code = OpCode(
        imports=["import psycopg"], definitions=[], asynchronous=False, values=[],
        params=[], call="op()", arguments="{}", control="{}",
        environment={"PSYCOPG_IMPL": "python"},
    )  # fmt: skip
    text = reproduce.script(code, Op.EXECUTE, Setting(("title",)))
    before, _, after = text.partition('os.environ["PSYCOPG_IMPL"] = "python"')
    assert "import psycopg" in after
    assert "import os" in before


def test_what_is_registered_is_what_the_check_registered(place, tmp_path):
    """The same function, whatever it finds on the server."""
    for driver in BASE_DRIVERS:
        plugin = contract.load(contract.parse_arm(driver))
        configure = getattr(plugin, "configure", None)
        for profile in PROFILES:
            text = script(place, tmp_path, driver, ONE, profile)
            printed = "The registrations that " in text
            assert printed is (configure is not None and profile == "configured")


def test_nothing_of_pgdyno_is_imported(place, tmp_path):
    for driver in BASE_DRIVERS:
        assert "harness" not in script(place, tmp_path, driver, ONE, "configured")


def test_no_password_is_printed(place, tmp_path):
    target = place.server.target
    for driver in BASE_DRIVERS:
        for case in (ONE, 'op = "connect_query"\nsql = "select 1"'):
            text = script(place, tmp_path, driver, case)
            assert "password" in text
            assert target.password not in text
            assert str(target.port) not in text


def test_each_call_of_a_cycle_is_made(place, tmp_path):
    case = """op = "fetch_val"
sql = "select $1::int"
params = "select i from generate_series(1, 3) i"
"""
    text = script(place, tmp_path, "psycopg", case)
    assert "calls = [\n    (1,),\n    (2,),\n    (3,),\n]" in text
    assert "for params in calls:" in text


def test_statements_that_return_nothing_are_told_apart(place, tmp_path):
    case = """op = "transaction"
statements = [{ sql = "select 1" }, { sql = "set local work_mem = '1MB'" }]
"""
    text = script(place, tmp_path, "asyncpg", case)
    assert "('select 1', (), True)" in text
    assert """("set local work_mem = '1MB'", (), False)""" in text


def test_what_is_not_covered_says_so(place, tmp_path, miniatures):
    made = script(place, tmp_path, "wrong-value", 'op = "fetch_all"\nsql = "select 1"')
    assert made == "its op is made of another function, `healthy`"
    pool = script(place, tmp_path, "psycopg", f"{ONE}\npool = 2\nclients = 2")
    assert pool == "there is no reproduction of a pool yet"
    case = """op = "fetch_val"
sql = "select length($1)"
params = "select string_agg(md5(i::text), '') from generate_series(1, 40000) i"
"""
    assert "too long" in script(place, tmp_path, "psycopg", case)


# --- the source of an op --------------------------------------------------------------


class Connection:
    def run(self, sql: str, *params: object) -> object:
        return sql, params


def test_names_that_a_script_has_are_not_hidden():
    connection, host, query = Connection(), "elsewhere", "select 1"
    found = op_source(lambda: connection.run(host, query), connection, taken=["host"])
    assert found.text == "def op(connection):\n    return connection.run(host_, query)"
    assert found.values == {"host_": "elsewhere", "query": "select 1"}


def test_parameters_are_an_argument_whatever_they_are_called():
    run, rows = Connection().run, itertools.cycle([(1,), (2,)])
    connection = run.__self__
    found = op_source(lambda: run("a", *next(rows)), connection, asynchronous=True)
    assert found.text == (
        "async def op(connection, params):\n    return await connection.run('a', *params)"
    )
    assert found.params is rows


def test_what_the_library_brings_is_imported():
    parse = json.loads
    found = op_source(lambda: parse("1"), None)
    assert found.text == "def op():\n    return loads('1')"
    assert found.needs.imports == {"from json import loads"}


def test_an_op_of_another_op_has_no_source():
    def inner() -> int:
        return 1

    with pytest.raises(Unsupported, match="made of another function, `inner`"):
        op_source(lambda: inner(), None)


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

# What a driver cannot do has nothing to reproduce.
NOTHING = {
    "psycopg": {"helper"},
    "psycopg-async": {"helper"},
    "psycopg2": {"copy-rows", "copy-text-rows", "pipeline"},
    "asyncpg": {"json", "copy-text-rows", "pipeline", "helper"},
    "psqlpy": {"copy-out", "copy-text-rows", "helper"},
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


@pytest.mark.parametrize(("driver", "profile"), ARMS)
def test_a_reproduction_reproduces(place, tmp_path, driver, profile):
    """Every op, with what a profile registers and what options change."""
    found = {}
    verdicts = set()
    all_ops = whole(driver, profile)
    with seat(place, contract.parse_arm(driver, profile)) as seated:
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
    pools_and_steps = {"checkout", "steps"}
    assert asked >= {str(op) for op in Op} - pools_and_steps


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


@pytest.mark.parametrize("driver", BASE_DRIVERS)
def test_a_reproduction_of_steps_reproduces(place, driver):
    found = {}
    with seat(place, Arm(driver, profile="default")) as seated:
        for name in STEPS:
            play = place.stage.playable(show.only_cell(name))
            played = show.played_by(seated, place, play)
            text, reason = show.reproduction_of(place, play, played)
            wrong = show.compared(place, played, text) if text else ""
            found[name] = wrong or ("none" if reason else "ok")
            if reason:
                assert played.judged.verdict is Verdict.UNSUPPORTED, reason
    assert not {name: told for name, told in found.items() if told not in ("ok", "none")}
    assert list(found.values()).count("ok") >= 5


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
    with pytest.raises(UsageError, match="query names 9 cells"):
        show.only_cell("query")
