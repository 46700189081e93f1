"""Which workers of a cluster are machines.

A machine is a worker that offers the resource `pgdyno`. On one host there is one of them,
for two jobs at once would measure each other; only those of a local fleet, which share a
loopback address, are told apart by their names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

RESOURCE = "pgdyno"


class FleetMachine(NamedTuple):
    """A worker that may get jobs. Its name stays when its process starts again; its
    address is another one then."""

    name: str
    address: str


def found(
    workers: Mapping[str, Mapping[str, Any]], known: Iterable[str] = ()
) -> list[FleetMachine]:
    """The machines among the workers of a scheduler (`scheduler_info()["workers"]`), in
    the order of their names. Of several on a host the one that was `known` by its address
    stays."""
    known = set(known)
    machines: dict[str, FleetMachine] = {}
    for address, worker in sorted(workers.items(), key=lambda item: item[0] not in known):
        if _offers(worker):
            machine = FleetMachine(_name(worker), address)
            machines.setdefault(machine.name, machine)
    return sorted(machines.values(), key=lambda machine: _natural(machine.name))


def crowded(workers: Mapping[str, Mapping[str, Any]]) -> int:
    """How many workers get no jobs because their host has another one."""
    offering = [_name(worker) for worker in workers.values() if _offers(worker)]
    return len(offering) - len(set(offering))


def _offers(worker: Mapping[str, Any]) -> bool:
    return bool(worker["resources"].get(RESOURCE, 0) >= 1 and worker["status"] == "running")


def _name(worker: Mapping[str, Any]) -> str:
    host = str(worker["host"])
    return str(worker["name"]) if _loopback(host) else host


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _natural(name: str) -> tuple[int, str]:
    """`2` before `10`."""
    return (len(name), name) if name.isdigit() else (1 << 30, name)
