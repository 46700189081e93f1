"""To a scheduler that is there, or to a local one that is made for this fleet.

Dask sends pickled Python both ways, so whoever has the scheduler has this user's account
here and on every machine: connect to your own only, over TLS where others are on the
network (Dask's own settings, `distributed.comm`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed.comm.core import CommClosedError

from harness.core.errors import EXIT_INFRASTRUCTURE, PgdynoError, UsageError
from harness.fleet import quiet
from harness.fleet.machines import RESOURCE

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
class Place:
    """Where a scheduler is: an address, a file of Dask's that has it, or here, with so
    many workers."""

    address: str
    workers: int = 0

    @property
    def shares_cores(self) -> bool:
        """Whether workers of this machine have to share cores."""
        return self.workers > len(os.sched_getaffinity(0))


def place(text: str) -> Place:
    """What `--scheduler` says.

    Raises:
        UsageError: it is neither an address nor `local` nor `local:N`.
    """
    kind, _, number = text.partition(":")
    if kind != LOCAL:
        return Place(text)
    if number and not (number.isdecimal() and 1 <= int(number) <= 1_000):
        raise UsageError(
            f"--scheduler {text}: '{number}' is no number of workers", hint="local:2"
        )
    return Place(LOCAL, int(number or 1))


@contextlib.contextmanager
def cluster(where: Place) -> Iterator[LocalCluster | None]:
    """The workers of a local fleet, each with a part of the cores; None of another."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # we tell it ourselves
    if not where.workers:
        yield None
        return
    with (
        _environment_kept(),
        dask.config.set(quiet.CONFIG),
        LocalCluster(
            n_workers=where.workers,
            threads_per_worker=1,
            resources={RESOURCE: 1},
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0" if has_dashboard() else None,
            silence_logs=logging.CRITICAL,
        ) as made,
    ):
        yield made


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """What starts workers sets variables for them in its own process, and leaves them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def has_dashboard() -> bool:
    """Whether a scheduler of this Python shows anything: that takes bokeh."""
    return importlib.util.find_spec("bokeh") is not None


def connected(where: Place, local: LocalCluster | None, patience_s: float = 0.0) -> Client:
    """A client of the scheduler; it is waited for as long as that may take.

    Raises:
        SchedulerGoneError: nobody answers.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            client = Client(**_target(where, local), timeout=CONNECT_S)
        except ValueError as error:
            raise UsageError(f"--scheduler {where.address}: {error}") from error
        except OSError as error:
            if time.monotonic() > deadline or local is not None:
                raise SchedulerGoneError(
                    f"no scheduler answers at {where.address}",
                    hint="start one with `dask scheduler`, or use --scheduler local:2",
                ) from error
            time.sleep(1.0)
        else:
            _quieten(client, local)
            return client


def _target(where: Place, local: LocalCluster | None) -> dict[str, Any]:
    if local is not None:
        return {"address": local}
    if where.address.endswith(".json") and Path(where.address).exists():
        return {"scheduler_file": where.address}
    return {"address": where.address}


def _quieten(client: Client, local: LocalCluster | None) -> None:
    """Keep Dask out of the measurement, on workers that are there and that come."""
    cores: dict[str, tuple[int, ...]] = {}
    if local is not None:
        names = [str(name) for name in local.workers]
        here = os.sched_getaffinity(0)
        cores = dict(zip(names, quiet.parts(here, len(names)), strict=True))
    client.register_plugin(quiet.QuietWorker(cores))
    client.register_plugin(quiet.QuietNanny())
