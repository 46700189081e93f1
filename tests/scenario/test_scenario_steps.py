"""Steps in scenario files: what a slip gives, and what becomes of what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import scenario
from harness.check.checker import Checker
from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.errors import ScenarioError
from harness.results.records import Check
from harness.venue.venue import Venue

HEAD = 'schema = 1\ntitle = "T"\nwhy = "W"\n[[case]]\nname = "c"\n'
POOL = "{ min_size = 1, max_size = 2 }"
GOOD = """
[[case.step]]
op = "connect"
save = "a"
with = { autocommit = { py = "none" } }
[[case.step]]
on = "a"
op = "fetch_val"
sql = "select 1"
expect.value = 1
"""


def cell(folder: Path, text: str, head: str = HEAD):
    file = folder / "steps.toml"
    file.write_text(head + text)
    return scenario.load(file).cells[0]


def refused(folder: Path, text: str, head: str = HEAD) -> str:
    with pytest.raises(ScenarioError) as caught:
        cell(folder, text, head)
    return f"{caught.value} {caught.value.hint}"


def step(**keys: str) -> str:
    return "\n".join(
        [
            "[[case.step]]",
            *(f"{name.replace('__', '.')} = {one}" for name, one in keys.items()),
        ]
    )


def test_steps_are_an_op(tmp_path):
    made = cell(tmp_path, GOOD)
    assert made.op is Op.STEPS
    first, second = made.steps
    assert (first.on, first.op, first.save) == ("main", "connect", "a")
    assert second.arguments == {"sql": "select 1"}
    assert second.expect.value == (1,)
    assert second.label == "a.fetch_val"


def test_an_expected_null_is_an_expectation(tmp_path):
    made = cell(
        tmp_path,
        step(op='"fetch_val"', sql='"select null"', expect='{ value = { py = "none" } }'),
    )
    assert made.steps[0].expect.value == ({"py": "none"},)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (step(op='"fetch_vall"', sql='"x"'), "did you mean `fetch_val`"),
        (step(op='"fetch_val"', sq='"x"'), "did you mean `sql`"),
        (step(op='"fetch_val"'), "needs the argument `sql`"),
        (step(op='"fetch_val"', sql='"x"', **{"with": "{ times = 1 }"}), "no argument"),
        (step(op='"connect"', **{"with": '{ to = "mars" }'}), "no place called 'mars'"),
        (step(on='"control"', op='"fetch_all"', sql='"x"'), "no op `fetch_all`"),
        (step(on='"server"', op='"restat"'), "no op `restat`"),
        (step(join='"x"'), "nothing was started as 'x'"),
        (step(op='"cancel_task"', on='"x"'), "nothing was started as 'x'"),
        (
            step(op='"execute"', sql='"x"', start='"s"'),
            "started and never joined",
        ),
        (step(op='"execute"', sql='"x"'), "none of its steps expects anything"),
        (
            step(op='"execute"', sql='"x"', expect="{ trait = true, rejected = true }"),
            "expect.rejected beside expect.trait",
        ),
        (
            step(op='"execute"', sql='"x"', expect='{ vaule = 1 }'),
            "did you mean `value`",
        ),
        (
            step(op='"fetch_val"', sql='"x"', expect='{ value = { py = "nope" } }'),
            "unknown constructor 'nope'",
        ),
    ],
)  # fmt: skip
def test_a_slip_is_said(tmp_path, text, told):
    assert told in refused(tmp_path, text)


def test_steps_stand_alone(tmp_path):
    assert "beside steps" in refused(tmp_path, GOOD, HEAD + 'sql = "select 1"\n')
    assert "an op of its own" in refused(tmp_path, GOOD, HEAD + 'op = "execute"\n')


def test_a_case_needs_an_op_or_a_step(tmp_path):
    assert "neither an op nor a step" in refused(tmp_path, "")


def test_words_leave_operators_alone(tmp_path):
    from harness.judge.words import filled

    sql = "select '@{pid}', a @> b, c @@ d, '@{other}'"
    assert filled(sql, {"pid": "7"}) == "select '7', a @> b, c @@ d, '@{other}'"
    assert filled([{"py": "str", "value": "@{pid}"}], {"pid": "7"}) == ["7"]


# --- names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (step(on='"contrl"', op='"fetch_val"', sql='"x"'), "did you mean `control`?"),
        (step(on='"mian"', op='"fetch_val"', sql='"x"'), "did you mean `main`?"),
        (step(on='"mian"', op='"connect"'), "did you mean `main`?"),
        (
            step(op='"pool_open"', save='"pool"', **{"with": POOL})
            + "\n"
            + step(on='"poool"', op='"pool_block"', sql='"x"'),
            "step 2: nothing is called 'poool' at this point did you mean `pool`?",
        ),
        (
            step(op='"pool_block"', sql='"x"'),
            "'main' is a connection, and this needs a pool",
        ),
        (step(op='"fetch_val"', sql='"select @{pdi}"'), "no earlier step saved @{pdi}"),
        (
            step(op='"fetch_val"', sql='"x"', save='"pid"')
            + "\n"
            + step(op='"fetch_val"', sql='"select @{pdi}"'),
            "did you mean `pid`?",
        ),
        (step(op='"fetch_val"', sql='"@{tls_ca}"'), "no earlier step saved @{tls_ca}"),
        (step(op='"connect"', **{"with": '{ to = "spare" }'}), 'needs = ["spare"]'),
        (step(op='"connect"', **{"with": '{ to = ["main", "nwohere"] }'}), "`nowhere`"),
        (step(on='"server"', op='"stop"'), "only a spare server may be stopped"),
        (
            step(on='"control"', op='"fetch_val"', sql='"x"', **{"with": '{ ot = "x" }'}),
            "`fetch_val` has no argument `ot`",
        ),
        (
            step(op='"pool_open"', save='"pool"', **{"with": POOL})
            + "\n"
            + step(on='"pool"', op='"pool_release"', **{"with": '{ connection = "c" }'}),
            "step 2: nothing is called 'c' at this point",
        ),
        (
            step(op='"execute"', sql='"x"', start='"s"', within_ms="5")
            + "\n"
            + step(join='"s"'),
            'say it at the join: { join = "s", within_ms = … }',
        ),
    ],
)
def test_a_name_that_nothing_defines_is_an_error_of_the_file(tmp_path, text, told):
    assert told in refused(tmp_path, text)


STARTED = step(op='"execute"', sql='"x"', start='"s"')
JOINED = "\n" + step(join='"s"')


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("expect.grows_mb", "5"),
        ("expect.value", "1"),
        ("expect.trait", "true"),
        ("expect.rejected", "true"),
        ("expect.error", '{ sqlstate = "42601" }'),
        ("save", '"x"'),
        ("within_ms", "5"),
    ],
)
def test_what_a_started_step_brings_is_said_at_its_join(tmp_path, key, written):
    told = refused(tmp_path, f"{STARTED}\n{key} = {written}{JOINED}")
    assert f"{key} beside start" in told
    assert f'say it at the join: {{ join = "s", {key} = … }}' in told
    if key != "save":
        assert cell(tmp_path, f"{STARTED}{JOINED}\n{key} = {written}").steps


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            step(on='"control"', op='"fetch_val"', sql='"x"', expect="{ grows_mb = 5 }"),
            "the control connection is no part of",
        ),
        (
            step(op='"wait"', **{"with": "{ seconds = 0 }"}, expect="{ value = 1 }"),
            "expect.value is nothing that `wait` could show",
        ),
        (
            step(on='"proxy"', op='"cut"', expect="{ rejected = true }"),
            "expect.rejected is nothing that `cut` could show",
        ),
        (
            step(on='"proxy"', op='"cut"', save='"x"'),
            "save is nothing that `cut` could show",
        ),
        (
            step(join='"s"', start='"t"') + "\n" + step(join='"t"', expect="{ value = 1 }"),
            "only an act of a driver can be started",
        ),
    ],
)
def test_what_would_never_be_looked_at_is_refused(tmp_path, text, told):
    assert told in refused(tmp_path, f"{STARTED}\n{text}{JOINED}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            step(op='"execute"', sql='"x"', with_next="true") + f"\n{STARTED}{JOINED}",
            "with_next, and nothing is started",
        ),
        (
            step(op='"execute"', sql='"x"', start='"s"', with_next="true") + JOINED,
            "the step before it begins with it (with_next)",
        ),
        (
            step(op='"execute"', sql='"x"', start='"s"', process='"b"') + JOINED,
            "'s' was started in another process process = \"b\"",
        ),
        (
            step(on='"control"', op='"execute"', sql='"x"', process='"b"'),
            "the control is in no process of a driver",
        ),
        (
            step(op='"connect"', save='"a"', process='"b"')
            + "\n"
            + step(on='"a"', op='"execute"', sql='"x"'),
            "nothing is called 'a' at this point",
        ),
    ],
)
def test_processes_and_ticks_fit_together(tmp_path, text, told):
    assert told in refused(tmp_path, text)


def test_sessions_are_declared(tmp_path):
    text = step(on='"b"', op='"fetch_val"', sql='"select 1"', expect="{ value = 1 }")
    assert "nothing is called 'b'" in refused(tmp_path, text)
    made = cell(tmp_path, text, HEAD + 'sessions = ["b"]\n')
    assert made.steps[0].on == "b"


def test_every_expectation_but_an_end_counts(tmp_path):
    text = step(op='"execute"', sql='"x"')
    assert "anything but an end without an error" in refused(tmp_path, text)
    for more in ("within_ms = 100", "expect.grows_mb = 5", "expect.value = false"):
        assert cell(tmp_path, f"{text}\n{more}").steps


def test_a_cleanup_knows_what_is_always_there(tmp_path):
    made = cell(tmp_path, GOOD, HEAD + "cleanup = 'drop role if exists @{unique}'\n")
    assert made.cleanup == "drop role if exists @{unique}"
    assert "@{pid} may not be there" in refused(
        tmp_path, GOOD, HEAD + "cleanup = 'select @{pid}'\n"
    )
    alone = 'op = "fetch_val"\nsql = "select 1"\ncleanup = "select 1"\n'
    assert "cleanup without steps" in refused(tmp_path, alone)


# --- repeated steps -------------------------------------------------------------------


def test_a_step_is_repeated(tmp_path):
    text = step(op='"fetch_val"', sql='"select 1"', repeat="3", expect="{ value = 1 }")
    made = cell(tmp_path, text)
    assert [one.label for one in made.steps] == [
        f"main.fetch_val ({n} of 3)" for n in (1, 2, 3)
    ]


def test_a_group_of_steps_is_repeated(tmp_path):
    text = (
        '[[case.step]]\nrepeat = 2\n[[case.step.step]]\nop = "connect"\nsave = "a"\n'
        '[[case.step.step]]\non = "a"\nop = "close"\nnote = "it closes"\nwithin_ms = 9\n'
    )
    made = cell(tmp_path, text)
    assert [one.op for one in made.steps] == ["connect", "close"] * 2
    assert made.steps[3].label == "it closes (2 of 2)"
    wrong = text.replace('op = "close"', 'op = "clsoe"')
    assert "step 1.2: there is no act `clsoe`" in refused(tmp_path, wrong)
    both = text.replace("repeat = 2", 'repeat = 2\nop = "connect"')
    assert "it holds steps, and is one itself" in refused(tmp_path, both)


def test_a_mark_says_how_often(tmp_path):
    axes = HEAD.replace("[[case]]", "[[case]]\naxes.times = [2, 5]")
    text = step(op='"execute"', sql='"x"', repeat='"${times}"', within_ms="9")
    file = tmp_path / "axes.toml"
    file.write_text(axes + text)
    assert [len(made.steps) for made in scenario.load(file).cells] == [2, 5]


# --- on a server ----------------------------------------------------------------------

PLAYED = """
[fixture]
scope = "trial"
sql = "create table t (v int)"

