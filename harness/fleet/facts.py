"""What a machine says of itself before it gets a job: all of a fleet must say the same."""

from __future__ import annotations

import hashlib
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping

from harness import __version__
from harness.core.errors import PgdynoError
from harness.core.words import listed
from harness.jobs.asking import check_fits
from harness.jobs.job import Job
from harness.machine.host import describe
from harness.scenario.files import library

ALIKE = {"pgdyno": "pgdyno", "catalogue": "scenarios", "python": "Python"}
"""What has to be equal, in words: else results are not comparable, or jobs are refused."""


class UnlikeMachinesError(PgdynoError):
    """The machines of a fleet have not the same pgdyno."""


def here() -> dict[str, str]:
    """The facts of this process. Only plain values travel, and no times: the clocks of two
    machines may differ by an hour."""
    return {
        "pgdyno": __version__,
        "catalogue": _catalogue(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": describe().hostname_hash,
    }


def check(facts: Mapping[str, Mapping[str, str] | BaseException]) -> None:
    """Refuse a fleet whose machines, by name, are not alike; this process is one of them.

    Raises:
        UnlikeMachinesError: and which has what.
    """
    mine = here()
    for name, told in facts.items():
        if isinstance(told, BaseException):
            raise UnlikeMachinesError(
                f"{name} cannot run pgdyno: {told}",
                hint=f"install the same pgdyno everywhere: pip install 'pgdyno[fleet]'"
                f" (here it is {__version__})",
            )
    everywhere = {"here": mine, **facts}
    for key, noun in ALIKE.items():
        where = defaultdict(list)
        for name, told in everywhere.items():
            where[told.get(key, "unknown")].append(name)  # type: ignore[union-attr]
        if len(where) > 1:
            raise UnlikeMachinesError(
                f"the machines differ in {noun}: {_told(where)}",
                hint="install the same everywhere; nothing was run",
            )


def check_jobs(jobs: Iterable[Job]) -> None:
    """Refuse a plan that was made elsewhere: every machine would refuse its jobs. Of each
    plan a job is looked at; to look at all of them would take minutes.

    Raises:
        OtherCatalogueError: it was made with another pgdyno, or for other cells.
    """
    first = {(job.plan, job.pgdyno, job.catalogue): job for job in jobs}
    for job in first.values():
        check_fits(job)


def _told(where: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{value} ({listed(names)})" for value, names in where.items())


def _catalogue() -> str:
    """A digest of the scenarios that come with pgdyno, unread."""
    found = hashlib.sha256()
    root = library()
    for file in sorted(root.rglob("*.toml")):
        found.update(file.relative_to(root).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:12]
