"""Messages between parent and worker: a length, then JSON. Standard library only.

Both ends speak over a socket of their own, never over stdin and stdout: what a driver
prints cannot disturb it. One request, one answer, in turn.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")

Message = dict[str, Any]


class ChannelClosed(Exception):  # noqa: N818 - a fact about the other end
    """The other end is gone."""


def send(channel: socket.socket, message: Message) -> None:
    """Send one message; raises `ChannelClosed` if nobody is there."""
    body = json.dumps(message, separators=(",", ":")).encode()
    try:
        channel.sendall(_LENGTH.pack(len(body)) + body)
    except (BrokenPipeError, ConnectionError) as error:
        raise ChannelClosed from error


def receive(channel: socket.socket) -> Message:
    """Wait for one message; raises `ChannelClosed`, or `TimeoutError` by the socket."""
    (length,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size))
    message: Message = json.loads(_exactly(channel, length))
    return message


def _exactly(channel: socket.socket, size: int) -> bytes:
    chunks = []
    while size:
        try:
            chunk = channel.recv(min(size, 1 << 20))
        except ConnectionError as error:
            raise ChannelClosed from error
        if not chunk:
            raise ChannelClosed
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
