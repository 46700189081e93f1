"""`postgres` on one folder and one port: started, stopped, and started again.

It is our direct child, not `pg_ctl`'s: so its end is noticed at once, and on Linux the
kernel ends it when we are killed.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from harness.core.errors import ServerError
from harness.servers import child
from harness.servers.folder import Folder, kill_processes, wake_processes

_START_S = 60.0
_POLL_S = 0.01
_SIGQUIT = getattr(signal, "SIGQUIT", signal.SIGTERM)
_PATIENCE_S = {signal.SIGINT: 10.0, _SIGQUIT: 5.0}
_AT_THE_END_S = {_SIGQUIT: 5.0}


class PortTakenError(ServerError):
    """Somebody took the port between our choice and the server's bind."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postmaster:
    """Runs for a `with` block, with pauses if somebody wants them."""

    def __init__(self, folder: Folder, binaries: Path, port: int) -> None:
        self.folder = folder
        self.binaries = binaries
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postmaster:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Its data goes with it: nobody needs what an orderly shutdown writes to disk.
        self._end(_AT_THE_END_S)

    @property
    def pid(self) -> int:
        """Its process id; 0 while it is stopped."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it, if it does not run, and wait until it takes connections.

        Raises:
            ServerError: it does not start; the message ends with its log.
        """
        if self._process is not None and self._process.poll() is None:
            return
        program = str(self.binaries / "postgres")
        command = [program, "-D", str(self.folder.data), "-p", str(self.port)]
        process = child.spawn(command, self.folder, self.folder.path)
        try:
            self._await_ready(process)
        except BaseException:
            wake_processes(self.folder.data)
            child.end(process, _PATIENCE_S)
            raise
        self._process = process

    def stop(self) -> None:
        """A fast shutdown, then an immediate one, then none of its choice."""
        self._end(_PATIENCE_S)

    def _end(self, patience_s: Mapping[signal.Signals, float]) -> None:
        process, self._process = self._process, None
        if process is not None:
            wake_processes(self.folder.data)  # a shutdown waits for every session
            child.end(process, patience_s)

    def restart(self) -> None:
        """A fast shutdown and a start."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """End all its processes without a word to anybody, as when a machine fails."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGSTOP)  # from here on it starts nobody
            kill_processes(self.folder.data)
            process.wait()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        while not self._is_ready(process):
            if process.poll() is not None:
                raise self._failure(f"PostgreSQL ended with status {process.returncode}")
            if time.monotonic() > deadline:
                raise self._failure(f"PostgreSQL is not ready after {_START_S:.0f} s")
            time.sleep(_POLL_S)

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether `postmaster.pid` says so: line 1 is the process, line 8 its state."""
        lines: list[str] = []
        with contextlib.suppress(OSError):
            lines = (self.folder.data / "postmaster.pid").read_text().splitlines()
        return lines[:1] == [str(process.pid)] and "".join(lines[7:8]).strip() == "ready"

    def _failure(self, what: str) -> ServerError:
        log = self.folder.log.read_text(errors="replace")
        kind = PortTakenError if "Address already in use" in log else ServerError
        return kind(f"{what}: {child.tail(log)}", hint=child.hint(log))
