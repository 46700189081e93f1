"""The oracles of a case and of a step: what must come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """Which error must come; empty fields are not looked at."""

    sqlstate: str
    constraint: str = ""
    table: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Recall:
    """An approximate search must find at least this share of the exact answer."""

    exact: str
    at_least: float


@dataclass(frozen=True, slots=True)
class Expect:
    """The oracles of a case. `rows` is implied for every op that returns rows.

    `state` is a query that must give the same rows in the driver's schema as in the
    schema where the control connection did the same work; `equals` is a query that
    gives the answer of a call; `trait` asks for a fact without right or wrong;
    `sessions` is how many server sessions one op opens. `unordered` rows may come in any
    order.
    """

    rows: bool = False
    state: str = ""
    equals: str = ""
    trait: bool = False
    error: ExpectedError | None = None
    rejected: bool = False
    recall: Recall | None = None
    plan: str = ""
    sessions: int | None = None
    unordered: bool = False


@dataclass(frozen=True, slots=True)
class StepExpect:
    """What one step must bring; nothing but an error is wrong where all is empty.

    `value` holds the one expected value, or nothing; `has` the entries that a dict must
    have; `like` a pattern of SQL's LIKE for a text; `grows_mb` how much memory the step
    may take at most.
    """

    value: tuple[Any, ...] = ()
    has: Mapping[str, Any] = field(default_factory=dict)
    like: str = ""
    error: ExpectedError | None = None
    rejected: bool = False
    trait: bool = False
    grows_mb: int = 0
