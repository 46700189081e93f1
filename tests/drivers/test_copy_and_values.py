"""Every driver copies rows, and sends and reads values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clients import NO_COPY_IN, ROWS, Client, every_driver, needs_server, skip_without

from harness.core.calls import Op
from harness.core.errors import Unsupported

pytestmark = needs_server


# -- COPY ------------------------------------------------------------------------------


def copied(control, form):
    """The bytes of ROWS, written by the server."""
    values = ", ".join(f"({i}, '{name}')" for i, name in ROWS)
    with (
        control.cursor() as cursor,
        cursor.copy(f"copy (values {values}) to stdout (format {form})") as copy,
    ):
        return b"".join(copy)


@every_driver
@pytest.mark.parametrize(("source", "form"), NO_COPY_IN)
@pytest.mark.parametrize("name", ["items", "public.items"])
def test_copy_in(client, session, table, control, source, form, name):
    fields: dict[str, Any] = {"table": name, "columns": ("id", "name"), "format": form}
    if source == "rows":
        fields |= {"rows": ROWS, "types": ("int4", "text")}
    else:
        fields |= {"data": copied(control, form)}
    if client.arm.driver in NO_COPY_IN[source, form]:
        with pytest.raises(Unsupported):
            client.bind(session, "copy_in", **fields)
        return
    op = client.bind(session, "copy_in", **fields)
    client.wait(op())
    assert table() == list(ROWS)
    client.run(session, "execute", sql="truncate items")
    client.wait(op())
    assert table() == list(ROWS)


@every_driver
def test_copy_in_of_types(client, session, control):
    if client.arm.driver in NO_COPY_IN["rows", "binary"]:
        pytest.skip("no encoder for rows")
    control.execute("drop table if exists typed")
    control.execute("create table typed (a int8, b int4[], c float4, d vector(2))")
    vector = session.wrapper("vector", [1.5, 2.0])
    client.run(
        session,
        "copy_in",
        table="typed",
        columns=("a", "b", "c", "d"),
        types=("int8", "_int4", "float4", "vector"),
        rows=((1, [1, 2], 0.5, vector), (None, None, None, None)),
        format="binary",
    )
    row = control.execute("select a, b, c, d::text from typed where a = 1").fetchone()
    assert row == (1, [1, 2], 0.5, "[1.5,2]")


@every_driver
def test_copy_in_of_documents(client, session, control):
    if client.arm.driver in NO_COPY_IN["rows", "binary"]:
        pytest.skip("no encoder for rows")
    control.execute("drop table if exists documents")
    control.execute("create table documents (body jsonb)")
    fields: dict[str, Any] = {
        "table": "documents",
        "columns": ("body",),
        "format": "binary",
    }
    fields |= {"types": ("jsonb",), "rows": (({"k": [1]},),)}
    if client.arm.driver == "asyncpg":
        # The codec that its documentation shows is a text codec; binary COPY has no use
        # for one.
        told = client.error(session, "copy_in", **fields).message
        assert "no binary format encoder for type jsonb" in told
        return
    client.run(session, "copy_in", **fields)
    assert control.execute("table documents").fetchall() == [({"k": [1]},)]


@pytest.mark.parametrize("client", ["psycopg"], indirect=True)
def test_binary_copy_needs_a_known_type(client, session):
    fields: dict[str, Any] = {"table": "t", "columns": ("a",), "format": "binary"}
    with pytest.raises(Unsupported, match="mood"):
        client.bind(session, "copy_in", types=("mood",), rows=(("a",),), **fields)


@every_driver
@pytest.mark.parametrize("form", ["text", "csv", "binary"])
def test_copy_out(client, session, table, control, form):
    skip_without(client, Op.COPY_OUT)
    control.cursor().executemany("insert into items values (%s, %s)", ROWS)
    query = "select id, name from items order by id"
    stream = client.run(session, "copy_out", sql=query, format=form)
    assert stream == copied(control, form)


# -- values ----------------------------------------------------------------------------


@every_driver
def test_configured_documents_and_vectors(client, session):
    for kind in ("json", "jsonb"):
        query = f"""select '{{"a": [1, null]}}'::{kind}"""
        assert client.run(session, "fetch_val", sql=query) == {"a": [1, None]}
    query, params = "select ($1::jsonb)->>'a'", (({"a": "b"},),)
    assert client.run(session, "fetch_val", sql=query, params=params) == "b"
    vector = client.run(session, "fetch_val", sql="select '[1,2.5]'::vector")
    assert not isinstance(vector, str)
    assert getattr(vector, "to_list", lambda: vector)() == [1.0, 2.5]


@every_driver
@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("json", {"a": 1}, '{"a": 1}'),
        ("jsonb", {"a": [1]}, '{"a": [1]}'),
        ("vector", [1.0, 2.0], "[1,2]"),
    ],
)
def test_wrappers(client, session, kind, value, text):
    if client.arm.driver == "asyncpg" and kind != "vector":
        with pytest.raises(Unsupported):
            session.wrapper(kind, value)
        return
    params = ((session.wrapper(kind, value),),)
    found = client.run(
        session, "fetch_val", sql=f"select ($1::{kind})::text", params=params
    )
    assert found == text or json.loads(found) == value


def test_not_configured_is_another_column(target):
    client = Client("asyncpg", "default")
    try:
        session = client.open(target)
        assert client.run(session, "fetch_val", sql="select '{}'::jsonb") == "{}"
        assert client.run(session, "fetch_val", sql="select '[1]'::vector") == "[1]"
    finally:
        client.close()
