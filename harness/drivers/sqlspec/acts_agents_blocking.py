"""The session service of google-adk over a store of the synchronous configuration."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.drivers.sqlspec.acts_agents import adk_differs as _differs


def adk_differs(pool: Any, question: str) -> str:
    """The calls of the service are coroutines here, too."""
    return asyncio.run(_differs(pool, question))
