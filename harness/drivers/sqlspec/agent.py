"""An agent: what it asks of the session service, written as google-adk's users write it."""

from __future__ import annotations

from typing import Any

from google.adk.errors import StaleSessionError
from google.adk.events import Event, EventActions
from google.adk.sessions import Session
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai.types import Content
from sqlspec.extensions.adk import SQLSpecSessionService

_NO_EVENTS = GetSessionConfig(num_recent_events=0)


def prepared(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call, as an agent has them: contents come from its model."""
    made = dict(arguments)
    for name in ("timestamp", "after_timestamp"):
        if name in made:
            made[name] = made[name].timestamp()
    if "content" in made:
        made["content"] = Content.model_validate(made["content"])
    asked = {"num_recent_events", "after_timestamp"} & made.keys()
    if asked:
        made["config"] = GetSessionConfig(**{name: made.pop(name) for name in asked})
    return made


class Agent:
    """One agent with a service of its own; it keeps the session that it writes to.

    Methods take what they need of a row of arguments, which has columns for others, too.
    """

    def __init__(self, store: Any) -> None:
        self.store = store
        self.service = SQLSpecSessionService(store)
        self._held: dict[str, Session] = {}

    async def create_session(
        self, app_name: str, user_id: str, state: dict[str, Any], **_: Any
    ) -> Session:
        """A session with a generated id."""
        return await self.service.create_session(
            app_name=app_name, user_id=user_id, state=state
        )

    async def get_session(
        self,
        app_name: str,
        user_id: str,
        session_id: str,
        config: GetSessionConfig | None = None,
        **_: Any,
    ) -> Session | None:
        """A session with its events."""
        return await self.service.get_session(
            app_name=app_name, user_id=user_id, session_id=session_id, config=config
        )

    async def list_sessions(self, app_name: str, user_id: str, **_: Any) -> Any:
        """The sessions of a user, without their events."""
        return await self.service.list_sessions(app_name=app_name, user_id=user_id)

    async def delete_session(
        self, app_name: str, user_id: str, session_id: str, **_: Any
    ) -> None:
        """A session is deleted with its events."""
        await self.service.delete_session(
            app_name=app_name, user_id=user_id, session_id=session_id
        )

    async def update_session_state(
        self, app_name: str, user_id: str, session_id: str, state: dict[str, Any], **_: Any
    ) -> None:
        """The state is replaced: a call of the store, the service has none."""
        await self.store.update_session_state(app_name, user_id, session_id, state)

    async def append_event(
        self,
        app_name: str,
        user_id: str,
        session_id: str,
        invocation_id: str,
        author: str,
        timestamp: float,
        content: Content,
        custom_metadata: dict[str, Any],
        state_delta: dict[str, Any],
        **_: Any,
    ) -> None:
        """An event is appended to the session that the agent holds.

        One that somebody else changed is loaded again, as the service's error says. The
        events that it holds are let go: they would become more without end.
        """
        event = Event(
            invocation_id=invocation_id,
            author=author,
            timestamp=timestamp,
            content=content,
            custom_metadata=custom_metadata,
            partial=False,
            turn_complete=True,
            actions=EventActions(state_delta=state_delta),
        )
        try:
            held = self._held[session_id]
            await self.service.append_event(held, event)
        except (KeyError, StaleSessionError):
            held = await self._load(app_name, user_id, session_id)
            await self.service.append_event(held, event)
        held.events.clear()

    async def _load(self, app_name: str, user_id: str, session_id: str) -> Session:
        found = await self.get_session(app_name, user_id, session_id, _NO_EVENTS)
        if found is None:
            raise LookupError(f"there is no session {session_id}")
        self._held[session_id] = found
        return found

    async def whole_life(
        self,
        app_name: str,
        user_id: str,
        session_id: str,
        state: dict[str, Any],
        event_id: str,
        author: str,
        timestamp: float,
        content: Content,
        **_: Any,
    ) -> tuple[Session | None, Session | None]:
        """A session is created, gets an event, is read, deleted, and looked for."""
        session = await self.service.create_session(
            app_name=app_name, user_id=user_id, session_id=session_id, state=state
        )
        event = Event(id=event_id, author=author, timestamp=timestamp, content=content)
        await self.service.append_event(session, event)
        found = await self.get_session(app_name, user_id, session_id)
        await self.delete_session(app_name, user_id, session_id)
        return found, await self.get_session(app_name, user_id, session_id)


class BlockingAgent(Agent):
    """An agent over a synchronous store, whose own calls are no coroutines."""

    async def update_session_state(
        self, app_name: str, user_id: str, session_id: str, state: dict[str, Any], **_: Any
    ) -> None:
        """The state is replaced by the store's own call."""
        self.store.update_session_state(app_name, user_id, session_id, state)
