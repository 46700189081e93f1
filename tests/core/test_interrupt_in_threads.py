"""An interrupt is for the main thread: others must not take it away from it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from harness.core import interrupt


@pytest.fixture
def installed() -> Iterator[None]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    before = {name: signal.getsignal(getattr(signal, name)) for name in names}
    interrupt.install()
    yield
    interrupt.install()  # forgets what was asked for
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


def test_a_lost_interrupt_is_raised_in_the_main_thread_only(installed: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)  # a destructor, say, would have swallowed it
    raised: list[BaseException] = []

    def look() -> None:
        try:
            interrupt.check()
        except KeyboardInterrupt as error:
            raised.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert not raised
    with pytest.raises(KeyboardInterrupt):
        interrupt.check()
