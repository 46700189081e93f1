"""How long processes waited for a core is read, of all threads, also of others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.core.waits import Waits

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="this kernel does not tell"
)
CORE = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
BURN = f"import os\nos.sched_setaffinity(0, [{CORE}])\nwhile True: pass"
SHORT_NS = 50_000_000


@contextlib.contextmanager
def burning() -> Iterator[subprocess.Popen[bytes]]:
    """A process that takes all it can get of one core."""
    process = subprocess.Popen([sys.executable, "-c", BURN])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def on_that_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [CORE])
    yield
    os.sched_setaffinity(0, before)


def burn_until(condition: Callable[[], bool]) -> None:
    """Take all of the core that there is, for as long as it takes, within reason."""
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        for _ in range(100_000):
            pass


@pytest.mark.usefixtures("on_that_core")
def test_who_shares_a_core_waits_and_so_does_the_other() -> None:
    waits = Waits()
    with burning() as other:
        waits.watch([other.pid])
        client, server = waits.client_ns(), waits.server_ns()
        assert client is not None
        assert server is not None

        def waited() -> list[int]:
            return [(waits.client_ns() or 0) - client, (waits.server_ns() or 0) - server]

        burn_until(lambda: min(waited()) > SHORT_NS)
        assert min(waited()) > SHORT_NS


@pytest.mark.usefixtures("on_that_core")
def test_the_waiting_of_every_thread_counts() -> None:
    waits = Waits()
    alone = waits.client_ns() or 0
    started, done = threading.Event(), threading.Event()

    def work() -> None:
        with burning():
            burn_until(lambda: (waits.client_ns() or 0) - alone > SHORT_NS)
        started.set()
        done.wait()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    together = waits.client_ns() or 0
    done.set()
    thread.join()
    assert together - alone > SHORT_NS


def test_a_process_that_is_gone_is_not_told_of() -> None:
    waits = Waits()
    with burning() as other:
        waits.watch([other.pid])
        assert waits.server_ns() is not None
    assert waits.server_ns() is None
    waits.watch([other.pid])
    assert waits.server_ns() is None


def test_who_is_forgotten_is_no_longer_read() -> None:
    waits = Waits()
    waits.watch([os.getpid()])
    assert waits.server_ns() is not None
    waits.forget()
    assert waits.server_ns() is None
