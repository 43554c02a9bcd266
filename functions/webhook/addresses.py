"""The address of a receiver: resolved once, checked, then used for the connection."""

from __future__ import annotations

import ipaddress
import socket

from functions.webhook.errors import RefusedAddressError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# IPv6 networks that stand for IPv4 addresses: translation (RFC 6052, RFC 8215), 6to4 (RFC 3056) and Teredo (RFC 4380).
_EMBEDDING = [ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


def resolved(host: str, port: int, *, allow_private: bool) -> str:
    """The address to connect to; IPv4 if there is one, because Lambda functions outside a VPC have no IPv6.

    Args:
        host: a name or an address.
        port: the port.
        allow_private: whether addresses that are not public may be used.

    Raises:
        OSError: the name cannot be resolved.
        RefusedAddressError: at least one of its addresses is not public.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A link-local address may end with a zone: fe80::1%eth0.
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if not (allow_private or is_public(address)):
            raise RefusedAddressError(f"{host} resolves to {address}, which is not a public address")
    return str(min(addresses, key=lambda address: address.version))


def is_public(address: Address) -> bool:
    """Whether an address is public: not private, loopback, link-local or multicast."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _EMBEDDING):
            return False
    return address.is_global and not address.is_multicast
