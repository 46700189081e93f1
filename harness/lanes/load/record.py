"""What the lane of many clients records: one slot of one arm at one rate."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.results.records import LaneRecord, Whole


class Load(LaneRecord, frozen=True, kw_only=True, tag="load"):
    """One cell of one arm in one repeat, at one rate, by all its processes together.

    `rate` is what all of them were asked for, ops per second; 0 for a closed loop, which
    has no schedule. `sessions` are those of all processes; of a pool, its clients share
    them. `response_ns` has the ops that were answered, in the order of the moments at which
    they were due: from there to when the answer was back. Of a closed loop it is from when
    an op began, and in that order. `lag_ns` has an entry for each of them: for how long an
    op that was due, while a session was free for it, was not sent; the generator's own
    lateness. A closed loop has none.

    `planned_ns` is from the start to the last due moment, `wall_ns` to the last answer; the
    start is the moment that all processes were told, of a closed loop that at which the
    first one began. `cpu_ns` is what all processes took meanwhile.
    `start_spread_ns` is how far apart they began. `mixed_up` answers carried another call's
    token; `errors` ops raised, of which `failures` tells a few. The lists are empty where
    the verdict forbids numbers.
    """

    processes: Whole = 0
    sessions: Whole = 0
    rate: float = 0.0
    planned_ns: Whole = 0
    wall_ns: Whole = 0
    lag_ns: list[Whole] = msgspec.field(default_factory=list)
    response_ns: list[Whole] = msgspec.field(default_factory=list)
    cpu_ns: Whole = 0
    start_spread_ns: Whole = 0
    mixed_up: Whole = 0
    errors: Whole = 0
    failures: list[str] = msgspec.field(default_factory=list)

    @property
    def measured(self) -> bool:
        """Whether it has numbers."""
        return bool(self.response_ns)

    @property
    def open_loop(self) -> bool:
        """Whether ops were due at moments of their own."""
        return self.rate > 0

    @property
    def due(self) -> int:
        """How many ops were due, or begun in a closed loop: answered or not."""
        return len(self.response_ns) + self.errors

    def problems(self) -> Iterator[str]:
        """Times of which nothing can be computed, and lists that do not fit together."""
        if len(self.lag_ns) != (len(self.response_ns) if self.open_loop else 0):
            yield "lag_ns and response_ns are of different lengths"
        if not self.measured:
            return
        if min(self.response_ns) < 1 or self.wall_ns < 1:
            yield "response_ns or wall_ns has a time of zero or less"
        if min(self.lag_ns, default=0) < 0:
            yield "lag_ns has a time below zero"
        if self.processes < 1 or self.sessions < self.processes:
            yield "fewer sessions than processes, or no process"


RECORDS = (Load,)