[[case]]
name = "repeated"
[[case.step]]
op = "execute"
sql = "insert into t values (1)"
repeat = 7
[[case.step]]
on = "control"
op = "fetch_val"
sql = "select count(*) from t"
expect.value = "7"

[[case]]
name = "third-time"
[[case.step]]
repeat = 5
[[case.step.step]]
op = "execute"
sql = "insert into t values (1)"
[[case.step.step]]
op = "fetch_val"
sql = "select 1 / (3 - count(*))::int from t"
expect.trait = false

[[case.step]]
op = "fetch_val"
sql = "select 1"
expect.value = 1

[[case]]
name = "unique"
cleanup = "drop role if exists @{unique}"
[[case.step]]
on = "control"
op = "execute"
sql = "create role @{unique}"
[[case.step]]
op = "fetch_val"
sql = "select rolname::text from pg_roles where rolname = '@{unique}'"
expect.value = "@{unique}"

[[case]]
name = "unique-again"
cleanup = "drop role if exists @{unique}"
[[case.step]]
on = "control"
op = "execute"
sql = "create role @{unique}"
[[case.step]]
op = "fetch_val"
sql = "selec"
expect.trait = false
[[case.step]]
op = "fetch_val"
sql = "select 1"
expect.value = 1

[[case]]
name = "cleanup-fails"
cleanup = "drop role no_such_role_at_all"
[[case.step]]
op = "fetch_val"
sql = "select 1"
expect.value = 1

