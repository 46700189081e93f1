"""Report formats: found by entry point, the built-in ones like any other.

A format is an object behind an entry point of the group `pgdyno.formats`; the entry
point's name is what `pgdyno report --format` takes. docs/api.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from harness.claims.page import ClaimsPage
from harness.core.errors import UsageError, needing
from harness.report.exchange import Exchanged, exchanged
from harness.report.numbers import Number, numbers
from harness.report.summary import summary
from harness.report.view import Report
from harness.results.records import Check, Run

GROUP = "pgdyno.formats"


class ReportSource:
    """What a format may say: the view model, the runs it is of, and what is derived.

    `wanted` names all formats of this report, so that one may refer to another's files;
    `claims` is the page of claims that belongs to it, if one was asked for; `remarks` is
    for what a format has to say beside its files.
    """

    def __init__(
        self,
        report: Report,
        runs: Sequence[Run],
        wanted: Sequence[str],
        claims: ClaimsPage | None = None,
    ) -> None:
        self.report, self.runs, self.wanted = report, runs, wanted
        self.claims = claims
        self.remarks: list[str] = []

    @cached_property
    def checks(self) -> Sequence[Check]:
        """The checks of all runs, in their order."""
        return [check for run in self.runs for check in run.checks]

    @cached_property
    def numbers(self) -> Sequence[Number]:
        """Every derived number of all runs."""
        return [number for view in self.report.runs for number in numbers(view)]

    @cached_property
    def exchanged(self) -> Sequence[Exchanged]:
        """The times of all runs in the terms of other tools."""
        return [
            exchanged(run, view)
            for run, view in zip(self.runs, self.report.runs, strict=True)
        ]

    @cached_property
    def images(self) -> Mapping[str, bytes]:
        """The charts, if they are wanted, by the names of their files."""
        if "png" not in self.wanted:
            return {}
        with needing("report", "a chart (png)"):
            from harness.render import png
        return png.render(self.report)


@runtime_checkable
class Format(Protocol):
    """A way to write a report down.

    `files` gives the content of each file by its name; it touches no file itself. It
    raises `CannotSay` where the format has no way to say what the runs hold, and
    `ModuleNotFoundError` where a library of its `extra` is missing.
    """

    extra: str

    def files(self, source: ReportSource) -> Mapping[str, bytes]:
        """What to write: file name → content."""


class CannotSay(UsageError):  # noqa: N818 - says what is the matter
    """A format cannot say what a run holds."""

    def __init__(self, name: str, needs: str) -> None:
        super().__init__(
            f"the format {name} can only say {needs}, and these results hold none",
            hint="leave it out of --format",
        )


def known() -> dict[str, EntryPoint]:
    """The formats that are installed, by name."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=str)}


def load(name: str) -> Format:
    """The format of this name.

    Raises:
        UsageError: there is none, or what its entry point names is no format.
    """
    point = known().get(name)
    if point is None:
        raise UsageError(
            f"there is no format '{name}'", hint=f"known: {', '.join(sorted(known()))}"
        )
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the format '{name}' cannot be loaded: {error}") from error
    if not isinstance(found, Format):
        raise UsageError(f"the format '{name}' is none: {point.value} has no files()")
    return found


def files(name: str, source: ReportSource) -> Mapping[str, bytes]:
    """What a format writes.

    Raises:
        MissingExtra: a library that it needs is not installed.
    """
    chosen = load(name)
    with needing(chosen.extra, f"the format {name}"):
        return chosen.files(source)


# --- the built-in ones ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rendered:
    """A format of one function."""

    render: Callable[[ReportSource], Mapping[str, bytes]]
    extra: str = ""

    def files(self, source: ReportSource) -> Mapping[str, bytes]:
        """What the function gives."""
        return self.render(source)


def _html(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import html

    return {"report.html": html.render(source.report, source.claims).encode()}


def _png(source: ReportSource) -> Mapping[str, bytes]:
    return source.images


def _markdown(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import claims, markdown

    page = markdown.render(source.report, images=list(source.images))
    if source.claims:
        page = f"{page}\n{claims.markdown(source.claims)}"
    return {"report.md": page.encode()}


def _text(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import text

    return {"report.txt": text.render(source.report).encode()}


def _junit(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import junit

    if not source.checks:
        raise CannotSay("junit", "checks")
    return {"junit.xml": junit.render(source.checks).encode()}


def _json(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import json

    tables = _tables("json", source)
    found = {f"{name}.json": json.render(rows).encode() for name, rows in tables.items()}
    timed = [pair for pair in zip(source.runs, source.report.runs, strict=True)
             if pair[1].cells]  # fmt: skip
    if timed:
        found["runs.json"] = json.runs([summary(*pair) for pair in timed]).encode()
    return found


def _csv(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import csv

    tables = _tables("csv", source)
    return {f"{name}.csv": csv.render(rows).encode() for name, rows in tables.items()}


def _parquet(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import parquet

    tables = _tables("parquet", source)
    return {f"{name}.parquet": parquet.render(rows) for name, rows in tables.items()}


def _pytest_benchmark(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import pytest_benchmark

    return _by_run("pytest-benchmark", source, pytest_benchmark.render)


def _github_action_benchmark(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import github_action_benchmark

    return _by_run("github-action-benchmark", source, github_action_benchmark.render)


def _bencher(source: ReportSource) -> Mapping[str, bytes]:
    from harness.render import bencher

    return _by_run("bencher", source, bencher.render)


def _by_run(
    name: str, source: ReportSource, render: Callable[[Exchanged], str]
) -> dict[str, bytes]:
    """A file for each run that has times: of several runs they are numbered."""
    timed = [run for run in source.exchanged if run.benchmarks]
    if not timed:
        raise CannotSay(name, "times")
    if left_out := sum(run.left_out for run in source.exchanged):
        source.remarks.append(
            f"{name}: {left_out} of the cells × drivers have no number and are left out"
        )
    return {
        file: render(run).encode()
        for file, run in zip(_numbered(name, "json", len(timed)), timed, strict=True)
    }


def _numbered(name: str, suffix: str, count: int) -> list[str]:
    """`bencher.json`, or `bencher-1.json` and so on."""
    if count == 1:
        return [f"{name}.{suffix}"]
    return [f"{name}-{number}.{suffix}" for number in range(1, count + 1)]


def _baseline(source: ReportSource) -> Mapping[str, bytes]:
    from harness.report.baseline import fold
    from harness.results.lines import encoded

    names = _numbered("baseline", "jsonl", len(source.runs))
    return {name: encoded(fold(run)) for name, run in zip(names, source.runs, strict=True)}


def _tables(
    name: str, source: ReportSource
) -> dict[str, Sequence[Check] | Sequence[Number]]:
    """The tables that are not empty; files are named after them."""
    found: dict[str, Sequence[Check] | Sequence[Number]] = {
        "checks": source.checks,
        "numbers": source.numbers,
    }
    tables = {table: rows for table, rows in found.items() if rows}
    if not tables:
        raise CannotSay(name, "checks and numbers")
    return tables


HTML = Rendered(_html, "report")
PNG = Rendered(_png, "report")
MARKDOWN = Rendered(_markdown)
TEXT = Rendered(_text)
JUNIT = Rendered(_junit)
JSON = Rendered(_json)
CSV = Rendered(_csv)
PARQUET = Rendered(_parquet, "analysis")
PYTEST_BENCHMARK = Rendered(_pytest_benchmark)
GITHUB_ACTION_BENCHMARK = Rendered(_github_action_benchmark)
BENCHER = Rendered(_bencher)
BASELINE = Rendered(_baseline)
