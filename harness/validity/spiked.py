"""Drivers with a known dose of something: psycopg2 with ops that leak, or that burn.

They are found by workers only while `trials.findable` puts `plugins/` on their path, so
nobody sees them among the drivers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.arms import Kind, Profile
from harness.core.calls import Call, ErrorFields, Target, Terms
from harness.core.capabilities import Capability
from harness.drivers.psycopg2 import Psycopg2, Psycopg2Session
from harness.validity import dose


class _Session:
    """A healthy session whose fetching ops are spiked."""

    def __init__(
        self, healthy: Psycopg2Session, spike: Callable[[dose.Op], dose.Op]
    ) -> None:
        self._healthy = healthy
        self._spike = spike
        self.rows: Callable[[Any], Sequence[tuple[Any, ...]]] = healthy.rows
        self.close = healthy.close

    def fetch_one(self, call: Call) -> dose.Op:
        """As psycopg2 does it, spiked."""
        return self._spike(self._healthy.fetch_one(call))

    def fetch_val(self, call: Call) -> dose.Op:
        """As psycopg2 does it, spiked."""
        return self._spike(self._healthy.fetch_val(call))


class Leaks:
    """Keeps `dose.leak_bytes()` at each op."""

    name = "spiked-leak"
    kind: Kind = "sync"
    options: Mapping[str, str] = {}
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, options: frozenset[str]) -> None:
        self._healthy = Psycopg2(options)

    def terms(self) -> Terms:
        """Those of psycopg2."""
        return self._healthy.terms()

    def describe_error(self, error: BaseException) -> ErrorFields:
        """As psycopg2 tells it."""
        return self._healthy.describe_error(error)

    def open(self, target: Target, profile: Profile) -> _Session:
        """A session whose ops are spiked."""
        return _Session(self._healthy.open(target, profile), self.spike)

    def spike(self, op: dose.Op) -> dose.Op:
        """What is done to an op."""
        return dose.leaking(op)


class Burns(Leaks):
    """Burns `dose.BURN_NS` in a thread of its own at each op."""

    name = "spiked-burn"

    def spike(self, op: dose.Op) -> dose.Op:
        """The worker's environment says where the truth is kept."""
        return dose.burning(op, Path(os.environ[dose.TRUTH]))
