"""Libraries asked, each question in a process of its own that is not ours.

A worker of the arm says first whether its library is there, and with which versions. What
an inspection asks needs no server; a program has a schema of its own on one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.claims.evidence import LibrarySaid, digest, question, versions_of_terms
from harness.claims.form import InspectCondition, ProgramCondition
from harness.core.arms import Arm
from harness.core.calls import Target
from harness.core.errors import DriverError, OracleError, ServerError, WorkerGone
from harness.play.process import WorkerProcess, variables
from harness.plugin import contract
from harness.venue.venue import Venue

INSPECTION_S = 60.0
AT_ONCE = 2
"""So many programs run side by side."""

Said = Callable[[str, LibrarySaid], None]
"""Is told what came of the question of a digest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a library, by the arm that has it."""

    arm: str
    condition: InspectCondition | ProgramCondition

    @property
    def digest(self) -> str:
        """What it is known by."""
        return digest(self.arm, self.condition)


def ask(questions: Iterable[Asked], venue: Venue | None, tell: Said) -> None:
    """Ask all, arm by arm; programs need the venue."""
    by_arm: dict[str, list[Asked]] = {}
    for asked in questions:
        by_arm.setdefault(asked.arm, []).append(asked)
    for name, of_arm in by_arm.items():
        with tempfile.TemporaryDirectory(prefix="pgdyno-claims-") as folder:
            _ask_arm(name, of_arm, venue, Path(folder), tell)


def _ask_arm(
    name: str, questions: list[Asked], venue: Venue | None, folder: Path, tell: Said
) -> None:
    try:
        arm = contract.parse_arm(name)
        versions, worker = _greeted(arm, folder)
    except (DriverError, WorkerGone) as error:
        hint = getattr(error, "hint", "")
        problem = LibrarySaid(problem=f"{error}{f'; {hint}' if hint else ''}")
        for asked in questions:
            tell(asked.digest, problem)
        return
    inspector = _Inspector(worker, versions, venue, folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for asked, said in zip(questions, pool.map(inspector.ask, questions), strict=True):
            tell(asked.digest, said)


def _greeted(arm: Arm, folder: Path) -> tuple[str, WorkerProcess]:
    """The versions of an arm, and the worker that told them; it has ended."""
    worker = WorkerProcess(arm, folder, [])
    try:
        return versions_of_terms(worker.greet()["terms"]), worker
    finally:
        if worker.alive:
            worker.kill()


class _Inspector:
    """Asks the library of one arm; several threads may ask at once."""

    def __init__(
        self, worker: WorkerProcess, versions: str, venue: Venue | None, folder: Path
    ) -> None:
        self._environment = worker.environment
        self._versions = versions
        self._venue = venue
        self._folder = folder
        self._staging = threading.Lock()  # the control connection is for one thread
        self._numbers = itertools.count()

    def ask(self, asked: Asked) -> LibrarySaid:
        """What comes of one question."""
        if isinstance(asked.condition, InspectCondition):
            return self._said(question(asked.condition), INSPECTION_S, "")
        if self._venue is None:
            return LibrarySaid(problem="a program needs a server", fault=True)
        try:
            return self._program(asked.condition, self._venue)
        except (ServerError, OracleError) as error:
            return LibrarySaid(problem=str(error), fault=isinstance(error, OracleError))

    def _program(self, condition: ProgramCondition, venue: Venue) -> LibrarySaid:
        """A program in a schema and a folder of its own."""
        lent = venue.stage.lent_schema("claims")
        with self._staging:
            if lacking := venue.stage.missing(condition.needs):
                return LibrarySaid(problem=lacking, versions=self._versions)
            _, target = lent.__enter__()
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        try:
            asked = question(condition) | {"given": given(target, folder)}
            return self._said(asked, condition.seconds, venue.facts.version)
        finally:
            with self._staging:
                lent.__exit__(None, None, None)

    def _said(self, asked: Mapping[str, Any], seconds: float, server: str) -> LibrarySaid:
        try:
            answer = self._answer(asked, seconds)
        except subprocess.TimeoutExpired:
            told = f"no answer within {seconds:.0f} s"
            answer = {"exists": True, "raised": ["Hangs"], "message": told, "text": told}
        return LibrarySaid(answer, versions=self._versions, server=server)

    def _answer(self, asked: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The inspector's answer; how it ended, where it gave none."""
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as answers:
            try:
                process = self._started(writing)
            finally:
                os.close(writing)
            try:
                _, said = process.communicate(json.dumps(asked).encode() + b"\n", seconds)
            finally:
                _end(process)
            line = answers.readline()
        if line:
            return dict(json.loads(line))
        words = said.decode("utf-8", "replace").strip().splitlines()
        told = f"its process ended with {process.returncode}: {''.join(words[-1:])[:200]}"
        return {"exists": True, "raised": ["Crash"], "message": told, "text": told}

    def _started(self, writing: int) -> subprocess.Popen[bytes]:
        command = [self._environment.python, "-m", "harness.claims.inspector", str(writing)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[writing],
            env=variables(None, self._environment),
            cwd=self._environment.rooms,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still runs, and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def given(target: Target, folder: Path) -> dict[str, Any]:
    """The names that a program finds: where to connect, and a folder for its files."""
    login = f"{quote(target.user, safe='')}:{quote(target.password, safe='')}"
    place = f"{quote(target.host, safe='')}:{target.port}/{quote(target.dbname, safe='')}"
    return {
        "dsn": f"postgresql://{login}@{place}?options={quote(target.options, safe='')}",
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
        "options": target.options,
        "folder": str(folder),
    }
