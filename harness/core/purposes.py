"""What users come for: a scenario says which of these tasks it is a question of.

A report answers each in a sentence: which driver to take for it, how sure that is, and
what its catch is.
"""

from __future__ import annotations

from collections.abc import Mapping

PURPOSES: Mapping[str, str] = {
    "bulk-loading": "Bulk loading",
    "small-queries": "Many small queries",
    "many-clients": "Many clients",
    "json": "JSON",
    "vectors": "Vectors",
    "connecting": "Connecting",
}
"""The values of a scenario's `task`, as readers call them, in the order of a report."""
