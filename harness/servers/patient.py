"""A psycopg connection that does not wait for ever, nor after a Ctrl-C.

A server whose processes are stopped, or whose disk or network stalls, keeps its
connections open and says nothing. No setting of the server helps then, nor does TCP, whose
packets are still acknowledged.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.pq import TransactionStatus

ANSWER_S = 40.0
"""How long an answer may take, unless somebody says otherwise."""
CANCEL_S = 2.0
"""How long a server may take to cancel what nobody waits for any more."""

_LOOK_S = 0.1
_T = TypeVar("_T")


class SilentError(psycopg.OperationalError):
    """No answer came in time; the connection is closed."""


class PatientConnection(psycopg.Connection[Any]):
    """Every answer has a deadline. `abandon` ends it for good, also while it waits."""

    answer_s = ANSWER_S
    abandoned = False
    silence = ""
    """Why nobody waits any more; whoever asks later is told that, too."""

    def wait(self, gen: Any, *_: Any, **__: Any) -> Any:
        """Wait for an answer, as psycopg does, but not longer than `answer_s`."""
        try:
            return self._waited(gen, self.answer_s)
        except SilentError as error:
            self.silence = str(error)
            self.pgconn.finish()
            raise
        except KeyboardInterrupt:
            self._give_up(gen)
            raise

    def abandon(self) -> None:
        """Let nobody wait here any longer; for use by other threads."""
        self.abandoned = True

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Another deadline for the answers of a block."""
        before, self.answer_s = self.answer_s, seconds
        try:
            yield
        finally:
            self.answer_s = before

    def _waited(self, gen: Any, seconds: float, *, cancelled: bool = False) -> Any:
        watched = self._watched(gen, seconds, cancelled)
        return waiting.wait(watched, self.pgconn.socket, interval=_LOOK_S)

    def _watched(
        self, gen: Generator[_T, Any, Any], seconds: float, cancelled: bool
    ) -> Any:
        """`gen`, with a look at the clock whenever nothing came for a moment."""
        deadline = time.monotonic() + seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if self.abandoned and not cancelled:
                    self._give_up(gen)
                    raise SilentError("nobody waits for the answer any more")
                if not ready and time.monotonic() > deadline:
                    raise SilentError(f"no answer within {seconds:.0f} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _give_up(self, gen: Any) -> None:
        """Cancel what still runs, so that it holds no lock; close if that fails.

        A libpq before 17 cancels without a deadline, hence the thread.
        """
        if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        cancelling = threading.Thread(target=self._try_to_cancel, daemon=True)
        cancelling.start()
        cancelling.join(CANCEL_S)
        with contextlib.suppress(psycopg.Error, StopIteration):
            self._waited(gen, CANCEL_S, cancelled=True)
        if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
            self.pgconn.finish()

    def _try_to_cancel(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_S)
