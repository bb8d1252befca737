"""Whatever arrives, no parser raises, and no state grows with it: junk, damaged real packets, and valid nonsense.

The tests of each module say what is read from good input; this one only says that bad input is survived by all of
them, one by one and, for an authenticated but hostile publisher, along the whole inbound path.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import codecs, ice_lite, rtcp, rtp_wire, stun, twcc
from media import header_extensions as hx
from media.api import Codec, Encoding, IceParams, ProducerParams
from media.clock_map import ClockMap
from media.codecs import av1, h264, opus, vp8, vp9
from media.framing import Deframer, FramingError, frame
from media.nack import NackGenerator, NackResponder
from media.packet_cache import PacketCache
from media.producer import MAX_STREAMS
from media.publisher import MAX_SSRCS, PublisherSide
from media.router import Router
from media.sdp import SdpError, parse
from media.sdp_fragment import parse_fragment
from media.seqnum import Unwrapper
from tests.media.lossy_link import LossyLink

ICE = IceParams("hostileufrag", "p" * 24)
_FAST = settings(max_examples=150, deadline=None)
#: Whole microseconds: a monotonic clock has no finer ones that count.
_GAP_S = st.integers(0, 300_000).map(lambda microseconds: microseconds / 1e6)

# --- samples: one good packet of every kind, as material to damage ------------------------------------------------


def rtp(
    payload: bytes,
    payload_type: int = 96,
    sequence: int = 1,
    ssrc: int = 0x1111,
    extensions: Sequence[tuple[int, bytes]] = (),
    timestamp: int = 9000,
) -> bytes:
    """A well-formed RTP packet."""
    first = 0x90 if extensions else 0x80
    return (
        struct.pack("!BBHII", first, payload_type, sequence & 0xFFFF, timestamp, ssrc)
        + rtp_wire.build_extensions(list(extensions))
        + payload
    )


PAYLOADS: dict[str, tuple[bytes, ...]] = {
    "VP8": (bytes.fromhex("9080 8123 100200 9d012a 8002 6801"), b"\x10\x11\x02\x00"),
    "VP9": (bytes.fromhex("8b 8123 18 0140 00b4 01 04 01 82498342 0013f00b30"), b"\xad\x80\x01\x02"),
    "H264": (
        bytes.fromhex("78 0017 6742c01f8c8d40501e90080000030008000003 00f4 0004 68ce3c80"),
        bytes.fromhex("7c85b84000"),
        bytes.fromhex("6764001fac d9405005bb 016a02020280000003 0080000019 478c18cb"),
    ),
    "AV1": (bytes.fromhex("18 0a0b 00000004 3c ffbc ff 8a40 3204 10"), b"\x10\x32\x01\x02"),
    "opus": (b"\xfc\xff\xfe", bytes.fromhex("ef00 0003 6f 010203 fcfffe")),
}
RTCP = (
    rtcp.SenderReport(1, 2**63, 3, 4, 5, (rtcp.ReportBlock(6, 7, -8, 9, 10, 11, 12),)).build(),
    rtcp.ReceiverReport(1, (rtcp.ReportBlock(6, 255, 2**23 - 1, 9, 10, 11, 12),) * 3).build(),
    rtcp.Sdes(((1, b"somebody"), (2, b""))).build(),
    rtcp.Bye((1, 2, 3)).build(),
    rtcp.Nack(1, 2, (0, 1, 17, 65535)).build(),
    rtcp.Pli(1, 2).build(),
    rtcp.Fir(1, ((2, 3), (4, 5))).build(),
    rtcp.Remb(1, 2**40 + 12345, (2, 3)).build(),
    rtcp.TransportFeedback(1, 2, bytes.fromhex("0001 0003 000001 00 2003 04 05 06")).build(),
    rtcp.Unknown(207, 5, bytes(12)).build(),
)
#: A run of small deltas; and vectors of one-bit and two-bit symbols with a missing packet.
TRANSPORT_CC = (
    bytes.fromhex("0001 0003 000001 00 2003 04 05 06"),
    bytes.fromhex("fffe 0009 800000 01 d155 8800 01 8002 03 04 05 06"),
)
CHECK = stun.binding_request(bytes(range(12)), f"{ICE.ufrag}:peer", ICE.pwd.encode(), use_candidate=True)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
    "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\na=setup:actpass\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rid:h send\r\na=simulcast:send h\r\na=ssrc:1 cname:x\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
)


def test_samples_are_good() -> None:
    """Damage says little if the packet was bad before."""
    sizes = {name: codecs.by_name(name).dimensions(payloads[0]) for name, payloads in PAYLOADS.items()}
    assert sizes == {"VP8": (640, 360), "VP9": (320, 180), "H264": (640, 480), "AV1": (320, 240), "opus": None}
    assert opus.primary_payload(PAYLOADS["opus"][1]) == PAYLOADS["opus"][0]
    assert [type(rtcp.parse_compound(data)[0]) for data in RTCP] == list(get_args(rtcp.RtcpPacket))
    assert all(rtp_wire.parse_header(data) for data in RTP)
    assert all(twcc.parse_feedback(body) for body in TRANSPORT_CC)
    assert stun.parse(CHECK)
    assert parse(SDP).media[0].mid == "0"
    publishing = Publishing()
    assert publishing.receive(rtp(PAYLOADS["VP8"][0], 96, 1, 1, [(4, b"0"), (10, b"h")]), 0.0) == "v"
    assert publishing.receive(rtp(PAYLOADS["opus"][0], 111, 1, SSRCS[1]), 0.0) == "a"
    assert publishing.receive(rtp(b"\0\2" + PAYLOADS["VP8"][1], 97, 1, 2, [(4, b"0"), (11, b"h")]), 0.0) == "v"


@st.composite
def damaged(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """A good packet with bits flipped, cut, grown or overwritten somewhere, or plain junk."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["flip", "cut", "grow", "set", "junk"])):
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at:]
            case "grow":
                data[at:at] = draw(st.binary(max_size=20))
            case "set" if data:
                data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
            case "junk":
                return draw(st.binary(max_size=80))
            case _:
                pass
    return bytes(data)


