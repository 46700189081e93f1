"""The reference `pgbench`: libpq in C, by the program that comes with the server.

pgbench is found on PATH, where a worker has the folder of a managed server's programs
first. Each slice is a process of its own. Its script holds the statement once for each
row of parameters, so one transaction of the script is one cycle of the case. The
parameters are variables from the command line, which cost nothing while it runs.

    wall = end of the last transaction - end of the last one of the lead-in

by pgbench's log, in microseconds: to connect and to prepare is outside.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from harness.plugin import (
    TEXT_FORM,
    Call,
    Capability,
    DriverError,
    ErrorFields,
    Kind,
    Profile,
    ProgramOp,
    Target,
    Terms,
    Unsupported,
    sql,
)

LEAD_TRANSACTIONS = 12
"""The session is new at each slice: the server plans anew five times, and once more for
the plan that it keeps."""
MICROSECOND = 1_000  # ns
_BIND_SINCE = 16  # psql's \bind
_MARK, _NULL = "pgdyno: end of rows", "pgdyno: null"
_OURS = re.compile(r"(?<!:):(?!:)|[;\\]")  # what pgbench and psql would read as theirs


class ProgramError(Exception):
    """A program did not do what it was asked to."""


def parse_log(log: str, lead: int, timed: int) -> int:
    """The wall time of the timed transactions, ns, from pgbench's log of all.

    Raises:
        ProgramError: the log has not each transaction once, with a time.
    """
    lines = [line.split() for line in log.splitlines()]
    if len(lines) != lead + timed or not all(len(words) >= 6 for words in lines):
        raise ProgramError(
            f"{len(lines)} of {lead + timed} transactions are in pgbench's log"
        )
    if failed := [words for words in lines if not words[2].isdecimal()]:
        raise ProgramError(f"pgbench logged a transaction as {failed[0][2]}")
    ends = [int(words[4]) * 1_000_000 + int(words[5]) for words in lines]
    return (ends[-1] - ends[lead - 1]) * MICROSECOND


def check_summary(summary: str, transactions: int) -> None:
    """Raise `ProgramError` unless pgbench processed them all and none failed."""
    done = re.search(r"transactions actually processed: (\d+)/(\d+)", summary)
    if done is None or {int(done[1]), int(done[2])} != {transactions}:
        said = done[0] if done else "nothing of transactions"
        raise ProgramError(f"pgbench was asked for {transactions} and says: {said}")
    failed = re.search(r"failed transactions: (\d+)", summary)  # since version 15
    if failed is not None and int(failed[1]):
        raise ProgramError(f"{failed[1]} transactions of pgbench failed")


def parse_rows(output: str) -> list[list[tuple[str | None, ...]]]:
    """psql's CSV → the rows of each statement; a line with a mark ends each."""
    found: list[list[tuple[str | None, ...]]] = []
    rows: list[tuple[str | None, ...]] = []
    for fields in csv.reader(output.splitlines(keepends=True)):
        if fields == [_MARK]:
            found.append(rows)
            rows = []
        else:
            rows.append(tuple(None if text == _NULL else text for text in fields))
    return found


def _statement(query: str, row: int) -> str:
    """A statement whose `$n` are the variables of one row of parameters."""
    pieces = (
        f":r{row}_{token.text[1:]}" if token.kind == "parameter" else token.text
        for token in sql.tokens(query)
    )
    return "".join(pieces) + "\n;\n"


