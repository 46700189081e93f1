"""What a server kind of one's own needs; docs/api.md shows one."""

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers import Kind, Server, ServerSpec

__all__ = ["Kind", "Server", "ServerError", "ServerSpec", "Target"]
