"""Routes to a server: what may stand between a client and the server of a run.

Each is started on first use and ended with the run. A route leads to the run's own
server, so its schemas, its oracle and its control connection are the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import psycopg

from harness.core.calls import Target
from harness.core.conditions import DIRECT, Condition, Via
from harness.core.errors import OracleError, ServerError
from harness.core.niceness import set_niceness
from harness.servers import Server
from harness.servers.keeper import Keeper
from harness.servers.routes import direct, pgbouncer, promise, tls, unix
from harness.servers.routes.relayed import Relayed, relayed
from harness.servers.routes.way import Way


class ViaKind(Protocol):
    """A module in this package: a way to a server, without a network."""

    def lacks(self, server: Server) -> str:
        """Why this server cannot be reached like that; empty if it can."""

    def open(self, server: Server) -> contextlib.AbstractContextManager[Way]:
        """Start what it takes, and end it with the block; raises `ServerError`."""


_KINDS: Mapping[Via, ViaKind] = {
    "direct": direct,
    "unix": unix,
    "tls": tls,
    "pgbouncer": pgbouncer,
}


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """A route that clients can take: a way, and the relay before it if there is one."""

    way: Way
    relay: Relayed | None = None

    def target(self, target: Target) -> Target:
        """Where a client of `target` connects."""
        led = self.way.lead(target)
        if self.relay is None:
            return led
        if self.relay.ended:
            raise ServerError("the process before the server has ended")
        return replace(led, host="127.0.0.1", port=self.relay.port, tls=self.way.ca)

    @property
    def pids(self) -> Sequence[int]:
        """The processes that it takes."""
        return [*self.way.pids, *([self.relay.pid] if self.relay else [])]


class Routes:
    """Every route of a run, shared by all its seats."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._cores: Sequence[int] = ()
        self._clients: Sequence[int] = ()
        self._nice = 0
        self._lacks: dict[str, str] = {}
        self._ways: dict[str, Way] = {}
        self._open: dict[Condition, OpenRoute] = {}
        self._failures: dict[Condition, str] = {}
        self._keeper = Keeper("routes")

    def settle(self, cores: Sequence[int], clients: Sequence[int], nice: int) -> None:
        """Let the processes of routes run where the server does, and be as nice; who
        measures what they take stands where clients do. Without cores: anywhere."""
        self._cores, self._clients, self._nice = cores, clients, nice
        self._put(self.pids())

    def lacks(self, condition: Condition) -> str:
        """Why this server cannot be reached like that; empty if it can."""
        if condition == DIRECT:
            return ""
        via = condition.via
        if via not in self._lacks:
            self._lacks[via] = _KINDS[via].lacks(self.server)
        return self._lacks[via] or _too_open(condition, self.server.target)

    def target(self, condition: Condition, target: Target) -> Target:
        """Where a client connects to reach `target` under a condition.

        Raises:
            OracleError: the route cannot be opened.
        """
        if condition == DIRECT:
            return target
        return self._keeper.do(lambda: self._reached(condition, target))

    def about(self, condition: Condition) -> Way:
        """What its way is called, and the versions of what stands there.

        Raises:
            OracleError: the route cannot be opened.
        """
        return self._keeper.do(lambda: self._opened(condition)).way

    def measured(
        self, condition: Condition, *, anew: bool = False
    ) -> tuple[promise.Extra, ...]:
        """What null ops take more through a route: more than by its way without a network,
        or than by a plain connection. For one connection, and for several at once. `anew`
        calibrates a network once more: the machine may have been busy when it was opened.

        Raises:
            OracleError: the route cannot be opened, or does not answer.
        """
        return self._keeper.do(lambda: self._measured(condition, anew))

    def pids(self) -> Sequence[int]:
        """The processes of all routes that are open: they are part of the run."""
        found = (pid for route in tuple(self._open.values()) for pid in route.pids)
        return list(dict.fromkeys(found))

    def takes(self, condition: Condition) -> bool:
        """Whether processes of ours stand between client and server there."""
        route = self._open.get(condition)
        return bool(route and route.pids)

    def close(self) -> None:
        """End all of them."""
        self._keeper.close()

    # --- in the keeper's thread --------------------------------------------------------

    def _reached(self, condition: Condition, target: Target) -> Target:
        route = self._opened(condition)
        try:
            return route.target(target)
        except (ServerError, psycopg.Error) as error:
            raise OracleError(f"{condition}: {error}") from error

    def _opened(self, condition: Condition) -> OpenRoute:
        if condition in self._failures:
            raise OracleError(self._failures[condition])
        if condition not in self._open:
            try:
                self._open[condition] = self._start(condition)
            except (ServerError, psycopg.Error, OSError) as error:
                self._failures[condition] = f"{condition}: it cannot be opened: {error}"
                raise OracleError(self._failures[condition]) from error
        return self._open[condition]

    def _start(self, condition: Condition) -> OpenRoute:
        way = self._way(condition.via)
        if not (condition.rtt_ms or way.orders):
            return OpenRoute(way)
        behind = way.lead(self.server.target)
        rtt_ns = _rtt_ns(condition)
        network = {"rtt_ns": rtt_ns, "hold_ns": rtt_ns // 2}
        orders = {"host": behind.host, "port": behind.port, **network, **way.orders}
        relay = self._keeper.enter(relayed(orders))
        self._put([relay.pid])
        route = OpenRoute(way, relay)
        self._tune(condition, route)
        return route

    def _tune(self, condition: Condition, route: OpenRoute) -> None:
        """Let a network take the time that it shall, in spite of its own costs."""
        if route.relay is None or not condition.rtt_ms:
            return
        base = self._reached(_without_network(condition), self.server.target)
        through = route.target(self.server.target)
        with self._beside_clients():
            promise.calibrate(base, through, _rtt_ns(condition), route.relay.hold)

    def _way(self, via: Via) -> Way:
        if via not in self._ways:
            opened = _KINDS[via].open(self.server)
            self._ways[via] = self._keeper.enter(opened)
            self._put(self._ways[via].pids)
        return self._ways[via]

    def _put(self, pids: Sequence[int]) -> None:
        """Let processes run where the server does, and as eagerly."""
        for pid in pids:
            with contextlib.suppress(OSError):
                if self._cores:
                    os.sched_setaffinity(pid, self._cores)
                if self._nice:
                    set_niceness(pid, self._nice)

    def _measured(self, condition: Condition, anew: bool) -> tuple[promise.Extra, ...]:
        target = self.server.target
        through = self._reached(condition, target)
        base = self._reached(_without_network(condition), target)
        try:
            if anew:
                self._tune(condition, self._opened(condition))
            with self._beside_clients():
                return promise.measured(base, through, _rtt_ns(condition))
        except (ServerError, psycopg.Error) as error:
            raise OracleError(f"{condition}: {error}") from error

    @contextlib.contextmanager
    def _beside_clients(self) -> Iterator[None]:
        """Let this thread run where clients do, as eagerly as they."""
        if not self._clients:
            yield
            return
        before, nice = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0)
        os.sched_setaffinity(0, self._clients)
        os.setpriority(os.PRIO_PROCESS, 0, self._nice or nice)
        try:
            yield
        finally:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
            os.sched_setaffinity(0, before)


def _rtt_ns(condition: Condition) -> int:
    return round(condition.rtt_ms * 1e6)


def _without_network(condition: Condition) -> Condition:
    """What a route is measured against: its way alone, or a plain connection."""
    return replace(condition, rtt_ms=0.0) if condition.rtt_ms else DIRECT


def _too_open(condition: Condition, target: Target) -> str:
    """A socket may let in a user by who he is; a relay behind a port would let in all."""
    relays = condition.rtt_ms or condition.via == "tls"
    if relays and target.host.startswith(("/", "@")) and not target.password:
        return (
            "the server asks no password at its Unix socket, and a port before it would "
            "let everybody of this machine in"
        )
    return ""
