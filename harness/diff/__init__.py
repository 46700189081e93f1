"""What changes for somebody who moves from one driver to another: checks in, a guide out.

Both drivers were asked the same questions. A cell matters where the answers differ; it
goes into the group that says what the user must do (`groups`), and cells that need the
same are one entry (`entries`): those that one fix of drivers/fixes.toml covers, or those
of one subject and reason. `guide` puts the whole together.
"""

from __future__ import annotations

from harness.diff.entries import Entry as Entry
from harness.diff.entries import Part as Part
from harness.diff.evidence import Example as Example
from harness.diff.groups import INTROS as INTROS
from harness.diff.groups import Group as Group
from harness.diff.groups import Pair as Pair
from harness.diff.groups import classify as classify
from harness.diff.guide import Guide as Guide
from harness.diff.guide import Side as Side
from harness.diff.guide import build as build
