"""What an agent asks of google-adk's session service, over SQLSpec's store.

google-adk is imported when a case of it is bound, which takes more than a second. The
service is asynchronous over the store of a synchronous configuration, too; there its calls
run on an event loop of the agent's own, and the service hands each call of the store to a
thread.
"""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from harness.drivers.sqlspec import acts_agents
from harness.plugin import AsyncOp, Call, SyncOp, Unsupported

Rows = list[tuple[Any, ...]]


class Agents:
    """What a configuration with its pool has for agents."""

    _config: Any

    def adk(self, call: Call) -> SyncOp | AsyncOp:
        """Bind a call of google-adk's session service, or of its store."""
        bind = agent_op if self._config.is_async else blocking_agent_op
        return bind(self._config, call)

    def adk_answers(self, native: Any, name: str) -> list[Rows]:
        """What a call brought, as the rows of the statements that do the same by hand."""
        return _ANSWERS.get(name, _nothing)(native)


def agent_op(config: Any, call: Call) -> AsyncOp:
    """The op of one agent: a call of the service with the arguments of the next row."""
    ask: Callable[..., Awaitable[Any]] = getattr(_agent(config), call.adk)
    arguments = _arguments(call)

    async def op() -> Any:
        return await ask(**next(arguments))

    return op


def blocking_agent_op(config: Any, call: Call) -> SyncOp:
    """The same for a synchronous configuration: on an event loop of the agent's own."""
    loop, ask = asyncio.new_event_loop(), agent_op(config, call)
    run = loop.run_until_complete

    def op() -> Any:
        return run(ask())

    weakref.finalize(op, loop.close)
    return op


def _created(session: Any) -> list[Rows]:
    return [[(session.app_name, session.user_id, session.state)]]


def _listed(response: Any) -> list[Rows]:
    return [[(session.id, session.state) for session in response.sessions]]


def _loaded(session: Any) -> list[Rows]:
    return [_session_rows(session), _event_rows(session)]


def _lived(found_and_gone: Any) -> list[Rows]:
    found, gone = found_and_gone
    return [*_loaded(found), _session_rows(gone)]


def _nothing(_: Any) -> list[Rows]:
    return []


_ANSWERS: Mapping[str, Callable[[Any], list[Rows]]] = {
    "create_session": _created,
    "list_sessions": _listed,
    "get_session": _loaded,
    "whole_life": _lived,
}


def _session_rows(session: Any) -> Rows:
    return [] if session is None else [(session.id, session.state)]


def _event_rows(session: Any) -> Rows:
    return [
        (event.id, event.author, _moment(event.timestamp), _document(event.content))
        for event in session.events
    ]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _document(content: Any) -> Any:
    return content.model_dump(mode="json", exclude_none=True)


def store_of(config: Any) -> Any:
    """The store that SQLSpec has for a configuration: `AsyncpgADKStore(config)`.

    Raises:
        Unsupported: google-adk is not installed, or SQLSpec has no such store.
    """
    try:
        return acts_agents._store_of(config)
    except NotImplementedError as reason:
        raise Unsupported(str(reason)) from reason


def _agent(config: Any) -> Any:
    store = store_of(config)
    from harness.drivers.sqlspec.agent import Agent, BlockingAgent

    return (Agent if config.is_async else BlockingAgent)(store)


def _arguments(call: Call) -> Iterator[dict[str, Any]]:
    """The arguments of each call, round and round, as objects of google-adk."""
    from harness.drivers.sqlspec.agent import prepared

    rows = [prepared(dict(zip(call.names, row, strict=True))) for row in call.params]
    return itertools.cycle(rows)
