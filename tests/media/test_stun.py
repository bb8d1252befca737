"""STUN: RFC 5769's vectors, aioice as the oracle in both directions, and whatever else arrives on a UDP port."""

from __future__ import annotations

import os
import struct
from dataclasses import FrozenInstanceError

import pytest
from aioice import stun as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from media import stun

KEY = b"VOkJxbRl1RmTxUk/WvJxBt"
TID = bytes.fromhex("b7e7a701bc34d686fa87dfae")
SOFTWARE = 0x8022

VECTOR_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
VECTOR_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
VECTOR_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)


def read(data: bytes) -> stun.StunMessage:
    message = stun.parse(data)
    assert message is not None
    return message


def request(**kwargs: object) -> bytes:
    return stun.binding_request(TID, "here:there", KEY, **kwargs)  # type: ignore[arg-type]


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) & 3)


def raw(*attributes: bytes, kind: int = stun.BINDING_REQUEST, cookie: int = stun.MAGIC_COOKIE) -> bytes:
    body = b"".join(attributes)
    return struct.pack("!HHI12s", kind, len(body), cookie, TID) + body


# --- golden vectors (RFC 5769) -----------------------------------------------------------------------------------


def test_vector_request() -> None:
    message = read(VECTOR_REQUEST)
    assert message.kind == stun.BINDING_REQUEST
    assert message.transaction_id == TID
    assert message.username == ("evtj", "h6vY")
    assert message.priority == 0x6E0001FF
    assert stun.ICE_CONTROLLED in message.attributes
    assert message.attributes[SOFTWARE] == b"STUN test client"
    assert not message.use_candidate
    assert not message.not_understood
    assert message.verify(KEY)
    assert not message.verify(KEY + b"x")
    assert stun.peek_ufrag(VECTOR_REQUEST) == "evtj"


@pytest.mark.parametrize(
    "data,address", [(VECTOR_IPV4, "192.0.2.1"), (VECTOR_IPV6, "2001:db8:1234:5678:11:2233:4455:6677")]
)
def test_vector_response(data: bytes, address: str) -> None:
    message = read(data)
    assert message.kind == stun.BINDING_SUCCESS
    assert message.verify(KEY)
    assert message.mapped == (address, 32853)
    assert stun.peek_ufrag(data) is None


# --- aioice as the oracle ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["192.0.2.1", "255.255.255.255", "::1", "2001:db8::8:800:200c:417a"])
@pytest.mark.parametrize("port", [1, 41000, 65535])
def test_aioice_reads_our_success(address: str, port: int) -> None:
    data = stun.success(TID, (address, port), KEY)
    message = oracle.parse_message(data)
    assert message.message_class == oracle.Class.RESPONSE
    assert message.transaction_id == TID
    assert message.attributes["XOR-MAPPED-ADDRESS"] == (address, port)
    assert message.check_message_integrity(KEY)
    assert not message.check_message_integrity(b"other")
    assert "FINGERPRINT" in message.attributes
    assert read(data).mapped == (address, port)


@pytest.mark.parametrize("code", sorted(stun.REASONS))
@pytest.mark.parametrize("key", [None, KEY])
def test_aioice_reads_our_errors(code: int, key: bytes | None) -> None:
    data = stun.error(TID, code, key)
    message = oracle.parse_message(data)
    assert message.message_class == oracle.Class.ERROR
    assert message.attributes["ERROR-CODE"] == (code, stun.REASONS[code].decode())
    assert ("MESSAGE-INTEGRITY" in message.attributes) == (key is not None)
    if key is not None:
        assert message.check_message_integrity(key)
    assert "FINGERPRINT" in message.attributes
    assert read(data).error_code == code


@pytest.mark.parametrize("use_candidate", [False, True])
@pytest.mark.parametrize("role", ["ICE-CONTROLLING", "ICE-CONTROLLED"])
def test_we_read_aioice(use_candidate: bool, role: str) -> None:
    message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST)
    message.attributes["USERNAME"] = "server:client"
    message.attributes["PRIORITY"] = 1694498815
    message.attributes[role] = 0x1122334455667788
    if use_candidate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(KEY)
    data = bytes(message)
    assert stun.peek_ufrag(data) == "server"
    ours = read(data)
    assert ours.verify(KEY)
    assert ours.username == ("server", "client")
    assert ours.priority == 1694498815
    assert ours.use_candidate == use_candidate
    assert (stun.ICE_CONTROLLED in ours.attributes) == (role == "ICE-CONTROLLED")


def test_aioice_reads_our_request() -> None:
    message = oracle.parse_message(request(use_candidate=True, controlling=7))
    assert message.check_message_integrity(KEY)
    assert message.attributes["USERNAME"] == "here:there"
    assert message.attributes["ICE-CONTROLLING"] == 7
    assert "USE-CANDIDATE" in message.attributes


