"""Passes left out, all of them, or whole blocks thrown away: what does each way cost?

Without files: simulated runs beside disturbers whose effect is known (on a fake clock, the
same each time), counted in the three ways. For each it prints the share of cells that have
an interval, its half width, how many runs told a driver from its own copy (5 % may), and
the slope, measured ÷ injected slowdown of 10 %, which is 1 where nothing is biased.

With results files: what share of their turns clients and backends waited for a processor,
and how many turns waited for longer than a limit. On a quiet machine that is what the
kernel does by itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.bench import schedule
from harness.core import stats
from harness.core.metrics import WAITS
from harness.machine import screening
from harness.results import store
from harness.results.records import Slices
from harness.validity.disturbers import MS, PRIORITY_10, WORLDS, BusyWorld, Hog
from harness.validity.screened import Said, Ways, simulated

PERIODS = (5, 20, 33, 50, 200)
LIMITS = (0.01, 0.02, 0.05, 0.10)
SHARES = (0.5, 0.9, 0.99, 0.999)


def worlds() -> Mapping[str, BusyWorld]:
    """Those of the tests, and hogs of 30 % by the length of their periods."""
    hogs = {f"30 % of {period} ms": BusyWorld(Hog(0.3, period * MS)) for period in PERIODS}
    below = BusyWorld(Hog(0.3, 33 * MS), takes=PRIORITY_10)
    return {**WORLDS, **hogs, "30 % of 33 ms below our priority": below}


def table(runs: int) -> Iterator[str]:
    """A line for each world, as soon as it is known."""
    ways = ("passes left out", "all passes", "blocks thrown away")
    yield f"{'':34}{'passes':>7}" + "".join(f" │ {way:<38}" for way in ways)
    head = f"{'cells':>5}{'width':>8}{'A/A':>8}  {'slope':<15}"
    yield f"{'beside':<34}{'kept':>7}" + f" │ {head}" * len(ways)
    for name, world in worlds().items():
        found = simulated(name, world, runs)
        yield f"{name:<34}{found.kept:>7.0%}" + "".join(
            f" │ {told(said)}" for said in of(found)
        )


def of(ways: Ways) -> tuple[Said, Said, Said]:
    """The three ways in the order of the table."""
    return ways.screened, ways.everything, ways.by_block


def told(said: Said) -> str:
    """What one way says: cells with an interval, its width, false alarms, the slope."""
    width = "–" if said.width is None else f"±{said.width:.2f} %"
    alarms = f"{said.alarms}/{said.runs}"
    return f"{said.answered:>5.0%}{width:>8}{alarms:>8}  {_slope(said.slope):<15}"


def _slope(slope: stats.Estimate | None) -> str:
    if slope is None or slope.high is None:
        return "–"
    return f"{slope.point:.3f} ±{slope.high - slope.point:.3f}"


def waiting(files: Sequence[Path]) -> Iterator[str]:
    """How long turns of runs waited, as shares of them."""
    yield (
        f"{'turns':>9}"
        + "".join(f"{f'p{share * 100:g}':>9}" for share in SHARES)
        + ("".join(f"{f'> {limit:.0%}':>9}" for limit in LIMITS))
    )
    for file in files:
        trials = store.read(file).trials
        shares = sorted(share for trial in trials for share in _shares(trial.slices))
        if not shares:
            yield f"{0:>9} {file.name}: it does not tell of waiting"
            continue
        percentiles = (stats.percentile(shares, share) for share in SHARES)
        beyond = (sum(share > limit for share in shares) / len(shares) for limit in LIMITS)
        cells = [*(f"{p:>9.2%}" if p is not None else f"{'–':>9}" for p in percentiles)]
        cells += [f"{share:>9.2%}" for share in beyond]
        yield f"{len(shares):>9,}{''.join(cells)} {file.name}"


def _shares(slices: Slices | None) -> Iterator[float]:
    """What each turn of a trial waited, of its lead-in and its slice."""
    if slices is None:
        return
    lists = [values for name in WAITS if (values := getattr(slices, name))]
    for wall, *waits in zip(slices.wall_ns, *lists, strict=True):
        if waits:
            yield sum(waits) / (wall * (1 + schedule.LEAD_IN))


def main() -> int:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="*", type=Path, help="results of pgdyno bench")
    parser.add_argument("--runs", type=int, default=200, help="of each simulated world")
    parser.add_argument(
        "--limit",
        type=float,
        default=screening.WAITING_LIMIT,
        help="the share of a slice that an arm may wait (default: %(default)s)",
    )
    args = parser.parse_args()
    screening.WAITING_LIMIT = args.limit
    for line in waiting(args.file) if args.file else table(args.runs):
        print(line.rstrip(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
