"""Every exception of the project, each written for the person who reads it.

An error says what happened and where (its message) and what to do (`hint`).
The exit code belongs to the class, so that a command never has to choose one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

EXIT_PASS = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3
EXIT_INVALID = 4
EXIT_INFRASTRUCTURE = 5
EXIT_INTERRUPTED = 130


class PgdynoError(Exception):
    """Anything that pgdyno itself reports; `str()` is one readable sentence."""

    exit_code = EXIT_INVALID

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PgdynoError):
    """The command line asks for something that does not exist or contradicts itself."""

    exit_code = EXIT_USAGE


class ScenarioError(PgdynoError):
    """A scenario file is wrong; the message names the file and the key."""

    exit_code = EXIT_USAGE


class ClaimError(PgdynoError):
    """A file of claims is wrong; the message names the file and the key."""

    exit_code = EXIT_USAGE


class JobError(PgdynoError):
    """A job is not as a plan writes it; the message names the file and the line."""

    exit_code = EXIT_USAGE


class OtherCatalogueError(PgdynoError):
    """A job was planned for another version of pgdyno, or for other cells."""

    exit_code = EXIT_INVALID


class DriverError(PgdynoError):
    """A driver cannot be found, imported or trusted to be a driver."""

    exit_code = EXIT_USAGE


class LibraryMissingError(DriverError):
    """A driver's library is not there; nothing is wrong with its plug-in."""


class ServerError(PgdynoError):
    """PostgreSQL cannot be found, started or reached."""

    exit_code = EXIT_INFRASTRUCTURE


class SilentServerError(ServerError):
    """A server that is there gives no answer: it is stopped, or its disk or network is."""


class ResultsError(PgdynoError):
    """A results file cannot be read or written, or two of them cannot be compared."""

    exit_code = EXIT_INVALID


class MissingExtra(PgdynoError):  # noqa: N818 - says what is the matter
    """An optional part of pgdyno is not installed."""

    exit_code = EXIT_USAGE

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(
            f"{what} needs the extra '{extra}'",
            hint=f"pip install 'pgdyno[{extra}]'",
        )


@contextlib.contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """What is imported inside comes with an extra; empty if it is known of none.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if not extra or (error.name or "").startswith("harness"):
            raise  # a module of ours would be a bug
        raise MissingExtra(extra, what) from error


class OracleError(PgdynoError):
    """The server could not say what is right: `invalid`, no driver is charged.

    `sqlstate` is the server's, where it told one, and so is `position`: the character of
    the statement at which it points, from 1; 0 where it points at none.
    """

    def __init__(
        self, message: str, *, hint: str = "", sqlstate: str = "", position: int = 0
    ) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate
        self.position = position


class WorkerGone(PgdynoError):  # noqa: N818 - a fact, not always an error
    """A worker ended, did not answer in time, or an op of it failed.

    `verdict` says which: `crashed`, `hung` or `rejected`; `facts` say more to programs.
    """

    def __init__(self, message: str, /, *, verdict: str, **facts: Any) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.facts = facts


class Unsupported(Exception):  # noqa: N818 - a statement of fact by a plug-in, not a failure
    """Raised by a plug-in while binding: the library cannot do this, and why.

    Once an op is bound it must work: an `Unsupported` from a running op is `invalid`.
    `facts` say to programs what the sentence says to people; a plug-in needs none.
    """

    def __init__(self, *reason: object, **facts: Any) -> None:
        super().__init__(*reason)
        self.facts = facts


class NotConfigured(Exception):  # noqa: N818 - a statement of fact by a plug-in
    """Raised by a plug-in while it opens a session of the profile `configured`: here the
    documented registrations cannot be done, and why. Such a cell is `skipped`."""