def _run(arguments: Sequence[str], script: str, target: Target) -> str:
    """Run a program of PostgreSQL to its end; what it printed.

    Raises:
        ProgramError: it ended with another code than 0.
    """
    done = subprocess.run(
        arguments,
        input=script,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=_environment(target),
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        name = Path(arguments[0]).name
        raise ProgramError(f"{name} ended with code {done.returncode} and said: {said[-1]}")
    return done.stdout


def _environment(target: Target) -> dict[str, str]:
    """How a program connects; a password must not stand among its arguments."""
    return {
        **os.environ,
        "PGHOST": target.host,
        "PGPORT": str(target.port),
        "PGUSER": target.user,
        "PGPASSWORD": target.password,
        "PGDATABASE": target.dbname,
        "PGOPTIONS": target.options,
        "PGAPPNAME": target.application_name,
        **{f"PG{name.upper()}": value for name, value in target.libpq_tls.items()},
        "PGCLIENTENCODING": "UTF8",
        "LC_ALL": "C",
    }


class PgbenchSession:
    """One statement at a time, by as many processes as there are slices."""

    def __init__(self, pgbench: Path, version: int, target: Target) -> None:
        self._pgbench = pgbench
        self._version = version
        self._target = target
        self._call: Call | None = None

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """None: pgbench receives rows and throws them away."""
        return ()

    def close(self) -> None:
        """Its processes have ended."""

    def fetch_all(self, call: Call) -> ProgramOp:
        """One process; all rows are received, none is decoded."""
        cycle = _cycle(call)
        if _OURS.search(call.sql):
            raise Unsupported(
                "pgbench would read a colon, semicolon or backslash as its own"
            )
        if not all(type(value) is int for value in chain(*cycle)):
            raise Unsupported("pgbench can only be given integers as parameters")
        self._call = call
        script = "".join(_statement(call.sql, row) for row in range(len(cycle)))
        arguments = [str(self._pgbench), *_FIXED, *_variables(cycle)]

        def op(lead: int, ops: int) -> int:
            if ops % len(cycle):
                raise ProgramError(f"{ops} ops are not a whole number of cycles")
            untimed = max(LEAD_TRANSACTIONS, -(-lead // len(cycle)))
            return self._transactions(arguments, script, untimed, ops // len(cycle))

        return op

    fetch_one = fetch_val = fetch_all

    def _transactions(
        self, arguments: Sequence[str], script: str, lead: int, timed: int
    ) -> int:
        with tempfile.TemporaryDirectory(prefix="pgdyno-") as folder:
            asked = [f"--transactions={lead + timed}", f"--log-prefix={folder}/log"]
            check_summary(_run([*arguments, *asked], script, self._target), lead + timed)
            logs = list(Path(folder).iterdir())
            return parse_log("".join(log.read_text() for log in logs), lead, timed)

    def texts(self) -> list[list[tuple[str | None, ...]]]:
        """What psql, with the same libpq, gets for the statement and each parameters."""
        assert self._call is not None
        asked = (self._asked(self._call.sql, params) for params in _cycle(self._call))
        script = "".join(f"{statement}\\echo {_MARK}\n" for statement in asked)
        settings = (*self._target.settings, *TEXT_FORM)
        target = replace(self._target, settings=settings)
        psql = str(self._pgbench.with_name("psql"))
        arguments = [psql, "-X", "-q", "-t", "--csv", f"--pset=null={_NULL}"]
        return parse_rows(_run([*arguments, "-v", "ON_ERROR_STOP=1"], script, target))

    def _asked(self, sql: str, params: Sequence[int]) -> str:
        """In the extended protocol, as pgbench does; before psql 16 by SQL's prepare."""
        values = [f"'{value}'" for value in params]
        if self._version >= _BIND_SINCE:
            return f"{sql}\n\\bind {' '.join(values)}\n\\g\n"
        given = f"({', '.join(values)})" if values else ""
        return f"prepare q as {sql}\n;\nexecute q{given};\ndeallocate q;\n"


def _require_tls(psql: Path, target: Target) -> None:
    try:
        _run([str(psql), "-X", "-c", "select 1"], "", target)
    except ProgramError as error:
        if "SSL support is not compiled in" not in str(error):
            raise
        raise Unsupported(f"this pgbench is built without TLS: {error}") from error


_FIXED = (
    "--no-vacuum",
    "--protocol=prepared",
    "--client=1",
    "--jobs=1",
    "--log",
    "--file=-",
)


def _cycle(call: Call) -> Sequence[tuple[Any, ...]]:
    return call.params or ((),)


def _variables(cycle: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    for row, params in enumerate(cycle):
        for number, value in enumerate(params, 1):
            yield f"--define=r{row}_{number}={value}"


class Pgbench:
    """pgbench."""

    name = "pgbench"
    kind: Kind = "program"
    reference = "libpq in C"
    how = "the server's pgbench receives the rows and decodes nothing"
    options: Mapping[str, str] = {}
    capabilities = frozenset[Capability]()

    def __init__(self, options: frozenset[str]) -> None:
        del options  # there are none
        found = shutil.which("pgbench")
        if found is None or not Path(found).with_name("psql").is_file():
            raise DriverError(
                "there is no pgbench on PATH with psql beside it",
                hint="install PostgreSQL's client programs, or use --server wheel",
            )
        self._path = Path(found)
        printed = subprocess.check_output([found, "--version"], text=True)
        self._version = printed.split()[-1]

    def terms(self) -> Terms:
        """Versions and habits."""
        return Terms(
            library="pgbench",
            version=self._version,
            implementation="C (libpq)",
            libpq=self._version,
            wire_results="text",
            wire_parameters="text",
            row_shape="none: rows are received, not decoded",
            placeholders=":name",
            statement_cache="prepared at once, one for each parameters of the cycle",
            autocommit="on",
            pool="none",
            loop="none",
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """What the program said."""
        return ErrorFields(message=str(error))

    def open(self, target: Target, profile: Profile) -> PgbenchSession:
        """Nothing yet: each slice connects anew.

        Raises:
            Unsupported: the server wants TLS, and the programs are built without it.
        """
        if target.tls:
            _require_tls(self._path.with_name("psql"), target)
        major = int(re.match(r"\d+", self._version)[0])  # type: ignore[index]
        return PgbenchSession(self._path, major, target)
