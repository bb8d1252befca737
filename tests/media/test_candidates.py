"""Which addresses are advertised, as tables of configuration and interfaces."""

from __future__ import annotations

import ipaddress

import ifaddr
import pytest

from media.api import Candidate
from media.candidates import MAX_ADDRESSES, AdvertiseError, advertised, interface_addresses

UDP, TCP = 41000, 41001

LAN = [("lo", "127.0.0.1"), ("lo", "::1"), ("eth0", "192.168.1.5"), ("eth0", "fe80::1%eth0")]


def udp_addresses(
    interfaces: list[tuple[str, str]], host: str = "", advertise: tuple[str, ...] = ()
) -> list[tuple[str, int]]:
    found = advertised(advertise, host, UDP, 0, interfaces=lambda: interfaces)
    assert all(candidate.protocol == "udp" for candidate in found)
    return [(candidate.address, candidate.port) for candidate in found]


@pytest.mark.parametrize(
    "interfaces,expected",
    [
        pytest.param(LAN, ["192.168.1.5"], id="loopback and link-local left out"),
        pytest.param([("lo", "127.0.0.1"), ("lo", "::1")], ["127.0.0.1", "::1"], id="loopback only"),
        pytest.param([], ["127.0.0.1"], id="nothing at all"),
        pytest.param([("eth0", "169.254.3.4")], ["127.0.0.1"], id="only link-local"),
        pytest.param([*LAN, ("docker0", "172.17.0.1"), ("br-0af", "172.18.0.1")], ["192.168.1.5"], id="bridges"),
        pytest.param([("lo", "127.0.0.1"), ("docker0", "172.17.0.1")], ["172.17.0.1"], id="a bridge, rather than none"),
        pytest.param(
            [("a", "fd00::5"), ("a", "2a00:1450::5"), ("b", "10.0.0.1"), ("c", "8.8.8.8")],
            ["8.8.8.8", "10.0.0.1", "2a00:1450::5", "fd00::5"],
            id="IPv4 first, public first",
        ),
        pytest.param([("a", "10.0.0.1"), ("b", "10.0.0.1")], ["10.0.0.1"], id="twice"),
        pytest.param(
            [("a", "junk"), ("a", "224.0.0.1"), ("a", "0.0.0.0"), ("a", "10.0.0.1")], ["10.0.0.1"], id="unusable"
        ),
    ],
)
def test_own_addresses(interfaces: list[tuple[str, str]], expected: list[str]) -> None:
    assert udp_addresses(interfaces) == [(address, UDP) for address in expected]


@pytest.mark.parametrize(
    "host,expected",
    [
        ("", ["10.0.0.1", "fd00::5"]),
        ("0.0.0.0", ["10.0.0.1"]),
        ("::", ["fd00::5"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("10.9.9.9", ["10.9.9.9"]),
        ("::1", ["::1"]),
    ],
)
def test_bound_host(host: str, expected: list[str]) -> None:
    interfaces = [("lo", "127.0.0.1"), ("eth0", "10.0.0.1"), ("eth0", "fd00::5")]
    assert udp_addresses(interfaces, host) == [(address, UDP) for address in expected]


@pytest.mark.parametrize("host,expected", [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_fallback_is_of_the_bound_family(host: str, expected: str) -> None:
    assert udp_addresses([], host) == [(expected, UDP)]


@pytest.mark.parametrize(
    "entry,expected",
    [
        ("203.0.113.9", ("203.0.113.9", UDP)),
        (" 203.0.113.9 ", ("203.0.113.9", UDP)),
        ("203.0.113.9:50000", ("203.0.113.9", 50000)),
        ("2001:db8::9", ("2001:db8::9", UDP)),
        ("2001:DB8:0::9", ("2001:db8::9", UDP)),
        ("[2001:db8::9]", ("2001:db8::9", UDP)),
        ("[2001:db8::9]:50000", ("2001:db8::9", 50000)),
        ("127.0.0.1", ("127.0.0.1", UDP)),
    ],
)
def test_configured(entry: str, expected: tuple[str, int]) -> None:
    assert udp_addresses(LAN, advertise=(entry,)) == [expected]


def test_configured_order_is_kept_and_wins_over_host() -> None:
    entries = ("fd00::5", "203.0.113.9", "10.0.0.1", "203.0.113.9")
    assert udp_addresses(LAN, "127.0.0.1", entries) == [("fd00::5", UDP), ("203.0.113.9", UDP), ("10.0.0.1", UDP)]


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "",
            "example.org",
            "example.org:5",
            "1.2.3",
            "1.2.3.4:",
            "1.2.3.4:0",
            "1.2.3.4:65536",
            "1.2.3.4:x",
            "1.2.3.4:-1",
        ),
        *("1.2.3.4:٣", "[::1", "[::1]x", "[::1]:", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%eth0"),
    ],
)
def test_bad_entry_is_named(entry: str) -> None:
    with pytest.raises(AdvertiseError) as caught:
        advertised((entry,), "", UDP, TCP, interfaces=lambda: LAN)
    assert repr(entry) in str(caught.value)


def test_bad_host_is_named() -> None:
    with pytest.raises(AdvertiseError, match="localhost"):
        advertised((), "localhost", UDP, TCP)


def test_udp_before_tcp() -> None:
    found = advertised(("203.0.113.9", "[fd00::5]:7"), "", UDP, TCP)
    assert found == (
        Candidate("udp", "203.0.113.9", UDP),
        Candidate("udp", "fd00::5", 7),
        Candidate("tcp", "203.0.113.9", TCP),
        Candidate("tcp", "fd00::5", 7),
    )


def test_number_is_bounded() -> None:
    many = [("eth0", f"10.0.0.{n}") for n in range(1, 30)]
    assert len(udp_addresses(many)) == MAX_ADDRESSES


def test_this_machine() -> None:
    """The real interfaces: literal addresses, at least the loopback one."""
    found = interface_addresses()
    assert any(ipaddress.ip_address(address.partition("%")[0]).is_loopback for _, address in found)
    assert advertised((), "", UDP, TCP)


def test_system_that_will_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no")

    monkeypatch.setattr(ifaddr, "get_adapters", refuse)
    assert interface_addresses() == []
    assert advertised((), "", UDP, 0) == (Candidate("udp", "127.0.0.1", UDP),)
