"""A plug-in that breaks while it is imported."""

raise RuntimeError("broken at import")
