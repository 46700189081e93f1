"""What a server kind of one's own needs; docs/api.md shows one."""

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers import Server, ServerKind, ServerSpec

__all__ = ["Server", "ServerError", "ServerKind", "ServerSpec", "Target"]
