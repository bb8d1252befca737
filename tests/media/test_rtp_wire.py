from __future__ import annotations

import struct

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.rtp_wire import build_extensions, is_rtcp, iter_extensions, parse_header


def packet(
    first: int = 0x80,
    second: int = 96,
    csrcs: int = 0,
    extension: bytes = b"",
    payload: bytes = b"payload",
) -> bytes:
    return (
        struct.pack("!BBHII", first | csrcs, second, 0x1234, 0x89ABCDEF, 0xFEDCBA98)
        + bytes(4 * csrcs)
        + extension
        + payload
    )


ONE_BYTE = bytes.fromhex("bede0001 10aa 0000")
PADDED = b"abc\0\0\3"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # (marker, payload type, header length, payload offset, padding, profile, extension offset, extension length)
        (packet(), (False, 96, 12, 12, 0, 0, 0, 0)),
        (packet(second=0xFF), (True, 127, 12, 12, 0, 0, 0, 0)),
        (packet(csrcs=15), (False, 96, 72, 72, 0, 0, 0, 0)),
        (packet(payload=b""), (False, 96, 12, 12, 0, 0, 0, 0)),
        (packet(0x90, extension=ONE_BYTE), (False, 96, 12, 20, 0, 0xBEDE, 16, 4)),
        (packet(0x90, csrcs=2, extension=ONE_BYTE), (False, 96, 20, 28, 0, 0xBEDE, 24, 4)),
        (packet(0x90, extension=bytes.fromhex("10000000")), (False, 96, 12, 16, 0, 0x1000, 16, 0)),
        (packet(0xA0, payload=PADDED), (False, 96, 12, 12, 3, 0, 0, 0)),
        (packet(0xA0, payload=b"\0\2"), (False, 96, 12, 12, 2, 0, 0, 0)),
    ],
)
def test_header(data: bytes, expected: tuple[object, ...]) -> None:
    for buffer in (data, memoryview(data), memoryview(bytearray(data))):
        header = parse_header(buffer)
        assert header is not None
        assert (header.sequence, header.timestamp, header.ssrc) == (0x1234, 0x89ABCDEF, 0xFEDCBA98)
        assert expected == (
            header.marker,
            header.payload_type,
            header.header_length,
            header.payload_offset,
            header.padding,
            header.ext_profile,
            header.ext_offset,
            header.ext_length,
        )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packet(payload=b"")[:11],
        packet(0x00),
        packet(0x40),
        packet(0xC0),
        packet(csrcs=15, payload=b"")[:-1],
        packet(0x90, payload=b"\xbe\xde\0"),
        packet(0x90, payload=b"\xbe\xde\0\1abc"),
        packet(0xA0, payload=b""),
        packet(0xA0, payload=b"ab\0"),
        packet(0xA0, payload=b"ab\4"),
        packet(0xB0, extension=ONE_BYTE, payload=b""),
    ],
)
def test_malformed(data: bytes) -> None:
    assert parse_header(data) is None


@given(st.binary(max_size=80))
def test_junk_never_raises(tail: bytes) -> None:
    for data in (tail, b"\x90\x60" + tail, b"\xb3\x60" + tail):
        header = parse_header(data)
        if header is not None:
            assert header.payload_offset + header.padding <= len(data)
            list(iter_extensions(data, header))


ELEMENTS = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=255)), max_size=6)
SHORT = st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=8)


@given(st.one_of(ELEMENTS, SHORT))
def test_extensions_round_trip(elements: list[tuple[int, bytes]]) -> None:
    block = build_extensions(elements)
    assert len(block) % 4 == 0
    header = parse_header(packet(0x90 if block else 0x80, extension=block))
    assert header is not None
    assert list(iter_extensions(packet(0x90 if block else 0x80, extension=block), header)) == elements
    assert header.payload_offset == 12 + len(block)


@given(SHORT)
def test_aiortc_reads_our_packets(elements: list[tuple[int, bytes]]) -> None:
    block = build_extensions(elements)
    theirs = RtpPacket.parse(packet(0x90 if block else 0x80, extension=block))
    assert theirs.payload == b"payload"
    assert theirs.sequence_number == 0x1234


@pytest.mark.parametrize(
    ("elements", "profile"),
    [
        ([(1, b"x")], "bede"),
        ([(14, b"x" * 16)], "bede"),
        ([(15, b"x")], "1000"),
        ([(1, b"x"), (16, b"x")], "1000"),
        ([(1, b"")], "1000"),
        ([(1, b"x" * 17)], "1000"),
    ],
)
def test_form(elements: list[tuple[int, bytes]], profile: str) -> None:
    assert build_extensions(elements)[:2].hex() == profile


@pytest.mark.parametrize("elements", [[(0, b"x")], [(256, b"x")], [(-1, b"x")], [(1, b"x" * 256)]])
def test_misuse(elements: list[tuple[int, bytes]]) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        build_extensions(elements)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        # Padding before, between and after elements.
        ("bede0003 00 10aa 00 00 21bbcc 00000000", [(1, b"\xaa"), (2, b"\xbb\xcc")]),
        # Id 15 and id 0 with a length end the block.
        ("bede0002 10aa f0bb 20cc 0000", [(1, b"\xaa")]),
        ("bede0002 10aa 01bb 20cc 0000", [(1, b"\xaa")]),
        # An element that is longer than the block.
        ("bede0001 10aa 2fbb", [(1, b"\xaa")]),
        # Two-byte form, any application bits; empty values are values.
        ("10000002 0100 00 0202bbcc 00", [(1, b""), (2, b"\xbb\xcc")]),
        ("100f0001 0101aa 00", [(1, b"\xaa")]),
        ("10000001 0109aabb", []),
        ("10000001 000000 01", []),
        # Some other profile.
        ("12340001 10aa0000", []),
    ],
)
def test_tolerant_reading(block: str, expected: list[tuple[int, bytes]]) -> None:
    data = packet(0x90, extension=bytes.fromhex(block))
    header = parse_header(data)
    assert header is not None
    assert list(iter_extensions(data, header)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", False),
        (b"\x80", False),
        (b"\x80\x60", False),
        (b"\x80\xe0", False),
        (b"\x80\xbf", False),
        (b"\x80\xc0", True),
        (b"\x80\xc8", True),
        (b"\x80\xdf", True),
    ],
)
def test_is_rtcp(data: bytes, expected: bool) -> None:
    assert is_rtcp(data) is expected
