"""A statement of one's own as a scenario: read, examined on its server, written as a file."""

from harness.statements.examined import Asked, Question, examined
from harness.statements.reading import single
from harness.statements.written import scenario_text

__all__ = ["Asked", "Question", "examined", "scenario_text", "single"]
