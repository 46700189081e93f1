"""pg8000 as a driver of pgdyno's own, beside the example that has the same library."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients import needs_server

from harness.core.errors import DriverError
from harness.plugin import contract

pytestmark = needs_server
native = pytest.mark.parametrize("client", ["pg8000"], indirect=True)


@native
def test_copy(client, session, table):
    data = {"table": "items", "columns": ("id", "name")}
    client.run(session, "copy_in", data=b"1\tone\n2\ttwo\n", **data)
    assert table() == [(1, "one"), (2, "two")]
    told = client.run(session, "copy_out", sql="table items", format="csv")
    assert told == b"1,one\n2,two\n"


@native
def test_ranges_are_wrapped(client, session):
    found = client.run(session, "fetch_val", sql="select int4range(1, 5)")
    made = client.run(
        session, "fetch_val", sql="select $1::int4range = int4range(1, 5)",
        params=((session.wrapper("int4range", _Range()),),),
    )  # fmt: skip
    assert str(found) == "[1,5)"
    assert made is True


class _Range:
    lower, upper, bounds, isempty = 1, 5, "[)", False


@native
def test_vectors_are_registered(client, session):
    pytest.importorskip("pgvector")
    if not client.run(session, "fetch_val", sql="select to_regtype('vector') is not null"):
        assert set(session.unregistered) <= {"vector", "halfvec", "sparsevec"}
        pytest.skip("this server's search path has no vector")
    vector = client.run(session, "fetch_val", sql="select '[1,2]'::vector")
    assert type(vector).__name__ == "Vector"


# -- two plug-ins of one name ----------------------------------------------------------


def announce(folder: Path, group: str, place: str) -> None:
    """A distribution that brings a driver called pg8000, too."""
    info = folder / "other_pg8000-1.0.dist-info"
    info.mkdir()
    metadata = "Metadata-Version: 2.1\nName: other-pg8000\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata)
    (info / "entry_points.txt").write_text(f"[{group}]\npg8000 = {place}\n")


@pytest.mark.parametrize("group", [contract.GROUP, contract.FURTHER])
def test_two_plug_ins_of_one_name_are_refused(tmp_path, monkeypatch, group):
    announce(tmp_path, group, "other:Pg8000")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        DriverError, match="several plug-ins are called 'pg8000'"
    ) as refused:
        contract.parse_arm("pg8000")
    assert "other:Pg8000 of other-pg8000" in str(refused.value)
    assert "harness.drivers.pg8000:Pg8000 of pgdyno" in str(refused.value)
    assert contract.parse_arm("psycopg").driver == "psycopg"


def test_one_plug_in_that_is_found_twice_is_one(tmp_path, monkeypatch):
    announce(tmp_path, contract.FURTHER, "harness.drivers.pg8000:Pg8000")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert contract.parse_arm("pg8000").driver == "pg8000"
