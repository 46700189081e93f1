"""A shop on the tests' server: the tables that statements are about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.venue.control import Control
from harness.venue.venue import Venue
from harness.workload import trial
from harness.workload.relations import Relations

SHOP = """
create schema shop;
create table shop.users (id int primary key, email text not null, born date, meta jsonb);
insert into shop.users select i, 'user' || i || '@example.org', date '1970-01-01' + i,
  jsonb_build_object('k', i % 3) from generate_series(1, 300) i;
create table shop.orders (id int8 primary key, "user" int, total numeric(10, 2),
  placed timestamptz, tags text[]);
insert into shop.orders select i, i % 300 + 1, i / 4.0,
  timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour', array['a', 'b' || i % 7]
  from generate_series(1, 2000) i;
create table shop.empty (id int);
create table shop."odd ""<b>" (id int, "Ä'x" text);
insert into shop."odd ""<b>" values (1, 'a'), (2, 'b');
create view shop.grown as select id, email from shop.users where born < '1970-06-01';
create function shop.touched(int) returns int language sql as 'select $1';
create function shop.told(int) returns int language plpgsql stable
  as $$ begin perform pg_notify('news', ''); return $1; end $$;
create view shop.loud as select shop.told(id) as id from shop.users;
create type shop.mood as enum ('glad', 'sad');
create table shop.moods (id int, mood shop.mood);
insert into shop.moods values (1, 'glad'), (2, 'sad');
"""


@pytest.fixture(scope="module")
def control(place: Venue) -> Iterator[Control]:
    """A connection that looks at the shop and only reads."""
    place.control.only_read(False)
    place.control.run("drop schema if exists shop cascade")
    place.control.run(SHOP)
    name = place.server.target.user
    place.control.run(f'alter role "{name}" set search_path = shop, public')
    try:
        with Control(place.server.target) as control:
            trial.only_read(control)
            yield control
    finally:
        place.control.run(f'alter role "{name}" reset search_path')
        place.control.run("drop schema shop cascade")


@pytest.fixture(scope="module")
def relations(control: Control) -> Relations:
    """Its tables."""
    return Relations(control)