# --- STUN, ICE, framing ------------------------------------------------------------------------------------------


@given(damaged([CHECK, stun.success(bytes(12), ("::1", 1), b"k"), stun.error(bytes(12), 420, b"k", (1, 2))]))
@_FAST
def test_stun_and_ice(data: bytes) -> None:
    agent = ice_lite.IceAgent(ICE, 0.0)
    stun.peek_ufrag(data)
    message = stun.parse(data)
    if message is not None:
        _ = (message.username, message.priority, message.error_code, message.mapped, message.not_understood)
    result = agent.handle(data, "source", 1.0, ("192.0.2.1", 5))
    # Only what is covered by the integrity is as it was sent, so nothing else may be taken for authentic.
    covered = len(CHECK) - 8
    assert result.validated == (message is not None and data[4:covered] == CHECK[4:covered] and data[:2] == CHECK[:2])
    assert (agent.sources == ()) == (not result.validated)


@given(st.lists(damaged([frame(CHECK), frame(b"x" * 1200), b"\0\0", b"\xff\xff"]), max_size=12))
@_FAST
def test_framing(chunks: list[bytes]) -> None:
    deframer = Deframer()
    for chunk in chunks:
        try:
            packets = deframer.feed(chunk)
        except FramingError:
            break
        assert all(packets)


# --- RTP and RTCP ------------------------------------------------------------------------------------------------

EXTENSIONS = [(1, b"\x00\x01"), (4, b"mid"), (2, b"abc"), (10, b"h"), (7, bytes(16))]
RTP = (
    rtp(b"payload"),
    rtp(b"payload", extensions=EXTENSIONS),
    rtp(b"payload", extensions=[(200, b"two-byte form"), (1, b"")]),
    b"\xb3" + rtp(bytes(30))[1:-1] + b"\x04",
)
_READERS: tuple[Callable[[bytes], object], ...] = (
    hx.parse_abs_send_time,
    hx.parse_playout_delay,
    hx.parse_video_orientation,
    hx.parse_abs_capture_time,
)


