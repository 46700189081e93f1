"""What a person sees of a fleet while it runs."""

from __future__ import annotations

import time
from types import SimpleNamespace

from planned import planned

from harness.cli.fleet_progress import described
from harness.fleet.flights import Flight
from harness.fleet.ledger import Ledger


def test_how_far_it_is_and_what_runs_where() -> None:
    ledger = Ledger([planned(k) for k in range(5)])
    ledger.landed(ledger.next_for("m1", ["m1"]))
    running = [ledger.next_for(machine, ["m1", "m2"]) for machine in ("m1", "m2")]
    flights = [Flight(given, "tcp://…", time.monotonic() - 7) for given in running]
    fleet = SimpleNamespace(ledger=ledger, flights=reversed(flights))
    assert described(fleet, total=5, elapsed_s=3.0) == [
        "1/5 jobs done, 2 running, 2 waiting, about 12 s left",
        f"  m1               {planned(1).id}  7 s",
        f"  m2               {planned(2).id}  7 s",
    ]
