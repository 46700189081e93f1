"""A plan: every part of the cells on every server, under every condition, in every block.

All arms are in each job, so that the arms of a cell are never apart: what they are compared
by is that they took turns. There is no way to plan anything else. No clock, no server.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from harness import __version__
from harness.core.cells import Cell
from harness.core.conditions import DIRECT, Condition, parted
from harness.jobs.asking import digest, digest_of
from harness.jobs.job import Job, Verb, named
from harness.jobs.naming import Paths
from harness.jobs.packing import packed


@dataclass(frozen=True, slots=True)
class Questions:
    """Cells that are asked under one condition; without one each as its file says.

    `seconds` forecasts a job of some of them, without the start of its server.
    """

    cells: Sequence[Cell]
    paths: Paths
    seconds: Callable[[Sequence[Cell]], float]
    condition: Condition | None = None

    @property
    def options(self) -> list[str]:
        """The condition as the command line says it."""
        if self.condition is None:
            return []
        rtt = self.condition.rtt_ms
        return ["--via", self.condition.via, *(["--rtt", f"{rtt:g}"] if rtt else [])]

    def leaves_out(self, cells: Sequence[Cell]) -> bool:
        """Whether a check leaves out all of these: cases of steps connect to places of
        their own, so it asks none of them under a condition."""
        return all(
            cell.steps and (self.condition or cell.condition) != DIRECT for cell in cells
        )


@dataclass(frozen=True, slots=True)
class Design:
    """What a plan is made of. `options` are those that all jobs share; a job has at most so
    many `cells` and lasts about so many `seconds` at most, where these are given. With
    `allow_missing` jobs are done without versions and Pythons that cannot be had."""

    verb: Verb
    questions: Sequence[Questions]
    servers: Sequence[str]
    options: Sequence[str]
    machines: int = 0
    cells: int = 0
    seconds: float = 0.0
    allow_missing: bool = False


START_S = 4.0
"""What a job takes before its first question: a process, and a server of its own."""


@dataclass(frozen=True, slots=True)
class _Shard:
    """Some of the questions, as a job names them."""

    questions: Questions
    paths: tuple[str, ...]
    digests: tuple[str, ...]
    digest: str
    catalogue: str
    seconds: float


def jobs_of(design: Design) -> list[Job]:
    """The jobs of a plan: equal wishes make equal jobs."""
    shards = list(_shards(design))
    blocks = range(1, design.machines + 1) if design.machines else (0,)
    drafts = [
        (_draft(design, shard, server, block), _stem(design, shard, server, block))
        for block, server, shard in itertools.product(blocks, design.servers, shards)
    ]
    plan = digest(msgspec.json.encode(job).decode() for job, _ in drafts)
    return [
        named(msgspec.structs.replace(job, plan=plan), f"{stem}-{number:03}")
        for number, (job, stem) in enumerate(drafts, 1)
    ]


def _shards(design: Design) -> Iterator[_Shard]:
    for questions in design.questions:
        for cells in packed(questions.cells, partial(_fits, design, questions)):
            if design.verb == "check" and questions.leaves_out(cells):
                continue
            paths = questions.paths.to(cells)
            digests = tuple(map(digest_of, paths.values()))
            yield _Shard(
                questions=questions,
                paths=tuple(paths),
                digests=digests,
                digest=digest(sorted(parted(cell.id)[0] for cell in cells)),
                catalogue=digest(digests),
                seconds=round(START_S + questions.seconds(cells), 1),
            )


def _fits(design: Design, questions: Questions, cells: Sequence[Cell]) -> bool:
    """Whether a job may have these cells."""
    if design.cells and len(cells) > design.cells:
        return False
    return not design.seconds or START_S + questions.seconds(cells) <= design.seconds


def _draft(design: Design, shard: _Shard, server: str, block: int) -> Job:
    asked = ("--server", server, *shard.questions.options)
    return Job(
        id="",
        plan="",
        verb=design.verb,
        arguments=(*shard.paths, *design.options, *asked),
        shard=shard.digest,
        block=block,
        seconds=shard.seconds,
        pgdyno=__version__,
        catalogue=shard.catalogue,
        digests=shard.digests,
        allow_missing=design.allow_missing,
    )


def _stem(design: Design, shard: _Shard, server: str, block: int) -> str:
    """The beginning of an id, for people: `bench-m2-wheel-18-tls`."""
    kind = "dsn" if "://" in server or server.startswith("dsn") else server
    condition = shard.questions.condition
    words = (design.verb, f"m{block}" if block else "", kind[:40], _short(condition))
    return "-".join(filter(None, words))


def _short(condition: Condition | None) -> str:
    if condition is None:
        return ""
    rtt = f"rtt{condition.rtt_ms:g}" if condition.rtt_ms else ""
    return "-".join(filter(None, (condition.mark and condition.via, rtt)))
