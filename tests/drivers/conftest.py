"""A server and a client of every driver."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from clients import Client, connect


@pytest.fixture(scope="session")
def target(place):
    return dataclasses.replace(place.server.target, application_name="test-drivers")


@pytest.fixture(scope="session")
def control(target):
    """Another library's eyes: what it sees has been committed."""
    with connect(target, application_name="control") as connection:
        yield connection


@pytest.fixture
def table(control):
    control.execute("drop table if exists items")
    control.execute("create table items (id int primary key, name text not null)")
    return lambda: control.execute("select id, name from items order by id").fetchall()


@pytest.fixture
def client(request) -> Iterator[Client]:
    client = Client(request.param)
    yield client
    client.close()


@pytest.fixture
def session(client, target):
    return client.open(target)
