"""What others claim of drivers, and whether it holds: a register of sentences that runs.

A claim is a sentence of a source in our own words, with the conditions that decide it
(`form`). `evidence` gathers what was seen in finished runs; `deciding` makes an outcome of
both, pure. docs/claims.md describes the files.
"""

from __future__ import annotations
