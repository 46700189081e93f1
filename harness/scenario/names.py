"""Names in steps: each must be defined by the harness, the case or an earlier step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.core.errors import ScenarioError
from harness.core.steps import Step
from harness.plugin import acts
from harness.scenario.slips import nearest, shown

PLACES: Mapping[str, str] = {
    "main": "", "nowhere": "", "proxy": "", "spare": "spare", "primary": "standby",
    "standby": "standby", "pgbouncer": "pgbouncer", "tls": "tls", "tls_alias": "tls",
}  # fmt: skip
"""Where an act can connect to → what the case `needs` for it."""

WORDS = ("app", "schema", "unique", "folder")
"""What `@{…}` always knows; TLS has words of its own."""

_TLS_WORDS = ("tls_ca", "tls_other_ca", "tls_cert", "tls_key", "tls_user")
_PARENT = ("control", "server", "proxy")
_WORD = re.compile(r"@\{(\w+)\}")
_GIVES: Mapping[str, str] = {
    "connect": "connection", "listener": "connection", "pool_acquire": "connection",
    "pool_open": "pool", "cursor_open": "cursor", "prepare": "statement", "lo_open": "lob",
}  # fmt: skip
"""What an act saves, where other acts are done with it."""


class Names:
    """What can be named at a step of a case: grows with each `save`."""

    def __init__(self, sessions: Iterable[str], needs: tuple[str, ...]) -> None:
        self._needs = needs
        self._sessions = dict.fromkeys(("main", *sessions), "connection")
        self._of: dict[str, dict[str, str]] = {}  # process → what is called how in it
        self._things = self._sessions  # of the process of the step that is looked at
        self._words = {*WORDS, *(_TLS_WORDS if "tls" in needs else ())}
        self._started: dict[str, str] = {}  # what runs → what its act gives

    def check(self, step: Step, where: str) -> None:
        """Whether a step names only what there is; raises `ScenarioError`."""
        self._things = self._of.setdefault(step.process, dict(self._sessions))
        self._check_on(step, where)
        self._check_place(step, where)
        expect = step.expect
        for text in _texts([step.arguments, list(expect.value), expect.has, expect.like]):
            self._check_words(text, where)
        if "connection" in step.arguments:
            self._check_thing(step.arguments["connection"], "connection", where)
        self._define(step)

    def check_cleanup(self, sql: str, where: str) -> None:
        """Whether a cleanup uses words that are there whatever fails."""
        for word in _WORD.findall(sql):
            if word not in (*WORDS, *_TLS_WORDS):
                raise ScenarioError(
                    f"{where}, cleanup: @{{{word}}} may not be there when a step failed",
                    hint=f"it can use {', '.join(f'@{{{known}}}' for known in WORDS)}",
                )

    def _define(self, step: Step) -> None:
        gives = self._started.get(step.join, "") if step.join else _GIVES.get(step.op, "")
        if step.start:
            self._started[step.start] = gives
        if step.save:
            self._things[step.save] = gives
            self._words.add(step.save)

    def _check_on(self, step: Step, where: str) -> None:
        if step.join or step.op in acts.OWN:
            return
        if step.on == "server" and "spare" not in self._needs:
            raise ScenarioError(
                f"{where}: only a spare server may be stopped", hint='needs = ["spare"]'
            )
        if step.on in _PARENT:
            return
        subject = acts.subject(step.op)
        if subject == "dsn":  # it needs nothing that is there; a slip is one all the same
            if step.on not in (step.save, *self._things):
                raise self._unknown(step.on, where)
            return
        self._check_thing(step.on, subject, where, _PARENT)

    def _check_thing(
        self, name: Any, kind: str, where: str, others: tuple[str, ...] = ()
    ) -> None:
        if not isinstance(name, str) or name not in self._things:
            raise self._unknown(str(name), where, others)
        found = self._things[name]
        if found and found != kind:
            raise ScenarioError(f"{where}: '{name}' is a {found}, and this needs a {kind}")

    def _unknown(
        self, name: str, where: str, others: tuple[str, ...] = ()
    ) -> ScenarioError:
        near = nearest(name, [*self._things, *others], "there are")
        return ScenarioError(
            f"{where}: nothing is called {shown(name)} at this point",
            hint=f'{near} (another session is declared in the case: sessions = ["b"])',
        )

    def _check_words(self, text: str, where: str) -> None:
        for word in _WORD.findall(text):
            if word not in self._words:
                raise ScenarioError(
                    f"{where}: no earlier step saved @{{{word}}}",
                    hint=nearest(word, sorted(self._words)),
                )

    def _check_place(self, step: Step, where: str) -> None:
        connects = step.on == "control" or (
            step.op in acts.names() and acts.subject(step.op) == "dsn"
        )
        if not connects or "to" not in step.arguments:
            return
        to = step.arguments["to"]
        for name in to if isinstance(to, list) and to else [to]:
            if not isinstance(name, str) or name not in PLACES:
                raise ScenarioError(
                    f"{where}: there is no place called {shown(name)}",
                    hint=nearest(str(name), PLACES, "places"),
                )
            need = PLACES[name]
            if need and need not in self._needs:
                raise ScenarioError(
                    f"{where}: nobody starts the place '{name}'", hint=f'needs = ["{need}"]'
                )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
