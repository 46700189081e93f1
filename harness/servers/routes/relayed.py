"""A relay as a child of ours: started, told, and ended."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import harness
from harness.core import offspring
from harness.core.errors import ServerError
from harness.servers import child

_ANSWER_S = 30.0
_PATIENCE_S = {signal.SIGTERM: 2.0}
_ROOT = Path(harness.__file__).parents[1]


class Relayed:
    """A relay that runs; `port` is where it listens, on 127.0.0.1."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.port = 0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.process.poll() is not None

    def hold(self, hold_ns: int) -> None:
        """Let it hold what comes from now on for so long, in each direction."""
        self.tell({"hold_ns": hold_ns})

    def tell(self, orders: Mapping[str, Any]) -> dict[str, Any]:
        """Send a line, and wait for its answer.

        Raises:
            ServerError: there is none.
        """
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(orders).encode() + b"\n")
        ready, _, _ = select.select([self.process.stdout], [], [], _ANSWER_S)
        if not (line := self.process.stdout.readline() if ready else b""):
            raise ServerError(f"a process before the server failed: {self._complaint()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _complaint(self) -> str:
        child.end(self.process, _PATIENCE_S)
        assert self.process.stderr
        said = self.process.stderr.read().decode(errors="replace")
        return child.tail(said, lines=1)


@contextlib.contextmanager
def relayed(orders: Mapping[str, Any]) -> Iterator[Relayed]:
    """A relay with these orders, for a `with` block.

    Linux ends it together with the thread that calls this; elsewhere the end of its
    input tells it.

    Raises:
        ServerError: it does not start, or does not reach the server.
    """
    program = [sys.executable, "-S", "-s", "-m", "harness.servers.relay"]
    with subprocess.Popen(
        offspring.command(program, signal.SIGKILL),
        bufsize=0,
        env={**child.environment(), "PYTHONPATH": str(_ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for us, we end it ourselves
    ) as process:
        try:
            relay = Relayed(process)
            relay.port = relay.tell(orders)["port"]
            yield relay
        finally:
            child.end(process, _PATIENCE_S)
