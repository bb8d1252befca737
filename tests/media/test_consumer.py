"""One viewer's copy of a Track in virtual time: pauses, repeats, reports."""

from __future__ import annotations

import pytest

from media import api, rtcp
from media import header_extensions as hx
from media.consumer import MAX_NACKED, Consumer
from media.rtp_wire import iter_extensions, parse_header
from tests.media.rig import DELTA, KEYFRAME, VP8
from tests.media.stage import Stage, Viewer

STARTS = [100, 65_500]
PLAIN_VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack",))


def show(stage: Stage, first: int, count: int, *, key: bool = True) -> None:
    for index in range(count):
        payload = (KEYFRAME if key and not index else DELTA) + (first + index).to_bytes(4, "big")
        stage.receive(first + index, payload, timestamp=(first + index) * 900)
        stage.now += 0.001


def shown(viewer: Viewer, ssrc: int = 0xAAAA) -> list[int]:
    """Which packets of :func:`show` arrived on an SSRC."""
    headers = [(parse_header(data), data) for data in viewer.got]
    return [int.from_bytes(data[-4:], "big") for header, data in headers if header and header.ssrc == ssrc]


def watching(start: int, count: int, **more: object) -> tuple[Stage, Viewer, Consumer]:
    stage = Stage()
    viewer, consumer = stage.viewer(stage.track(), **more)
    show(stage, start, count)
    return stage, viewer, consumer


# --- pauses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("times", [1, 3])
def test_a_pause_leaves_no_hole_and_ends_at_a_keyframe(start: int, times: int) -> None:
    stage, viewer, consumer = watching(start, 5)
    expected = list(range(start, start + 5))
    position = start + 5
    for _ in range(times):
        consumer.pause(True, stage.now)
        show(stage, position, 30)
        stage.now += 3
        consumer.pause(False, stage.now)
        show(stage, position + 30, 4, key=False)
        show(stage, position + 34, 6)
        expected += range(position + 34, position + 40)
        position += 40
    assert shown(viewer) == expected
    base = viewer.numbers()[0]
    assert [(number - base) & 0xFFFF for number in viewer.numbers()] == list(range(len(expected)))


def test_resuming_soon_starts_at_the_cached_keyframe() -> None:
    stage, viewer, consumer = watching(1, 5)
    consumer.pause(True, stage.now)
    show(stage, 6, 10)
    consumer.pause(False, stage.now)
    assert shown(viewer) == [*range(1, 6), *range(6, 16)]
    show(stage, 16, 2, key=False)
    assert shown(viewer)[-2:] == [16, 17]


def test_pausing_while_it_waits_for_a_keyframe_changes_no_numbers() -> None:
    stage, viewer, consumer = watching(1, 5)
    for _ in range(3):
        consumer.pause(True, stage.now)
        stage.now += 3
        consumer.pause(False, stage.now)
        show(stage, 6, 2, key=False)
    show(stage, 50, 2)
    assert shown(viewer) == [*range(1, 6), 50, 51]
    assert [b - a for a, b in zip(viewer.numbers(), viewer.numbers()[1:], strict=False)] == [1] * 6


@pytest.mark.parametrize("codec", [VP8, PLAIN_VP8], ids=["rtx", "plain"])
@pytest.mark.parametrize("start", STARTS)
def test_repeats_never_are_what_a_pause_left_out(start: int, codec: api.Codec) -> None:
    """Under the number that a viewer lost before its pause stands, after it, a packet that it was never sent."""
    stage, viewer, consumer = watching(start, 20, codecs=(codec,))
    lost = viewer.numbers()[10]
    consumer.pause(True, stage.now)
    show(stage, start + 20, 200)
    consumer.on_nack([(viewer.numbers()[-1] + 1 + index) & 0xFFFF for index in range(50)], stage.now)
    assert len(viewer.got) == 20
    stage.now += 3
    consumer.pause(False, stage.now)
    show(stage, start + 220, 10)
    assert len(viewer.got) == 30
    consumer.on_nack([lost], stage.now)
    assert len(viewer.got) == 30
    consumer.on_nack([viewer.numbers()[-5]], stage.now)
    assert len(viewer.got) == 31


