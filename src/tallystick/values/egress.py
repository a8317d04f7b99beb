"""Which addresses of the network the server may connect to when somebody other than its operator names them.

Python's `is_global` is no guard: it lets NAT64 and 6to4 forms of 127.0.0.1 through, and multicast.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

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


PORTS: Final = frozenset({443, 8443})
"""Where a receiver listens on the open network; in a network that the operator opened it may be any."""
LONGEST_URL: Final = 2000
_NUMBERS: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.ASCII | re.IGNORECASE)
"""All the ways in which system libraries read an IPv4 address: decimal, octal, hexadecimal, with parts left out."""


class Unusable(ValueError):  # noqa: N818 - a fact about an address
    """An address that cannot be a receiver; the text says why."""


def receiver(url: str, opened: Sequence[Network] = ()) -> str:
    """An address as it is kept: plain ASCII, with nothing that two programs could read differently.

    Raises Unusable. A name is judged where it leads, at each connection; a number here already.
    """
    if len(url) > LONGEST_URL or not url.isprintable() or any(mark in url for mark in ' \\"<>^`{|}'):
        raise Unusable(f"must be an address of up to {LONGEST_URL} plain characters, such as https://example.com/hook")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unusable("must be an address such as https://example.com/hook") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unusable("must begin with https://")
    if "[" in parts.netloc and ":" not in parts.hostname:
        raise Unusable("must have a host name or an address")
    if "@" in parts.netloc or parts.fragment or url.endswith("#") or port == 0:
        raise Unusable("must have no user name, password or fragment")
    host = _host(parts.hostname)
    number = as_number(host)
    inside = number is not None and reachable(number, opened, only_opened=True)
    if number is not None and not inside and not may_reach(str(number), opened):
        raise Unusable("is an address of a private network, which whoever runs the server has not opened")
    if not inside and (number is not None or not opened):
        if parts.scheme != "https":
            raise Unusable("must begin with https://")
        if port not in {None, *PORTS}:
            raise Unusable("must have port 443 or 8443")
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port is None else f"{shown}:{port}"
    path = parts.path or "/"
    if not (path + parts.query).isascii():
        raise Unusable("must be plain ASCII; write other characters as %C3%A4 and the like")
    return urlunsplit((parts.scheme, netloc, path, parts.query, ""))


def as_number(host: str) -> Address | None:
    """The numeric address that a host is, in any of the ways in which one is written; None: it is a name."""
    try:
        return unwrapped(ipaddress.ip_address(host))
    except ValueError:
        pass
    if _NUMBERS.fullmatch(host) is None:
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        return ipaddress.IPv4Address(0)  # nobody's


def reachable(address: Address, opened: Sequence[Network], *, only_opened: bool) -> bool:
    """`may_reach` for an address that was read; `only_opened`: what the operator opened, and not the open network."""
    found = unwrapped(address)
    if any(found.version == network.version and found in network for network in opened):
        return True
    return not only_opened and may_reach(str(found))


def _host(given: str) -> str:
    """A host in lower case and in ASCII. Raises Unusable."""
    if ":" in given:
        try:
            return str(ipaddress.IPv6Address(given))
        except ValueError:
            raise Unusable("must have a host name or an address") from None
    try:
        host = given.encode("idna").decode().lower()
    except UnicodeError:
        raise Unusable("must have a host name that can be one") from None
    if re.fullmatch(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", host, re.ASCII) is None or len(host) > 253:
        raise Unusable("must have a host name that can be one")
    return host


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
