"""What a driver can be able to do: a closed list, each entry a sentence.

Read every description as "the driver can …". An op is claimed by the method of its
name; a capability names what a method cannot say. A scenario that `requires` one
that a driver does not have is `unsupported` for it, and the sentence is the reason.
"""

from __future__ import annotations

from harness.core.enums import StrEnum


class Capability(StrEnum):
    """A named ability; `Capability.X.sentence` says what it means."""

    JSONB = "jsonb"
    ARRAYS = "arrays"
    VECTOR = "vector"
    PREPARED = "prepared"
    PIPELINE = "pipeline"
    COPY_TEXT = "copy-text"
    COPY_CSV = "copy-csv"
    COPY_BINARY = "copy-binary"
    COPY_ROWS = "copy-rows"
    COPY_BYTES = "copy-bytes"
    POOL = "pool"
    POOL_WAITS = "pool-waits"
    PEP_249 = "pep-249"

    @property
    def sentence(self) -> str:
        """What the driver can do, to follow the words "the driver can"."""
        return _SENTENCES[self]


_SENTENCES: dict[Capability, str] = {
    Capability.JSONB: "send and receive jsonb documents as Python objects",
    Capability.ARRAYS: "send a list as a PostgreSQL array and receive one as a list",
    Capability.VECTOR: "send and receive pgvector's vector as something other than text",
    Capability.PREPARED: "execute a statement that the server has prepared before",
    Capability.PIPELINE: "send many statements before it reads the first result",
    Capability.COPY_TEXT: "stream COPY in text format",
    Capability.COPY_CSV: "stream COPY in CSV format",
    Capability.COPY_BINARY: "stream COPY in binary format",
    Capability.COPY_ROWS: "COPY from Python rows, encoding the values itself",
    Capability.COPY_BYTES: "COPY from bytes that are already encoded",
    Capability.POOL: "share connections among clients through the library's own pool",
    Capability.POOL_WAITS: "let a client wait when all connections of its pool are in use",
    Capability.PEP_249: "raise exceptions of the classes that PEP 249 names",
}
