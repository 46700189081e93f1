"""Null references: a layer's plug-in, whose driver's connection answers from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.core.arms import Profile
from harness.core.calls import Target
from harness.plugin.contract import ISOLATED

HOW = "its driver's connection answers from memory what it was asked once"


def isolated(plugin: Any, put_under: Callable[[Any], None]) -> Any:
    """The class of the reference that shows a layer's own cost; its entry point is called
    as it: `null-` and the layer's name.

    `put_under` gets a session of the layer, and puts a connection of `replay` or
    `replay_native` where the driver's is. Pools and new connections are no part of it.
    """

    def open_sync(self: Any, target: Target, profile: Profile) -> Any:
        session = plugin.open(self, target, profile)
        put_under(session)
        return session

    async def open_async(self: Any, target: Target, profile: Profile) -> Any:
        session = await plugin.open(self, target, profile)
        put_under(session)
        return session

    told = {
        "__doc__": f"{plugin.name} alone: {HOW}.",
        "name": f"{ISOLATED}{plugin.name}",
        "isolates": plugin.name,
        "reference": f"{plugin.name} alone",
        "how": HOW,
        "open": open_async if plugin.kind == "async" else open_sync,
        "open_pool": None,
        "connect": None,
        "connect_query": None,
        "acts": "",
    }
    return type(f"{plugin.__name__}Alone", (plugin,), told)
