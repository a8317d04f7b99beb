"""Which addresses of the network the server may connect to when somebody other than its operator names them.

Python's `is_global` is no guard: it lets NAT64 and 6to4 forms of 127.0.0.1 through, and multicast.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CLOSED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/128",
        "::1/128",
        "64:ff9b::/96",  # NAT64: an IPv4 address in other clothes
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Private, loopback, link-local, documentation, multicast, and IPv6 that stands for an IPv4 address."""


def may_reach(address: str, opened: Sequence[Network] = ()) -> bool:
    """Whether the server may connect to a numeric address; `opened` are networks that the operator allows."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    found = unwrapped(found)
    if any(found.version == network.version and found in network for network in opened):
        return True
    return not any(found.version == network.version and found in network for network in CLOSED)


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside of `::ffff:127.0.0.1` and `::127.0.0.1`; any other as it is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if 1 < int(address) < 2**32:
            return ipaddress.IPv4Address(int(address))
    return address
