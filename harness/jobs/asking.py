"""Which cells a job asks, and whether they are here what they were where it was planned."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from harness import __version__
from harness.core.cells import Cell
from harness.core.errors import OtherCatalogueError, ScenarioError
from harness.core.words import listed
from harness.jobs.job import Job, Verb
from harness.scenario import select_cells

SHOWN = 5
"""So many paths are named when they differ; who reads them needs no more."""


def takes(verb: Verb, cell: Cell) -> bool:
    """Whether the verb takes a cell that a path names; its file says whether to time it."""
    return verb == "check" or cell.bench is not None


def cells_of(verb: Verb, path: str) -> list[Cell]:
    """What the verb takes of a path."""
    _, cells = select_cells([path])
    return [cell for cell in cells if takes(verb, cell)]


def digest(texts: Iterable[str], length: int = 16) -> str:
    """A short digest of some texts in their order."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:length]


def digest_of(cells: Iterable[Cell]) -> str:
    """Equal where the cells ask the same work."""
    return digest(sorted(cell.digest for cell in cells), 8)


def check_fits(job: Job) -> None:
    """Refuse a job that asks something else here than where it was planned.

    Raises:
        OtherCatalogueError: another version of pgdyno, or cells that differ, and which.
    """
    if job.pgdyno != __version__:
        raise OtherCatalogueError(
            f"{job.id} was planned with pgdyno {job.pgdyno[:40]}; this is {__version__}",
            hint=f"pip install 'pgdyno=={job.pgdyno[:40]}', or plan again with this one",
        )
    if other := [
        path
        for path, planned in zip(job.paths, job.digests, strict=True)
        if _digest_here(job.verb, path) != planned
    ]:
        raise OtherCatalogueError(
            f"{job.id} was planned for other cells than there are here: {_few(other)}",
            hint="use the scenarios that it was planned with, or plan again",
        )


def _digest_here(verb: Verb, path: str) -> str:
    try:
        return digest_of(cells_of(verb, path))
    except ScenarioError:
        return ""  # it has no such cells, or cannot read them


def _few(paths: Sequence[str]) -> str:
    more = [f"{len(paths) - SHOWN} more"] if len(paths) > SHOWN else []
    return listed([*paths[:SHOWN], *more])
