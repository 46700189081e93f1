"""Checks as JUnit XML: one suite per driver and profile, one test case per cell.

Drift is a failure, and so is lossy or worse, unless it is expected or declared: then it
is skipped, the nearest that JUnit has to a failure that is known. Unsupported and skipped
are skipped, invalid is an error: of the scenario or of pgdyno, not of the driver. What
differs or is rejected passes, with its detail as output.

What XML 1.0 has no way to write, not even escaped, `visible` has shown as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.results.records import Check


def render(checks: Sequence[Check]) -> str:
    """One document; suites and cases in the order given."""
    suites: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        suites.setdefault((check.driver, check.profile), []).append(check)
    root = ET.Element("testsuites", {"name": "pgdyno", **_totals(checks)})
    for (driver, profile), members in suites.items():
        name = visible(f"{driver} ({profile})")
        suite = ET.SubElement(root, "testsuite", {"name": name, **_totals(members)})
        for check in members:
            _case(suite, check)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _totals(checks: Sequence[Check]) -> dict[str, str]:
    outcomes = [_outcome(check) for check in checks]
    return {
        "tests": str(len(checks)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": _seconds(sum(check.elapsed_ns for check in checks)),
    }


def _outcome(check: Check) -> str:
    verdict = Verdict(check.verdict)
    if check.drift:
        return "failure"
    if verdict is Verdict.INVALID:
        return "error"
    if verdict in (Verdict.UNSUPPORTED, Verdict.SKIPPED):
        return "skipped"
    if verdict.severity < Verdict.LOSSY.severity:
        return ""
    return "skipped" if check.expected_verdict or check.deviation else "failure"


def _case(suite: ET.Element, check: Check) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=visible(check.scenario.replace("/", ".")),
        name=visible(check.cell),
        time=_seconds(check.elapsed_ns),
    )
    outcome = _outcome(check)
    message = _message(check)
    if outcome == "skipped":
        ET.SubElement(case, "skipped", message=message)
    elif outcome:
        kind = "drift" if check.drift else check.verdict
        problem = ET.SubElement(case, outcome, message=message, type=kind)
        problem.text = _evidence(check)
    elif check.verdict != Verdict.EXACT:
        ET.SubElement(case, "system-out").text = f"{message}\n{_evidence(check)}".strip()


def _message(check: Check) -> str:
    told = [f"drift: {check.drift}"] if check.drift else []
    told.append(f"{check.verdict}: {check.detail}".rstrip(": "))
    if check.deviation:
        told.append(f"declared: {check.deviation} {check.link}")
    return visible("; ".join(told))


def _evidence(check: Check) -> str:
    lines = [f"observed: {check.observed}", f"expected: {check.expected}"]
    return visible("\n".join(lines)) if check.observed or check.expected else ""


def _seconds(elapsed_ns: int) -> str:
    return f"{elapsed_ns / 1e9:.6f}"
