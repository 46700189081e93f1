"""The site for programs: `data/index.json`, which also marks a folder as a site."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.core.visible import safe_json
from harness.report.cards import Rightness
from harness.site.gathering import SiteRun
from harness.site.making import Site
from harness.site.pages import ScenarioPage, VersionPage

SCHEMA = 1
FORMAT = "pgdyno-site"
LISTING = "data/index.json"


class ListedFamily(msgspec.Struct, frozen=True, kw_only=True):
    """How right a version is in a family."""

    family: str
    right: int
    asked: int


class ListedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A driver in a version. `verdicts` counts questions; `right` of `asked` are exact,
    null where nothing was checked; `differing` are those whose places disagree."""

    driver: str
    version: str
    page: str
    badge: str
    seen: str
    right: int | None
    asked: int | None
    verdicts: dict[str, int]
    differing: list[str]
    families: list[ListedFamily]
    runs: list[str]


class ListedScenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario, and the verdict that counts of each question by `DRIVER==VERSION`."""

    scenario: str
    page: str
    verdicts: dict[str, dict[str, str]]


class ListedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run: its full report, its results file, and where it was made."""

    run: str
    report: str
    results: str
    pgdyno: str
    started: str
    server: str
    python: str
    machine: str


class ListedWithheld(msgspec.Struct, frozen=True, kw_only=True):
    """What was left out: a run, or a driver's part of it."""

    run: str
    driver: str
    why: str


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The whole site."""

    format: str
    schema: int
    catalogue: str
    versions: list[ListedVersion]
    scenarios: list[ListedScenario]
    runs: list[ListedRun]
    withheld: list[ListedWithheld]


def listing(site: Site) -> bytes:
    """The file of a site."""
    found = Listing(
        format=FORMAT,
        schema=SCHEMA,
        catalogue=site.catalogue,
        versions=[_version(page) for page in site.versions],
        scenarios=[_scenario(page) for page in site.scenarios],
        runs=[_run(run) for run in site.runs],
        withheld=[
            ListedWithheld(run=left.run, driver=left.who, why=left.why)
            for left in site.withheld
        ],
    )
    text = msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
    return (safe_json(text) + "\n").encode()


def is_ours(folder: Path) -> bool:
    """Whether a folder holds a site, as its listing says."""
    try:
        told = msgspec.json.decode((folder / LISTING).read_bytes())
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return isinstance(told, Mapping) and told.get("format") == FORMAT


def _version(page: VersionPage) -> ListedVersion:
    slug, card = page.version.slug, page.card
    return ListedVersion(
        driver=page.version.driver,
        version=page.version.number,
        page=f"versions/{slug}.html",
        badge=f"badges/{slug}.svg",
        seen=page.date,
        right=card.right.right if card.right else None,
        asked=card.right.asked if card.right else None,
        verdicts={str(verdict): count for verdict, count in sorted(card.counts.items())},
        differing=[found.cell for found in page.dissents],
        families=[
            _family(found) for row, _ in page.families for found in row.shares if found
        ],
        runs=[run.name for run in page.runs],
    )


def _family(found: Rightness) -> ListedFamily:
    return ListedFamily(family=found.family, right=found.right, asked=found.asked)


def _scenario(page: ScenarioPage) -> ListedScenario:
    return ListedScenario(
        scenario=page.name,
        page=f"scenarios/{page.slug}.html",
        verdicts={
            row.cell: {
                version.arm: str(answer.worst.verdict)
                for version, answer in zip(page.versions, row.answers, strict=True)
                if answer
            }
            for row in page.cells
        },
    )


def _run(run: SiteRun) -> ListedRun:
    return ListedRun(
        run=run.name,
        report=f"runs/{run.slug}.html",
        results=f"data/runs/{run.slug}.jsonl",
        pgdyno=run.pgdyno,
        started=run.started,
        server=run.place.server,
        python=run.pythons,
        machine=run.place.machine,
    )
