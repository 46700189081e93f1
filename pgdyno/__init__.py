"""What programs outside bind to: results as tables, and the contract of drivers.

`pgdyno.load("run.jsonl")` gives a `Run`, whose tables docs/api.md describes.
`pgdyno.plugin` is what a driver plug-in imports. Everything in `harness` is inside, and
may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.core.errors import PgdynoError

if TYPE_CHECKING:
    from pgdyno.runs import Run

__all__ = ["PgdynoError", "Run", "__version__", "load"]


def load(paths: str | PathLike[str] | Iterable[str | PathLike[str]]) -> Run:
    """Read one results file or several.

    Raises:
        PgdynoError: a file cannot be read, or a run is named twice.
    """
    from pgdyno.runs import Run

    return Run.read([paths] if isinstance(paths, str | PathLike) else paths)


def __getattr__(name: str) -> Any:
    """`Run` is imported when it is asked for: what it needs takes a while to load."""
    if name == "Run":
        from pgdyno.runs import Run

        return Run
    raise AttributeError(f"module 'pgdyno' has no attribute {name!r}")
