"""Formats and server kinds of one's own: a module and an entry point."""

from __future__ import annotations

import re
from pathlib import Path

import fake_runs
import pytest

from harness import servers
from harness.cli import main
from harness.cli.report import known
from harness.core.errors import UsageError
from harness.render import formats
from harness.results import store
from pgdyno.formats import Format
from pgdyno.servers import ServerKind

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make a module and its entry points findable."""

    def install(module: str, source: str, entry_points: str) -> None:
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n"
        )
        (info / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


def documented(mark: str) -> tuple[str, str]:
    """The entry points and the Python code of a section of docs/api.md."""
    section = DOCS.read_text("utf-8").partition(f"## {mark}")[2].partition("\n## ")[0]
    toml, python = re.findall(r"```(?:toml|python)\n(.*?)```", section, re.S)
    group, point = re.match(r"\[project.entry-points.\"(.+)\"\]\n(.*)", toml).groups()
    return f"[{group}]\n{point}\n", python


def test_the_format_of_the_docs(installed, tmp_path, capsys):
    points, source = documented("A report format")
    installed("my_package", source, points.replace('"', ""))
    assert "lines" in known()
    assert isinstance(formats.load("lines"), Format)
    run = fake_runs.bench(rows=fake_runs.CELLS[:1], rounds=6)
    file = tmp_path / "run.jsonl"
    with store.Writer(file) as writer:
        for record in (run.header, *run.trials, run.footer):
            writer.write(record)
    out = tmp_path / "out"
    wanted = ["report", str(file), "--format", "lines,text", "--out", str(out)]
    assert main.main(wanted) == 0
    lines = (out / "lines.txt").read_text()
    assert re.search(r"^point/by-key#one-row psycopg2 wall_ns \d+\.\d+$", lines, re.M)
    assert capsys.readouterr().out.split() == [
        str(out / "lines.txt"), str(out / "report.txt"),
    ]  # fmt: skip


def test_the_server_kind_of_the_docs(installed, place, capsys):
    points, source = documented("A server kind")
    points = points.replace("my_package.server", "my_server").replace('"', "")
    installed("my_server", source, points)
    assert isinstance(servers.load("mine"), ServerKind)
    assert main.main(["list", "servers", "--format", "json"]) == 0
    assert "a server of ours" in capsys.readouterr().out
    target = place.server.target
    spec = servers.parse(f"mine:{target.port}")
    with servers.open_server(spec) as server:
        assert (server.target.port, server.managed) == (target.port, False)
        assert server.label == f"mine:{target.port}"


@pytest.mark.parametrize(
    ("group", "load", "words"),
    [
        ("pgdyno.formats", formats.load, "has no files()"),
        ("pgdyno.servers", servers.load, "lacks open() or SUMMARY"),
    ],
)
def test_what_is_no_plugin_is_said(installed, group, load, words):
    points = f"[{group}]\nnothing = nothing:NOTHING\ngone = not_there:GONE\n"
    installed("nothing", "NOTHING = object()", points)
    with pytest.raises(UsageError, match=re.escape(words)):
        load("nothing")
    with pytest.raises(UsageError, match="cannot be loaded: No module named"):
        load("gone")
    with pytest.raises(UsageError, match="there is no"):
        load("other")


def test_the_built_in_ones_are_plugins_too():
    built_in = {"html", "png", "markdown", "text", "junit", "json", "csv", "parquet"}
    assert built_in <= set(known())
    assert all(isinstance(formats.load(name), Format) for name in known())
    assert {"wheel", "local", "dsn", "container"} <= set(servers.kinds())
    assert all(isinstance(servers.load(kind), ServerKind) for kind in servers.kinds())
