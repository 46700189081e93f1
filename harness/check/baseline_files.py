"""Baselines as files: one per driver and major version of the server, made for review.

`results/baselines/pg18/asyncpg.json`: cells in order, one line each, so that a verdict
that changes is a line that changes. docs/expectations.md describes the file.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.check.expectations import Baseline, Expectation, Key
from harness.core.arms import PROFILES
from harness.core.errors import ResultsError, UsageError
from harness.core.verdicts import Verdict

FOLDER = Path("results/baselines")
SCHEMA = 1

_ORDER: dict[str, int] = {profile: rank for rank, profile in enumerate(PROFILES)}

Verdicts = Verdict | list[Verdict]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cell. `traits` holds what each profile showed where a cell asks for a fact,
    `versions` names the profiles that were seen with other versions."""

    default: Verdicts | None = None
    configured: Verdicts | None = None
    traits: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    versions: dict[str, str] = msgspec.field(default_factory=dict)


class BaselineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A baseline as it stands in its file."""

    schema: int
    driver: str
    server: int
    version: str
    cells: dict[str, Line]


def path_of(folder: Path, server: int, driver: str) -> Path:
    """Where the baseline of a driver is."""
    return folder / f"pg{server}" / f"{driver}.json"


def load(folder: Path, server: int, driver: str) -> Baseline | None:
    """The baseline of a driver, None where nothing was ever expected of it.

    Raises:
        ResultsError: the file cannot be read, or is not such a file.
    """
    path = path_of(folder, server, driver)
    try:
        read = msgspec.json.decode(path.read_bytes(), type=BaselineFile)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ResultsError(
            f"{path} is not a baseline: {error}",
            hint="pgdyno check --update writes it; docs/expectations.md describes it",
        ) from error
    if read.schema != SCHEMA or (read.driver, read.server) != (driver, server):
        raise ResultsError(
            f"{path} is of schema {read.schema}, driver {read.driver}, PostgreSQL "
            f"{read.server}; expected {SCHEMA}, {driver}, {server}",
            hint="its place must agree with what it says",
        )
    return Baseline(driver, server, dict(_expectations(read)))


def _expectations(read: BaselineFile) -> Iterator[tuple[Key, Expectation]]:
    for cell, line in read.cells.items():
        for profile in PROFILES:
            allowed = getattr(line, profile)
            if allowed is None:
                continue
            verdicts = (allowed,) if isinstance(allowed, Verdict) else tuple(allowed)
            version = line.versions.get(profile, read.version)
            seen = line.traits.get(profile, [])
            traits = (seen,) if isinstance(seen, str) else tuple(seen)
            yield (cell, profile), Expectation(verdicts, version, traits)


def dump(baseline: Baseline) -> str:
    """The text of a baseline: sorted, one line per cell."""
    head = {
        "schema": SCHEMA,
        "driver": baseline.driver,
        "server": baseline.server,
        "version": baseline.version,
    }
    lines = [
        f"  {_text(cell)}: {_text(line)}" for cell, line in sorted(_lines(baseline).items())
    ]
    body = [f" {_text(name)}: {_text(value)}," for name, value in head.items()]
    return "\n".join(["{", *body, ' "cells": {', ",\n".join(lines), " }", "}"]) + "\n"


def _lines(baseline: Baseline) -> dict[str, dict[str, object]]:
    lines: dict[str, dict[str, object]] = {}
    in_order = sorted(
        baseline.cells.items(),
        key=lambda item: _ORDER[item[0][1]],
    )
    for (cell, profile), expectation in in_order:
        line = lines.setdefault(cell, {})
        line[profile] = (
            expectation.verdicts[0]
            if len(expectation.verdicts) == 1
            else list(expectation.verdicts)
        )
    for (cell, profile), expectation in in_order:
        if expectation.traits:
            seen = (
                expectation.traits[0]
                if len(expectation.traits) == 1
                else list(expectation.traits)
            )
            _entries(lines[cell], "traits")[profile] = seen
    for (cell, profile), expectation in in_order:
        if expectation.version != baseline.version:
            _entries(lines[cell], "versions")[profile] = expectation.version
    return lines


def _entries(line: dict[str, object], name: str) -> dict[str, str | list[str]]:
    entries = line.setdefault(name, {})
    assert isinstance(entries, dict)
    return entries


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def save(folder: Path, baseline: Baseline) -> Path:
    """Write a baseline to its place, whole or not at all."""
    path = path_of(folder, baseline.server, baseline.driver)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(dump(baseline), "utf-8")
        partial.replace(path)
    except OSError as error:
        raise ResultsError(f"{path} cannot be written: {error.strerror}") from error
    return path


def check_clean(folder: Path, file: str = ".") -> None:
    """Refuse where an update would mix with changes that nobody has committed, of all
    files of the folder or of one.

    Outside of git there is nothing to mix with.

    Raises:
        UsageError: the folder has changes that are not committed.
    """
    dirty = _changed_files(folder, file)
    if dirty:
        raise UsageError(
            f"{folder} has changes that are not committed: {', '.join(dirty[:3])}"
            + (f" and {len(dirty) - 3} more" if len(dirty) > 3 else ""),
            hint="commit them or put them back, then update; or --force",
        )


def _changed_files(folder: Path, file: str) -> list[str]:
    if not folder.is_dir():
        return []
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", file]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if done.returncode:
        return []
    return [line[3:] for line in done.stdout.splitlines()]
