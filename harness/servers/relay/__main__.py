"""The program: one route, until its standard input ends."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import socket
import sys

from harness.servers.relay import gate, loop


def main() -> None:
    """Read the orders, listen, tell where, and pass on."""
    orders = json.loads(_line())
    try:
        dial = loop.dialler(orders["host"], orders["port"])
    except OSError as error:
        sys.exit(f"the server cannot be reached: {error.strerror or error}")
    certificate = orders.get("certificate")
    secure = gate.context(certificate, orders["key"]) if certificate else None
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    relay = loop.Relay(listener, dial, orders["rtt_ns"], orders["hold_ns"], secure)
    relay.listen(0, lambda _events, _now_ns: _obey(relay))
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    gc.freeze()
    _allow_connections()
    relay.run()


def _allow_connections() -> None:
    """As many as the system lets us have: each takes two descriptors."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS has another limit, and no name
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _obey(relay: loop.Relay) -> None:
    """A line that came meanwhile: another time to hold chunks. Without one, the end."""
    if not (line := _line()):
        sys.exit()
    relay.hold_ns = json.loads(line)["hold_ns"]
    print("{}", flush=True)


def _line() -> bytes:
    """The next line; unbuffered, so that nothing of the one after it is read."""
    found = b""
    while not found.endswith(b"\n") and (byte := os.read(0, 1)):
        found += byte
    return found


if __name__ == "__main__":
    main()
