"""A worker as the parent sees it: started, asked with a deadline, never left behind."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import select
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import environments
from harness.core import offspring, wire
from harness.core.arms import Arm
from harness.core.calls import Target
from harness.core.errors import DriverError, LibraryMissingError, WorkerGone
from harness.core.verdicts import Code, Judgement, Verdict
from harness.environments.environment import Environment
from harness.plugin import contract

START_SECONDS = 60.0
MAX_LOG_BYTES = 1 << 20
_LOG_CHARS = 100


@dataclass(frozen=True, slots=True)
class Launch:
    """How a worker's process is started: plainly, or by another program that looks on.

    `prefix` is the command that runs it, `environment` is added to its own,
    `start_seconds` is how long its driver may take to load, and `priority` how nice it is.
    """

    prefix: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    start_seconds: float = START_SECONDS
    priority: int = 0


PLAIN = Launch()


class WorkerProcess:
    """One live worker. Every request has a deadline; a missed one ends the process."""

    def __init__(
        self,
        arm: Arm,
        folder: Path,
        cores: list[int],
        programs: Path | None = None,
        launch: Launch = PLAIN,
        loads_on: Sequence[int] = (),
    ) -> None:
        """`loads_on` are the cores on which the driver is imported, if not on `cores`.

        Raises:
            DriverError: the environment of the arm cannot be made.
        """
        self.arm = arm
        self.launch = launch
        self.environment = environments.of(arm)
        self.log = folder / log_name(arm)
        self.chatty_bytes = 0
        ours, theirs = socket.socketpair()
        spec = {
            "driver": arm.driver,
            "plugin": contract.locate(arm.driver),
            "places": contract.places(),
            "options": list(arm.options),
            "profile": arm.profile,
            "copy": arm.copy,
            "cores": cores,
            "loads_on": list(loads_on) or cores,
            "priority": launch.priority,
            "parent": 0 if launch.prefix else os.getpid(),
        }
        self._channel = ours
        self._answered = True
        numbers = [str(theirs.fileno()), json.dumps(spec)]
        python = self.environment.python
        program = [*launch.prefix, python, "-m", "harness.worker", *numbers]
        with theirs, self.log.open("ab") as output:
            self._process = subprocess.Popen(
                # On Linux it ends when we are killed, even in a long op: by its own wish,
                # or by that of the program which looks on.
                offspring.command(program, signal.SIGKILL) if launch.prefix else program,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env=variables(programs, self.environment) | dict(launch.environment),
                # `-m` looks there first: a checkout of a driver must not be found.
                cwd=self.environment.rooms,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self.hello: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def greet(self) -> dict[str, Any]:
        """Wait until the driver is loaded; its kind, capabilities and terms.

        Raises:
            DriverError: the driver cannot be used; the message says why.
            WorkerGone: it crashed or hung while it was imported.
        """
        hello = self._receive(self.launch.start_seconds, "importing its library")
        if "error" in hello:
            self.stop()
            kind = LibraryMissingError if hello.get("absent") else DriverError
            raise kind(hello["error"], hint=hello["hint"])
        self.hello = hello | {
            "packages": dict(self.environment.packages),
            "source": self.environment.source,
        }
        return self.hello

    def ask(self, command: str, seconds: float, **arguments: Any) -> dict[str, Any]:
        """One request, one answer.

        Raises:
            WorkerGone: the worker ended or did not answer in time; it is dead now.
        """
        self.tell(command, **arguments)
        return self.hear(command, seconds)

    def tell(self, command: str, **arguments: Any) -> None:
        """One request, whose answer `hear` waits for: others may be told meanwhile.

        Raises:
            WorkerGone: the worker ended.
        """
        self._answered = False
        try:
            wire.send(self._channel, {"do": command, **arguments})
        except (wire.ChannelClosed, OSError):
            raise self._gone(command) from None

    def hear(self, command: str, seconds: float) -> dict[str, Any]:
        """The answer to what was told.

        Raises:
            WorkerGone: the worker ended or did not answer in time; it is dead now.
        """
        return self._receive(seconds, command)

    def _receive(self, seconds: float, what: str) -> dict[str, Any]:
        try:
            self._channel.settimeout(seconds)
            # Another thread may ask whether it is busy: at no moment may it seem so after
            # it has answered.
            self._channel.recv(1, socket.MSG_PEEK)
            self._answered = True
            answer = wire.receive(self._channel)
        except TimeoutError:
            self.kill()
            raise WorkerGone(
                f"no answer within {seconds:.0f} s while {_doing(what)}",
                verdict="hung",
                command=what,
                seconds=round(seconds),
            ) from None
        except (wire.ChannelClosed, OSError):  # the other end, or ours: a seat was killed
            raise self._gone(what) from None
        self._drain_log()
        return answer

    def _gone(self, what: str) -> WorkerGone:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        self.kill()
        how = "its process ended"
        if code is not None and code < 0:
            how = f"its process was killed by {signal.Signals(-code).name}"
        elif code is not None:
            how = f"its process ended with exit code {code}"
        said = self._last_words()
        told = f"{how} while {_doing(what)}{said}"
        return WorkerGone(told, verdict="crashed", command=what, exit_code=code)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
            if lines:
                return f"; it said last: {lines[-1][:160]}"
        return ""

    def _drain_log(self) -> None:
        """A driver that floods its output must not fill the disk."""
        with contextlib.suppress(OSError):
            size = self.log.stat().st_size
            if size > MAX_LOG_BYTES:
                self.chatty_bytes += size
                os.truncate(self.log, 0)

    @property
    def printed_bytes(self) -> int:
        """How much the driver wrote to stdout and stderr."""
        with contextlib.suppress(OSError):
            return self.chatty_bytes + self.log.stat().st_size
        return self.chatty_bytes

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def busy(self) -> bool:
        """Whether it has not answered yet; for use by other threads, at any time."""
        poll = select.poll()
        with contextlib.suppress(OSError, ValueError):  # it was closed meanwhile
            poll.register(self._channel, select.POLLIN)
            return not (self._answered or poll.poll(0) or self._answered)
        return False

    def stop(self) -> None:
        """Close the channel, which ends the worker; kill it if it does not listen."""
        self._channel.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process and everything that it started, now."""
        self._channel.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def judgement(answer: dict[str, Any]) -> Judgement:
    """A worker's answer as a judgement; our own failure inside it is `invalid`."""
    if "failed" in answer:
        told, facts = answer["failed"], {"message": answer["failed"]}
        detail = f"the harness failed: {told}"
        return Judgement(Verdict.INVALID, Code.HARNESS_FAULT, detail, facts=facts)
    return Judgement.of(answer["judgement"])


