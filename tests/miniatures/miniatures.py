"""Drivers with one known defect each: what the harness must not let pass.

All of them are psycopg2 with something spoilt, so that everything else about them is
right and only the defect can be what is found. Those that anybody can run, by `pgdyno
doctor --validate`, are in `harness/validity/broken.py`.
"""

import ctypes
import itertools
import os
import random
import re
import threading
import time
from dataclasses import replace

from harness.core.capabilities import Capability
from harness.drivers.psycopg2 import Psycopg2, Psycopg2Session
from harness.validity.broken import changed, spoilt

WrongValue = spoilt(
    "wrong-value", changed(lambda rows: [(rows[0][0] + 1, *rows[0][1:]), *rows[1:]])
)
WrongType = spoilt(
    "wrong-type", changed(lambda rows: [(str(row[0]), *row[1:]) for row in rows])
)


class RepeatingSession(Psycopg2Session):
    """Asks the server once and repeats that answer, whatever the parameters."""

    def fetch_all(self, call):
        healthy = super().fetch_all(call)
        answer = []

        def op():
            if not answer:
                answer.append(healthy())
            return answer[0]

        return op


Repeats = spoilt("repeats", RepeatingSession)


class HangingSession(Psycopg2Session):
    def fetch_all(self, call):
        return lambda: time.sleep(3600)


Hangs = spoilt("hangs", HangingSession)


class CannotBindSession(Psycopg2Session):
    """Fails before the op: its parameters cannot be built."""

    def fetch_all(self, call):
        raise ValueError("no such parameter object")


CannotBind = spoilt("cannot-bind", CannotBindSession)


class SegfaultingSession(Psycopg2Session):
    def fetch_all(self, call):
        return lambda: ctypes.string_at(0)


Segfaults = spoilt("segfaults", SegfaultingSession)


class ChattySession(Psycopg2Session):
    def fetch_all(self, call):
        healthy = super().fetch_all(call)

        def op():
            print("x" * 100_000)
            return healthy()

        return op


Chatty = spoilt("chatty", ChattySession)


class FalseCapability(Psycopg2):
    """Claims COPY from rows, which psycopg2 does not have."""

    name = "false-capability"
    capabilities = Psycopg2.capabilities | {Capability.COPY_ROWS, Capability.COPY_TEXT}


class PanicException(BaseException):
    """What a panic of a native library looks like from Python."""


class PanickingSession(Psycopg2Session):
    def fetch_all(self, call):
        def op():
            raise PanicException("called `Option::unwrap()` on a `None` value")

        return op


Panics = spoilt("panics", PanickingSession)


class OutOfStepSession(Psycopg2Session):
    """Answers each single value with the one before: a protocol out of step."""

    def fetch_val(self, call):
        healthy = super().fetch_val(replace(call, sql="select 'the answer before'::text"))
        return lambda: healthy()


OutOfStep = spoilt("out-of-step", OutOfStepSession)


class LeavingSession(Psycopg2Session):
    """Leaves a transaction open after rows: only the next error shows it."""

    def fetch_all(self, call):
        healthy = super().fetch_all(call)

        def op():
            with self.connection.cursor() as cursor:
                cursor.execute("begin")
            return healthy()

        return op


LeavesTransaction = spoilt("leaves-transaction", LeavingSession)


class NoVersion(Psycopg2):
    name = "no-version"

    def terms(self):
        return replace(super().terms(), version="")


class NotADriver:
    """Has a name and nothing else."""

    name = "not-a-driver"


class UnknownCapability(Psycopg2):
    name = "unknown-capability"
    capabilities = frozenset({"teleportation"})


class DyingSession(Psycopg2Session):
    """Right while it is verified; dead after a while."""

    def fetch_all(self, call):
        healthy = super().fetch_all(call)
        count = itertools.count()

        def op():
            if next(count) > 50:
                ctypes.string_at(0)
            return healthy()

        return op


DiesWhenTimed = spoilt("dies-when-timed", DyingSession)


class MixingSession(Psycopg2Session):
    """Now and then gives a client the row of another one, and only while both wait."""

    lock = threading.Lock()
    out = 0
    last = None

    def fetch_one(self, call):
        healthy, kind = super().fetch_one(call), MixingSession

        def op():
            with kind.lock:
                kind.out += 1
            row = healthy()
            with kind.lock:
                kind.out -= 1
                other, kind.last = kind.last, row
                mixed_up = kind.out and other and random.random() < 0.2
            return other if mixed_up else row

        return op


MixesUp = spoilt("mixes-up", MixingSession)


class DyingOfLoadSession(Psycopg2Session):
    """Ends its process at the hundredth row, which nobody reaches who is alone."""

    rows_read = itertools.count()

    def fetch_one(self, call):
        healthy = super().fetch_one(call)

        def op():
            if next(DyingOfLoadSession.rows_read) > 100:
                os._exit(7)
            return healthy()

        return op


DiesOfLoad = spoilt("dies-of-load", DyingOfLoadSession)


class PickySession(Psycopg2Session):
    """Dies of a number with five digits, and never gets over `true`."""

    def fetch_val(self, call):
        if re.search(r"'-?[0-9]{5}", call.sql):
            return lambda: ctypes.string_at(0)
        if "'true'" in call.sql:
            return lambda: time.sleep(3600)
        return super().fetch_val(call)


Picky = spoilt("picky", PickySession)


def mapped_blocks():
    """How many blocks glibc's allocator has asked the system for, each by itself."""

    class Mallinfo(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]

    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Mallinfo
    return libc.mallinfo2().d  # hblks


class Allocates(Psycopg2):
    """Tells how many blocks of 256 KiB its process gives back to the system at once."""

    name = "allocates"

    def terms(self):
        before = mapped_blocks()
        block = bytearray(256 << 10)
        mapped = mapped_blocks() - before
        del block
        return replace(super().terms(), pool=f"{mapped} mapped")


class BrokenActs(Psycopg2):
    """Its acts are in `miniature_acts`."""

    name = "broken-acts"
    acts = "miniature_acts"


class MisshapenActs(Psycopg2):
    """Acts that the vocabulary does not have."""

    name = "misshapen-acts"
    acts = "miniature_misshapen"


class NoActs(Psycopg2):
    name = "no-acts"
    acts = ""
