"""Connections to hosts that a workspace names: each address is looked at, and that very address is connected to."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Sequence
from typing import Final

from tallystick.values.egress import Network, may_reach, reachable

CONNECT_SECONDS: Final = 10.0
MOST_TRIED: Final = 4
"""Addresses of one name: a hundred that do not answer would hold a worker for long."""


class Closed(Exception):  # noqa: N818 - a fact about a host
    """A host on a network that is not open to workspaces."""


def connect(
    host: str,
    port: int,
    *,
    guarded: bool,
    opened: Sequence[Network] = (),
    only_opened: bool = False,
    seconds: float = CONNECT_SECONDS,
    until: float | None = None,
) -> socket.socket:
    """A connection to a host. `guarded`: every address of its name must be public, or in a network that is `opened`.

    `only_opened`: public ones will not do. `until`: when to give up, on the clock of `time.monotonic`.
    Raises Closed; OSError when nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys((family, place) for family, _, _, _, place in found))
    if guarded and not all(_allowed(str(place[0]), opened, only_opened=only_opened) for _, place in addresses):
        raise Closed(
            f"{host} is an address of a private network. Whoever runs the server opens such with "
            "TALLYSTICK_EGRESS_ALLOW."
            if not only_opened
            else f"{host} is not in a network that is opened with TALLYSTICK_EGRESS_ALLOW: elsewhere a receiver has "
            "https, and port 443 or 8443."
        )
    last: OSError = OSError(f"{host} has no address")
    for family, place in addresses[:MOST_TRIED]:
        line = socket.socket(family, socket.SOCK_STREAM)
        line.settimeout(seconds if until is None else max(min(seconds, until - time.monotonic()), 0.001))
        try:
            line.connect(place)  # the number that was looked at: the name may lead elsewhere a moment later
        except OSError as error:
            line.close()
            last = error
        else:
            return line
    raise last


def _allowed(address: str, opened: Sequence[Network], *, only_opened: bool) -> bool:
    if not only_opened:
        return may_reach(address, opened)
    return reachable(ipaddress.ip_address(address.partition("%")[0]), opened, only_opened=True)