@given(damaged(RTP))
@_FAST
def test_rtp(data: bytes) -> None:
    rtp_wire.is_rtcp(data)
    for buffer in (data, memoryview(data)):
        header = rtp_wire.parse_header(buffer)
        if header is None:
            continue
        assert 12 <= header.header_length <= header.payload_offset <= len(data) - header.padding
        elements = list(rtp_wire.iter_extensions(buffer, header))
        assert sum(len(value) for _, value in elements) <= header.ext_length
        for ext_id, value in elements:
            assert 0 < ext_id <= 255
            for read in _READERS:
                read(value)
            if value:
                level, _ = hx.parse_audio_level(value)
                assert 0 <= level <= 127


@given(st.lists(damaged(RTCP), min_size=1, max_size=4))
@_FAST
def test_rtcp(datagram: list[bytes]) -> None:
    data = b"".join(datagram)
    packets = rtcp.parse_compound(data)
    assert len(packets) <= len(data) // 4
    for packet in packets:
        if isinstance(packet, rtcp.TransportFeedback):
            twcc.parse_feedback(packet.body)
        if not isinstance(packet, rtcp.Sdes):
            assert len(packet.build()) % 4 == 0


@given(damaged(TRANSPORT_CC))
@_FAST
def test_transport_feedback(body: bytes) -> None:
    arrivals = twcc.parse_feedback(body)
    assert arrivals is None or len(arrivals) <= twcc.MAX_REPORTED


# --- payloads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["VP8", "VP9", "H264", "AV1", "opus"])
def test_codecs(name: str) -> None:
    functions = codecs.by_name(name)

    @given(damaged(PAYLOADS[name]))
    @_FAST
    def check(payload: bytes) -> None:
        assert functions.is_keyframe_start(payload) in (True, False)
        size = functions.dimensions(payload)
        assert size is None or (size[0] >= 0 and size[1] >= 0)

    check()


@given(damaged([payload for group in PAYLOADS.values() for payload in group]))
@_FAST
def test_every_codec_on_every_payload(payload: bytes) -> None:
    for module in (vp8, vp9, h264, av1):
        module.is_keyframe_start(payload)
        module.dimensions(payload)
    vp8.parse_descriptor(payload)
    primary = opus.primary_payload(payload)
    assert primary is None or len(primary) < len(payload) or not payload


def test_truncation_of_every_sample_at_every_length() -> None:
    """What hypothesis may happen not to draw: every prefix of every sample through its reader."""
    for data in (*RTP, *RTCP, CHECK):
        for end in range(len(data)):
            cut = data[:end]
            stun.peek_ufrag(cut)
            stun.parse(cut)
            rtcp.parse_compound(cut)
            header = rtp_wire.parse_header(cut)
            if header is not None:
                list(rtp_wire.iter_extensions(cut, header))
    for name, payloads in PAYLOADS.items():
        for payload in payloads:
            for end in range(len(payload)):
                codecs.by_name(name).is_keyframe_start(payload[:end])
                codecs.by_name(name).dimensions(payload[:end])
                opus.primary_payload(payload[:end])


# --- text --------------------------------------------------------------------------------------------------------


@given(st.one_of(st.text(max_size=300), damaged([SDP.encode()]).map(lambda data: data.decode("utf-8", "replace"))))
@_FAST
def test_sdp(text: str) -> None:
    for read in (parse, parse_fragment):
        with suppress(SdpError):
            read(text)


