"""psycopg's synchronous ops and acts are what tools/psycopg_sync.py makes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOL = ROOT / "tools" / "psycopg_sync.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("psycopg_sync", TOOL)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_written_is_what_would_be_written():
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff, which tidies what is written, is not installed")
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_a_change_by_hand_is_found(tool, tmp_path, monkeypatch, capsys):
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff, which tidies what is written, is not installed")
    source, path = tmp_path / "a.py", tmp_path / "b.py"
    source.write_text("async def a() -> None:\n    await b()\n")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "sources", lambda: [(source, path)])
    assert tool.main(["--check"]) == 1
    assert not path.exists()
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    path.write_text(path.read_text() + "# by hand\n")
    assert tool.main(["--check"]) == 1
    assert "b.py: not what its source makes" in capsys.readouterr().out


def test_generated_files_say_so_in_their_first_line(tool):
    paths = [path for _, path in tool.sources()]
    assert len(paths) > 5
    for path in paths:
        first = path.read_text("utf-8").partition("\n")[0]
        assert first.startswith("# Made from "), path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("async with a() as b, c() as d:", "with a() as b, c() as d:"),
        ("return (await (await a(b)).c())[0]", "return a(b).c()[0]"),
        ("x(await a(), (await b() if c else d))", "x(a(), (b() if c else d))"),
        ("[one async for one in many]", "[one for one in many]"),
        ("AsyncRawCursor(PsycopgAsyncSession)", "RawCursor(PsycopgSession)"),
        ("    await connection.set_read_only(on)", "    connection.read_only = on"),
        ("async def op() -> AsyncOp:", "def op() -> SyncOp:"),
        ("# async only\nasync def a():\n    b\n\n    c\n\n\ndef d(): ...", "def d(): ..."),
    ],
)
def test_the_synchronous_form(tool, text, wanted):
    assert tool.synchronous(text) == wanted
