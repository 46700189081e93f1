"""The comment on a pull request, against a forge that keeps comments in a list."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "tools" / "comment_on_pull_request.py"
SPEC = importlib.util.spec_from_file_location("comment_on_pull_request", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)
TOKEN = "a-secret"
NOTHING = {"same": 3, "inconclusive": 1, "regressed": 0, "improved": 0, "not-comparable": 0}


class Forge:
    """The comments of pull request 7 in owner/name, and the requests that were made.

    `refuses` is the status with which it answers who writes.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.refuses = 0

    def holds(self, body: str, kind: str = "Bot") -> None:
        number = len(self.comments) + 1
        self.comments.append({"id": number, "body": body, "user": {"type": kind}})

    def answer(self, method: str, url: str, content: Any) -> tuple[int, Any]:
        self.asked.append(method)
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        place = path.removeprefix("/repos/owner/name/issues/")
        if method == "GET":
            assert place == "7/comments"
            page, size = int(query["page"][0]), int(query["per_page"][0])
            return 200, self.comments[(page - 1) * size : page * size]
        if self.refuses:
            return self.refuses, {"message": "no"}
        if method == "POST":
            assert place == "7/comments"
            self.holds(content["body"])
            return 201, self.comments[-1]
        assert method == "PATCH"
        number = int(place.removeprefix("comments/"))
        self.comments[number - 1]["body"] = content["body"]
        return 200, self.comments[number - 1]


@pytest.fixture
def forge() -> Iterator[Forge]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            length = int(self.headers.get("Content-Length") or 0)
            content = json.loads(self.rfile.read(length)) if length else None
            status, said = found.answer(self.command, self.path, content)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Forge(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def comment(
    forge: Forge, folder: Path, text: str, name: str = "pgdyno", run: int = 1, **counts: int
) -> str:
    """Run the script; what it said."""
    (folder / "c.json").write_text(
        json.dumps(
            {"counts": {**NOTHING, **{k.replace("_", "-"): v for k, v in counts.items()}}}
        )
    )
    (folder / "c.md").write_text(text)
    variables = {
        "GITHUB_API_URL": forge.url,
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_SERVER_URL": "https://forge",
        "GITHUB_RUN_ID": str(run),
        "GITHUB_TOKEN": TOKEN,
        "NAME": name,
        "PULL_REQUEST": "7",
    }
    said: str = tool.main([str(folder / "c.json"), str(folder / "c.md")], variables)
    assert TOKEN not in said
    return said


def test_nothing_is_written_where_nothing_changed(forge, tmp_path):
    assert comment(forge, tmp_path, "### PASS\n") == "no comment: nothing changed"
    assert forge.asked == ["GET"]


@pytest.mark.parametrize("kind", ["regressed", "improved", "not_comparable"])
def test_a_change_is_written(forge, tmp_path, kind):
    assert comment(forge, tmp_path, "### REGRESSION\n", **{kind: 1}) == "commented"
    (written,) = forge.comments
    assert written["body"] == (
        "<!-- pgdyno: pgdyno -->\n### REGRESSION\n\n"
        "[Run and report](https://forge/owner/name/actions/runs/1)"
    )


def test_the_comment_is_edited_in_place(forge, tmp_path):
    for number in range(250):
        forge.holds(f"a talk {number}", "User")
    comment(forge, tmp_path, "### REGRESSION by 5 %\n", regressed=1)
    said = comment(forge, tmp_path, "### REGRESSION by 6 %\n", run=2, regressed=1)
    assert said == "edited the comment"
    assert len(forge.comments) == 251
    assert "by 6 %" in forge.comments[-1]["body"]
    assert forge.comments[-1]["body"].endswith("/runs/2)")


def test_what_it_says_already_is_not_written_again(forge, tmp_path):
    comment(forge, tmp_path, "### REGRESSION\n", regressed=1)
    said = comment(forge, tmp_path, "### REGRESSION\n", run=2, regressed=1)
    assert said == "the comment says so already"
    assert "PATCH" not in forge.asked


def test_what_no_longer_holds_is_taken_back(forge, tmp_path):
    comment(forge, tmp_path, "### REGRESSION\n", regressed=1)
    assert comment(forge, tmp_path, "### PASS\n", run=2) == "edited the comment"
    assert "### PASS" in forge.comments[0]["body"]


def test_two_gates_have_a_comment_each(forge, tmp_path):
    comment(forge, tmp_path, "### one\n", name="one", regressed=1)
    comment(forge, tmp_path, "### two\n", name="two", regressed=1)
    comment(forge, tmp_path, "### one again\n", name="one", regressed=1)
    assert ["one again" in found["body"] for found in forge.comments] == [True, False]


def test_a_name_does_not_end_the_mark():
    assert tool.mark("a --> b") == "<!-- pgdyno: a-b -->"


def test_a_mark_that_somebody_copied_is_not_edited(forge, tmp_path):
    forge.holds("<!-- pgdyno: pgdyno -->\n### PASS, says me", "User")
    assert comment(forge, tmp_path, "### REGRESSION\n", regressed=1) == "commented"
    assert "says me" in forge.comments[0]["body"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_fork_is_quiet(forge, tmp_path, status):
    forge.refuses = status
    said = comment(forge, tmp_path, "### REGRESSION\n", regressed=1)
    assert said == f"no comment: the token may not write one here (HTTP {status})"


def test_a_forge_that_fails_is_a_warning(forge, tmp_path):
    forge.refuses = 500
    said = comment(forge, tmp_path, "### REGRESSION\n", regressed=1)
    assert said.startswith("::warning::no comment: HTTP 500")
    forge.url = "http://127.0.0.1:1"
    assert "refused" in comment(forge, tmp_path, "### REGRESSION\n", regressed=1)


def test_without_a_token_nobody_is_asked(tmp_path):
    (tmp_path / "c.json").write_text('{"counts": {"regressed": 1}}')
    paths = [str(tmp_path / "c.json")] * 2
    assert tool.main(paths, {}) == "no comment: the job has no token"
