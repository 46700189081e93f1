"""What an installed package says of itself: for which Pythons, as what wheel.

When it was released its metadata do not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from harness.environments.environment import Environment

_PYTHON = "Programming Language :: Python :: "
_SITES = ("lib/python*/site-packages", "Lib/site-packages")


def signs(library: str, environment: Environment) -> Mapping[str, str]:
    """`requires Python`, `says it supports`, `wheel` of a library; nothing of one that is
    not found. `library` is the name of its distribution, or of that without `-binary`."""
    found = _distribution(library, environment)
    if found is None:
        return {}
    told = {
        "requires Python": found.metadata["Requires-Python"] or "",
        "names Python": _span(found.metadata.get_all("Classifier") or ()),
        "wheel": _tag(found.read_text("WHEEL") or ""),
    }
    return {name: text for name, text in told.items() if text}


def _distribution(library: str, environment: Environment) -> metadata.Distribution | None:
    sites = None if environment.rooms is None else _sites(Path(environment.python))
    for name in (library, f"{library}-binary"):
        given = {"name": name} if sites is None else {"name": name, "path": sites}
        found = next(iter(metadata.distributions(**given)), None)
        if found is not None:
            return found
    return None


def _sites(python: Path) -> list[str]:
    root = python.parent.parent
    return [str(folder) for pattern in _SITES for folder in sorted(root.glob(pattern))]


def _span(classifiers: Iterable[str]) -> str:
    """`3.10 to 3.14`, as the package lists them."""
    ends = (line.removeprefix(_PYTHON) for line in classifiers if line.startswith(_PYTHON))
    minors = sorted(int(end[2:]) for end in ends if re.fullmatch(r"3\.\d+", end))
    if not minors:
        return ""
    first, last = f"3.{minors[0]}", f"3.{minors[-1]}"
    return first if first == last else f"{first} to {last}"


def _tag(wheel: str) -> str:
    """The first of its tags: others name the same platform in older ways."""
    tags = re.findall(r"^Tag: (\S+)$", wheel, re.MULTILINE)
    return str(tags[0]) if tags else ""
