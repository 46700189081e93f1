"""What a report format of one's own needs; docs/api.md shows one."""

from harness.render.formats import CannotSay, Format, ReportSource

__all__ = ["CannotSay", "Format", "ReportSource"]
