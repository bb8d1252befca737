from __future__ import annotations

import struct

import pytest
from aiortc import rtp as oracle
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp

BLOCK = rtcp.ReportBlock(0xAABBCCDD, 128, 1000, 0x00012345, 77, 0x11223344, 65536)
NEGATIVE = rtcp.ReportBlock(1, 0, -5, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0xFFFFFFFF)

PACKETS: list[rtcp.RtcpPacket] = [
    rtcp.SenderReport(1, 0x1122334455667788, 0xFFFFFFFF, 5, 6),
    rtcp.SenderReport(1, 2**64 - 1, 0, 2**32 - 1, 0, (BLOCK, NEGATIVE)),
    rtcp.ReceiverReport(2**32 - 1),
    rtcp.ReceiverReport(1, (BLOCK,) * 31),
    rtcp.Sdes(((7, b"someone"),)),
    rtcp.Sdes(tuple((ssrc, b"x" * ssrc) for ssrc in range(8))),
    rtcp.Sdes(((7, b"x" * 255),)),
    rtcp.Sdes(()),
    rtcp.Bye((1, 2, 3)),
    rtcp.Bye(()),
    rtcp.Nack(1, 2, (10,)),
    rtcp.Pli(1, 2),
    rtcp.Fir(1, ((5, 0), (6, 255))),
    rtcp.Remb(1, 2_500_000 >> 4 << 4, (7, 8)),
    rtcp.Remb(1, 0, ()),
    rtcp.TransportFeedback(1, 2, bytes(12)),
    rtcp.Unknown(204, 3, b"some"),
]


def name(packet: rtcp.RtcpPacket) -> str:
    return type(packet).__name__


@pytest.mark.parametrize("packet", PACKETS, ids=name)
def test_round_trip(packet: rtcp.RtcpPacket) -> None:
    data = packet.build()
    assert len(data) % 4 == 0
    assert rtcp.parse_compound(data) == [packet]


def test_compound() -> None:
    assert rtcp.parse_compound(rtcp.build_compound(PACKETS)) == PACKETS


@pytest.mark.parametrize("packet", PACKETS, ids=name)
def test_cut_off_anywhere(packet: rtcp.RtcpPacket) -> None:
    whole = rtcp.Pli(8, 9)
    data = whole.build() + packet.build()
    for size in range(len(whole.build()), len(data)):
        assert rtcp.parse_compound(data[:size]) == [whole]


@pytest.mark.parametrize("packet", [packet for packet in PACKETS if len(packet.build()) > 4], ids=name)
def test_a_bad_packet_does_not_take_its_neighbours(packet: rtcp.RtcpPacket) -> None:
    # The packet keeps its header but for the length: only the first word of its body is left.
    data = packet.build()
    short = data[:2] + b"\0\1" + data[4:8]
    parsed = rtcp.parse_compound(rtcp.Pli(1, 2).build() + short + rtcp.Pli(3, 4).build())
    assert parsed[0] == rtcp.Pli(1, 2)
    assert parsed[-1] == rtcp.Pli(3, 4)


@given(st.binary(max_size=120))
def test_junk_never_raises(data: bytes) -> None:
    rtcp.parse_compound(data)


