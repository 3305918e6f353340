"""Which machines a push may be sent to: those of the public internet alone.

The address of a push service comes from whoever calls himself a browser, so it could name a machine inside. Names are
resolved here, and the connection goes to the very address that was looked at: a name that leads elsewhere the next
moment gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

#: Addresses of IPv4 in these are reached through a translator (RFC 6052, RFC 8215).
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class NotPublic(OSError):
    """The name leads to no public address."""


def is_public(text: str) -> bool:
    """Whether an address can only be a machine of the public internet, also through every kind of wrapping."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if any(address in network for network in _TRANSLATED):
            return False
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None and not _is_public(inner):
            return False
        if address.ipv4_mapped is not None:
            return True
    return _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


class PublicResolver(AbstractResolver):
    """Resolves names to their public addresses, and nothing else."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises NotPublic where the name has any address that is not public."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        addresses = [(str(place[0]), kind) for kind, _, _, _, place in found]
        if not addresses or not all(is_public(address) for address, _ in addresses):
            raise NotPublic("the name leads to an address that is not public")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in addresses
        ]

    async def close(self) -> None: ...
