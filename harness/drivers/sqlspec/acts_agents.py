"""The session service of google-adk over a store of SQLSpec, beside the one in memory.

A question is a short use of a session service, put to both. What the store's service raises
is passed on, unless the one in memory raises the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Awaitable, Callable
from typing import Any

_BEGAN_S = 1_700_000_000.25
_STATE = {"turn": 1, "preferences": {"theme": "dark", "größe": [1, 2.5, None, True]}}


async def adk_differs(pool: Any, question: str) -> str:
    """The store makes its tables itself; what it raises is passed on."""
    ask = _QUESTIONS.get(question)
    if ask is None:
        raise NotImplementedError(f"there is no question '{question}'")
    store = _store_of(pool)
    from google.adk.sessions import InMemorySessionService
    from sqlspec.extensions.adk import SQLSpecSessionService

    made = store.create_tables()
    if pool.is_async:
        await made
    service = SQLSpecSessionService(store)
    await _forget(service)
    kept = await _answer(ask, service)
    in_memory = await _answer(ask, InMemorySessionService())
    if repr(kept) == repr(in_memory):
        return ""
    if isinstance(kept, Exception):
        raise kept
    return f"store: {kept}; in memory: {in_memory}"


def _store_of(config: Any) -> Any:
    """The store that SQLSpec has for a configuration: `AsyncpgADKStore(config)`."""
    kind = type(config)
    place = kind.__module__.removesuffix(".config") + ".adk"
    store = kind.__name__.removesuffix("Config") + "ADKStore"
    try:
        return getattr(importlib.import_module(place), store)(config)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == "google":
            lacking = "google-adk is not installed: pip install 'pgdyno[adk]'"
            raise NotImplementedError(lacking) from error
        raise NotImplementedError(f"SQLSpec cannot import {place}: {error}") from error
    except (ImportError, AttributeError) as error:
        raise NotImplementedError(f"SQLSpec has no {place}.{store}: {error}") from error


async def _forget(service: Any) -> None:
    """Delete the sessions of earlier questions."""
    for session in (await service.list_sessions(app_name="app")).sessions:
        await service.delete_session(
            app_name="app", user_id=session.user_id, session_id=session.id
        )


async def _answer(ask: Callable[[Any], Awaitable[Any]], service: Any) -> Any:
    """What came, or the exception that did."""
    try:
        return _in_order(await ask(service))
    except Exception as error:
        return error


def _in_order(value: Any) -> Any:
    """The same with keys and members of sets in order: jsonb does not keep theirs."""
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return sorted(value) if isinstance(value, set) else value


async def _outcome(call: Awaitable[Any]) -> str:
    """`done`, or the class of the exception."""
    try:
        await call
    except Exception as error:
        return type(error).__name__
    return "done"


# --- what questions are made of ---------------------------------------------------------


async def _session(
    service: Any, session_id: str = "s", user_id: str = "ann", **options: Any
) -> Any:
    return await service.create_session(
        app_name="app", user_id=user_id, session_id=session_id, **options
    )


async def _loaded(service: Any, session_id: str = "s", **config: Any) -> Any:
    from google.adk.sessions.base_session_service import GetSessionConfig

    return await service.get_session(
        app_name="app",
        user_id="ann",
        session_id=session_id,
        config=GetSessionConfig(**config) if config else None,
    )


def _event(number: int, seconds: float | None = None, **fields: Any) -> Any:
    from google.adk.events import Event
    from google.genai.types import Content, Part

    at = _BEGAN_S + (10 * number if seconds is None else seconds)
    content = Content(role="user", parts=[Part(text=f"Grüße {number}")])
    plain: dict[str, Any] = {
        "id": f"e{number}",
        "author": "user",
        "timestamp": at,
        "content": content,
    }
    return Event(**(plain | fields))


def _delta(number: int, delta: dict[str, Any]) -> Any:
    from google.adk.events import EventActions

    return _event(number, actions=EventActions(state_delta=delta))


async def _talk(service: Any, *events: Any) -> Any:
    """A session with these events, or with five, ten seconds apart."""
    session = await _session(service)
    for event in events or [_event(number) for number in range(1, 6)]:
        await service.append_event(session, event)
    return session


def _ids(session: Any) -> list[str]:
    return [event.id for event in session.events]


async def _listed(service: Any, **options: Any) -> list[str]:
    response = await service.list_sessions(app_name="app", **options)
    return [session.id for session in response.sessions]


# --- the questions: events --------------------------------------------------------------


async def _all_events(service: Any) -> Any:
    await _talk(service)
    return [
        event.model_dump(exclude_none=True) for event in (await _loaded(service)).events
    ]


async def _last_events(service: Any) -> Any:
    await _talk(service)
    return _ids(await _loaded(service, num_recent_events=2))


async def _no_events(service: Any) -> Any:
    await _talk(service)
    return _ids(await _loaded(service, num_recent_events=0))


async def _events_after(service: Any) -> Any:
    """After a moment between two events."""
    await _talk(service)
    return _ids(await _loaded(service, after_timestamp=_BEGAN_S + 35))


async def _events_from(service: Any) -> Any:
    """After the very moment of an event."""
    await _talk(service)
    return _ids(await _loaded(service, after_timestamp=_BEGAN_S + 30))


async def _last_events_after(service: Any) -> Any:
    await _talk(service)
    return _ids(await _loaded(service, num_recent_events=2, after_timestamp=_BEGAN_S + 15))


async def _out_of_order(service: Any) -> Any:
    """Events whose moments run backwards."""
    await _talk(service, *(_event(number, seconds=-number) for number in range(3)))
    return _ids(await _loaded(service))


async def _every_field(service: Any) -> Any:
    from google.adk.events import EventActions
    from google.genai.types import Blob, Content, FunctionCall, Part

    call = FunctionCall(id="f1", name="search", args={"q": "é 漢", "n": [1, 2.5, None]})
    parts = [
        Part(text="a"),
        Part(function_call=call),
        Part(inline_data=Blob(data=b"\x00\xff\\'", mime_type="image/png")),
    ]
    fields: dict[str, Any] = {
        "invocation_id": "i",
        "branch": "main.branch",
        "content": Content(role="model", parts=parts),
        "custom_metadata": {"source": "web", "deep": {"a": [1, None, True]}},
        "long_running_tool_ids": {"f1"},
        "error_code": "500",
        "error_message": "line\ntwo",
        "turn_complete": True,
        "interrupted": False,
        "actions": EventActions(transfer_to_agent="other", artifact_delta={"f": 2}),
    }
    await _talk(service, _event(1, **fields))
    (event,) = (await _loaded(service)).events
    return event.model_dump(exclude_none=True)


async def _partial_event(service: Any) -> Any:
    await _talk(service, _event(1, partial=True), _event(2))
    return _ids(await _loaded(service))


async def _delivered_twice(service: Any) -> Any:
    event = _event(1)
    await _talk(service, event, event)
    return _ids(await _loaded(service))


async def _id_of_another_event(service: Any) -> Any:
    """An event's id is one that an event of another session has."""
    await _talk(service, _event(1))
    other = await _session(service, "other")
    await service.append_event(other, _event(1))
    return _ids(await _loaded(service, "other"))


