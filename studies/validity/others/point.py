"""What the processes of other tools run: pgdyno's own op of the point query.

The order travels in an environment variable, because it holds a password: arguments are
for everybody to see, and files stay. pyperf and pytest-benchmark time `op()` themselves.
The loops here stand for a tool that times one driver after the other. They are simple on
purpose: what is tested is the design of such tools, and none of pgdyno's numbers come
from here.
"""

from __future__ import annotations

import json
import os
import pickle
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.core.calls import Call, Op, Target
from harness.plugin import contract
from harness.values.binding import bind_call
from harness.worker.burden import Spent, burdened, turns_for
from studies import with_studies

VARIABLE = "PGDYNO_VALIDITY_ORDER"
DEFECTS = ("short", "cached")
_WARM_UP = 200
_LOOKS = 100
_OPS_PER_LOOK = 50
_LONG_NS = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to ask what, and how slowly: `turns` of an empty loop before each op.

    `task` is the file of a prepared cell. `defect` makes a driver that is wrong: `short`
    forgets the last row, `cached` answers every question with its first answer.
    """

    target: Target
    task: str
    driver: str
    turns: int = 0
    defect: str = ""

    def environment(self) -> dict[str, str]:
        """The environment of a process that carries the order out."""
        # pytest would take options from its variable that were meant for another run.
        kept = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")}
        return with_studies({**kept, VARIABLE: json.dumps(asdict(self))})


def _order() -> Order:
    told: dict[str, Any] = json.loads(os.environ[VARIABLE])
    target = told.pop("target")
    settings = tuple((name, value) for name, value in target.pop("settings"))
    return Order(Target(**target, settings=settings), **told)


def op() -> Callable[[], Any]:
    """The bound op of an open session, as ordered."""
    order = _order()
    return _bound(order, _session(order))


def _session(order: Order) -> Any:
    plugin: Any = contract.load(contract.parse_arm(order.driver))
    return plugin.open(order.target, "configured")


def _bound(order: Order, session: Any) -> Callable[[], Any]:
    call = bind_call(pickle.loads(Path(order.task).read_bytes()), None, 0)
    bare: Callable[[], Any] = session.fetch_one(call)
    if order.defect == "short":
        whole = session.fetch_all(replace(call, op=Op.FETCH_ALL))
        return lambda: whole()[:-1]
    if order.defect == "cached":
        first = bare()
        return lambda: first
    return burdened(bare, order.turns, Spent())


def calibrate() -> dict[str, float]:
    """What an op takes, by the wall clock, and a turn of the empty loop, in ns.

    The tenth quickest of a hundred short looks: what an op takes when nobody disturbs.
    """
    bound = op()
    for _ in range(_WARM_UP):
        bound()
    looks = []
    for _ in range(_LOOKS):
        start = time.perf_counter_ns()
        for _ in range(_OPS_PER_LOOK):
            bound()
        looks.append((time.perf_counter_ns() - start) / _OPS_PER_LOOK)
    return {"op_ns": sorted(looks)[_LOOKS // 10], "turn_ns": _LONG_NS / turns_for(_LONG_NS)}


def one_by_one(seconds: float) -> dict[str, float]:
    """Ops per second of this driver, alone, for so long.

    ops_per_s = ops / elapsed, with a clock reading after each op, as in such tools.
    """
    bound = op()
    bound()
    ops, start = 0, time.perf_counter()
    end = start + seconds
    while (now := time.perf_counter()) < end:
        bound()
        ops += 1
    return {"ops_per_s": ops / (now - start)}


def closed_loop(seconds: float, pause_s: float) -> dict[str, float]:
    """The percentiles, in ms, of ops that begin when the last one is back and a pause is
    over. Tells the server process first, so that somebody can stop it.
    """
    order = _order()
    session = _session(order)
    bound = _bound(order, session)
    tell = session.fetch_val(Call(Op.FETCH_VAL, sql="select pg_backend_pid()"))
    bound()
    print(tell(), flush=True)
    took_ms: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        bound()
        took_ms.append((time.perf_counter() - start) * 1e3)
        time.sleep(pause_s)
    cuts = statistics.quantiles(took_ms, n=100)
    return {"p99_ms": cuts[98], "worst_ms": max(took_ms), "ops": len(took_ms)}


_ACTS: dict[str, Callable[..., dict[str, float]]] = {
    "calibrate": calibrate,
    "one_by_one": one_by_one,
    "closed_loop": closed_loop,
}

if __name__ == "__main__":
    print(json.dumps(_ACTS[sys.argv[1]](*map(float, sys.argv[2:]))), flush=True)
