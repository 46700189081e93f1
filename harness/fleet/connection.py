"""To a scheduler that is there, or to a local one that is made for this fleet.

Dask sends pickled Python both ways, so whoever has the scheduler has this user's account
here and on every machine: connect to your own only, over TLS where others are on the
network (Dask's own settings, `distributed.comm`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distributed import Client
from distributed.comm.core import CommClosedError

from harness.core.errors import EXIT_INFRASTRUCTURE, PgdynoError, UsageError
from harness.fleet import local, quiet

CONNECT_S = 10.0
COME_BACK_S = 300.0
"""How long a scheduler may be away that was there before."""
LOCAL = "local"

GONE = (CommClosedError, ConnectionError, TimeoutError)
"""What Dask raises where a scheduler is gone."""


class SchedulerGoneError(PgdynoError):
    """The scheduler cannot be reached."""

    exit_code = EXIT_INFRASTRUCTURE


@dataclass(frozen=True, slots=True)
class SchedulerPlace:
    """Where a scheduler is: an address, a file of Dask's that has it, or here, with so
    many workers."""

    address: str
    workers: int = 0

    @property
    def shares_cores(self) -> bool:
        """Whether workers of this machine have to share cores."""
        return self.workers > len(os.sched_getaffinity(0))


def place(text: str) -> SchedulerPlace:
    """What `--scheduler` says.

    Raises:
        UsageError: it is neither an address nor `local` nor `local:N`.
    """
    kind, _, number = text.partition(":")
    if kind != LOCAL:
        return SchedulerPlace(text)
    if number and not (number.isdecimal() and 1 <= int(number) <= 1_000):
        raise UsageError(
            f"--scheduler {text}: '{number}' is no number of workers", hint="local:2"
        )
    return SchedulerPlace(LOCAL, int(number or 1))


@contextlib.contextmanager
def reachable(where: SchedulerPlace) -> Iterator[SchedulerPlace]:
    """The place of a scheduler that is there, or of a local one for as long as that is
    needed."""
    _silence()
    if not where.workers:
        yield where
        return
    with local.started(where.workers) as address:
        yield SchedulerPlace(address)


def _silence() -> None:
    """What Dask logs of what may happen to a fleet is told by us, once."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


def connected(where: SchedulerPlace, patience_s: float = 0.0) -> Client:
    """A client of the scheduler; it is waited for as long as that may take.

    Raises:
        SchedulerGoneError: nobody answers.
        UsageError: that is no address.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            client = Client(**_target(where), timeout=CONNECT_S)
        except ValueError as error:
            raise UsageError(f"--scheduler {where.address}: {error}") from error
        except OSError as error:
            if time.monotonic() > deadline:
                raise SchedulerGoneError(
                    f"no scheduler answers at {where.address}",
                    hint="start one with `dask scheduler`, or use --scheduler local:2",
                ) from error
            time.sleep(1.0)
        else:
            client.register_plugin(quiet.QuietWorker())
            client.register_plugin(quiet.QuietNanny())
            return client


class Dial:
    """Connects to a scheduler: at first it is there, or expected within some seconds;
    later it may be away for a while."""

    def __init__(self, where: SchedulerPlace, wait_s: float) -> None:
        self._where, self._wait_s = where, wait_s

    def __call__(self) -> Client:
        """A client of the scheduler.

        Raises:
            SchedulerGoneError: nobody answers in time.
        """
        wait_s, self._wait_s = self._wait_s, max(self._wait_s, COME_BACK_S)
        return connected(self._where, wait_s)


def _target(where: SchedulerPlace) -> dict[str, str]:
    if where.address.endswith(".json") and Path(where.address).exists():
        return {"scheduler_file": where.address}
    return {"address": where.address}