async def _two_holders(service: Any) -> Any:
    """Two hold the same session, and each appends an event."""
    await _session(service)
    first, second = await _loaded(service), await _loaded(service)
    return [
        await _outcome(service.append_event(first, _event(1))),
        await _outcome(service.append_event(second, _event(2))),
    ]


async def _session_is_gone(service: Any) -> Any:
    session = await _session(service)
    await service.delete_session(app_name="app", user_id="ann", session_id="s")
    return await _outcome(service.append_event(session, _event(1)))


async def _given_up(service: Any) -> Any:
    """The caller waits no longer than a fifth of a second."""
    session = await _session(service)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(service.append_event(session, _event(1)), 0.2)
    return "given up"


# --- the questions: sessions and their state --------------------------------------------


async def _created(service: Any) -> Any:
    made = await _session(service, state=_STATE)
    found = await _loaded(service)
    return [(each.id, each.user_id, each.state) for each in (made, found)]


async def _id_taken(service: Any) -> Any:
    await _session(service)
    return await _outcome(_session(service))


async def _id_of_another_user(service: Any) -> Any:
    await _session(service)
    made = await _session(service, user_id="bob")
    return [made.id, made.user_id]


async def _blanks_around_id(service: Any) -> Any:
    made = await _session(service, "  s  ")
    return [made.id, await _loaded(service, "  s  ") is None]


async def _missing(service: Any) -> Any:
    await service.delete_session(app_name="app", user_id="ann", session_id="nobody")
    return [await _loaded(service, "nobody"), await _listed(service)]


async def _deleted(service: Any) -> Any:
    await _talk(service)
    await _session(service, "other")
    await service.delete_session(app_name="app", user_id="ann", session_id="s")
    return [await _loaded(service), await _listed(service)]


async def _state_changed(service: Any) -> Any:
    session = await _session(service, state=_STATE)
    await service.append_event(session, _delta(1, {"turn": 2, "mood": "é"}))
    return [session.state, (await _loaded(service)).state]


async def _scopes(service: Any) -> Any:
    """State of the app, of the user, of the session, and of the moment."""
    given = {"app:a": 1, "user:u": 2, "s": 3, "temp:t": 4}
    session = await _session(service, state=given)
    await service.append_event(session, _delta(1, {"app:b": 5, "user:v": 6, "temp:w": 7}))
    other = await _session(service, "other")
    return [(await _loaded(service)).state, other.state]


async def _big_numbers(service: Any) -> Any:
    await _session(service, state={"big": 2**63 + 1, "float": 1e300, "tiny": 5e-324})
    return (await _loaded(service)).state


async def _not_a_number(service: Any) -> Any:
    await _session(service, state={"nan": float("nan")})
    return (await _loaded(service)).state


async def _zero_character(service: Any) -> Any:
    await _session(service, state={"text": "a\0b"})
    return (await _loaded(service)).state


async def _listed_sessions(service: Any) -> Any:
    """The sessions of an app, of a user, of nobody, in no order."""
    for number, user in enumerate(("ann", "bob", "ann")):
        await _session(service, f"s{number}", user, state={"n": number})
    found = [await _listed(service, **who) for who in ({}, {"user_id": "ann"})]
    return [sorted(ids) for ids in found] + [await _listed(service, user_id="nobody")]


async def _order_of_sessions(service: Any) -> Any:
    for number in range(3):
        await _session(service, f"s{number}")
    return await _listed(service, user_id="ann")


async def _time_of_session(service: Any) -> Any:
    """Whether a session was last changed when its last event happened."""
    session = await _talk(service, _event(1))
    return session.last_update_time == _BEGAN_S + 10


_QUESTIONS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    ask.__name__[1:]: ask
    for ask in (
        _all_events, _last_events, _no_events, _events_after, _events_from,
        _last_events_after, _out_of_order, _every_field, _partial_event, _delivered_twice,
        _id_of_another_event, _two_holders, _session_is_gone, _given_up, _created,
        _id_taken, _id_of_another_user, _blanks_around_id, _missing, _deleted,
        _state_changed, _scopes, _big_numbers, _not_a_number, _zero_character,
        _listed_sessions, _order_of_sessions, _time_of_session,
    )
}  # fmt: skip