# --- state driven by numbers a peer chooses ----------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), _GAP_S), max_size=200), st.integers(0, 0xFFFF))
@settings(max_examples=60, deadline=None)
def test_any_sequence_numbers(steps: list[tuple[int, float]], asked: int) -> None:
    unwrapper, generator, responder = Unwrapper(16), NackGenerator(), NackResponder()
    cache = PacketCache[bytes](64, 1.0)
    recorder = twcc.ArrivalRecorder()
    now = 0.0
    for sequence, gap in steps:
        now += gap
        extended = unwrapper.unwrap(sequence)
        assert extended & 0xFFFF == sequence
        assert extended >= 0
        generator.received(extended, now)
        cache.put(extended, b"x", now, sequence % 5 == 0)
        recorder.received(sequence, now)
        assert all(0 <= number <= 0xFFFF for number in generator.due(now, 0.05))
        responder.allow(asked, now, 0.05)
        cache.get(asked)
        cache.since_keyframe()
        for packet in recorder.feedback(1, 2, now):
            assert rtcp.parse_compound(packet)
    assert generator.missing <= 1000


@given(
    st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.floats(0, 100)), min_size=1, max_size=30
    )
)
@_FAST
def test_any_clock(reports: list[tuple[int, int, float]]) -> None:
    clock = ClockMap(90_000)
    now = 0.0
    for ntp, timestamp, gap in reports:
        now += gap
        clock.sender_report(ntp, timestamp, now)
        mapping = clock.ntp_at(now + 1)
        if mapping is not None:
            assert 0 <= mapping[1] <= 0xFFFFFFFF
            rtcp.SenderReport(1, mapping[0], mapping[1], 0, 0).build()


# --- a publisher that is who it says it is, and hostile -----------------------------------------------------------

IDS = {hx.TRANSPORT_CC: 1, hx.MID: 4, hx.AUDIO_LEVEL: 5, hx.ABS_CAPTURE_TIME: 7, hx.RID: 10, hx.REPAIRED_RID: 11}
FEEDBACK = ("nack", "nack pli", "ccm fir")
VIDEO_CODECS = tuple(
    Codec(name, 96 + 2 * index, 90_000, feedback=FEEDBACK, rtx_payload_type=97 + 2 * index)
    for index, name in enumerate(("VP8", "VP9", "H264", "AV1"))
)
AUDIO_CODECS = (Codec("opus", 111, 48_000, 2), Codec("red", 63, 48_000, 2))
SSRCS = (0x1111, 0x2222, 0x3333, 0)