def target_message(target: Target) -> dict[str, Any]:
    """A target as a message; the channel is private, so the password may travel."""
    return {name: getattr(target, name) for name in target.__slots__}


def _doing(what: str) -> str:
    doing = {
        "open": "opening the session",
        "rebind": "being bound",
        "verify": "being verified",
        "warm": "warming up",
        "collect": "collecting garbage",
        "gather": "opening further sessions",
        "measure": "being timed",
        "latencies": "being timed op by op",
        "first_uses": "being timed at its first uses",
        "arrive": "answering at a fixed rate",
        "clients": "serving many clients",
        "close": "closing the session",
        "begin_steps": "importing its acts",
        "ready": "opening the session of a step",
        "step": "playing a step",
        "end_steps": "ending its connections after the steps",
    }
    return doing.get(what, what)


def log_name(arm: Arm) -> str:
    """A file's name for what an arm prints; no two arms of a run have the same."""
    name = re.sub(r"[^\w.+=@%#() -]", "-", arm.id)
    if name != arm.id or len(name) > _LOG_CHARS:
        digest = hashlib.sha256(arm.id.encode("utf-8", "surrogateescape")).hexdigest()
        name = f"{name[:_LOG_CHARS]}-{digest[:8]}"
    return f"{name}-{arm.profile}.log"


def variables(programs: Path | None, environment: Environment) -> dict[str, str]:
    """The worker's variables: ours, without what would decide a connection.

    The server's own programs come first on its PATH: a reference may be one of them. In an
    environment of its own a worker sees nothing of what ours has installed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    root = str(Path(__file__).parent.parent.parent)
    ours = os.pathsep.join(filter(None, [root, kept.get("PYTHONPATH", "")]))
    if environment.rooms:
        kept.pop("PYTHONHOME", None)
        ours = str(environment.rooms)
    found = os.pathsep.join(filter(None, [str(programs or ""), kept.get("PATH", "")]))
    own = {"PYTHONDONTWRITEBYTECODE": "", "RUST_BACKTRACE": "0"}  # a panic is one line
    return kept | {"PATH": found, "PYTHONPATH": ours} | own
