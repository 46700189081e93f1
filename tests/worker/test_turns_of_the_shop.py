"""The round trips that a case of the shop declares are those that drivers make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.trips import round_trips_of
from harness.play.process import target_message
from harness.scenario import select
from harness.servers.proxy import Proxy
from harness.venue.venue import Venue
from harness.worker.trial import Worker

CELLS = {cell.local_id: cell for cell in select(["app/shop"])[0].cells}
WARM = 12


@pytest.fixture(scope="module")
def proxy(place: Venue) -> Iterator[Proxy]:
    with Proxy(place.server.target) as before:
        yield before


def turns_per_cycle(place: Venue, proxy: Proxy, driver: str, cell: Cell) -> int:
    """How often a driver waits in one cycle, when it knows the statements."""
    play = place.stage.prepare(cell)
    schema = place.stage.fresh_schema(place.control, cell, f"{driver} counted")
    target = place.stage.place(cell, schema, "counted")
    through = {"host": proxy.target.host, "port": proxy.target.port}
    worker = Worker(Arm(driver, profile="configured"))
    opened = worker.open(str(play.path), target_message(target) | through)
    assert opened["judgement"]["verdict"] == "exact"
    try:
        worker.warm(WARM)
        proxy.do("count")
        worker.measure(play.prepared.calls, 0)
        return proxy.do("turns")
    finally:
        worker.close()
        if worker.loop is not None:
            worker.loop.close()


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
@pytest.mark.parametrize(
    "name",
    ["order-with-lines@form=many", "place-order@form=many"],
)
def test_a_task_waits_as_often_as_it_says(
    place: Venue, proxy: Proxy, driver: str, name: str
) -> None:
    cell = CELLS[name]
    calls = place.stage.prepare(cell).prepared.calls
    assert turns_per_cycle(place, proxy, driver, cell) == calls * round_trips_of(cell)


def test_a_mix_waits_as_often_as_its_tasks(place: Venue, proxy: Proxy) -> None:
    cell = CELLS["write-heavy@form=many"]
    trips = sum(share.turns * round_trips_of(share.cell) for share in cell.mix)
    assert turns_per_cycle(place, proxy, "psycopg", cell) == trips == 256
