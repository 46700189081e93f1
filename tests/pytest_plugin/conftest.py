"""Sessions of pytest inside of tests, as if no other session were around them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

CACHE = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
"""pytester gives each session a home of its own; nothing is fetched twice for that."""


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inner session is not a process of the xdist session that may be around it."""
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", CACHE)


@pytest.fixture
def session(pytester: pytest.Pytester, dsn: str) -> Callable[..., pytest.RunResult]:
    """Runs pytest in the folder of this test, on the server that all tests share."""

    def run(*arguments: str, server: str = dsn) -> pytest.RunResult:
        given = ("-p", "no:cacheprovider", f"--pgdyno-server={server}", *arguments)
        return pytester.runpytest_subprocess(*given)

    return run
