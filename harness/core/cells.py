"""What is checked and perhaps timed: a cell. What a worker gets of it is a task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.core import digests
from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.conditions import DIRECT, Condition
from harness.core.expect import Expect
from harness.core.steps import Step

Effort = Literal["quick", "standard", "full", "gate"]

Point = tuple[tuple[str, int | str], ...]


@dataclass(frozen=True, slots=True)
class StatementSpec:
    """A statement of a scenario file: SQL and the SQL that makes its parameters, or the
    columns of the case's own `params` that it takes.

    `each` is how many of the parameters' rows belong to one call; 0 if all of them do.
    """

    sql: str
    params: str = ""
    each: int = 0
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Ops that begin at moments of their own, whether or not the last one is back (an open
    loop): `rate` per second, for so many seconds, at equal distances or as a Poisson
    process."""

    kind: Literal["uniform", "poisson"]
    rate: int
    seconds: int


@dataclass(frozen=True, slots=True)
class BenchSpec:
    """How a cell is timed: what one op is worth, what undoes it, and, for an open loop,
    when ops arrive. With `floor` the references take part. With `token` each of many
    clients sends numbers of its own as first parameter, which come back.
    """

    effort: Effort
    unit: str
    units_per_op: int
    reset: str
    server_settings: tuple[tuple[str, str], ...] = ()
    arrivals: Arrivals | None = None
    floor: bool = False
    token: bool = False


@dataclass(frozen=True, slots=True)
class Fixture:
    """SQL of the control connection, with one schema per `run` or per `trial`.

    `reset` brings it back to its first state without making it anew.
    """

    sql: str = ""
    scope: Literal["run", "trial"] = "run"
    reset: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A task of a mix: a case of the same file, its weight as it was written, and how many
    turns it has in a cycle."""

    cell: Cell
    weight: str
    turns: int


_NO_WORK: Mapping[str, Collection[str]] = {
    "Cell": ("title", "checked", "once", "round_trip", "cleanup", "conditions", "task"),
    "BenchSpec": ("effort", "unit", "floor", "token"),
    "Share": ("weight",),
}
"""What says of a cell how it is shown, or when it is played, and not what is asked."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A case at one point of its axes: what is checked and perhaps timed.

    All `${axis}` marks are replaced. `checked` cells are those that a check of everything
    plays; the other points of a sweep are verified when they are timed. A check plays
    those that are played `once` in one profile only. `clients` > 0 makes it a concurrency
    cell over a pool of `pool` connections. A `round_trip` comes from a `[[value]]`: it
    leaves no trace but a row that is removed, so the next one may have its session.
    `cleanup` is SQL that ends a case of steps, whatever became of it. `forms` says
    in which Python form each parameter or column is sent; `args` are one call's parameters
    that SQL cannot make, by their constructors, and `args_rows` the rows of a bulk op.
    A `mix` consists of other cells; `turns` says whose turn it is, by their index.
    `adk` is what a driver that has a session service of google-adk asks of that instead.
    With `search_path` "server" names are looked up where the server's user finds them, and
    nothing is made there: no session may write.
    `condition` is how it is reached; `conditions` are those that its file asks for when it
    is timed. `task` is what a user would do with it, one of `PURPOSES`.
    """

    scenario: str
    case: str
    point: Point
    title: str
    op: Op
    fixture: Fixture
    expect: Expect
    sql: str = ""
    params: str = ""
    args: tuple[Mapping[str, Any], ...] = ()
    forms: tuple[str, ...] = ()
    statements: tuple[StatementSpec, ...] = ()
    table: str = ""
    columns: tuple[str, ...] = ()
    rows: str = ""
    format: Literal["text", "csv", "binary"] = "text"
    source: Literal["rows", "bytes"] = "rows"
    strategy: str = ""
    clients: int = 0
    pool: int = 0
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    bench: BenchSpec | None = None
    checked: bool = True
    once: bool = False
    round_trip: bool = False
    cleanup: str = ""
    args_rows: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    mix: tuple[Share, ...] = ()
    turns: tuple[int, ...] = ()
    adk: str = ""
    condition: Condition = DIRECT
    conditions: tuple[Condition, ...] = ()
    task: str = ""
    search_path: Literal["", "server"] = ""

    @property
    def id(self) -> str:
        """The cell's identity: `copy/in#rows@format=text,rows=1000[via=tls]`."""
        head = f"{self.scenario}#{self.case}"
        axes = ",".join(f"{name}={value}" for name, value in self.point)
        return (f"{head}@{axes}" if axes else head) + self.condition.mark

    @property
    def digest(self) -> str:
        """Equal for two versions of a cell that ask the same work."""
        return digests.digest(self, _NO_WORK)

    @property
    def work(self) -> str:
        """Equal for two cells that ask the same work, whatever they are called."""
        named = {*_NO_WORK["Cell"], "scenario", "case", "point"}
        return digests.digest(self, {**_NO_WORK, "Cell": named})

    def under(self, conditions: Sequence[Condition]) -> list[Cell]:
        """The cell under each of these conditions, which its title says in words."""
        return [
            replace(
                self,
                title=condition.of(self.title),
                condition=condition,
                mix=tuple(
                    replace(share, cell=replace(share.cell, condition=condition))
                    for share in self.mix
                ),
            )
            for condition in conditions
        ]

    @property
    def local_id(self) -> str:
        """Its identity within its file: `rows@format=text,rows=1000`."""
        return self.id.partition("#")[2]

    @property
    def in_calls(self) -> bool:
        """Whether its statements are dealt to several calls."""
        return any(statement.each for statement in self.statements)

    @property
    def floor(self) -> bool:
        """Whether references take part when it is timed."""
        return self.bench is not None and self.bench.floor

    def played_by(self, arm: Arm) -> bool:
        """Whether an arm takes part: a driver and what isolates a layer always, any other
        reference in cells with a floor."""
        return self.floor or not arm.reference or bool(arm.isolates)

    @property
    def arrivals(self) -> Arrivals | None:
        """When ops arrive, of a cell that is an open loop."""
        return self.bench.arrivals if self.bench else None

    @property
    def family(self) -> str:
        """The folder of the scenario: `copy`."""
        return self.scenario.partition("/")[0]