[[case]]
name = "another-process"
[[case.step]]
op = "fetch_val"
sql = "select pg_backend_pid()"
save = "pid"
[[case.step]]
process = "b"
op = "fetch_val"
sql = "select pg_backend_pid() <> @{pid}"
expect.value = true
[[case.step]]
process = "b"
op = "execute"
sql = "select pg_advisory_lock(hashtext('@{unique}'))"
[[case.step]]
op = "fetch_val"
sql = "select pg_try_advisory_lock(hashtext('@{unique}'))"
expect.value = false

[[case]]
name = "of-another-process"
[[case.step]]
process = "b"
op = "fetch_val"
sql = "select 1 / 0"
expect.value = 1

[[case]]
name = "together"
sessions = ["b"]
[[case.step]]
op = "fetch_val"
sql = "select clock_timestamp()::text from pg_sleep(0.3)"
start = "one"
with_next = true
[[case.step]]
on = "b"
op = "fetch_val"
sql = "select clock_timestamp()::text from pg_sleep(0.3)"
start = "two"
[[case.step]]
join = "one"
save = "at_one"
[[case.step]]
join = "two"
save = "at_two"
[[case.step]]
op = "fetch_val"
sql = "select abs(extract(epoch from timestamptz '@{at_one}' - '@{at_two}')) < 0.25"
expect.value = true

