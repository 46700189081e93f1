"""What passes between a client and a server: messages, bytes and turns.

`framing` parts a stream into messages, `tap` counts those of a connection, `patience` says
when a client waits, `words` tells people what a message says.
"""

from harness.servers.tap.tap import Counts, Note, Tap

__all__ = ["Counts", "Note", "Tap"]
