"""What a reproduction is made of: its text, the source of its op, and if it agrees."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from harness import scenario
from harness.cli import show
from harness.core.arms import PROFILES, Arm
from harness.core.calls import Op
from harness.core.errors import Unsupported
from harness.play.seat import Seat
from harness.plugin import contract
from harness.plugin.op_source import op_source
from harness.reproduce import script as reproduce
from harness.reproduce.script import OpCode, Ran, Setting, disagreement
from harness.venue.venue import Venue

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


@pytest.fixture(scope="module")
def seats(place: Venue) -> Iterator[dict[Arm, Seat]]:
    """A worker for every arm that a test asked for, kept for the next tests."""
    found: dict[Arm, Seat] = {}
    yield found
    for seat in found.values():
        seat.dismiss()


@pytest.fixture
def script(place, seats, tmp_path):
    """Asks for the reproduction of a case, or for the reason why there is none."""

    def made(driver, case, profile="default"):
        file = tmp_path / "only.toml"
        file.write_text(
            f'schema = 1\ntitle = "t"\nwhy = "w"\n[[case]]\nname = "only"\n{case}\n'
        )
        (cell,) = scenario.load(file).cells
        play = place.stage.prepare(cell)
        arm = contract.parse_arm(driver, profile)
        seat = seats.get(arm) or seats.setdefault(arm, show.seat_of(place, arm))
        text, reason = show.reproduction_of(place, play, show.played_by(seat, place, play))
        seat.close()
        return text or reason

    return made


BASE_DRIVERS = [*contract.usual(), "pg8000", "sqlspec-asyncpg", "sqlalchemy-core-psycopg"]

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
def test_placeholders_are_the_library_s_own(script, driver, wanted):
    assert wanted in script(driver, TWO)


def test_a_parameter_used_twice_has_a_name_in_psycopg(script):
    case = 'op = "fetch_all"\nsql = "select $1::int, $1::int"\nparams = "select 2"'
    assert "params = {'p1': 2}" in script("psycopg", case)


def test_an_op_is_printed_as_its_session_bound_it(script):
    assert (
        "async def op(connection, params):\n"
        "    return (await (await connection.execute(query, params, binary=True))"
        ".fetchone())[0]\n"
    ) in script("psycopg-async+binary", ONE)
    assert (
        "def op(connection, params):\n"
        "    with connection.cursor() as cursor:\n"
        "        cursor.execute(query, params)\n"
        "        return cursor.fetchone()[0]\n"
    ) in script("psycopg2", ONE)


def test_options_are_written_out(script):
    assert "binary=False" in script("psycopg", ONE)
    asyncpg = script("asyncpg+noprepare", ONE)
    assert "'statement_cache_size': 0" in asyncpg
    assert "uvloop.run(main())" in script("psqlpy+uvloop", ONE)


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


def test_what_is_registered_is_what_the_check_registered(script):
    """The same function, whatever it finds on the server."""
    for driver in BASE_DRIVERS:
        plugin = contract.load(contract.parse_arm(driver))
        configure = getattr(plugin, "configure", None)
        for profile in PROFILES:
            text = script(driver, ONE, profile)
            printed = "The registrations that " in text
            assert printed is (configure is not None and profile == "configured")


def test_nothing_of_pgdyno_is_imported(script):
    for driver in BASE_DRIVERS:
        assert "harness" not in script(driver, ONE, "configured")


def test_no_password_is_printed(place, script):
    target = place.server.target
    for driver in BASE_DRIVERS:
        for case in (ONE, 'op = "connect_query"\nsql = "select 1"'):
            text = script(driver, case)
            if case != ONE and hasattr(contract.entry_points()[driver].load(), "wraps"):
                # a layer's configuration or engine is made once, before the op
                reasons = "there is no reproduction", "made while binding"
                assert "password" in text or any(reason in text for reason in reasons)
            else:
                assert "password" in text
            assert target.password not in text
            assert str(target.port) not in text


def test_each_call_of_a_cycle_is_made(script):
    case = """op = "fetch_val"
sql = "select $1::int"
params = "select i from generate_series(1, 3) i"
"""
    text = script("psycopg", case)
    assert "calls = [\n    (1,),\n    (2,),\n    (3,),\n]" in text
    assert "for params in calls:" in text


def test_statements_that_return_nothing_are_told_apart(script):
    case = """op = "transaction"
statements = [{ sql = "select 1" }, { sql = "set local work_mem = '1MB'" }]
"""
    text = script("asyncpg", case)
    assert "('select 1', (), True)" in text
    assert """("set local work_mem = '1MB'", (), False)""" in text


def test_what_is_not_covered_says_so(script, miniatures):
    made = script("wrong-value", 'op = "fetch_all"\nsql = "select 1"')
    assert made == "its op is made of another function, `healthy`"
    pool = script("psycopg", f"{ONE}\npool = 2\nclients = 2")
    assert pool == "there is no reproduction of a pool yet"
    case = """op = "fetch_val"
sql = "select length($1)"
params = "select string_agg(md5(i::text), '') from generate_series(1, 40000) i"
"""
    assert "too long" in script("psycopg", case)


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


def test_an_op_on_a_class_that_was_made_while_binding_has_no_source():
    made = type("Made", (), {})
    with pytest.raises(Unsupported, match="a class made while binding, `made`"):
        op_source(lambda: made(), None)
