"""The command as its users meet it, for tests: a process, its output, its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def pgdyno(*arguments: str | Path, **options: Any) -> Ended:
    """Run the command; whatever it was asked, it never shows a traceback."""
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


def check(*arguments: str | Path, code: int = 0, **options: Any) -> list[dict[str, Any]]:
    """The checks of a run, read from stdout."""
    ended = pgdyno("check", *arguments, "--format", "json", **options)
    assert ended.code == code, ended.said
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found