class Publishing:
    """A publishing side with a simulcast camera and a microphone, and everything it sends back."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.drops: Counter[str] = Counter()
        self.side = PublisherSide(Router("r"), self._send, lambda _id, _flowing: None, self.drops)
        rids = (Encoding("l"), Encoding("h"))
        self.side.add(ProducerParams("v", "video", "camera", "0", VIDEO_CODECS, IDS, rids), 0.0)
        named = (Encoding(None, SSRCS[1]),)
        self.side.add(ProducerParams("a", "audio", "microphone", "1", AUDIO_CODECS, IDS, named), 0.0)

    def _send(self, packets: Sequence[rtcp.RtcpPacket | bytes]) -> None:
        self.sent += [packet if isinstance(packet, bytes) else packet.build() for packet in packets]

    def receive(self, data: bytes, now: float) -> str | None:
        producer = self.side.on_rtp(memoryview(bytearray(data)), now)
        if producer is not None:
            producer.flush(now)
            producer.tick(now)
        self.side.tick(now)
        return producer.id if producer is not None else None


_VALUES = st.tuples(st.sampled_from([*IDS.values(), 3]), st.binary(min_size=1, max_size=16))
_NAMES = st.sampled_from([(4, b"0"), (4, b"1"), (4, b"\xff"), (10, b"h"), (10, b"l"), (11, b"h"), (1, b"\x12\x34")])
_NONSENSE = st.builds(
    rtp,
    st.one_of(st.binary(max_size=40), damaged([payload for group in PAYLOADS.values() for payload in group])),
    st.sampled_from([*range(96, 104), 111, 63, 0, 127]),
    st.one_of(st.integers(0, 0xFFFF), st.integers(0, 40)),
    st.one_of(st.sampled_from(SSRCS), st.integers(0, 2**32 - 1)),
    st.lists(st.one_of(_NAMES, _VALUES), max_size=5),
    st.integers(0, 2**32 - 1),
)

#: What gets past the door: both Layers and the RTX of one, with good, bad and missing payloads, in any order.
_BOUND = st.builds(
    lambda payload, stream, sequence: rtp(payload, stream[0], sequence, stream[1], stream[2], sequence * 3000),
    st.one_of(st.sampled_from(PAYLOADS["VP8"]), damaged(PAYLOADS["VP8"])),
    st.sampled_from(
        [(96, 0x10, [(4, b"0"), (10, b"h")]), (96, 0x20, [(4, b"0"), (10, b"l")]), (97, 0x30, [(4, b"0"), (11, b"h")])]
    ),
    st.one_of(st.integers(0, 60), st.integers(0, 0xFFFF)),
)


@given(st.lists(st.tuples(st.one_of(_BOUND, _BOUND, _NONSENSE, damaged(RTP)), _GAP_S), max_size=60))
@settings(max_examples=100, deadline=None)
def test_hostile_publisher(packets: list[tuple[bytes, float]]) -> None:
    publishing = Publishing()
    now = 0.0
    for data, gap in packets:
        now += gap
        publishing.receive(data, now)
        for stats in publishing.side.stats():
            assert 0 <= stats.loss <= 1
    bound = {ssrc for producer in publishing.side.producers.values() for ssrc in producer.streams}
    assert len(bound) <= min(MAX_SSRCS, 2 * MAX_STREAMS)
    assert all(rtcp.parse_compound(data) for data in publishing.sent)


@given(st.lists(st.one_of(st.lists(damaged(RTCP), min_size=1, max_size=3).map(b"".join), st.just(b"rtp")), max_size=30))
@settings(max_examples=60, deadline=None)
def test_hostile_reports(datagrams: list[bytes]) -> None:
    publishing = Publishing()
    for number, data in enumerate(datagrams):
        now = number * 0.1
        if data == b"rtp":
            publishing.receive(rtp(PAYLOADS["VP8"][0], 96, number, 1, [(4, b"0"), (10, b"h")]), now)
        for packet in rtcp.parse_compound(data):
            publishing.side.on_rtcp(packet, now)
        publishing.side.tick(now)
        publishing.side.stats()
    assert all(rtcp.parse_compound(data) for data in publishing.sent)


def test_many_ssrcs_are_bounded_and_counted() -> None:
    publishing = Publishing()
    for ssrc in range(1, 5000):
        publishing.receive(rtp(PAYLOADS["VP8"][0], 96, 1, ssrc << 16, [(4, b"0"), (10, b"h")]), ssrc * 0.001)
    streams = sum(len(producer.streams) for producer in publishing.side.producers.values())
    assert streams <= MAX_STREAMS + 1
    assert publishing.drops["rtp_ssrc"] == 4999 - MAX_STREAMS


@pytest.mark.parametrize("seed", range(3))
def test_other_tracks_go_on_beside_junk(seed: int) -> None:
    """Good audio over a bad link, with a damaged video packet for each: every delivered audio packet is taken."""
    publishing = Publishing()
    link = LossyLink(seed, delay_s=0.03, jitter_s=0.02, loss=0.05, reorder=0.05, duplicate=0.05)
    taken = 0
    delivered: set[int] = set()
    for number in range(300):
        now = number * 0.02
        # From just under the wrap, across it.
        link.send(rtp(b"\xfc\xff\xfe", 111, 65400 + number, SSRCS[1], [(4, b"1"), (5, b"\x10")], number * 960), now)
        for data in link.receive(now):
            delivered.add(int.from_bytes(data[2:4], "big"))
            taken += publishing.receive(data, now) == "a"
            spoilt = bytearray(rtp(PAYLOADS["VP8"][0], 96, number, 0x77, [(4, b"0"), (10, b"h")]))
            spoilt[(seed + number * 7) % len(spoilt)] ^= 1 << number % 8
            publishing.receive(bytes(spoilt), now)
    audio: Any = publishing.side.producers["a"]
    assert taken == link.counts["delivered"]
    assert audio.cache.newest is not None
    assert audio.streams[SSRCS[1]].highest & 0xFFFF in delivered
    assert publishing.side.stats()[1].packets == taken
