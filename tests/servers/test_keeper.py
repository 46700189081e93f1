"""The thread that keeps what a run has beside its server."""

from __future__ import annotations

import contextlib
import threading

from helpers import wait_until

from harness.servers.keeper import Keeper


def test_what_is_kept_ends_in_the_thread_that_began_it():
    keeper, threads = Keeper("kept"), []

    @contextlib.contextmanager
    def thing():
        threads.append(threading.current_thread())
        yield 7
        threads.append(threading.current_thread())

    assert keeper.do(lambda: keeper.enter(thing())) == 7
    keeper.close()
    begun, ended = threads
    assert begun is ended is not threading.current_thread()
    assert not begun.is_alive()


def test_what_was_still_beginning_ends_too():
    """A Ctrl-C reaches who waits for it, and not the thread that begins it."""
    keeper = Keeper("kept")
    begun, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    @contextlib.contextmanager
    def slow():
        begun.set()
        assert goes_on.wait(60)
        yield
        ended.set()

    asking = threading.Thread(target=keeper.do, args=(lambda: keeper.enter(slow()),))
    asking.start()
    assert begun.wait(60)
    closing = threading.Thread(target=keeper.close)
    closing.start()
    assert wait_until(lambda: keeper._thread._work_queue.qsize() > 0)
    goes_on.set()
    closing.join(60)
    asking.join(60)
    assert ended.is_set()


def test_who_keeps_nothing_has_no_thread():
    count = threading.active_count()
    Keeper("kept").close()
    assert threading.active_count() == count
