"""The jobs of the noxfile: listed with a sentence, and calling verbs that there are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nox
import pytest
from nox.tasks import discover_manifest, load_nox_module

from harness.cli.main import build_parser
from studies.recipes import parser as recipes_parser
from studies.validity.__main__ import parser as validity_parser

ROOT = Path(__file__).parent.parent.parent
WANTED = ("bench", "check", "compare", "report", "trend", "validity", "tests", "benchmarks")
PARSERS = {"studies.validity": validity_parser, "studies.recipes": recipes_parser}


class Recorder:
    """A session that remembers its commands instead of running them."""

    def __init__(self, *posargs: str) -> None:
        self.posargs = list(posargs)
        self.env: dict[str, str] = {}
        self.installed: list[str] = []
        self.commands: list[list[str]] = []

    def install(self, *words: str) -> None:
        self.installed += words

    def run(self, *words: str, **options: Any) -> None:
        self.commands.append(list(words))

    def error(self, text: str) -> None:
        raise SystemExit(text)


@pytest.fixture(scope="module")
def sessions() -> dict[str, Any]:
    """The functions of the noxfile by their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(nox.registry, "_REGISTRY", type(nox.registry._REGISTRY)())
        config = nox._options.options.parse_args([]) if False else None
        assert config is None
        spec = __import__("importlib.util").util.spec_from_file_location("n", ROOT / "noxfile.py")
        module = __import__("importlib.util").util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return {name: getattr(module, name) for name in WANTED}