def test_ipv4_mapped_address_is_written_as_ipv4() -> None:
    assert read(stun.success(TID, ("::ffff:192.0.2.7", 9), KEY)).mapped == ("192.0.2.7", 9)


def test_unknown_attributes_are_named() -> None:
    message = read(stun.error(TID, 420, KEY, (0x0003, 0x7FFF)))
    assert message.attributes[stun.UNKNOWN_ATTRIBUTES] == b"\x00\x03\x7f\xff"
    assert message.verify(KEY)


def test_own_address_must_be_literal() -> None:
    with pytest.raises(ValueError):
        stun.success(TID, ("localhost", 1), KEY)


# --- reading -----------------------------------------------------------------------------------------------------

USER = attribute(stun.USERNAME, b"here:there")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(raw()[:19], id="cut header"),
        pytest.param(raw(cookie=0), id="no cookie"),
        pytest.param(raw(kind=0x4001), id="not the two zero bits"),
        pytest.param(raw(USER) + b"\0\0\0\0", id="longer than it says"),
        pytest.param(raw(USER)[:-4], id="shorter than it says"),
        pytest.param(raw(b"\0\0"), id="length not a multiple of four"),
        pytest.param(raw(struct.pack("!HH", stun.USERNAME, 8) + b"a:b\0"), id="attribute overruns"),
        pytest.param(raw(attribute(stun.MESSAGE_INTEGRITY, bytes(19))), id="integrity of 19 bytes"),
        pytest.param(raw(attribute(stun.FINGERPRINT, bytes(4))), id="wrong fingerprint"),
        pytest.param(raw(attribute(stun.FINGERPRINT, b"\0")), id="fingerprint of one byte"),
        pytest.param(raw(attribute(stun.FINGERPRINT, bytes(4)), USER), id="fingerprint not last"),
        pytest.param(raw(*[attribute(SOFTWARE, b"")] * (stun.MAX_ATTRIBUTES + 1)), id="too many attributes"),
    ],
)
def test_malformed_is_none(data: bytes) -> None:
    assert stun.parse(data) is None


def test_as_many_attributes_as_allowed() -> None:
    assert stun.parse(raw(*[attribute(SOFTWARE, b"")] * stun.MAX_ATTRIBUTES)) is not None


def test_first_of_repeated_attributes_counts() -> None:
    message = read(raw(USER, attribute(stun.USERNAME, b"x:y")))
    assert message.username == ("here", "there")


def test_attributes_behind_integrity_do_not_count() -> None:
    covered = raw(USER, attribute(stun.MESSAGE_INTEGRITY, bytes(20)))
    message = read(raw(covered[20:], attribute(stun.USE_CANDIDATE, b""), attribute(0x7777, b"")))
    assert not message.use_candidate
    assert not message.not_understood
    # The second half of a request with MESSAGE-INTEGRITY-SHA256 too (RFC 8489 section 9.1.2).
    signed = request()
    again = bytearray(signed[:-8] + attribute(0x001C, bytes(32)))
    struct.pack_into("!H", again, 2, len(again) - 20)
    assert read(bytes(again)).verify(KEY)


def test_without_integrity_nothing_verifies() -> None:
    message = read(stun.binding_request(TID, "here:there", None))
    assert not message.verify(KEY)
    assert not message.verify(b"")


@pytest.mark.parametrize(
    "extra,expected",
    [((), ()), (((0x8001, b"a"), (0xC057, b"abcd")), ()), (((0x7F00, b""), (0x0003, b"ab")), (0x0003, 0x7F00))],
)
def test_comprehension_required(extra: tuple[tuple[int, bytes], ...], expected: tuple[int, ...]) -> None:
    assert read(request(extra=extra)).not_understood == expected


@pytest.mark.parametrize(
    "username,peeked,parsed",
    [
        (b"a:b", "a", ("a", "b")),
        (b"a:b:c", "a", ("a", "b:c")),
        (b"a:", "a", ("a", "")),
        (b":b", None, ("", "b")),
        (b"ab", None, None),
        (b"", None, None),
        (b"\xff\xfe:x", "\xff\xfe", ("\xff\xfe", "x")),
        (b"a" * 256 + b":" + b"b" * 256, "a" * 256, ("a" * 256, "b" * 256)),
        (b"a" * 257 + b":" + b"b" * 256, None, None),
    ],
)
def test_username(username: bytes, peeked: str | None, parsed: tuple[str, str] | None) -> None:
    data = raw(attribute(stun.USERNAME, username))
    assert stun.peek_ufrag(data) == peeked
    assert read(data).username == parsed


