"""Runs of several machines, servers and versions, and the site that they make."""

from __future__ import annotations

import fake_runs
from browser import made_pages
from fake_runs import MACHINE, SERVER, arm_facts, judged
from msgspec.structs import replace

from harness.report import view
from harness.results.records import Check, Run
from harness.site.gathering import Gathered
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
