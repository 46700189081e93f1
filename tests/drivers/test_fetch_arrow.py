"""Layers that make an Arrow table of a query: what comes, and what a check says of it."""

from __future__ import annotations

import pytest
from clients import needs_server

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("sqlspec")
pytestmark = needs_server

SQLSPEC = ["sqlspec-psycopg", "sqlspec-psycopg-async", "sqlspec-asyncpg", "sqlspec-psqlpy"]


@pytest.mark.parametrize("client", SQLSPEC, indirect=True)
def test_select_to_arrow(client, session):
    query = "select i::int8 as id, $1::text as name from generate_series(1, 2) i"
    fetch = client.bind(session, "fetch_arrow", sql=query, params=(("é",), ("b",)))
    tables = [client.wait(fetch()) for _ in range(2)]
    assert all(isinstance(table, pyarrow.Table) for table in tables)
    assert [table.to_pydict()["name"] for table in tables] == [["é"] * 2, ["b"] * 2]
    assert tables[0].schema.types == [pyarrow.int64(), pyarrow.string()]
