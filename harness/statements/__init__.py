"""A statement of one's own as a scenario: read, examined on its server, written down."""

from harness.statements.examining import Examined, Proposal, examined
from harness.statements.reading import single
from harness.statements.writes import examined_on_copies
from harness.statements.written import scenario_text

__all__ = [
    "Examined",
    "Proposal",
    "examined",
    "examined_on_copies",
    "scenario_text",
    "single",
]
