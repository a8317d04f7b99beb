"""Which address a request comes from: the peer's, or what a trusted proxy says."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import falcon

from tallystick.auth.rate_limits import address_key

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LONGEST: Final = 64
"""Characters of an address; whatever is longer is none."""


def address_reader(trusted: Sequence[Network]) -> Callable[[falcon.Request], str]:
    """A function from request to the key of its client's address.

    `X-Forwarded-For` counts only as far as it was written by trusted proxies: it is read from its end.
    """

    @lru_cache(maxsize=1024)  # the same few come again and again
    def is_trusted(text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in trusted)

    def read(request: falcon.Request) -> str:
        address = request.remote_addr or "unknown"
        if is_trusted(address):
            for hop in reversed((request.get_header("X-Forwarded-For") or "").split(",")):
                address = hop.strip()[:_LONGEST] or address
                if not is_trusted(address):
                    break
        try:
            return address_key(address)
        except ValueError:
            return address_key(request.remote_addr or "0.0.0.0")  # noqa: S104 - a name for "no address", not a bind

    return read