@given(
    st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207]),
    st.integers(0, 31),
    st.booleans(),
    st.binary(max_size=64).map(lambda body: body[: len(body) // 4 * 4]),
)
def test_well_framed_junk_never_raises(packet_type: int, count: int, padded: bool, body: bytes) -> None:
    first = 0x80 | (0x20 if padded else 0) | count
    data = struct.pack("!BBH", first, packet_type, len(body) // 4) + body
    assert rtcp.parse_compound(data + rtcp.Pli(1, 2).build())[-1] == rtcp.Pli(1, 2)


@pytest.mark.parametrize("first", [0x00, 0x40, 0xC0])
def test_other_versions_end_the_list(first: int) -> None:
    data = bytearray(rtcp.Pli(1, 2).build())
    data[0] = first | 1
    assert rtcp.parse_compound(bytes(data) + rtcp.Pli(3, 4).build()) == []


def test_padding_is_no_content() -> None:
    data = struct.pack("!BBHIIHHHBB", 0xA1, 205, 4, 1, 2, 500, 0, 0, 0, 4)
    assert rtcp.parse_compound(data) == [rtcp.Nack(1, 2, (500,))]


# --- NACK --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0, 1, 100, 65500, 65519, 65520, 65530, 65535])
@pytest.mark.parametrize(
    ("offsets", "entries"),
    [
        ((0,), 1),
        ((0, 1, 16), 1),
        ((0, 17), 2),
        (tuple(range(17)), 1),
        (tuple(range(18)), 2),
        ((0, 100, 200), 3),
        (tuple(range(0, 64, 3)), 4),
    ],
)
def test_nack_packs_neighbours(start: int, offsets: tuple[int, ...], entries: int) -> None:
    lost = tuple((start + offset) & 0xFFFF for offset in offsets)
    data = rtcp.Nack(1, 2, lost).build()
    assert len(data) == 12 + 4 * entries
    assert rtcp.parse_compound(data) == [rtcp.Nack(1, 2, lost)]
    theirs = oracle.RtcpPacket.parse(data)[0]
    assert isinstance(theirs, oracle.RtcpRtpfbPacket)
    # aiortc does not wrap the numbers that the mask stands for.
    assert tuple(sequence & 0xFFFF for sequence in theirs.lost) == lost


@given(st.lists(st.integers(0, 65535), max_size=64))
def test_nack_in_any_order_loses_nothing(lost: list[int]) -> None:
    (back,) = rtcp.parse_compound(rtcp.Nack(1, 2, tuple(lost)).build())
    assert isinstance(back, rtcp.Nack)
    assert set(back.lost) == set(lost)


# --- more than a packet holds ------------------------------------------------------------------------------------


def test_many_report_blocks_become_several_packets() -> None:
    blocks = tuple(rtcp.ReportBlock(ssrc, 0, 0, 0, 0, 0, 0) for ssrc in range(70))
    packets = rtcp.parse_compound(rtcp.SenderReport(1, 2, 3, 4, 5, blocks).build())
    assert [name(packet) for packet in packets] == ["SenderReport", "ReceiverReport", "ReceiverReport"]
    reports = [packet for packet in packets if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport)]
    assert tuple(block for packet in reports for block in packet.reports) == blocks
    assert [packet.ssrc for packet in reports] == [1, 1, 1]
    more = rtcp.parse_compound(rtcp.ReceiverReport(1, blocks).build())
    assert [len(packet.reports) for packet in more if isinstance(packet, rtcp.ReceiverReport)] == [31, 31, 8]


def test_many_descriptions_become_several_packets() -> None:
    chunks = tuple((ssrc, b"lianmai") for ssrc in range(32))
    packets = rtcp.parse_compound(rtcp.Sdes(chunks).build())
    assert [packet.chunks for packet in packets if isinstance(packet, rtcp.Sdes)] == [chunks[:31], chunks[31:]]


# --- REMB --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**63 - 1))
def test_remb_keeps_18_bits(bitrate_bps: int) -> None:
    (back,) = rtcp.parse_compound(rtcp.Remb(1, bitrate_bps, (2,)).build())
    assert isinstance(back, rtcp.Remb)
    assert back.bitrate_bps <= bitrate_bps
    assert bitrate_bps - back.bitrate_bps <= bitrate_bps / 2**17


def test_absurd_remb_is_dropped() -> None:
    data = rtcp.Remb(1, 0, ()).build()
    assert rtcp.parse_compound(data[:-3] + b"\xff\xff\xff") == []


def test_remb_agrees_with_aiortc() -> None:
    data = rtcp.Remb(1, 4_160_000, (7, 2**32 - 1)).build()
    theirs = oracle.RtcpPacket.parse(data)[0]
    assert isinstance(theirs, oracle.RtcpPsfbPacket)
    assert theirs.fci == oracle.pack_remb_fci(4_160_000, [7, 2**32 - 1])


# --- the others, against aiortc ----------------------------------------------------------------------------------


def test_reports_agree_with_aiortc() -> None:
    theirs = oracle.RtcpPacket.parse(rtcp.SenderReport(1, 2**63 + 5, 3, 4, 5, (BLOCK, NEGATIVE)).build())[0]
    assert isinstance(theirs, oracle.RtcpSrPacket)
    assert (theirs.ssrc, theirs.sender_info.ntp_timestamp, theirs.sender_info.rtp_timestamp) == (1, 2**63 + 5, 3)
    assert [report.packets_lost for report in theirs.reports] == [1000, -5]
    assert [report.jitter for report in theirs.reports] == [77, 0xFFFFFFFF]
    assert rtcp.parse_compound(bytes(theirs)) == [rtcp.SenderReport(1, 2**63 + 5, 3, 4, 5, (BLOCK, NEGATIVE))]


def test_sdes_and_bye_agree_with_aiortc() -> None:
    # aiortc takes exactly two zeros for the end of a chunk, so only names of 4, 8, ... bytes suit it in front.
    sdes = oracle.RtcpPacket.parse(rtcp.Sdes(((7, b"abcd"), (8, b"abcdef"))).build())[0]
    assert isinstance(sdes, oracle.RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in sdes.chunks] == [(7, [(1, b"abcd")]), (8, [(1, b"abcdef")])]
    bye = oracle.RtcpPacket.parse(rtcp.Bye((5, 6)).build())[0]
    assert isinstance(bye, oracle.RtcpByePacket)
    assert bye.sources == [5, 6]


def test_other_sdes_items_are_passed_over() -> None:
    # A tool item (6), then the name; a second chunk without a name.
    chunk = struct.pack("!I", 9) + b"\6\3abc" + b"\1\2me" + b"\0" * 3 + struct.pack("!I", 10) + bytes(4)
    data = struct.pack("!BBH", 0x82, 202, len(chunk) // 4) + chunk
    assert rtcp.parse_compound(data) == [rtcp.Sdes(((9, b"me"),))]


def test_bye_with_a_reason() -> None:
    data = struct.pack("!BBHI", 0x81, 203, 2, 5) + b"\3bye"
    assert rtcp.parse_compound(data) == [rtcp.Bye((5,))]


# --- NTP ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unix_s", "ntp"),
    [(0.0, 2_208_988_800 << 32), (0.5, 2_208_988_800 << 32 | 1 << 31), (1_700_000_000.0, 3_908_988_800 << 32)],
)
def test_ntp(unix_s: float, ntp: int) -> None:
    assert rtcp.ntp_from_unix(unix_s) == ntp
    assert rtcp.unix_from_ntp(ntp) == pytest.approx(unix_s, abs=1e-6)


def test_ntp_middle() -> None:
    assert rtcp.ntp_middle32(0x0123456789ABCDEF) == 0x456789AB
