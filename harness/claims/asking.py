"""Libraries asked, each question in a process of its own that is not ours.

A worker of the arm says first whether its library is there, and with which versions. What
an inspection asks needs no server; a program has a schema of its own on one.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import os
import queue
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.claims.evidence import (
    LibrarySaid,
    digest,
    libraries_of_terms,
    question,
    versions_of_terms,
)
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

_END_S = 5.0

Said = Callable[[str, LibrarySaid], None]
"""Is told what came of the question of a digest."""


@dataclass(frozen=True, slots=True)
class LibraryQuestion:
    """A question to a library, by the arm that has it."""

    arm: str
    condition: InspectCondition | ProgramCondition

    @property
    def digest(self) -> str:
        """What it is known by."""
        return digest(self.arm, self.condition)


def ask(questions: Iterable[LibraryQuestion], venue: Venue | None, tell: Said) -> None:
    """Ask all, arm by arm; programs need the venue."""
    by_arm: dict[str, list[LibraryQuestion]] = {}
    for asked in questions:
        by_arm.setdefault(asked.arm, []).append(asked)
    for name, of_arm in by_arm.items():
        with tempfile.TemporaryDirectory(prefix="pgdyno-claims-") as folder:
            _ask_arm(name, of_arm, venue, Path(folder), tell)


def _ask_arm(
    name: str,
    questions: list[LibraryQuestion],
    venue: Venue | None,
    folder: Path,
    tell: Said,
) -> None:
    try:
        arm = contract.parse_arm(name)
        terms, worker = _greeted(arm, folder)
    except (DriverError, WorkerGone) as error:
        hint = getattr(error, "hint", "")
        problem = LibrarySaid(problem=f"{error}{f'; {hint}' if hint else ''}")
        for asked in questions:
            tell(asked.digest, problem)
        return
    asking = _Asking(terms, venue, folder)
    seats = min(AT_ONCE, len(questions))
    with (
        ThreadPoolExecutor(seats) as pool,
        _inspectors(worker, modules_of(questions), seats) as inspectors,
    ):
        for inspector in inspectors:
            asking.seats.put(inspector)
        told = {pool.submit(asking.ask, asked): asked for asked in questions}
        try:
            for done in as_completed(told):
                tell(told[done].digest, done.result())
        finally:  # after an interrupt nobody asks the others
            pool.shutdown(wait=False, cancel_futures=True)


def modules_of(questions: Iterable[LibraryQuestion]) -> list[str]:
    """The modules that questions import, so that they are imported once for all."""
    found: dict[str, None] = {}
    for asked in questions:
        if isinstance(asked.condition, InspectCondition):
            found[asked.condition.path.partition(":")[0]] = None
            continue
        for node in ast.walk(ast.parse(asked.condition.python)):
            if isinstance(node, ast.Import):
                found.update(dict.fromkeys(alias.name for alias in node.names))
            elif isinstance(node, ast.ImportFrom) and node.module:
                found[node.module] = None
    return list(found)


def _greeted(arm: Arm, folder: Path) -> tuple[dict[str, str], WorkerProcess]:
    """The terms of an arm, and the worker that told them; it has ended."""
    worker = WorkerProcess(arm, folder, [])
    try:
        return dict(worker.greet()["terms"]), worker
    finally:
        if worker.alive:
            worker.kill()


class _Inspector:
    """A process that answers questions, one after the other."""

    def __init__(self, line: socket.socket) -> None:
        self._messages = line.makefile("rwb")

    def answer(self, asked: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """What comes of a question; the process itself sees to the deadline."""
        message = json.dumps({**asked, "seconds": seconds})
        answer = b""
        with contextlib.suppress(OSError):  # it has gone
            self._messages.write(message.encode() + b"\n")
            self._messages.flush()
            answer = self._messages.readline()
        if answer:
            return _checked(json.loads(answer))
        raise WorkerGone("the process that asks libraries has ended", verdict="crashed")


def _checked(answer: Any) -> dict[str, Any]:
    """An answer in the form that is judged: a program could write one of its own."""
    told = answer if isinstance(answer, dict) else {}
    fault = told.get("fault")
    if isinstance(fault, str):
        raise OracleError(fault)
    named = told.get("exists") is False or told.get("raised") or "value" in told
    if not isinstance(told.get("exists"), bool) or "text" not in told or not named:
        raise OracleError("what came from its process is no answer of pgdyno's inspector")
    return told


@contextlib.contextmanager
def _inspectors(
    worker: WorkerProcess, modules: Sequence[str], seats: int
) -> Iterator[list[_Inspector]]:
    """Inspectors in the environment of a worker: forks of one that has the modules."""
    with contextlib.ExitStack() as stack:
        lines = [socket.socketpair() for _ in range(seats)]
        for end in itertools.chain.from_iterable(lines):
            stack.enter_context(end)
        theirs = [far.fileno() for _, far in lines]
        module = ["-m", "harness.claims.inspector", json.dumps(modules)]
        process = subprocess.Popen(
            [worker.environment.python, *module, *map(str, theirs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=theirs,
            env=variables(None, worker.environment),
            cwd=worker.environment.rooms,
            start_new_session=True,
        )
        for _, far in lines:
            far.close()
        try:
            yield [_Inspector(near) for near, _ in lines]
        finally:
            for near, _ in lines:  # an inspector that nobody asks ends all that it began
                with contextlib.suppress(OSError):
                    near.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _Asking:
    """The questions to one arm's library; several threads may ask at once."""

    def __init__(self, terms: Mapping[str, str], venue: Venue | None, folder: Path) -> None:
        self.seats: queue.SimpleQueue[_Inspector] = queue.SimpleQueue()
        self._versions = versions_of_terms(terms)
        self._libraries = set(map(_package, libraries_of_terms(terms)))
        self._venue = venue
        self._folder = folder
        self._staging = threading.Lock()  # the control connection is for one thread
        self._numbers = itertools.count()

    def ask(self, asked: LibraryQuestion) -> LibrarySaid:
        """What comes of one question."""
        seat = self.seats.get()
        try:
            if isinstance(asked.condition, InspectCondition):
                asking = question(asked.condition)
                return self._said(seat, asked.condition, asking, INSPECTION_S, "")
            if self._venue is None:
                return LibrarySaid(problem="a program needs a server", fault=True)
            return self._program(seat, asked.condition, self._venue)
        except (ServerError, OracleError, WorkerGone) as error:
            return LibrarySaid(problem=str(error), fault=not isinstance(error, ServerError))
        finally:
            self.seats.put(seat)

    def _program(
        self, seat: _Inspector, condition: ProgramCondition, venue: Venue
    ) -> LibrarySaid:
        """A program in a schema and a folder of its own."""
        with self._staging:
            if lacking := venue.stage.missing(condition.needs):
                return LibrarySaid(problem=lacking, versions=self._versions)
            lent = venue.stage.lent_schema("claims")
            _, target = lent.__enter__()
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        try:
            asked = question(condition) | {"given": given(target, folder)}
            version = venue.facts.version
            return self._said(seat, condition, asked, condition.seconds, version)
        finally:
            with self._staging:
                lent.__exit__(None, None, None)

    def _said(
        self,
        seat: _Inspector,
        condition: InspectCondition | ProgramCondition,
        asked: Mapping[str, Any],
        seconds: float,
        server: str,
    ) -> LibrarySaid:
        answer = _without(seat.answer(asked, seconds), asked.get("given", {}))
        absent = answer.pop("absent", "")
        if absent and not condition.expect.raises and not self._has(absent):
            return LibrarySaid(problem=_lacking(absent), versions=self._versions)
        return LibrarySaid(answer, versions=self._versions, server=server)

    def _has(self, module: str) -> bool:
        """Whether a module is the library's own: then its absence is an answer."""
        return _package(module.partition(".")[0]) in self._libraries


def _without(answer: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without the password, which a program may have shown."""
    password = str(given.get("password", ""))
    if not password:
        return answer
    text = json.dumps(answer)
    for secret in {password, quote(password, safe="")}:
        text = text.replace(json.dumps(secret)[1:-1], "…")
    return dict(json.loads(text))


def _package(name: str) -> str:
    return name.lower().replace("_", "-")


def _lacking(module: str) -> str:
    return (
        f"it needs the module {module}, which is not installed;"
        " pip install 'pgdyno[all,further]' brings what claims need"
    )


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
