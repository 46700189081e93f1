"""The routes of a run: opened and measured before anything is timed through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.core.cells import Cell
from harness.core.conditions import DIRECT, Condition
from harness.core.errors import OracleError
from harness.results.records import Note, NullOps, Route
from harness.servers.routes.promise import Extra
from harness.venue.stage import Stage

_FURTHER_ATTEMPTS = 2
"""A network that seems to break its promise is calibrated and measured again."""


def opened(stage: Stage, cells: Sequence[Cell]) -> Iterator[Route | Note]:
    """Open every route of these cells; what it takes, and a note where a network does not
    keep its promise.

    A route that cannot be opened has no record: its cells say why.
    """
    conditions = dict.fromkeys(cell.condition for cell in cells)
    for condition in conditions:
        if condition == DIRECT or stage.routes.lacks(condition):
            continue
        try:
            found = _measured(stage, condition)
            for _ in range(_FURTHER_ATTEMPTS):
                if found.broken:
                    found = _measured(stage, condition, anew=True)
        except OracleError:
            continue
        yield found
        if broken := found.broken:
            yield Note(kind="route", text=f"{condition}: {broken}")


def _measured(stage: Stage, condition: Condition, *, anew: bool = False) -> Route:
    way = stage.routes.about(condition)
    return Route(
        via=condition.via,
        rtt_ms=condition.rtt_ms,
        label=way.label,
        versions=dict(way.versions),
        null_ops=[
            _null_ops(extra) for extra in stage.routes.measured(condition, anew=anew)
        ],
    )


def _null_ops(extra: Extra) -> NullOps:
    return NullOps(
        connections=extra.connections,
        ops=len(extra.more_ns),
        base_ns=extra.base_ns,
        median_ns=extra.median_ns,
        p5_ns=extra.percentile_ns(5),
        p95_ns=extra.percentile_ns(95),
    )
