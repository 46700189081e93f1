"""`[[value]]` tables and `args`: what they expand into, what is refused, what is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import checked

from harness import scenario
from harness.core.arms import Arm
from harness.core.calls import ErrorFields, Op
from harness.core.cells import Cell
from harness.core.errors import ScenarioError
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge import verify
from harness.results.records import Check
from harness.values import UnknownForm, canonical, canonical_text, check_spec
from harness.values.binding import bind_call

HEAD = 'schema = 1\ntitle = "t"\nwhy = "w"\n'
LIBRARY = scenario.library()


def load(folder: Path, body: str) -> tuple[Cell, ...]:
    file = folder / "own.toml"
    file.write_text(HEAD + body, "utf-8")
    return scenario.load(file).cells


def refused(folder: Path, body: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(folder, body)
    return f"{caught.value} | {caught.value.hint}"


def value(**keys: Any) -> str:
    return "[[value]]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in keys.items())


def case(**keys: Any) -> str:
    given = {"name": "c", "op": "fetch_val", "sql": "select $1::int4 as v"} | keys
    return "[[case]]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in given.items())


def toml(what: Any) -> str:
    if isinstance(what, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in what.items()) + " }"
    if isinstance(what, list):
        return "[" + ", ".join(map(toml, what)) + "]"
    return json.dumps(what)


def names(cells: tuple[Cell, ...]) -> list[str]:
    return [cell.id.partition("#")[2] for cell in cells]


# --- expansion ------------------------------------------------------------------------


def test_each_direction_and_literal_is_a_cell(tmp_path):
    cells = load(tmp_path, value(type="int4", name="i", literals=["0", "7"]))
    assert names(cells) == [
        "i-read@value=0", "i-read@value=7",
        "i-write@value=0", "i-write@value=7",
        "i-array-read@value=0", "i-array-read@value=7",
        "i-array-write@value=0", "i-array-write@value=7",
        "i-array-null@value=0",
        "i-copy@value=0", "i-copy@value=7",
    ]  # fmt: skip


def test_without_a_name_the_direction_is_the_name(tmp_path):
    body = value(type="int4", literals=["0"], directions=["read", "copy-text"])
    assert names(load(tmp_path, body)) == ["read@value=0", "copy-text@value=0"]


@pytest.mark.parametrize(
    ("literal", "name", "sql"),
    [
        ("1.10", "1.10", "'1.10'::text"),
        ("-1 day 02:03:04", "-1_day_02:03:04", "'-1 day 02:03:04'::text"),
        ("10.0.0.0/8", "10.0.0.0/8", "'10.0.0.0/8'::text"),
        ("it's", "v1", "'it''s'::text"),
        ("a,b=c", "v1", "'a,b=c'::text"),
        ("", "v1", "''::text"),
        ("x" * 41, "v1", "'" + "x" * 41 + "'::text"),
        ("\\x00", "v1", "'\\x00'::text"),
        ({"name": "long", "sql": "repeat('x', 9)"}, "long", "(repeat('x', 9))::text"),
    ],
)
def test_a_literal_has_a_name_and_is_quoted(tmp_path, literal, name, sql):
    (cell,) = load(tmp_path, value(type="text", literals=[literal], directions=["read"]))
    assert cell.point == (("value", name),)
    assert cell.sql == f"select {sql} as v"


def test_what_a_write_asks(tmp_path):
    body = value(type="date", literals=["2024-02-29"], directions=["write", "array-write"])
    write, array = load(tmp_path, body)
    assert write.sql == "select ($1::date)::text as v"
    assert write.params == "select '2024-02-29'::date"
    assert array.sql == "select ($1::date[])::text as v"
    assert array.params == "select array['2024-02-29'::date]"
    assert dict(write.settings)["TimeZone"] == "UTC"


@pytest.mark.parametrize(
    ("pg_type", "sql"),
    [
        ("json", "select (($1::json)::jsonb)::text as v"),
        ("interval", "select (justify_hours($1::interval))::text as v"),
        ("jsonb", "select ($1::jsonb)::text as v"),
    ],
)
def test_a_write_is_compared_by_value(tmp_path, pg_type, sql):
    (cell,) = load(tmp_path, value(type=pg_type, literals=["1"], directions=["write"]))
    assert cell.sql == sql


def test_a_read_keeps_the_settings_of_the_server(tmp_path):
    (cell,) = load(
        tmp_path, value(type="date", literals=["2024-02-29"], directions=["read"])
    )
    assert cell.settings == ()


def test_copy_has_a_table_of_its_own_beside_the_fixture(tmp_path):
    body = "[fixture]\nsql = \"create type mood as enum ('sad');\"\n"
    body += value(type="mood", literals=["sad"], directions=["read", "copy", "copy-text"])
    read, binary, text = load(tmp_path, body)
    assert (read.fixture.scope, binary.fixture.scope) == ("run", "trial")
    assert binary.fixture.sql.endswith("('sad');\ncreate table v (v mood)")
    assert (binary.op, binary.format, text.format) == (Op.COPY_IN, "binary", "text")
    assert binary.expect.state == "select (v)::text as v from v"


def test_the_form_is_for_the_value_of_any_type(tmp_path):
    keys = {"literals": ["[1,2)"], "directions": ["write"], "as": "text"}
    (cell,) = load(tmp_path, value(type="int4range", **keys))
    assert cell.forms == ("text", "")


def test_keys_of_a_value_reach_its_cells(tmp_path):
    body = value(
        type="int4",
        literals=["1"],
        directions=["read"],
        requires=["jsonb"],
        needs=["version>=17"],
        accept=["str"],
    )
    (cell,) = load(tmp_path, body)
    assert (cell.requires, cell.needs, cell.accept) == (
        ("jsonb",),
        ("version>=17",),
        ("str",),
    )


def test_two_tables_of_one_name_share_no_cell(tmp_path):
    read = value(type="int4", name="i", literals=["1"], directions=["read"])
    write = value(type="int4", name="i", literals=["1"], directions=["write"])
    assert names(load(tmp_path, read + write)) == ["i-read@value=1", "i-write@value=1"]
    assert "two cases are called" in refused(tmp_path, read + read)


def test_two_literals_of_one_name_are_refused(tmp_path):
    body = value(type="text", literals=["a b", "a_b"], directions=["read"])
    assert "'own#read@value=a_b'" in refused(tmp_path, body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (value(type="int4", literals=[]), "a list of texts"),
        (value(literals=["1"]), "value 1: `type` is missing"),
        (value(type="", literals=["1"]), "a type's name"),
        (
            value(type="int4", literals=["1"], direction=["read"]),
            "did you mean `directions`?",
        ),
        (
            value(type="int4", literals=["1"], directions=["reed"]),
            "directions, item 1: 'reed' cannot stand here",
        ),
        (
            value(type="int4", literals=[{"name": "a b", "sql": "1"}]),
            "literal 1, name: 'a b' cannot stand here",
        ),
        (value(type="int4", literals=[{"name": "a", "sqll": "1"}]), "did you mean `sql`?"),
        (value(type="int4", literals=[1]), "literal 1: 1 cannot stand here"),
        (
            value(type="int4", literals=["1"], needs=["version>17"]),
            "unknown server requirement 'version>17'",
        ),
        (value(type="int4", literals=["1"], requires=["jsonbb"]), "did you mean 'jsonb'?"),
        ("", "neither a [[case]] nor a [[value]]"),
    ],
)
def test_what_no_value_table_may_say(tmp_path, body, words):
    assert words in refused(tmp_path, body)


# --- args, equals, trait --------------------------------------------------------------

SEVEN = {"py": "int", "value": 7}
EQUALS = {"equals": "select 7 as v"}


def test_args_reach_the_cell(tmp_path):
    (cell,) = load(tmp_path, case(args=[SEVEN, {"py": "none"}], expect=EQUALS))
    assert cell.args == (SEVEN, {"py": "none"})
    assert cell.expect.equals == "select 7 as v"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"args": [{"py": "memorview", "hex": ""}]}, "did you mean 'memoryview'?"),
        (
            {"args": [SEVEN, {"py": "bytes", "hxe": ""}]},
            "argument 2: bytes: unknown key 'hxe'",
        ),
        ({"args": [{"py": "int"}]}, "the key 'value' is missing"),
        ({"args": [{"py": "bytes", "hex": "zz"}]}, "non-hexadecimal"),
        ({"args": [{"py": "list", "items": [{"py": "uid"}]}]}, "did you mean 'uuid'?"),
        ({"args": [{"py": "dict", "items": {"a": {"py": "uid"}}}]}, "did you mean 'uuid'?"),
        ({"args": [{"py": "float32_array", "values": ["x"]}]}, "could not convert"),
        ({"args": [{}]}, "unknown constructor"),
        (
            {"args": [7]},
            'argument 1: 7 cannot stand here | write { py = "int", value = 7 }',
        ),
        ({"args": [SEVEN], "rows": "select 1"}, "leave rows out"),
        ({"args": [SEVEN], "expect": {}}, "the server cannot be given args"),
        ({"args": [SEVEN], "expect": {"error": {"sqlstate": "22003"}}}, "rejected = true"),
        ({"expect": {"trait": True, "rejected": True}}, "beside another oracle"),
        ({"expect": {"trait": True}, "bench": {}}, "a trait is never verified"),
        ({"op": "execute", "expect": EQUALS}, "which returns no rows"),
    ],
)
def test_what_args_and_expect_may_not_say(tmp_path, keys, words):
    assert words in refused(tmp_path, case(**({"expect": EQUALS} | keys)))


def test_checking_a_spec_makes_nothing_large():
    check_spec({"py": "str", "value": "x", "times": 10**15})
    check_spec({"py": "bytes", "hex": "00", "times": 10**15})


def bound(task: Task) -> tuple[Any, ...]:
    return bind_call(task, lambda kind, value: (kind, value), 0).params[0]


def test_args_become_objects_of_one_call():
    specs = ({"py": "memoryview", "hex": "00ff"}, {"py": "tuple", "items": [1, "a"]})
    found = bound(Task("c", Op.FETCH_VAL, Expected(), args=specs))
    assert (type(found[0]), bytes(found[0]), found[1]) == (memoryview, b"\0\xff", (1, "a"))


def test_a_wrapper_holds_the_null_of_json_but_not_of_sql():
    json_type = PgType("jsonb")
    params = Table(("a", "b"), (json_type, json_type), (("null", None),))
    task = Task("c", Op.FETCH_VAL, Expected(), params=params, forms=("wrapper",))
    assert bound(task) == (("jsonb", None), None)


# --- judging --------------------------------------------------------------------------


def test_a_trait_is_exact_and_says_what_was_observed():
    facts = {"type": "str", "repr": "'7'", "value": "7"}
    assert verify.observe("7") == verify.observed("str: '7'", facts)


def test_a_trait_that_is_an_error_has_no_wording():
    judged = verify.observe_error(ErrorFields("22P02", "this may change"), ValueError("x"))
    assert judged.verdict is Verdict.EXACT
    assert judged.observed == "raised ValueError [22P02]"


def test_a_trait_cannot_excuse_a_panic():
    class PanicException(BaseException):
        pass

    judged = verify.observe_error(ErrorFields(), PanicException("unreachable"))
    assert judged.verdict is Verdict.BROKEN


def test_the_worst_keeps_the_detail_of_what_is_exact():
    told = Judgement(Verdict.EXACT, Code.OBSERVED, "observed")
    assert verify.worst([told, EXACT]) is told
    assert verify.worst([]) == EXACT


def test_no_schema_of_ours_in_a_reason():
    message = "no type pgdyno_90bfa30_10._mood"
    judged = verify.judge_error(None, False, ErrorFields(), ValueError(message))
    assert judged.detail == "ValueError: no type _mood"


def test_an_unknown_type_is_judged_as_text_or_not_at_all():
    table = Table(("v",), (PgType("box"),), (("(3,4),(1,2)",),))
    assert verify.judge_value(table, "(3,4),(1,2)").verdict is Verdict.EXACT
    assert verify.judge_value(table, "(3,4),(1,9)").verdict is Verdict.LOSSY
    judged = verify.judge_value(table, ((3, 4), (1, 2)))
    assert judged.verdict is Verdict.INVALID
    assert "pgdyno does not know box as tuple" in judged.detail
    with pytest.raises(UnknownForm):
        canonical(PgType("box"), 7)


@pytest.mark.parametrize(
    ("pg_type", "text", "given"),
    [
        ("char", "\\303", b"\xc3"),
        ("char", "\\303", "\xc3"),
        ("char", "\\303", "\\303"),
        ("char", "\\303", 0xC3),
        ("char", "r", b"r"),
        ("char", "", b"\0"),
        ("_record", '{"(1,a)"}', [(1, "a")]),
        ("_record", '{"(1,a)"}', '{"(1,a)"}'),
    ],
)
def test_the_same_value_in_another_form(pg_type, text, given):
    assert canonical(PgType(pg_type), given) == canonical_text(PgType(pg_type), text)


def test_another_byte_is_another_value():
    assert canonical(PgType("char"), b"\xc4") != canonical_text(PgType("char"), "\\303")


# --- on a server ----------------------------------------------------------------------

PLAYED = "".join(
    [
        case(name="equal", args=[SEVEN], expect=EQUALS),
        case(name="unequal", args=[SEVEN], expect={"equals": "select 8 as v"}),
        case(
            name="refused", args=[{"py": "int", "value": 2**31}], expect={"rejected": True}
        ),
        case(name="accepted", args=[SEVEN], expect={"rejected": True}),
        case(name="seen", args=[SEVEN], expect={"trait": True}),
        case(
            name="seen-error",
            args=[{"py": "str", "value": "x"}],
            expect={"trait": True},
        ),
        case(name="wrong", args=[SEVEN], expect={"equals": "select nothing"}),
        value(
            type="interval",
            literals=["-1 day -02:03:04.5"],
            directions=["write", "copy", "copy-text", "array-null"],
        ),
        value(type="json", literals=['{"a":1}'], directions=["write"]),
    ]
)
VERDICTS = {
    "equal": ("exact", ""),
    "unequal": ("lossy", "int: 7 instead of int4: '8'"),
    "refused": ("exact", ""),
    "accepted": ("lossy", "no error came"),
    "seen": ("exact", "int: 7"),
    "seen-error": ("exact", "raised psycopg.errors.InvalidTextRepresentation [22P02]"),
    "wrong": ("invalid", 'column "nothing" does not exist'),
    "write@value=-1_day_-02:03:04.5": ("exact", ""),
    "copy@value=-1_day_-02:03:04.5": ("exact", ""),
    "copy-text@value=-1_day_-02:03:04.5": ("exact", ""),
    "array-null@value=-1_day_-02:03:04.5": ("exact", ""),
    "write@value=v1": ("exact", ""),
}


@pytest.fixture(scope="module")
def played(place, tmp_path_factory) -> dict[str, Check]:
    """What psycopg is told for each of the cases."""
    folder = tmp_path_factory.mktemp("played")
    checks = checked(place, folder, load(folder, PLAYED), [Arm("psycopg")])
    return {check.case: check for check in checks}


@pytest.mark.parametrize("name", VERDICTS)
def test_what_a_driver_is_told(played, name):
    verdict, words = VERDICTS[name]
    assert played[name].verdict == verdict
    assert words in played[name].detail
    if name.startswith("seen"):
        assert played[name].detail.startswith(played[name].observed)  # and the wording


# --- the library ----------------------------------------------------------------------


@pytest.mark.parametrize("family", ["types", "parameters"])
def test_the_library_gives_readable_names(family):
    _, cells = scenario.select_cells([family])
    assert len(cells) > 50
    unnamed = [
        cell.id for cell in cells if cell.id.rpartition("=")[2] in ("v1", "v2", "v3")
    ]
    assert not unnamed


def test_every_case_of_the_library_is_checked_by_a_check_of_everything():
    _, cells = scenario.select_cells(["types", "parameters"])
    assert {cell.scenario for cell in cells if not cell.checked} == {
        "parameters/large_values"  # fifty megabytes are for those who ask
    }