@pytest.mark.parametrize(
    "data,expected",
    [
        (raw(*[attribute(SOFTWARE, b"")] * 11, USER), "here"),
        (raw(*[attribute(SOFTWARE, b"")] * 12, USER), None),
        (raw(attribute(SOFTWARE, b"abcde"), USER), "here"),
        (raw(USER, kind=stun.BINDING_INDICATION), None),
        (raw(USER, kind=stun.BINDING_SUCCESS), None),
        (raw(USER, cookie=1), None),
        (raw(USER) + b"xxxx", None),
        (raw(attribute(SOFTWARE, b"abcd")), None),
        (raw(struct.pack("!HH", stun.USERNAME, 40) + b"here:there.."), None),
        (raw(), None),
    ],
)
def test_peek(data: bytes, expected: str | None) -> None:
    assert stun.peek_ufrag(data) == expected


@pytest.mark.parametrize(
    "value,expected",
    [(b"\0\0\x04\x01", 401), (b"\0\0\x02\x01", None), (b"\0\0\x07\x01", None), (b"\0\0\x04\x64", None), (b"\0", None)],
)
def test_error_code_range(value: bytes, expected: int | None) -> None:
    assert read(raw(attribute(stun.ERROR_CODE, value))).error_code == expected


@pytest.mark.parametrize("value", [b"", b"\0\1\0\0", b"\0\2" + bytes(6), b"\0\3" + bytes(18), b"\0\1" + bytes(18)])
def test_bad_mapped_address(value: bytes) -> None:
    assert read(raw(attribute(stun.XOR_MAPPED_ADDRESS, value))).mapped is None


def test_priority_of_wrong_size_is_none() -> None:
    assert read(raw(attribute(stun.PRIORITY, b"abc"))).priority == 0


def test_message_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        read(request()).kind = 3  # type: ignore[misc]


# --- damage ------------------------------------------------------------------------------------------------------


def test_truncation_at_every_length() -> None:
    data = request(use_candidate=True)
    for end in range(len(data)):
        assert stun.parse(data[:end]) is None
        assert stun.peek_ufrag(data[:end]) is None


def test_every_bit_flip_is_seen() -> None:
    """A damaged message is no message or not authentic; only FINGERPRINT's own header is covered by nothing."""
    data = request(use_candidate=True)
    fingerprint_at = len(data) - 8
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        stun.peek_ufrag(bytes(flipped))
        message = stun.parse(bytes(flipped))
        assert message is None or not message.verify(KEY) or bit // 8 >= fingerprint_at


def test_every_bit_flip_without_fingerprint_breaks_integrity() -> None:
    bare = bytearray(request(use_candidate=True)[:-8])
    struct.pack_into("!H", bare, 2, len(bare) - 20)
    assert read(bytes(bare)).verify(KEY)
    for bit in range(len(bare) * 8):
        flipped = bytearray(bare)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        message = stun.parse(bytes(flipped))
        assert message is None or not message.verify(KEY)


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=300, deadline=None)
def test_junk_never_raises(junk: bytes, with_header: bool) -> None:
    data = raw(junk) if with_header else junk
    stun.peek_ufrag(data)
    message = stun.parse(data)
    if message is not None:
        assert not message.verify(KEY)
        _ = (message.username, message.priority, message.use_candidate, message.error_code, message.mapped)
        assert all(kind < 0x8000 for kind in message.not_understood)


@given(
    st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=12),
    st.sampled_from([0x0001, 0x0011, 0x0101, 0x0111, 0x0003]),
)
@settings(max_examples=300, deadline=None)
def test_well_formed_attributes_come_back(attributes: list[tuple[int, bytes]], kind: int) -> None:
    attributes = [(t, v) for t, v in attributes if t not in (stun.MESSAGE_INTEGRITY, stun.FINGERPRINT)]
    message = read(raw(*[attribute(t, v) for t, v in attributes], kind=kind))
    expected: dict[int, bytes] = {}
    for t, v in attributes:
        expected.setdefault(t, v)
    assert message.attributes == expected
    _ = (message.username, message.priority, message.error_code, message.mapped)


@given(
    st.text(st.characters(codec="ascii", exclude_characters=":"), min_size=1, max_size=256),
    st.text(st.characters(codec="ascii"), max_size=200),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_peek_agrees_with_parse(left: str, right: str, use_candidate: bool) -> None:
    data = stun.binding_request(os.urandom(12), f"{left}:{right}", KEY, use_candidate=use_candidate)
    message = read(data)
    assert message.username == (left, right)
    assert stun.peek_ufrag(data) == left
    assert message.verify(KEY)
