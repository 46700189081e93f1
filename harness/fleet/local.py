"""A fleet on this machine: a scheduler and workers of its own, as a process beside us.

Beside us, because a terminal sends Ctrl-C to all processes of a command, and workers must
outlive it for as long as their jobs put away what they have; and because what starts
workers sets variables of its environment for them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import dask
from distributed import LocalCluster

from harness.core.errors import EXIT_INFRASTRUCTURE, PgdynoError
from harness.fleet import quiet
from harness.fleet.machines import RESOURCE

END_S = 30.0


class LocalFleetError(PgdynoError):
    """The workers of this machine did not start."""

    exit_code = EXIT_INFRASTRUCTURE


@contextlib.contextmanager
def started(workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers, each with a part of the cores.

    Raises:
        LocalFleetError: they did not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        try:
            line = process.stdout.readline()
        except KeyboardInterrupt:  # it would start them first, and then end them
            process.kill()
            raise
        if not line:
            raise LocalFleetError(f"{workers} workers of Dask did not start here")
        yield str(json.loads(line))
    finally:
        process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def main(workers: int) -> None:
    """Keep a cluster until stdin closes; its address goes to stdout."""
    told = os.dup(1)
    os.dup2(2, 1)  # workers inherit it, and nobody reads what they might say
    with (
        tempfile.TemporaryDirectory(prefix="pgdyno-fleet-") as folder,
        dask.config.set({**quiet.CONFIG, "temporary-directory": folder}),
        cluster(workers) as made,
    ):
        parts = quiet.parts(os.sched_getaffinity(0), workers)
        names = map(str, made.workers)
        with made.get_client() as client:
            client.register_plugin(quiet.Cores(dict(zip(names, parts, strict=True))))
        os.write(told, json.dumps(made.scheduler_address).encode() + b"\n")
        sys.stdin.read()


def cluster(workers: int) -> LocalCluster:
    """The scheduler and the workers. Dask's HTTP server cannot be left out, and without an
    address it takes port 8787 of every interface: it gets any free port of this machine."""
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        resources={RESOURCE: 1},
        memory_limit=0,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
