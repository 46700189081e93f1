"""How a cell is reached: over which way, and through what network.

A condition is part of a cell's identity and never of an arm's: drivers are compared under
one condition. Its mark stands behind the cell's name: `query/point#one[via=tls,rtt=5]`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from harness.core.errors import UsageError

Via = Literal["direct", "unix", "tls", "pgbouncer"]
VIAS: tuple[Via, ...] = get_args(Via)
MOST_RTT_MS = 1000.0
"""A second: what takes longer is no network that anybody would time ops over."""

_MARKED = re.compile(
    r"(?P<cell>.*)\[(?:via=(?P<via>[a-z]+))?,?(?:rtt=(?P<rtt>[0-9.]+))?\]", re.DOTALL
)
_ASKED = re.compile(r"(?P<cell>.*)\[(?P<parts>(?:via|rtt)=[^\[\]]*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """`via` is what stands between client and server, `rtt_ms` by how much the network
    lengthens a round trip, ms; 0 is no network at all."""

    via: Via = "direct"
    rtt_ms: float = 0.0

    @property
    def mark(self) -> str:
        """`[via=tls,rtt=5]`; nothing of a plain connection."""
        parts = [f"via={self.via}"] if self.via != "direct" else []
        parts += [f"rtt={self.rtt_ms:g}"] if self.rtt_ms else []
        return f"[{','.join(parts)}]" if parts else ""

    @property
    def has_sessions(self) -> bool:
        """Whether each connection of a client is a session of the server."""
        return self.via != "pgbouncer"

    def __str__(self) -> str:
        """In words: `TLS, RTT 5 ms`."""
        names = {"unix": "Unix socket", "tls": "TLS", "pgbouncer": "PgBouncer"}
        told = [names[self.via]] if self.via != "direct" else []
        told += [f"RTT {self.rtt_ms:g} ms"] if self.rtt_ms else []
        return ", ".join(told) or "direct"

    def of(self, title: str) -> str:
        """A title of what is asked under it: `One row by key · TLS, RTT 5 ms`."""
        return f"{title} · {self}" if self.mark else title


DIRECT = Condition()
"""A plain connection, without a network."""


def parted(cell: str) -> tuple[str, Condition]:
    """A cell's id without its condition, and the condition."""
    found = _MARKED.fullmatch(cell)
    if found is None or not (found["via"] or found["rtt"]):
        return cell, DIRECT
    if (found["via"] or "direct") not in VIAS:
        return cell, DIRECT
    via: Via = found["via"] or "direct"  # type: ignore[assignment]  # it is one of VIAS
    try:
        return found["cell"], Condition(via, float(found["rtt"] or 0))
    except ValueError:
        return cell, DIRECT


def asked(path: str) -> tuple[str, Condition]:
    """The same of what a user names, whose mark may be wrong, or in another order.

    Raises:
        UsageError: it says something that is no condition, and what.
    """
    found = _ASKED.fullmatch(path)
    if found is None:
        return path, DIRECT
    values: dict[str, list[str]] = {"via": [], "rtt": []}
    for part in found["parts"].split(","):
        name, _, value = part.partition("=")
        if name not in values or values[name]:
            raise UsageError(
                f"[{found['parts']}] is no condition: {part!r} cannot stand there",
                hint="such as [via=tls], [rtt=5] or [via=tls,rtt=5]",
            )
        values[name].append(value)
    return found["cell"], crossed(values["via"], values["rtt"])[0]


def crossed(vias: Sequence[str], rtts: Sequence[str | float]) -> tuple[Condition, ...]:
    """Every way with every round trip, each once; nothing of nothing.

    Raises:
        UsageError: a way that there is not, or a time that is none.
    """
    if not (vias or rtts):
        return ()
    ways = [_via(text) for text in vias] or [DIRECT.via]
    times = [_rtt_ms(text) for text in rtts] or [0.0]
    found = [Condition(way, ms) for way, ms in itertools.product(ways, times)]
    for condition in found:
        if condition.via == "unix" and condition.rtt_ms:
            raise UsageError(
                "a Unix socket has no network: no RTT can be added to it",
                hint="--rtt goes with --via direct, tls or pgbouncer",
            )
    return tuple(dict.fromkeys(found))


def listed(texts: Iterable[str]) -> list[str]:
    """What stands between commas, of options that may be repeated."""
    return [part.strip() for text in texts for part in text.split(",")]


def _via(text: str) -> Via:
    for via in VIAS:
        if text == via:
            return via
    raise UsageError(f"'{text}' is no way to a server", hint=f"one of: {', '.join(VIAS)}")


def _rtt_ms(text: str | float) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found <= MOST_RTT_MS:
        raise UsageError(
            f"'{text}' is no round-trip time",
            hint=f"milliseconds from 0 to {MOST_RTT_MS:g}, such as --rtt 0.2,1,5",
        )
    return round(found, 3)
