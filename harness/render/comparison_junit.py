"""A comparison as JUnit XML: one suite per arm, one test case per cell.

A regression is a failure. What got lost or cannot be compared is an error, as is a
comparison from which nothing follows; what is inconclusive is skipped, with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.core.verdicts import Change
from harness.core.visible import visible
from harness.report import format as fmt
from harness.report.comparison import headline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.analysis.changes import CellChange, Comparison

_ELEMENTS = {
    Change.REGRESSED: "failure",
    Change.NOT_COMPARABLE: "error",
    Change.INCONCLUSIVE: "skipped",
}


def render(comparison: Comparison) -> str:
    """One document; suites and cases in the order of concern."""
    suites: dict[str, list[CellChange]] = {}
    for row in comparison.changes:
        suites.setdefault(row.arm, []).append(row)
    root = ET.Element("testsuites", {"name": "pgdyno compare"})
    for arm, rows in suites.items():
        _suite(root, arm, rows)
    if comparison.invalid:
        _invalid(root, comparison)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _suite(root: ET.Element, arm: str, rows: Sequence[CellChange]) -> None:
    elements = [_ELEMENTS.get(row.change, "") for row in rows]
    totals = {
        "tests": str(len(rows)),
        "failures": str(elements.count("failure")),
        "errors": str(elements.count("error")),
        "skipped": str(elements.count("skipped")),
    }
    suite = ET.SubElement(root, "testsuite", {"name": visible(arm), **totals})
    for row, element in zip(rows, elements, strict=True):
        scenario = row.cell.partition("#")[0].replace("/", ".")
        case = ET.SubElement(
            suite, "testcase", classname=visible(scenario), name=visible(row.cell)
        )
        if element:
            ET.SubElement(case, element, message=_message(row), type=str(row.change))
        else:
            ET.SubElement(case, "system-out").text = _message(row)


def _message(row: CellChange) -> str:
    told = [str(row.change)]
    if row.shift is not None:
        told.append(f"{fmt.change(row.shift.point)} ({fmt.change_interval(row.shift)})")
    if row.reason:
        told.append(row.reason)
    return visible(": ".join(told))


def _invalid(root: ET.Element, comparison: Comparison) -> None:
    """A comparison that says nothing must not look like one without failures."""
    totals = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0"}
    suite = ET.SubElement(root, "testsuite", {"name": "comparison", **totals})
    case = ET.SubElement(suite, "testcase", classname="pgdyno", name="comparison")
    message = visible("; ".join(comparison.invalid))
    ET.SubElement(case, "error", message=message, type="invalid").text = visible(
        headline(comparison)
    )