def test_one_that_begins_paused_begins_when_it_is_let_through() -> None:
    stage = Stage()
    viewer, consumer = stage.viewer(stage.track(), paused=True)
    show(stage, 1, 5)
    assert not viewer.got
    assert not consumer.waiting
    consumer.pause(False, stage.now)
    assert shown(viewer) == [1, 2, 3, 4, 5]


# --- repeats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
def test_repeats_travel_on_the_rtx_stream(start: int) -> None:
    ids = {hx.MID: 4, hx.ABS_SEND_TIME: 2}
    stage, viewer, consumer = watching(start, 60, extensions=ids)
    wanted = [viewer.numbers()[index] for index in (0, 30, 59)]
    consumer.on_nack(wanted, stage.now)
    repeats = viewer.got[60:]
    for data, number, index in zip(repeats, wanted, (0, 30, 59), strict=True):
        header = parse_header(data)
        assert header is not None
        assert (header.ssrc, header.payload_type, header.timestamp) == (0xCCCC, 97, (start + index) * 900)
        assert int.from_bytes(data[header.payload_offset : header.payload_offset + 2], "big") == number
        assert data[header.payload_offset + 2 :].endswith((start + index).to_bytes(4, "big"))
        assert {ext_id for ext_id, _ in iter_extensions(data, header)} == {4, 2}
    rtx = viewer.numbers(0xCCCC)
    assert rtx == [rtx[0], rtx[0] + 1, rtx[0] + 2]
    assert consumer.stats().retransmitted == 3


def test_without_rtx_the_same_packet_goes_out_again_to_the_byte() -> None:
    """Another packet under the same SRTP index would give the key stream away."""
    ids = {hx.MID: 4, hx.ABS_SEND_TIME: 2, hx.PLAYOUT_DELAY: 3, hx.TRANSPORT_CC: 1, hx.VIDEO_ORIENTATION: 6}
    stage, viewer, consumer = watching(1, 10, codecs=(PLAIN_VP8,), extensions=ids)
    before = viewer.got[4]
    stage.now += 0.5
    # Not even a change of the playout delay or of the mid changes it.
    for _ in range(5):
        consumer.on_report(rtcp.ReportBlock(0xAAAA, 128, 5, 0, 90_000, 0, 0), stage.now)
        stage.now += 1
    consumer.on_nack(viewer.numbers()[4:5], stage.now)
    assert viewer.got[10:] == [before]


@pytest.mark.parametrize(
    "numbers",
    [[], [40_000], list(range(20_000, 30_000)), [0xFFFF] * 1000],
    ids=["none", "unknown", "thousands", "the same"],
)
def test_impossible_repeats_are_not_sent(numbers: list[int]) -> None:
    stage, viewer, consumer = watching(1, 10)
    consumer.on_nack(numbers, stage.now)
    assert len(viewer.got) == 10
    assert consumer.stats().nacks_received == len(numbers)


def test_repeats_are_limited_by_packet_and_by_budget() -> None:
    stage, viewer, consumer = watching(1, 300)
    numbers = viewer.numbers()
    for _ in range(10):
        consumer.on_nack(numbers[:20], stage.now)
    assert len(viewer.got) == 320
    stage.now += 1
    for _ in range(10):
        consumer.on_nack(numbers, stage.now)
    assert len(viewer.got) <= 320 + MAX_NACKED


