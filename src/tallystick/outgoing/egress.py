"""Connections to hosts that a workspace names: each address is looked at, and that very address is connected to."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

from tallystick.values.egress import Network, may_reach

CONNECT_SECONDS: Final = 10.0
MOST_TRIED: Final = 4
"""Addresses of one name: a hundred that do not answer would hold a worker for long."""


class Closed(Exception):  # noqa: N818 - a fact about a host
    """A host on a network that is not open to workspaces."""


def connect(
    host: str, port: int, *, guarded: bool, opened: Sequence[Network] = (), seconds: float = CONNECT_SECONDS
) -> socket.socket:
    """A connection to a host. `guarded`: every address of its name must be public, or in a network that is `opened`.

    Raises Closed; OSError when nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys((family, place) for family, _, _, _, place in found))
    if guarded and not all(may_reach(str(place[0]), opened) for _, place in addresses):
        raise Closed(
            f"{host} is an address of a private network. Whoever runs the server opens such with "
            "TALLYSTICK_EGRESS_ALLOW."
        )
    last: OSError = OSError(f"{host} has no address")
    for family, place in addresses[:MOST_TRIED]:
        line = socket.socket(family, socket.SOCK_STREAM)
        line.settimeout(seconds)
        try:
            line.connect(place)  # the number that was looked at: the name may lead elsewhere a moment later
        except OSError as error:
            line.close()
            last = error
        else:
            return line
    raise last
