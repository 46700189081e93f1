"""A process of one side of a comparison, as pytest's process sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.core import wire
from harness.environments.environment import Environment

ANSWER_S = 120.0
Side = str
_ENDS_S = 2.0


@dataclass(frozen=True, slots=True)
class SourceText:
    """A function as text, and whether it wants to be told where the server is."""

    text: str
    name: str
    wants_target: bool


class ArmFailed(Exception):  # noqa: N818 - what the user's code did
    """A side could not run the function; the text is what it said."""

    def __init__(self, side: Side, said: str) -> None:
        super().__init__(said)
        self.side = side

    @property
    def gist(self) -> str:
        """Its last line, which names what was raised."""
        return str(self).strip().rpartition("\n")[2]


class Racer:
    """One process, from its start to its end."""

    def __init__(
        self,
        side: Side,
        environment: Environment,
        text: SourceText,
        target: dict[str, Any],
        folder: Path,
    ) -> None:
        self.side = side
        self._environment = environment
        self._first = {"source": text.text, "name": text.name, "target": target}
        self._log = folder / f"{side}.log"
        self._collect = False

    def __enter__(self) -> Racer:
        self._channel, theirs = socket.socketpair()
        numbers = [str(theirs.fileno()), str(os.getpid())]
        module = ["-m", "harness.pytest_plugin.arm_process"]
        with theirs, self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [self._environment.python, *module, *numbers],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env=_variables(self._environment),
                cwd=self._environment.rooms,
                start_new_session=True,  # a Ctrl-C is pytest's to handle
            )
        try:
            self._ask(self._first)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def collect(self) -> None:
        """Collect garbage before the next slice."""
        self._collect = True

    def slice_ns(self, lead: int, ops: int) -> int:
        """Wall time of so many calls, after so many untimed ones."""
        request = {"lead": lead, "ops": ops}
        if self._collect:
            request["collect"] = True
            self._collect = False
        return int(self._ask(request)["wall_ns"])

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """One request, one answer; raises `ArmFailed` where there is none."""
        self._channel.settimeout(ANSWER_S)
        try:
            wire.send(self._channel, message)
            answer = wire.receive(self._channel)
        except TimeoutError:
            raise ArmFailed(self.side, f"no answer within {ANSWER_S:.0f} s") from None
        except wire.ChannelClosed:
            said = self._log.read_text("utf-8", "replace").strip()[-400:]
            raise ArmFailed(self.side, f"its process ended; {said}") from None
        if "failed" in answer:
            raise ArmFailed(self.side, str(answer["failed"]).strip())
        return answer

    def _end(self) -> None:
        """Close the channel, which ends the process; kill it if it does not listen."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _variables(environment: Environment) -> dict[str, str]:
    """The user's variables, without what would bring packages of another environment."""
    dropped = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PYTHONPATH": str(environment.rooms), "PYTHONDONTWRITEBYTECODE": ""}