@pytest.mark.parametrize("case", ["sound", "no path", "not yet begun"])
def test_nothing_is_repeated_where_nothing_can_be(case: str) -> None:
    stage = Stage()
    sound = case == "sound"
    track = stage.track("a", "audio") if sound else stage.track()
    viewer, consumer = stage.viewer(track)
    stage.receive(1, KEYFRAME if case == "no path" else DELTA, payload_type=111 if sound else 96)
    count = len(viewer.got)
    if case == "no path":
        viewer.tx_handle = None
    consumer.on_nack([1, 2, 3], stage.now)
    assert len(viewer.got) == count
    assert consumer.stats().retransmitted == 0


# --- reports ---------------------------------------------------------------------------------------------------------


def test_mid_is_told_until_the_viewer_shows_that_it_knows() -> None:
    stage, viewer, consumer = watching(1, 3, extensions={hx.MID: 4})
    consumer.on_report(rtcp.ReportBlock(0xAAAA, 0, 0, 0, 0, 0, 0), stage.now)
    show(stage, 4, 2, key=False)
    assert [data[0] & 0x10 for data in viewer.got] == [0x10] * 3 + [0] * 2


def test_bad_networks_get_a_longer_playout_delay() -> None:
    stage, viewer, consumer = watching(1, 3, extensions={hx.PLAYOUT_DELAY: 3})

    def delay() -> bytes:
        header = parse_header(viewer.got[-1])
        assert header is not None
        return dict(iter_extensions(viewer.got[-1], header))[3]

    assert delay() == hx.build_playout_delay(0, 0)
    for _ in range(4):
        stage.now += 1
        consumer.on_report(rtcp.ReportBlock(0xAAAA, 0, 0, 0, int(0.06 * 90_000), 0, 0), stage.now)
    show(stage, 4, 1, key=False)
    low, high = hx.parse_playout_delay(delay()) or (0, 0)
    assert 50 <= low < high
    assert consumer.stats().playout_delay_ms == low
    assert consumer.stats().jitter_ms == pytest.approx(60, abs=1)


def test_the_round_trip_is_measured_from_our_own_reports() -> None:
    stage, _, consumer = watching(1, 3)
    assert consumer.sender_report(stage.now) is None
    stage.publisher.on_rtcp(rtcp.SenderReport(0x1111, 3 << 32, 900, 1, 1), stage.now)
    report = consumer.sender_report(stage.now)
    assert report is not None
    assert (report.ssrc, report.ntp, report.rtp_timestamp) == (0xAAAA, 3 << 32, 900)
    assert report.packet_count == 3
    stage.now += 0.25
    lsr = rtcp.ntp_middle32(report.ntp)
    block = rtcp.ReportBlock(0xAAAA, 0, 0, 0, 0, lsr, int(0.2 * 65_536))
    consumer.on_report(block, stage.now)
    assert consumer.rtt_s == pytest.approx(0.05, abs=0.001)
    # Nonsense is passed over: reports we never sent, and answers from before the question.
    for dlsr, about in ((0xFFFFFFFF, lsr), (0, 12345)):
        consumer.on_report(rtcp.ReportBlock(0xAAAA, 255, -1, 0, 0xFFFFFFFF, about, dlsr), stage.now)
    assert consumer.rtt_s == pytest.approx(0.05, abs=0.001)


def test_a_keyframe_request_reaches_the_publisher() -> None:
    stage, _, consumer = watching(1, 3)
    stage.now += 1
    stage.asked()
    consumer.on_keyframe_request(stage.now)
    assert stage.asked() == [0x1111]
    assert consumer.stats().plis_received == 1


def test_figures() -> None:
    stage, _, consumer = watching(1, 100)
    stage.now += 1
    consumer.measure(stage.now)
    stats = consumer.stats()
    size = len(KEYFRAME) + 99 * len(DELTA) + 100 * 4
    assert (stats.packets, stats.bytes) == (100, size)
    assert stats.bitrate_bps == pytest.approx(size * 8 / 1.1, rel=0.01)
    assert (stats.producer_id, stats.paused, stats.loss) == ("v", False, 0.0)
