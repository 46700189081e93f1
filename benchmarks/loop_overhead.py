"""The harness's timed loop against a hand-written one, for each driver.

`studies/validity/by_hand.py` is the measurement, which `nox -s validity` makes,
too. Exits 1 if the upper end of an interval is above 1 %.
"""

from __future__ import annotations

import argparse
import sys

from harness import servers
from harness.venue import venue
from studies.validity import by_hand


def main() -> int:
    """Print one line per driver."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=16)
    args = parser.parse_args()
    kept = True
    with venue.opened(servers.parse("wheel")) as place:
        for outcome in by_hand.against_hand(place, args.rounds):
            kept &= outcome.ok
            sign = "ok" if outcome.ok else "--"
            print(f"{sign:<3} {outcome.test}: {outcome.measured}", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
