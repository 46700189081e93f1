"""What a person sees of a fleet while it runs."""

from __future__ import annotations

import time
from types import SimpleNamespace

from planned import planned

from harness.cli.fleet_progress import FleetProgress, described
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


def test_a_log_hears_when_jobs_end_and_nothing_twice(capsys) -> None:
    ledger = Ledger([planned(k) for k in range(3)])
    fleet = SimpleNamespace(ledger=ledger, flights=[])
    with FleetProgress(3) as progress:
        for _ in range(2):
            ledger.landed(ledger.next_for("m1", ["m1"]))
            for _ in range(4):
                progress.show(fleet)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["1/3", "2/3"]
