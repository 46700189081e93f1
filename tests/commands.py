"""The command as its users meet it, for tests: its output and its exit code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest import mock

from harness.cli import main

PGDYNO = [sys.executable, "-m", "harness"]
HEAD = 'schema = 1\ntitle = "T"\nwhy = "W"\n'
ONE = HEAD + '[[case]]\nname = "one"\nop = "fetch_val"\nsql = "select 1"\n'
SMALL = (
    HEAD
    + """
[[case]]
name = "rows"
op = "fetch_all"
sql = "select i from generate_series(1, 5) i"
"""
)
FIXTURE_FAILS = (
    HEAD
    + """
[fixture]
sql = '''
create table t (a int);
insert into t values ('x');
'''
[[case]]
name = "fixture"
op = "fetch_val"
sql = "select 1"
"""
)


@dataclass(frozen=True)
class Ended:
    """What is left of a command."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that a person has seen."""
        return self.out + self.err


def pgdyno(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Run the command in this process: one of its own would import everything anew."""
    words = list(map(str, arguments))
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or Path.cwd()),
        mock.patch.dict(os.environ, env or {}, clear=env is not None),
        mock.patch.object(sys, "argv", ["pgdyno", *words]),
        signal_handlers_kept(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = _exit_code(words)
    return Ended(code, out.getvalue(), err.getvalue())


def spawned(*arguments: str | Path, **options: Any) -> Ended:
    """Run the command as a process, where that is what is tested, or where it measures."""
    done = subprocess.run(
        [*PGDYNO, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def _exit_code(words: list[str]) -> int:
    try:
        return main.main(words)
    except SystemExit as end:  # argparse: a slip
        return cast("int", end.code)


@contextlib.contextmanager
def signal_handlers_kept() -> Iterator[None]:
    """The command handles signals in its own way; pytest in another."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check(*arguments: str | Path, code: int = 0, **options: Any) -> list[dict[str, Any]]:
    """The checks of a run, read from stdout."""
    ended = pgdyno("check", *arguments, "--format", "json", **options)
    assert ended.code == code, ended.said
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found
