"""Small plans: jobs of a cell or a few that run in a second or two."""

from __future__ import annotations

import msgspec

from harness import __version__
from harness.jobs.asking import cells_of, digest_of
from harness.jobs.job import Job, named

CELL = "types/scalars#bool"


def planned(
    number: int, *, path: str = CELL, driver: str = "psycopg", server: str = "", **fields
) -> Job:
    """A job that differs from others by its number."""
    reached = ("--server", server) if server else ()
    job = Job(
        id="",
        plan=f"tests-{number}",
        verb="check",
        arguments=(path, "--driver", driver, *reached),
        shard=path,
        seconds=2.0,
        pgdyno=__version__,
        catalogue="0" * 8,
        digests=(digest_of(cells_of("check", path)),),
    )
    return named(msgspec.structs.replace(job, **fields), f"job-{number:03}")
