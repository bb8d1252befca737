from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import codecs
from media.codecs import opus


def red(*redundant: bytes, primary: bytes) -> bytes:
    """A RED payload (RFC 2198 section 3) with blocks 20 ms apart."""
    heads = [
        struct.pack("!BHB", 0x80 | 111, (960 * (len(redundant) - index)) << 2 | len(block) >> 8, len(block) & 0xFF)
        for index, block in enumerate(redundant)
    ]
    return b"".join((*heads, b"\x6f", *redundant, primary))


@given(st.lists(st.binary(max_size=1023), max_size=4), st.binary(max_size=300))
def test_primary(redundant: list[bytes], primary: bytes) -> None:
    assert opus.primary_payload(red(*redundant, primary=primary)) == primary


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xef", b"\xef\0\0", b"\xef\0\0\0", red(b"abc", primary=b"")[:-1], red(b"abc", b"defg", primary=b"")[:-4]],
)
def test_malformed(payload: bytes) -> None:
    assert opus.primary_payload(payload) is None


@given(st.binary(max_size=60))
def test_junk_never_raises(data: bytes) -> None:
    opus.primary_payload(data)


@pytest.mark.parametrize("name", ["VP8", "VP9", "H264", "AV1"])
@given(data=st.binary(max_size=60))
def test_table(name: str, data: bytes) -> None:
    depacketizer = codecs.by_name(name)
    if not depacketizer.is_keyframe_start(data):
        assert depacketizer.dimensions(data) is None


@pytest.mark.parametrize("redundant", [[], [b"old"], [b"older", b"old"]])
def test_blocks_are_renamed(redundant: list[bytes]) -> None:
    """Every header names the viewer's payload type; sizes, offsets and blocks stay."""
    original = red(*redundant, primary=b"\x6fnew")
    assert opus.with_block_type(original, 111) is original
    renamed = opus.with_block_type(original, 104)
    heads = [4 * index for index in range(len(redundant) + 1)]
    assert [renamed[at] for at in heads] == [0x80 | 104] * len(redundant) + [104]
    assert bytes(original[at] if at in heads else byte for at, byte in enumerate(renamed)) == original
    assert opus.primary_payload(renamed) == b"\x6fnew"


@given(st.binary(max_size=40))
def test_renaming_junk(data: bytes) -> None:
    """Never raises, never changes the length, and leaves alone what is malformed."""
    renamed = opus.with_block_type(data, 104)
    assert len(renamed) == len(data)
    if opus.primary_payload(data) is not None:
        assert opus.primary_payload(renamed) is not None


@pytest.mark.parametrize("name", ["opus", "red", "vp8", "", "H265"])
def test_others_have_no_keyframes(name: str) -> None:
    for payload in (b"", b"\x10\0\0\0\x9d\x01\x2a\x40\x01\xb4\x00", b"\x67\x42"):
        assert not codecs.by_name(name).is_keyframe_start(payload)
        assert codecs.by_name(name).dimensions(payload) is None
