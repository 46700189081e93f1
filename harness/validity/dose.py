"""What is put into an op so that a measurement can be held to it: bytes that are never
freed, and processor time of a native thread. Standard library only."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

TRUTH = "VALIDITY_TRUTH"
"""Environment variable: the file to which a burning op writes what its thread used. Not
PG…, because a worker does not get what could decide a connection."""
BURN_NS = 100_000_000
_PAYLOAD = 63
"""With the head of a `bytes` object 96 bytes, which the allocator does not round up."""
_SLOT = 8
_ROUNDS = 2_000

Op = Callable[[], Any]
"""A bound op of a synchronous driver."""


def leak_bytes() -> int:
    """What a leaking op keeps each time: an object and its slot."""
    return sys.getsizeof(bytes(_PAYLOAD)) + _SLOT


def leaking(op: Op) -> Op:
    """The op, which also keeps one object more each time.

    In a deque, whose blocks stay where they are: a list that grows is copied, and what
    it leaves behind would be counted, too.
    """
    kept: deque[bytes] = deque()

    def leaky() -> Any:
        kept.append(bytes(_PAYLOAD))
        return op()

    return leaky


def burning(op: Op, truth: Path) -> Op:
    """The op, beside which a thread computes for `BURN_NS` without holding the GIL.

    What it used, by its own clock, is a line of the file `truth`: ns.
    """
    used: list[int] = []

    def burn() -> None:
        while time.clock_gettime_ns(time.CLOCK_THREAD_CPUTIME_ID) < BURN_NS:
            hashlib.pbkdf2_hmac("sha256", b"pgdyno", b"validity", _ROUNDS)
        used.append(time.clock_gettime_ns(time.CLOCK_THREAD_CPUTIME_ID))

    def beside() -> Any:
        thread = threading.Thread(target=burn)
        thread.start()
        answer = op()
        thread.join()
        with truth.open("a") as file:
            file.write(f"{used.pop()}\n")
        return answer

    return beside
