"""The contract of drivers: everything that a plug-in needs, and all that it may import.

Also the vocabulary of acts, and the source of ops and acts for reproductions. Knows core.
"""

from __future__ import annotations

from harness.core import sql
from harness.core.arms import Kind, Profile
from harness.core.calls import (
    Call,
    ErrorFields,
    Op,
    Statement,
    Target,
    Terms,
)
from harness.core.capabilities import Capability
from harness.core.errors import DriverError, LibraryMissingError, NotConfigured, Unsupported
from harness.core.tables import TEXT_FORM
from harness.plugin.acts import Acts
from harness.plugin.contract import AsyncOp, Driver, Pool, ProgramOp, Session, SyncOp
from harness.plugin.layers import beneath, described
from harness.plugin.vector import FIND_VECTOR, unregistered_vector
from harness.plugin.wrappers import RANGE, Wrapper, wrapped

__all__ = [
    "FIND_VECTOR",
    "RANGE",
    "TEXT_FORM",
    "Acts",
    "AsyncOp",
    "Call",
    "Capability",
    "Driver",
    "DriverError",
    "ErrorFields",
    "Kind",
    "LibraryMissingError",
    "NotConfigured",
    "Op",
    "Pool",
    "Profile",
    "ProgramOp",
    "Session",
    "Statement",
    "SyncOp",
    "Target",
    "Terms",
    "Unsupported",
    "Wrapper",
    "beneath",
    "described",
    "sql",
    "unregistered_vector",
    "wrapped",
]
