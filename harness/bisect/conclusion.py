"""What a bisection found, in the end: a version or a range, the ratio, the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.bisect.contrasts import Contrast
from harness.bisect.search import Search
from harness.core.errors import EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_PASS


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The end of a search; `reasons` say why versions between its ends were passed over."""

    driver: str
    found: Search
    evidence: Contrast
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether it is a single version."""
        return not self.found.between

    @property
    def exit_code(self) -> int:
        """1 where a version made the cell worse, 0 where one made it better, 3 where only
        a range is known."""
        if not self.exact:
            return EXIT_INCONCLUSIVE
        return EXIT_FAILED if self.evidence.worse else EXIT_PASS

    @property
    def sentence(self) -> str:
        """In which version the cell changed, or between which."""
        if self.exact:
            return f"changed in {self.driver} {self.found.after}"
        return f"changed between {self.driver} {self.found.before} and {self.found.after}"

    @property
    def details(self) -> list[str]:
        """By how much, and why it is no single version."""
        found = self.found
        passed = [f"{version}: {self.reasons[version]}" for version in found.between]
        return [f"{found.before} → {found.after}: {self.evidence.said}", *passed]
