"""A job: what one pgdyno process is asked, as a line of JSON. docs/scale.md describes it.

A job comes from a file that anybody may have written, so all of it is checked here, once:
its name is a safe name of a file, and its arguments are those that a plan can have.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Literal
from urllib.parse import unquote

import msgspec

from harness.core.errors import JobError
from harness.core.visible import visible_line

Verb = Literal["check", "bench"]
Text = Annotated[str, msgspec.Meta(max_length=4096)]
Block = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]

OPTIONS: dict[str, bool] = {
    "--driver": True,
    "--server": True,
    "--transport": True,
    "--profile": True,
    "--via": True,
    "--rtt": True,
    "--lane": True,
    "--effort": True,
    "--seed": True,
    "--processes": True,
    "--sessions": True,
    "--rate": True,
    "--fail-on": True,
    "--no-aa": False,
    "--no-floor": False,
}
"""What a job may say behind its paths, and whether a value follows. Where results go, and
whether files of the project are changed, is for whoever runs it."""

LONGEST_LINE = 1 << 20
"""No job is as long; without a limit a file without line ends would fill the memory."""
_SAFE = re.compile(r"[a-z0-9]([a-z0-9.-]{0,118}[a-z0-9])?")
_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)*")
_SECRET = re.compile(r"://[^@\s]*:[^@]*@|password\s*=", re.IGNORECASE)
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run of one verb.

    `plan` is what it belongs to. `arguments` are all of the verb's but `--out`: first the
    paths, then options. `shard` is equal for jobs that ask the same cells, on other
    servers, under other conditions or in other blocks. `block` is 0 for any machine; jobs
    of block 1 belong to one machine, those of block 2 to another. `seconds` is a forecast.
    `pgdyno` says with which version it was planned, `catalogue` for which cells as they
    were then, and `digests` the same path by path. With `allow_missing` it is done without
    those of its versions and Pythons that cannot be had where it runs.
    """

    id: str
    plan: Text
    verb: Verb
    arguments: tuple[Text, ...]
    shard: Text
    block: Block = 0
    seconds: Seconds = 0.0
    pgdyno: Text
    catalogue: Text
    digests: tuple[Text, ...] = ()
    allow_missing: bool = False

    @property
    def paths(self) -> list[str]:
        """The cells that it asks, as the command line names them."""
        return list(_parted(self.arguments)[0])

    @property
    def options(self) -> list[tuple[str, str]]:
        """What it says behind the paths; the value of a flag is empty."""
        return _parted(self.arguments)[1]

    @property
    def contents(self) -> str:
        """A digest of what it asks: the end of its id."""
        asked = msgspec.structs.replace(self, id="", seconds=0.0)
        return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:8]


def named(job: Job, stem: str) -> Job:
    """The job with an id that begins with this stem: a safe name of a file."""
    words = "-".join(_WORD.findall(stem.lower()))[:100]
    return msgspec.structs.replace(job, id=f"{words or job.verb}-{job.contents}")


def has_secret(text: str) -> bool:
    """Whether a text holds a password, as URIs and connection strings write it, or what
    looks like it: too often is no harm."""
    return _SECRET.search(unquote(text)) is not None


# --- files of jobs ----------------------------------------------------------------------


def line(job: Job) -> bytes:
    """The job as a line of a plan."""
    return msgspec.json.encode(job) + b"\n"


def read_jobs(path: Path) -> list[Job]:
    """The jobs of a plan, in their order.

    Raises:
        JobError: the file cannot be read, holds none, or a line is no job, or two are one.
    """
    with _opened(path) as file:
        jobs = [decoded(text, where) for where, text in _lines(path, file)]
    if not jobs:
        raise JobError(f"{path} holds no job", hint="pgdyno plan writes them")
    first: dict[str, int] = {}
    for number, job in enumerate(jobs, 1):
        if first.setdefault(job.id, number) != number:
            raise JobError(
                f"{path}: jobs {first[job.id]} and {number} are the same, {job.id}",
                hint="name each job once",
            )
    return jobs


