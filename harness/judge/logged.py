"""What a library says beside its answers: warnings, and records of `logging`.

Standard library only. A reproduction prints the function as it is.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable
from typing import Any

from harness.judge.recorded import bare


def overheard(lines: list[str]) -> Callable[[], None]:
    """Add to `lines` what is warned of and logged from now on; a call ends it.

    A program that configures nothing sees the same: records of level WARNING and above. A
    record keeps the class of an object that only says where it lives.
    """

    def warned(message: Any, category: type, *_: Any, **__: Any) -> None:
        lines.append(f"{category.__name__}: {message}")

    def emit(record: logging.LogRecord) -> None:
        text = str(record.msg)
        text = text % bare(record.args) if record.args else text
        lines.append(f"{record.levelname} {record.name}: {text}")

    handler = logging.Handler(logging.WARNING)
    handler.emit = emit  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    kept = contextlib.ExitStack()
    kept.callback(logging.getLogger().removeHandler, handler)
    kept.enter_context(warnings.catch_warnings())
    warnings.simplefilter("always")
    warnings.showwarning = warned
    return kept.close
