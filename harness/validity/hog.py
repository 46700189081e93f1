"""A neighbour that uses a known share of one core."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HOG_SHARE = 0.3
_HOG = """
import time
while True:
    begun = time.monotonic()
    while time.monotonic() - begun < {busy}:
        pass
    time.sleep({idle})
"""


@contextmanager
def beside_a_hog() -> Iterator[None]:
    """A process that uses a third of one core, in pieces of 10 ms."""
    code = _HOG.format(busy=0.01, idle=0.01 * (1 / HOG_SHARE - 1))
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()
