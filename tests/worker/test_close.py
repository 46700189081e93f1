"""Closing a cell ends every session, whatever one of them says."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from harness.core.arms import Arm
from harness.worker.trial import Worker


class Stubborn:
    """A session that complains when it is closed."""

    def __init__(self, complaint: str = "") -> None:
        self.complaint = complaint
        self.closed = False

    def close(self) -> None:
        self.closed = True
        if self.complaint:
            raise RuntimeError(self.complaint)


def test_a_complaint_keeps_no_other_session_open_and_no_memory_untold() -> None:
    worker: Any = Worker(Arm("psycopg2"))
    sessions = [Stubborn("first"), Stubborn("second"), Stubborn()]
    worker.session, worker.further = sessions[0], sessions[1:]
    told = worker.close()
    assert all(session.closed for session in sessions)
    assert told["warning"] == "RuntimeError: first; RuntimeError: second"
    assert told["rss_peak_bytes"] > 1 << 20
    assert worker.close().keys() == {"rss_peak_bytes"}


def test_a_peak_is_not_that_of_the_parent() -> None:
    block = b"x" * (400 << 20)
    program = (
        "from harness.core.arms import Arm; from harness.worker.trial import Worker;"
        "print(Worker(Arm('psycopg2')).close()['rss_peak_bytes'])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 10 << 20 < int(told.stdout) < len(block) // 2
