"""The plug-in of psycopg with older releases, which an arm may name."""

from __future__ import annotations

import ast
from pathlib import Path

import psycopg
import pytest

from harness.drivers import psycopg as plugin

SINCE_3_2 = {"RawCursor", "AsyncRawCursor", "RawServerCursor", "capabilities"}


@pytest.mark.parametrize("number", [90624, 100023, 160003, 180000, 180001])
def test_libpqs_version_is_said_as_newer_releases_say_it(number):
    assert plugin._version_text(number) == psycopg.pq.version_pretty(number)


def test_nothing_is_imported_by_name_that_psycopg_3_1_lacks():
    files = [*Path(plugin.__file__).parent.rglob("*.py")]
    imported = {
        alias.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "psycopg"
        for alias in node.names
    }
    assert "Connection" in imported
    assert not imported & SINCE_3_2
