"""What changes for somebody who moves from one driver to another.

Both drivers were asked the same questions. A cell matters where the answers differ; it
goes into the group that says what the user must do (`groups`), and cells that need the
same are one entry (`entries`): those that one fix covers, or those of one subject and
reason. `guide` puts the whole together. Knows core, report and results.
"""

from __future__ import annotations

from harness.moving.entries import Entry as Entry
from harness.moving.entries import Part as Part
from harness.moving.evidence import Example as Example
from harness.moving.groups import INTROS as INTROS
from harness.moving.groups import CellPair as CellPair
from harness.moving.groups import Group as Group
from harness.moving.groups import classify as classify
from harness.moving.guide import DriverSide as DriverSide
from harness.moving.guide import Guide as Guide
from harness.moving.guide import build as build
