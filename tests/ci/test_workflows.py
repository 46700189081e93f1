"""The action and all workflows, those of the docs too: linted, and described."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import build_parser

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / "action.yml"
DOCS = ROOT / "docs" / "ci.md"
FENCES = re.findall(r"^```yaml\n(.*?)^```$", DOCS.read_text("utf-8"), re.M | re.S)
WORKFLOWS = [text for text in FENCES if "\njobs:" in text]
EXAMPLES = sorted((ROOT / "examples" / "ci").glob("*.yml"))
GITLAB = [text for text in FENCES if text not in WORKFLOWS]


def action() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    return told


def lint(*words: str | Path) -> None:
    """Run a linter that is installed beside pytest; what it says is what a test says."""
    name, *arguments = map(str, words)
    done = subprocess.run(
        [str(Path(sysconfig.get_path("scripts")) / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def written(tmp_path: Path) -> list[Path]:
    """The workflows of the docs, as files."""
    files = [tmp_path / f"{number}.yml" for number in range(len(WORKFLOWS))]
    for file, text in zip(files, WORKFLOWS, strict=True):
        file.write_text(text)
    return files


def test_the_docs_have_two_workflows_and_a_pipeline():
    assert [yaml.safe_load(text)["name"] for text in WORKFLOWS] == ["gate", "history"]
    assert len(GITLAB) == 1


def test_nothing_is_insecure(written):
    """zizmor: what gets into a shell, who may write, which credentials stay."""
    config = ("--config", ".github/zizmor.yml")
    own = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    lint("zizmor", "--offline", "--quiet", *config, ACTION, *own, *written, *EXAMPLES)


def test_forges_can_read_them(written, tmp_path):
    schema = ("check-jsonschema", "--builtin-schema")
    own = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    lint(*schema, "vendor.github-workflows", *own, *written, *EXAMPLES)
    lint(*schema, "vendor.github-actions", ACTION)
    (tmp_path / "gitlab.yml").write_text(GITLAB[0])
    lint(*schema, "vendor.gitlab-ci", tmp_path / "gitlab.yml")


def test_the_examples_publish_bundles_and_combine_them():
    names = [yaml.safe_load(file.read_text("utf-8"))["name"] for file in EXAMPLES]
    assert names == ["site", "evidence"]


def test_a_linter_finds_an_expression_in_a_shell(tmp_path):
    """The one that matters most: whoever opens a pull request chooses its title."""
    wrong = WORKFLOWS[0] + "      - run: echo ${{ github.event.pull_request.title }}\n"
    (tmp_path / "wrong.yml").write_text(wrong)
    config = ("--config", ".github/zizmor.yml")
    with pytest.raises(AssertionError, match="template-injection"):
        lint("zizmor", "--offline", "--quiet", *config, tmp_path / "wrong.yml")


def test_every_input_and_output_is_described():
    page = DOCS.read_text("utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ", page, re.M)
    assert rows == [*action()["inputs"], *action()["outputs"]]


def test_the_workflows_give_inputs_that_there_are():
    used = [
        step["with"]
        for text in [*WORKFLOWS, *(p.read_text() for p in ROOT.glob(".github/workflows/*"))]
        for job in yaml.safe_load(text)["jobs"].values()
        for step in job["steps"]
        if re.match(r"OWNER/pgdyno@|\./$", step.get("uses", ""))
    ]
    assert len(used) == 2
    inputs = action()["inputs"]
    required = {name for name, about in inputs.items() if about.get("required")}
    for given in used:
        assert required <= set(given) <= set(inputs)


def commands() -> list[str]:
    """Every command of pgdyno on a line of its own, in the docs' files and recipes."""
    pages = [*(ROOT / "docs" / page for page in ("ci.md", "recipes.md")), *EXAMPLES]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    return re.findall(r"^(?:\s*- |\s*|\$ |\s*- run: )(pgdyno .+)$", text, re.M)


def test_there_are_commands():
    assert len(commands()) > 6


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_docs_is_understood(command):
    line = re.split(r" \|\| | > | #", command.replace("${fresh:-} ", ""))[0]
    words = shlex.split(line)
    assert build_parser().parse_args(words[1:]).verb == words[1]
