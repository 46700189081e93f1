"""`--processes`, `--sessions` and `--rate` of a bench: more than one process can send."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from harness import lanes
from harness.core.errors import UsageError
from harness.core.limits import CLIENTS

if TYPE_CHECKING:
    from harness.bench.schedule import Crowd

LANE = "load"
_PROCESSES = 64
_RATE = 100_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help=f"lane {LANE}: so many processes of each driver send together (default: 2)",
    )
    parser.add_argument(
        "--sessions",
        type=int,
        metavar="K",
        help=f"lane {LANE}: sessions of each process in cells with arrivals (default: 8)",
    )
    parser.add_argument(
        "--rate",
        action="append",
        default=[],
        metavar="R",
        help=f"lane {LANE}: ops per second of all processes together, several between "
        "commas (default: from the rate of the cell up, until the driver saturates)",
    )


def lane_of(args: argparse.Namespace) -> str:
    """What is counted: many processes are a lane of their own."""
    asked = [
        f"--{name}" for name in ("processes", "sessions", "rate") if _given(args, name)
    ]
    lane: str = args.lane
    if lane == lanes.DEFAULT and "--processes" in asked:
        return LANE
    if asked and lane != LANE:
        raise UsageError(f"{asked[0]} is for --lane {LANE}", hint=f"--lane {LANE}")
    return lane


def _given(args: argparse.Namespace, name: str) -> bool:
    return getattr(args, name, None) not in (None, [])


def words_of(args: argparse.Namespace) -> list[str]:
    """The same options once more, as a command has them."""
    words = []
    for name in ("processes", "sessions"):
        if _given(args, name):
            words += [f"--{name}", str(getattr(args, name))]
    return [*words, *(word for rates in args.rate for word in ("--rate", rates))]


def crowd_of(args: argparse.Namespace) -> Crowd:
    """How many send, and how fast."""
    from harness.bench.schedule import Crowd

    usual = Crowd()
    return Crowd(
        _whole(args, "processes", usual.processes, _PROCESSES),
        _whole(args, "sessions", usual.sessions, CLIENTS),
        tuple(_rate(text) for given in _rates(args) for text in given.split(",")),
    )


def _whole(args: argparse.Namespace, name: str, usual: int, most: int) -> int:
    given: int = getattr(args, name) if _given(args, name) else usual
    if not 1 <= given <= most:
        raise UsageError(f"--{name} {given}: from 1 to {most:,}")
    return given


def _rates(args: argparse.Namespace) -> list[str]:
    return args.rate if _given(args, "rate") else []


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 1 <= rate <= _RATE:
        raise UsageError(
            f"--rate {text}: ops per second, from 1 to {_RATE:,}",
            hint="several between commas: --rate 1000,2000,4000",
        )
    return rate