[[case]]
name = "nothing-logged"
[[case.step]]
op = "fetch_val"
sql = "select 1"
[[case.step]]
op = "logged"
expect.value = []

[[case]]
name = "another-session"
sessions = ["b"]
[[case.step]]
op = "fetch_val"
sql = "select pg_backend_pid()"
save = "pid"
[[case.step]]
on = "b"
op = "fetch_val"
sql = "select pg_backend_pid() <> @{pid}"
expect.value = true
"""


@pytest.fixture(scope="module", params=["psycopg", "asyncpg"])
def played(place: Venue, tmp_path_factory, request) -> dict[str, Check]:
    folder = tmp_path_factory.mktemp("played")
    file = folder / "played.toml"
    file.write_text("schema = 1\n" + PLAYED)
    found: dict[str, Check] = {}
    Checker(
        place.stage, [Arm(request.param)], folder, lambda one: found.update({one.case: one})
    ).run(scenario.load(file).cells)
    return found


@pytest.mark.parametrize(
    ("case", "verdict", "detail"),
    [
        ("repeated", "exact", ""),
        ("third-time", "rejected", "step 6, main.fetch_val (3 of 5): "),
        ("unique", "exact", ""),
        ("unique-again", "rejected", "step 2, main.fetch_val: "),
        ("cleanup-fails", "invalid", 'cleanup: role "no_such_role_at_all" does not exist'),
        ("another-process", "exact", ""),
        ("of-another-process", "rejected", "step 1, b: main.fetch_val: "),
        ("together", "exact", ""),
        ("nothing-logged", "exact", ""),
        ("another-session", "exact", ""),
    ],
)
def test_what_becomes_of_steps(played, case, verdict, detail):
    assert played[case].verdict == verdict, played[case]
    assert played[case].detail.startswith(detail)


def test_nothing_is_left_behind(played, place):
    assert played["unique"].verdict == "exact"
    left = "select count(*) from pg_roles where rolname like 'pgdyno\\_%'"
    assert place.control.value(left) == "0"
