"""A session service of google-adk, which is asked in place of an op by hand.

Standard library only, because workers import this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.core.tasks import Task
from harness.values.binding import bind_call


def is_asked(session: Any, task: Task) -> bool:
    """Whether the task is a call of the service, and the session has one."""
    return bool(task.adk) and callable(getattr(session, "adk", None))


def ops(session: Any, task: Task) -> list[Callable[[], Any]]:
    """The op of each client; its arguments are in no library's wrapper."""
    plain = replace(task, forms=())
    clients = range(max(1, task.clients))
    return [session.adk(bind_call(plain, None, client)) for client in clients]
