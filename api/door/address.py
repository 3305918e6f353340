"""Who a client is: the peer itself, or what a trusted proxy says about it.

`X-Forwarded-For` is written by whoever likes to. It is believed only from peers in `trusted_proxies`, and then from the
right: the rightmost address that is not one of our proxies is the last thing that a proxy of ours has seen itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from core.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_address(text: str) -> Address | None:
    """An address as proxies write it (`1.2.3.4`, `1.2.3.4:5678`, `::1`, `[::1]:5678`), IPv4-mapped ones as IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _networks(texts: Iterable[str], what: str) -> tuple[Network, ...]:
    networks: list[Network] = []
    for text in texts:
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError as error:
            raise Invalid(f"{what}: {text!r} is not an IP address or network such as 10.0.0.0/8.") from error
    return tuple(networks)


class AddressRules:
    """Which peers speak for others, and which are not counted. Raises Invalid for a malformed network."""

    def __init__(self, *, trusted_proxies: Iterable[str], uncapped: Iterable[str]) -> None:
        self._trusted = _networks(trusted_proxies, "trusted proxies")
        self._uncapped = _networks(uncapped, "uncapped networks")
        # After a restart the same few addresses come again and again.
        self.counted_as = lru_cache(1_024)(self._counted_as)

    def is_trusted(self, peer: str) -> bool:
        if not self._trusted:
            return False  # bare on the internet, this is asked several times per connection
        address = parse_address(peer)
        return address is not None and any(address in network for network in self._trusted)

    def client(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address, for a request with these (lower-case) headers."""
        if not self.is_trusted(peer):
            return peer
        hops = ",".join(value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for").split(",")
        client = peer
        for hop in reversed(hops):
            address = parse_address(hop)
            if address is None:
                break
            client = str(address)
            if not self.is_trusted(client):
                break
        return client

    def is_https(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a trusted proxy says that the client came by TLS."""
        return self.is_trusted(peer) and any(
            name == b"x-forwarded-proto" and value.rpartition(b",")[2].strip().lower() in (b"https", b"wss")
            for name, value in headers
        )

    def _counted_as(self, address: str) -> str | None:
        """The key under which connections from `address` are counted; None if they are not."""
        parsed = parse_address(address)
        if parsed is None or any(parsed in network for network in self._uncapped):
            return None
        if isinstance(parsed, IPv6Address):
            return str(IPv6Network((parsed, 64), strict=False))
        return str(parsed)
