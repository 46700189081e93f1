"""A process before a server that passes bytes on: later, as a network does, or out of TLS.

`python -m harness.servers.relay` reads a line of JSON on its standard input (`Orders`),
says on its standard output where it listens, and ends with its input. Standard library
only: it starts fast, and needs nothing of an environment.
"""
