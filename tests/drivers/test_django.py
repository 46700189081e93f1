"""Django over psycopg, and over psycopg2 in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading

import pytest
from clients import ROWS, needs_server, sessions_of

from harness.core.errors import DriverError, Unsupported
from harness.plugin import contract

pytestmark = needs_server
django = pytest.mark.parametrize("client", ["django-psycopg"], indirect=True)
raw = pytest.mark.parametrize("client", ["django-psycopg+raw"], indirect=True)


# -- rows as instances of a model ------------------------------------------------------


@raw
def test_rows_are_model_instances_with_the_fields_of_their_types(client, session):
    query = """select $1::int as id, '{"a": [1]}'::jsonb as document, 'x'::text as "a b" """
    native = client.run(session, "fetch_all", sql=query, params=((7,),))
    assert list(session.rows(native)) == [(7, {"a": [1]}, "x")]
    kinds = [type(field).__name__ for field in native[0]._meta.concrete_fields]
    assert kinds == ["IntegerField", "JSONField", "TextField"]
    row = client.run(session, "fetch_one", sql=query, params=((7,),))
    assert (row.pk, row.column_2) == (7, {"a": [1]})


@raw
@pytest.mark.parametrize(
    "query",
    [
        "insert into items values (1, 'one') returning id, name;",
        "with made as (insert into items values (1, 'one') returning *) select * from made",
    ],
)
def test_a_write_is_not_done_while_binding(client, session, table, query):
    op = client.bind(session, "fetch_all", sql=query)
    assert table() == []
    assert list(session.rows(op())) == [(1, "one")]
    assert table() == [(1, "one")]


@raw
def test_what_returns_no_rows_has_no_model(client, session):
    with pytest.raises(Unsupported, match=r"Model\.objects\.raw"):
        client.bind(session, "fetch_all", sql="set work_mem = '1MB'")


@django
def test_bulk_create_of_a_table_with_a_schema(client, session, control):
    control.execute("create schema if not exists bulk")
    control.execute('create table bulk."a b" (id int primary key, body jsonb)')
    rows = ((1, {"a": 1}), (2, None))
    try:
        where = {"table": "bulk.a b", "columns": ("id", "body")}
        client.run(session, "batch_helper", rows=rows, **where)
        found = control.execute('select * from bulk."a b" order by id').fetchall()
    finally:
        control.execute("drop schema bulk cascade")
    assert found[0] == (1, {"a": 1})
    assert len(found) == 2


# -- connections and threads -----------------------------------------------------------


@django
def test_the_time_zone_of_the_session_is_the_targets(client, target):
    there = dataclasses.replace(target, settings=(("TimeZone", "Asia/Tokyo"),))
    query = "select current_setting('TimeZone')"
    assert client.run(client.open(there), "fetch_val", sql=query) == "Asia/Tokyo"


@django
def test_clients_of_a_pool_are_threads_with_a_connection_each(client, target, control):
    pool = client.open_pool(dataclasses.replace(target, application_name="threads"), 3)
    assert sessions_of(control, "threads", 3) == 3
    query = "select count(*) from (select pg_sleep(0.05)) s"
    ops = [client.bind(pool, "fetch_val", sql=query) for _ in range(6)]
    found: list[object] = []
    threads = [threading.Thread(target=lambda op=op: found.append(op())) for op in ops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 6
    assert sessions_of(control, "threads", 3) == 3


@django
def test_the_other_library_needs_another_process(client, session, target):
    other = contract.load(contract.parse_arm("django-psycopg2"))
    with pytest.raises(DriverError, match="in this process before") as refused:
        other.open(target, "default")
    assert "a process each" in str(refused.value.hint)


# -- over psycopg2 ---------------------------------------------------------------------


PLAY = """
import json, sys
from harness.plugin import Call, Op, Statement, Target
from harness.plugin import contract
target = Target(**json.loads(sys.stdin.read()))
driver = contract.load(contract.parse_arm(sys.argv[1]))
session = driver.open(target, "default")
call = lambda op, **fields: getattr(session, op)(Call(Op(op), **fields))()
query = {"sql": "select $2::text as b, $1::int as a", "params": ((1, "x%"),)}
rows = session.rows(call("fetch_all", **query))
call("batch_helper", table="items", columns=("id", "name"), rows=((1, "one"), (2, "two")))
call("execute_many", sql="insert into items values ($1, $2)", rows=((3, "three"),))
twice = (Statement("insert into items values ($1, $2)", (9, "nine")),) * 2
errors = []
for op in ("transaction", "savepoint"):
    try:
        call(op, statements=twice)
    except Exception as error:
        fields = driver.describe_error(error)
        errors.append([type(error).__name__, fields.sqlstate, fields.constraint, fields.on])
library = type(session.connection.connection).__module__
session.close()
import psycopg  # hidden from Django only
driver.connect(target, "default")()
one = driver.connect_query(target, "default", "select 42")()
print(json.dumps([rows, errors, one, library]))
"""


@pytest.mark.parametrize("spec", ["django-psycopg2", "django-psycopg2+raw"])
def test_over_psycopg2(target, table, spec):
    done = subprocess.run(
        [sys.executable, "-c", PLAY, spec],
        input=json.dumps(dataclasses.asdict(target)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows, errors, value, library = json.loads(done.stdout)
    assert rows == [["x%", 1]]
    assert errors == [["IntegrityError", "23505", "items_pkey", "__cause__"]] * 2
    assert value == 42
    assert library.startswith("psycopg2")
    assert table() == list(ROWS)


# -- what it stands on -----------------------------------------------------------------


@pytest.mark.parametrize("library", ["psycopg", "psycopg2"])
def test_the_terms_of_both_layers_are_recorded(library):
    driver = contract.load(contract.parse_arm(f"django-{library}"))
    terms = contract.terms_of(driver)
    assert (terms["library"], terms["wraps"]) == ("Django", library)
    assert terms["wrapped_library"] == library
