"""Runs of several machines, servers and versions, and the site that they make."""

from __future__ import annotations

import fake_runs
from browser import made_pages
from browser.made_pages import HOSTILE
from fake_runs import MACHINE, SERVER, arm_facts, judged
from msgspec.structs import replace

from harness.render import site as drawing
from harness.report import view
from harness.results.records import Check, Run
from harness.site.gathering import Gathered
from harness.site.listing import LISTING, listing
from harness.site.pages import Site

PYTHONS = ("CPython 3.11.7", "CPython 3.13.1")


def asked(
    verdicts: dict[str, str],
    *,
    run: str = "aa01",
    driver: str = "asyncpg",
    version: str = "0.32.0",
    machine: str = "5f1c09aa",
    server: str = "18.4",
    python: str = PYTHONS[0],
) -> Run:
    """A run of one driver, with the verdict of each cell."""
    empty = fake_runs.check(run=run, drivers=(driver,), types=())
    arm = replace(arm_facts(driver, version=version), python=python)
    checks = [check_of(cell, driver, verdict) for cell, verdict in verdicts.items()]
    header = replace(
        empty.header,
        arms=[arm],
        machine=replace(MACHINE, hostname_hash=machine),
        server=replace(SERVER, version=server),
    )
    return made_pages.asked(replace(empty, header=header, checks=checks))


def check_of(cell: str, driver: str, verdict: str, profile: str = "default") -> Check:
    texts = () if verdict == "exact" else (f"{cell} is {verdict}", "1.10", "1.1")
    return Check(
        scenario=cell.partition("#")[0],
        case=cell.partition("#")[2],
        cell=cell,
        driver=driver,
        profile=profile,
        judgement=judged(verdict, *texts),
    )


def gathered(*runs: Run) -> Gathered:
    found = Gathered()
    for run in runs:
        found.take(run, view.build([run]).runs[0])
    return found


def site(*runs: Run) -> Site:
    return Site(gathered(*runs))


def hostile() -> list[Run]:
    """Runs in which every text is markup, code, control characters, or far too long."""
    measured, checked = made_pages.hostile()
    right = [check_of(f"{name}/s#{name}", name, "exact") for name in HOSTILE]
    checked = made_pages.asked(replace(checked, checks=[*checked.checks, *right]))
    return [
        _spoilt(measured, HOSTILE[0]),
        _spoilt(checked, HOSTILE[4]),
        _spoilt(replace(checked, checks=checked.checks[:-1]), made_pages.LONG),
        asked({"a/b#c": "rejected"}, run=HOSTILE[1], driver=HOSTILE[0]),
    ]


def _spoilt(run: Run, text: str) -> Run:
    arms = [
        replace(arm, terms=arm.terms | {"version": text}, python=text)
        for arm in run.header.arms
    ]
    header = replace(
        run.header,
        run=text,
        started=text,
        pgdyno=text,
        arms=arms,
        machine=replace(MACHINE, cpu=text, system=text, hostname_hash=text, python=text),
        server=replace(SERVER, version=text, label=text),
    )
    return replace(run, header=header)


def files_of(*runs: Run) -> dict[str, bytes]:
    """Every file of the site of these runs, but the reports and the results of runs."""
    made = site(*runs)
    return {**dict(drawing.files(made)), LISTING: listing(made)}
