"""What cells need of a server, and whether it has it: asked once for each need."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from harness.core.errors import OracleError
from harness.results.records import ServerFacts
from harness.servers.rigs import Rigs
from harness.venue.control import Control


class ServerNeeds:
    """The `needs` of scenarios, as one server meets them."""

    def __init__(
        self, control: Control, facts: ServerFacts, rigs: Rigs, *, managed: bool
    ) -> None:
        self._control = control
        self._facts = facts
        self._rigs = rigs
        self._managed = managed
        self._lacking: dict[str, str] = {}  # need → why it is not met
        self._superuser = control.value("select current_setting('is_superuser')") == "on"

    def missing(self, needs: Iterable[str]) -> str:
        """Which of these needs the server does not meet; empty if it meets all."""
        for need in needs:
            # Asked once, by whoever prepares cells: others may not use its connection.
            if need not in self._lacking:
                self._lacking[need] = self._lacks(need)
            if reason := self._lacking[need]:
                return reason
        return ""

    def _lacks(self, need: str) -> str:
        kind, _, name = need.partition(":")
        if need.startswith("version>="):
            wanted = int(need.removeprefix("version>="))
            have = self._facts.version_num // 10_000
            return (
                "" if have >= wanted else f"PostgreSQL {wanted} is needed, this is {have}"
            )
        if kind == "extension":
            return (
                ""
                if name in self._facts.extensions
                else f"the extension {name} is not there"
            )
        if need == "superuser":
            return "" if self._superuser else "the user is not a superuser"
        if need == "owned":
            return (
                "" if self._managed else "only a server of pgdyno's own may be reconfigured"
            )
        if kind == "type":
            return self._lacks_type(name)
        if kind == "output-plugin":
            return self._lacks_output_plugin(name)
        if need in Rigs.KINDS:
            return self._rigs.lacks(need)
        return f"the server has no {need}"

    def _lacks_type(self, name: str) -> str:
        known = self._control.value("select to_regtype($1) is not null", [name])
        if known != "t":
            return f"the server has no type {name}"
        # Without libxml a server knows the name of the type, and no value of it.
        if name == "xml" and self._control.sqlstate([("select '<a/>'::xml", None)]):
            return "the server is built without libxml"
        return ""

    def _lacks_output_plugin(self, name: str) -> str:
        """A slot is the only way to ask; a temporary one ends with our session at worst."""
        slot = f"pgdyno_plugin_{secrets.token_hex(4)}"
        make = f"select pg_create_logical_replication_slot('{slot}', $1, true)"
        try:
            self._control.value(make, [name])
        except OracleError as error:
            return f"the output plugin {name} cannot be used: {error}"
        self._control.value(f"select pg_drop_replication_slot('{slot}')")
        return ""
