"""From a check to what pytest knows: passed, failed, skipped, or failed as declared."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness.check.known import fails
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import PgdynoError
from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.pytest_plugin import asked
from harness.results.records import Check

FAIL_ON = Verdict.LOSSY
"""As `pgdyno check` has it: what is as bad, and neither expected nor declared, fails."""
_ABSENT = (Verdict.UNSUPPORTED, Verdict.SKIPPED)


@dataclass(frozen=True, slots=True)
class PlayedCheck:
    """A check, marked with what was known of it, and what it was played with."""

    check: Check
    version: str
    server: str
    postgresql: str


class CheckFailed(Exception):  # noqa: N818 - a finding, not an error of ours
    """A cell is not as it was expected to be; the text is for who reads the report."""


def properties(played: PlayedCheck, cell: Cell) -> list[tuple[str, object]]:
    """What a JUnit file says of a cell beside its outcome."""
    check = played.check
    sql = cell.sql or "\n".join(statement.sql for statement in cell.statements)
    return [
        ("verdict", str(check.verdict)),
        ("code", str(check.code)),
        ("driver", check.driver),
        ("profile", check.profile),
        ("version", played.version),
        ("postgresql", played.postgresql),
        ("sql", visible(sql)),
    ]


def settle(played: PlayedCheck, title: str, command: str) -> None:
    """Return where all is as expected; raise what pytest understands otherwise."""
    check = played.check
    verdict = Verdict(check.verdict)
    said = f"{verdict}: {check.detail}".rstrip(": ")
    if fails(check, FAIL_ON) or verdict is Verdict.INVALID:
        raise CheckFailed(visible("\n".join(_failure(played, title, command))))
    if check.deviation:
        pytest.xfail(visible(f"{said}; declared: {check.deviation} {check.link}"))
    if verdict in _ABSENT:
        pytest.skip(visible(said.removeprefix(f"{Verdict.SKIPPED}: ")))


def _failure(played: PlayedCheck, title: str, command: str) -> Iterator[str]:
    """What was expected, what came, and how to look at it."""
    check = played.check
    yield f"{title}: {check.verdict}"
    yield _reason(check)
    yield ""
    yield f"verdict   {check.verdict} ({check.code}): {check.detail}".rstrip(": ")
    for name, text in (("expected", check.expected), ("came", check.observed)):
        if text:
            yield f"{name:<9} {text}"
    yield f"with      {played.version or check.driver}, PostgreSQL {played.postgresql}"
    yield f"look      {command}"


def _reason(check: Check) -> str:
    if check.drift:
        return f"drift: {check.drift}"
    if check.verdict is Verdict.INVALID:
        return "the scenario or pgdyno is at fault, not the driver"
    return "no baseline expects it and no deviation declares it"


def command(cell: Cell, arm: Arm, file: str, server: str) -> str:
    """The command that plays a cell again and prints code which reproduces it. The DSN of
    a server may hold a password, so it is left to $PGDYNO_DSN."""
    library = "/" in cell.scenario
    where = cell.id if library else f"{file}#{cell.id.partition('#')[2]}"
    words = ["pgdyno", "show", where, "--driver", arm.name, "--profile", arm.profile]
    if server not in ("wheel", "dsn") and not server.startswith("dsn:"):
        words += ["--server", server]
    return shlex.join([*words, "--run"])


def told(error: BaseException) -> str:
    """An exception of ours as text; empty for any other."""
    if isinstance(error, CheckFailed):
        return str(error)
    return asked.told(error) if isinstance(error, PgdynoError) else ""
