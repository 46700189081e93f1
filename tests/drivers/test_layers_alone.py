"""Every null reference under a layer: the same answer over and over, and one question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from clients import needs_server

from harness.core.arms import Arm
from harness.core.calls import Call, Op
from harness.plugin import contract

pytestmark = needs_server
ALONE = [arm.driver for arm in contract.isolating(contract.entry_points())]


def test_there_is_one_for_each_driver_below() -> None:
    assert len(ALONE) == 12


@pytest.mark.parametrize("name", ALONE)
def test_a_layer_alone_answers_again_and_asks_the_server_once(place, control, name) -> None:
    driver: Any = contract.load(Arm(name))
    loop = driver.run_loop() if driver.kind == "async" else None

    def wait(value: Any) -> Any:
        return loop.run_until_complete(value) if loop else value

    if loop:
        asyncio.set_event_loop(loop)
    control.execute("drop sequence if exists alone")
    control.execute("create sequence alone")
    session = wait(driver.open(place.server.target, "configured"))
    query = "select nextval('alone')::int as id, $1::int as n from generate_series(1, 3)"
    op = session.fetch_all(Call(Op.FETCH_ALL, sql=query, params=((7,),)))
    found = [[tuple(row) for row in session.rows(wait(op()))] for _ in range(20)]
    wait(session.close())
    if loop:
        loop.close()
    assert found == [[(1, 7), (2, 7), (3, 7)]] * 20
    assert control.execute("select last_value from alone").fetchone() == (3,)
