"""The routes of a run in words: what stood between client and server, what it took."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.conditions import Condition, parted
from harness.report import format as fmt
from harness.report.sections import RunFact
from harness.results.records import NullOps, Route, Run


def routes(run: Run) -> Iterator[RunFact]:
    """A line for each route."""
    for route in run.routes:
        _, condition = parted(f"[via={route.via},rtt={route.rtt_ms:g}]")
        yield RunFact(f"route {condition}", _told(condition, route))


def _told(condition: Condition, route: Route) -> str:
    versions = ", ".join(f"{name} {told}" for name, told in route.versions.items())
    what = f"{route.label} ({versions})" if versions else route.label
    promised = f"promised {fmt.duration(condition.rtt_ms * 1e6)}, " if route.rtt_ms else ""
    taken = ", ".join(_taken(seen) for seen in route.null_ops)
    return f"{what}; {promised}a null op takes {taken}" if taken else what


def _taken(seen: NullOps) -> str:
    """`5.01 ms more (5–95 %: 4.97 ms … 5.12 ms) with 16 connections`."""
    low, middle, high = map(_signed, (seen.p5_ns, seen.median_ns, seen.p95_ns))
    among = "" if seen.connections == 1 else f" with {seen.connections} connections"
    return f"{middle} more (5–95 %: {low} … {high}){among}"


def _signed(ns: int) -> str:
    return fmt.duration(ns).replace("-", "−")
