"""Every driver's pool does what its methods claim."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from typing import Any

import pytest
from clients import STATEMENTS, every_driver, needs_server, sessions_of

from harness.core.calls import Statement
from harness.core.capabilities import Capability
from harness.core.errors import Unsupported

pytestmark = needs_server


@every_driver
def test_a_pool_is_full_from_the_beginning(client, target, control):
    pool = client.open_pool(dataclasses.replace(target, application_name="pool"), 3)
    assert sessions_of(control, "pool", 3) == 3
    client.run(pool, "checkout")
    assert sessions_of(control, "pool", 3) == 3


@every_driver
def test_pool_ops(client, target, table):
    pool = client.open_pool(target, 2)
    query = "select $1::int as a, '%' as b"
    native = client.run(pool, "fetch_all", sql=query, params=((1,),))
    assert list(pool.rows(native)) == [(1, "%")]
    native = client.run(pool, "fetch_one", sql="select 1 as a, '%' as b")
    assert list(pool.rows([native])) == [(1, "%")]
    assert client.run(pool, "fetch_val", sql="select $1::int", params=((5,),)) == 5
    insert = "insert into items values ($1, $2)"
    client.run(pool, "execute", sql=insert, params=((9, "nine"),))
    client.run(pool, "transaction", statements=STATEMENTS)
    assert table() == [(1, "one"), (2, "zwei"), (9, "nine")]
    reads = (Statement("select $1::int as a", (7,)), Statement("select 8 as b"))
    natives = client.run(pool, "sequential", statements=reads)
    assert [list(pool.rows(native)) for native in natives] == [[(7,)], [(8,)]]
    documents = client.run(pool, "fetch_all", sql="""select '{"a": 1}'::jsonb as a""")
    assert list(pool.rows(documents)) == [({"a": 1},)]


@every_driver
def test_a_pool_keeps_its_settings(client, target):
    changed = dataclasses.replace(target, settings=(("TimeZone", "Asia/Tokyo"),))
    pool = client.open_pool(changed, 2)
    op = client.bind(pool, "fetch_val", sql="select current_setting('TimeZone')")
    assert [client.wait(op()) for _ in range(5)] == ["Asia/Tokyo"] * 5


CLIENTS = 64


@every_driver
def test_more_clients_than_connections(client, target):
    pool = client.open_pool(target, 4)
    ops = [
        client.bind(
            pool,
            "fetch_val",
            sql="select $1::int from pg_sleep(0.005)",
            params=tuple((i,) for i in range(CLIENTS)),
            offset=offset,
        )
        for offset in range(CLIENTS)
    ]
    asynchronous = client.driver.kind == "async"
    found = client.wait(at_once(ops)) if asynchronous else in_threads(ops)
    numbers = [one for one in found if isinstance(one, int)]
    if Capability.POOL_WAITS in client.driver.capabilities:
        assert sorted(numbers) == list(range(CLIENTS))
    else:
        refused = {str(one) for one in found if not isinstance(one, int)}
        assert refused == {"connection pool exhausted"}
        assert numbers


async def at_once(ops):
    async def started(op):
        return await op()

    return await asyncio.gather(*map(started, ops))


def in_threads(ops):
    found: list[Any] = []
    start = threading.Barrier(len(ops))

    def work(op):
        start.wait()
        try:
            found.append(op())
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=work, args=(op,)) for op in ops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("client", ["psqlpy"], indirect=True)
def test_psqlpy_refuses_a_pool_of_one(client, target):
    with pytest.raises(Unsupported, match="at least 2"):
        client.open_pool(target, 1)


@pytest.mark.parametrize("client", ["psqlpy"], indirect=True)
def test_a_pool_of_psqlpy_has_pipelines(client, target, table):
    pool = client.open_pool(target, 2)
    reads = (Statement("select $1::int as a", (7,)), Statement("select 8 as b"))
    natives = client.run(pool, "pipeline", statements=reads)
    assert [list(pool.rows(native)) for native in natives] == [[(7,)], [(8,)]]
    insert = "insert into items values ($1, $2)"
    client.run(pool, "pipeline", statements=(Statement(insert, (9, "nine")),))
    assert table() == [(9, "nine")]


@pytest.mark.parametrize(
    ("client", "left"),
    [("asyncpg", "4MB"), ("asyncpg+noreset", "7MB")],
    indirect=["client"],
)
def test_without_its_reset_asyncpgs_pool_hands_sessions_on_as_they_are(
    client, target, left
):
    pool = client.open_pool(target, 1)
    changed = "select set_config('work_mem', '7MB', false)"
    assert client.run(pool, "fetch_val", sql=changed) == "7MB"
    assert client.run(pool, "fetch_val", sql="show work_mem") == left