def find(text: str) -> Job:
    """The job that a user names: `job.json`, `jobs.jsonl#3` (the third), `jobs.jsonl#ID`.

    Raises:
        JobError: there is none of this name.
    """
    if Path(text).exists():
        return _only(Path(text))
    place, sign, which = text.rpartition("#")
    if not sign or not place:
        raise JobError(
            f"{visible_line(text)[:200]}: there is no such file",
            hint="pgdyno plan writes it",
        )
    path = Path(place)
    with _opened(path) as file:
        lines = _lines(path, file)
        found = _numbered(lines, which) if which.isdecimal() else _called(lines, which)
        if found is None:
            raise JobError(
                f"{path} holds no job {visible_line(which)[:200]}",
                hint=f"it holds {path}#1 and those that follow; each line has its id",
            )
    return found


def decoded(text: bytes, where: str) -> Job:
    """A line, read and checked; `where` says whose fault it is.

    Raises:
        JobError: it is no job.
    """
    try:
        job = msgspec.json.decode(text, type=Job)
    except _UNREADABLE as error:
        raise JobError(f"{where} is no job: {str(error)[:200]}") from error
    if wrong := _problem(job):
        raise JobError(f"{where}: {visible_line(wrong)}", hint="plan it again: pgdyno plan")
    return job


def _only(path: Path) -> Job:
    jobs = read_jobs(path)
    if len(jobs) > 1:
        hint = f"name one: {path}#1 or {path}#{jobs[0].id}"
        raise JobError(f"{path} holds {len(jobs):,} jobs", hint=hint)
    return jobs[0]


def _numbered(lines: Iterable[tuple[str, bytes]], which: str) -> Job | None:
    wanted = which.lstrip("0")
    for number, (where, text) in enumerate(lines, 1):
        if str(number) == wanted:
            return decoded(text, where)
    return None


def _called(lines: Iterable[tuple[str, bytes]], which: str) -> Job | None:
    for where, text in lines:
        if which.encode() in text and (job := decoded(text, where)).id == which:
            return job
    return None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise JobError(f"{str(path)[:200]} cannot be read: {reason}") from error


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Every line that is not blank, and where it stands."""
    number = 0
    while text := file.readline(LONGEST_LINE):
        number += 1
        where = f"{path}, line {number}"
        if len(text) == LONGEST_LINE:
            raise JobError(f"{where} is no job: longer than {LONGEST_LINE >> 20} MiB")
        if text.strip():
            yield where, text


# --- what a job may say -----------------------------------------------------------------


def _problem(job: Job) -> str:
    """What is wrong with a job beyond the types of its fields; empty if nothing is."""
    if not _SAFE.fullmatch(job.id) or ".." in job.id:
        return f"'{job.id[:200]}' is no id of a job"
    if not job.id.endswith(f"-{job.contents}"):
        return f"{job.id} was changed: its id is not that of what it asks"
    try:
        paths, options = _parted(job.arguments)
    except JobError as error:
        return f"{job.id}: {error}"
    if not paths or len(paths) != len(job.digests):
        return f"{job.id} does not say which cells it asks"
    if any(has_secret(value) for _, value in options):
        return f"{job.id} holds a password"
    return ""


def _parted(arguments: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """The paths, and the options with their values.

    Raises:
        JobError: an option that no job may have, or one without its value.
    """
    start = next((k for k, word in enumerate(arguments) if word[:1] == "-"), len(arguments))
    rest = iter(arguments[start:])
    options = []
    for name in rest:
        if name not in OPTIONS:
            raise JobError(f"'{name[:200]}' is no option of a job")
        value = next(rest, "-") if OPTIONS[name] else ""
        if value.startswith("-"):
            raise JobError(f"{name} has no value")
        options.append((name, value))
    return tuple(arguments[:start]), options
