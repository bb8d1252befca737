"""Which addresses an SDP of ours advertises: those of the configuration (NAT 1:1), else the machine's own.

No STUN or TURN server is ever asked, so an answer never waits; a peer behind any NAT reaches us, not we it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Final

import ifaddr

from media.api import Candidate

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Every address costs the browser checks; more than these no machine needs to be found.
MAX_ADDRESSES: Final = 8
_PORT_MAX: Final = 0xFFFF
#: Bridges that only containers and virtual machines of this very machine are behind. A remote peer that has the same
#: private range at home would check addresses of its own network.
_INNER_INTERFACES: Final = ("docker", "br-", "virbr", "veth", "cni", "flannel", "cali", "lxc", "lxdbr", "podman")


class AdvertiseError(ValueError):
    """An address in the configuration cannot be used; the message names it."""


def advertised(
    advertise: Iterable[str],
    host: str,
    udp_port: int,
    tcp_port: int,
    *,
    interfaces: Callable[[], Iterable[tuple[str, str]]] | None = None,
) -> tuple[Candidate, ...]:
    """Our candidates, most preferred first: all UDP ones, then all TCP ones (passive; none with ``tcp_port`` 0).

    ``advertise`` are literal addresses, or ``address:port`` (``[address]:port`` for IPv6) behind a NAT that forwards
    another port, and are taken as they are and in their order. When there are none, a specific ``host`` (the address
    that is bound) is the only one; else the machine's own addresses are taken, IPv4 and public ones first, without
    link-local ones and inner bridges, and loopback only on a machine that has nothing else. ``host`` empty means all
    addresses, ``0.0.0.0`` and ``::`` all of one family.

    ``interfaces`` returns (interface name, address) pairs; by default :func:`interface_addresses`.
    Raises AdvertiseError for an address that is not literal, unspecified or multicast, and for a bad port.
    """
    chosen = [_configured(entry) for entry in advertise]
    if not chosen:
        bound = _literal(host) if host else None
        if bound is not None and not bound.is_unspecified:
            chosen = [(bound, 0)]
        else:
            family = bound.version if bound is not None else 0
            chosen = [(address, 0) for address in _own((interfaces or interface_addresses)(), family)]
    chosen = list(dict.fromkeys(chosen))
    udp = [Candidate("udp", str(address), port or udp_port) for address, port in chosen]
    tcp = [Candidate("tcp", str(address), port or tcp_port) for address, port in chosen if tcp_port]
    return (*udp, *tcp)


def interface_addresses() -> list[tuple[str, str]]:
    """(interface name, address) of every address of this machine; empty when the system will not tell."""
    try:
        adapters = list(ifaddr.get_adapters())
    except OSError:
        return []
    return [
        (str(adapter.name), str(ip.ip[0] if isinstance(ip.ip, tuple) else ip.ip))
        for adapter in adapters
        for ip in adapter.ips
    ]


def _own(interfaces: Iterable[tuple[str, str]], family: int) -> list[_Address]:
    """The machine's addresses worth advertising, of one IP version or (0) both, most preferred first."""
    outer: list[_Address] = []
    inner: list[_Address] = []
    loopback: list[_Address] = []
    for name, text in interfaces:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if (family and address.version != family) or address.is_unspecified or address.is_multicast:
            continue
        if address.is_link_local:
            continue
        if address.is_loopback:
            loopback.append(address)
        elif name.startswith(_INNER_INTERFACES):
            inner.append(address)
        else:
            outer.append(address)
    for found in (outer, inner, loopback):
        if found:
            return sorted(set(found), key=lambda address: (address.version, address.is_private, int(address)))[
                :MAX_ADDRESSES
            ]
    return [ipaddress.ip_address("::1" if family == 6 else "127.0.0.1")]


def _configured(entry: str) -> tuple[_Address, int]:
    """An entry of the configuration as (address, port), port 0 when it names none."""
    text, port = entry.strip(), ""
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise AdvertiseError(f"cannot advertise {entry!r}: expected [address]:port")
        port = rest[1:] if rest else ""
        if rest == ":":
            raise AdvertiseError(f"cannot advertise {entry!r}: the port is missing")
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not port:
            raise AdvertiseError(f"cannot advertise {entry!r}: the port is missing")
    address = _literal(text, entry)
    if address.is_unspecified or address.is_multicast:
        raise AdvertiseError(f"cannot advertise {entry!r}: no peer can send to it")
    if not port:
        return address, 0
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= _PORT_MAX):
        raise AdvertiseError(f"cannot advertise {entry!r}: the port must be 1 to {_PORT_MAX}")
    return address, int(port)


def _literal(text: str, entry: str | None = None) -> _Address:
    try:
        if "%" in text:
            raise ValueError("a zone means nothing to a peer")
        return ipaddress.ip_address(text)
    except ValueError:
        raise AdvertiseError(f"{entry or text!r} is not a literal IPv4 or IPv6 address") from None
