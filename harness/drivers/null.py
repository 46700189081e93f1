"""The references `null` and `null-async`: an op that does nothing, so what is left of its
time is the harness: the loop, the call (or the await) and the next parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from platform import python_version
from typing import Any

from harness.plugin import (
    AsyncOp,
    Call,
    Capability,
    ErrorFields,
    Kind,
    Profile,
    SyncOp,
    Target,
    Terms,
)


def _terms(loop: str) -> Terms:
    return Terms(
        library="none",
        version=python_version(),
        implementation="Python, no connection",
        libpq="",
        wire_results="none",
        wire_parameters="none",
        row_shape="none",
        placeholders="none",
        statement_cache="none",
        autocommit="none",
        pool="none",
        loop=loop,
    )


class _Nothing:
    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """None: nobody is asked."""
        return ()


class NullSession(_Nothing):
    """Ops that take their parameters, as a driver's do, and return."""

    def fetch_all(self, call: Call) -> SyncOp:
        """Take the next parameters."""
        params = call.cycle() if call.params else iter(tuple, None)
        return lambda: next(params)

    fetch_one = fetch_val = fetch_all

    def close(self) -> None:
        """Nothing is open."""


class NullAsyncSession(_Nothing):
    """The same, awaited."""

    def fetch_all(self, call: Call) -> AsyncOp:
        """Take the next parameters, in one coroutine."""
        params = call.cycle() if call.params else iter(tuple, None)

        async def op() -> Any:
            return next(params)

        return op

    fetch_one = fetch_val = fetch_all

    async def close(self) -> None:
        """Nothing is open."""


class _Null:
    options: Mapping[str, str] = {}
    capabilities = frozenset[Capability]()

    def __init__(self, options: frozenset[str]) -> None:
        del options  # there are none

    def describe_error(self, error: BaseException) -> ErrorFields:
        """No server is asked, so none has an error."""
        return ErrorFields(message=str(error))


class Null(_Null):
    """The harness's own cost of an op that is called."""

    name = "null"
    kind: Kind = "sync"
    reference = "the harness, called"
    how = "an op that takes its parameters and returns"

    def terms(self) -> Terms:
        """No habits."""
        return _terms("none")

    def open(self, target: Target, profile: Profile) -> NullSession:
        """Nothing is opened."""
        return NullSession()


class NullAsync(_Null):
    """The harness's own cost of an op that is awaited."""

    name = "null-async"
    kind: Kind = "async"
    reference = "the harness, awaited"
    how = "a coroutine that takes its parameters and returns"

    def terms(self) -> Terms:
        """No habits but asyncio's loop."""
        return _terms("asyncio")

    async def open(self, target: Target, profile: Profile) -> NullAsyncSession:
        """Nothing is opened."""
        return NullAsyncSession()
