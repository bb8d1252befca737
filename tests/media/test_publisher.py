"""The publishing side in virtual time: which packet belongs to which Track, and what the publisher is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import api, rtcp
from media import header_extensions as hx
from media.producer import MAX_STREAMS
from media.publisher import MAX_RETIRED, MAX_SSRCS
from media.rtp_wire import iter_extensions, parse_header
from media.twcc import parse_feedback
from tests.media.rig import DELTA, KEYFRAME, OPUS, VP8
from tests.media.stage import IDS, Stage

H264 = api.Codec("H264", 102, 90_000, feedback=("nack", "ccm fir"), rtx_payload_type=103)
RED = api.Codec("red", 63, 48_000, 2)


# --- which Track -----------------------------------------------------------------------------------------------------


def test_an_announced_ssrc_needs_nothing_else() -> None:
    stage = Stage()
    stage.track("v", encodings=(api.Encoding(None, 0x77, 0x78),))
    stage.track("w", encodings=(api.Encoding(None, 0x88, 0x89),))
    for ssrc, name in ((0x77, "v"), (0x88, "w")):
        producer = stage.receive(1, KEYFRAME, ssrc=ssrc)
        assert producer is not None and producer.id == name
    assert not stage.drops


def test_mid_names_the_track_and_then_the_ssrc_is_known() -> None:
    stage = Stage()
    for name in ("v", "w"):
        stage.track(name)
    for _ in range(2):
        for ssrc, name in ((1, "w"), (2, "v")):
            producer = stage.receive(1, KEYFRAME, ssrc=ssrc, mid=name)
            assert producer is not None and producer.id == name
    # Without mid it still is what it was.
    producer = stage.receive(2, DELTA, ssrc=1)
    assert producer is not None and producer.id == "w"
    assert not stage.drops


def test_a_payload_type_that_only_one_track_has_names_it() -> None:
    stage = Stage()
    stage.track("v")
    stage.track("a", "audio", codecs=(OPUS, RED))
    for sequence, (payload_type, name) in enumerate(((96, "v"), (111, "a"))):
        producer = stage.receive(sequence, KEYFRAME, ssrc=sequence + 5, payload_type=payload_type)
        assert producer is not None and producer.id == name


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"payload_type": 96}, "rtp_ssrc"),
        ({"payload_type": 50}, "rtp_ssrc"),
        ({"payload_type": 50, "mid": "v"}, "rtp_payload_type"),
        ({"payload_type": 96, "mid": "nobody"}, "rtp_ssrc"),
        ({"payload_type": 97, "mid": "v"}, "rtp_ssrc"),
    ],
)
def test_what_belongs_to_no_track_is_counted(fields: dict[str, int], reason: str) -> None:
    stage = Stage()
    # Both can decode 96, so that it names neither.
    for name in ("v", "w"):
        stage.track(name)
    assert stage.receive(1, KEYFRAME, ssrc=0x99, **fields) is None  # type: ignore[arg-type]
    assert stage.drops == {reason: 1}


def test_layers_are_told_apart_by_rid() -> None:
    stage = Stage()
    track = stage.track("v", encodings=(api.Encoding("q"), api.Encoding("f")))
    viewer, _ = stage.viewer(track)
    stage.receive(1, KEYFRAME + b"q", ssrc=1, mid="v", rid="q")
    stage.receive(1, KEYFRAME + b"f", ssrc=2, mid="v", rid="f")
    stage.receive(2, DELTA + b"q", ssrc=1)
    assert {stream.rid: ssrc for ssrc, stream in track.streams.items()} == {"q": 1, "f": 2}
    assert [payload[-1:] for payload in viewer.payloads()] == [b"q", b"f"]


def test_repairs_are_bound_by_repaired_rid() -> None:
    stage = Stage()
    track = stage.track("v", encodings=(api.Encoding("q"), api.Encoding("f")))
    viewer, _ = stage.viewer(track)
    stage.receive(10, KEYFRAME, ssrc=2, mid="v", rid="f")
    stage.receive(12, DELTA, ssrc=2)
    stage.receive(10, KEYFRAME, ssrc=1, mid="v", rid="q")
    assert stage.receive(1, bytes((0, 11)) + DELTA + b"!", ssrc=4, payload_type=97, mid="v", repaired="f") is track
    assert viewer.payloads()[-1] == DELTA + b"!"
    # Of a layer that was never seen nothing can be repaired.
    stage.receive(1, bytes((0, 11)) + DELTA, ssrc=5, payload_type=97, mid="v", repaired="h")
    assert stage.drops == {"rtp_ssrc": 1}


@pytest.mark.parametrize("start", [1000, 65_534])
@pytest.mark.parametrize("announced", [True, False])
def test_a_repair_fills_its_hole(start: int, announced: bool) -> None:
    stage = Stage()
    encodings = (api.Encoding(None, 0x77, 0x78),) if announced else ()
    track = stage.track(encodings=encodings)
    viewer, _ = stage.viewer(track)
    for index in (0, 1, 3, 4):
        stage.receive(start + index, (DELTA if index else KEYFRAME) + bytes((index,)), ssrc=0x77)
    number = ((start + 2) & 0xFFFF).to_bytes(2, "big")
    stage.receive(500, number + DELTA + b"\x02", ssrc=0x78, payload_type=97)
    base = viewer.numbers()[0]
    assert [(value - base) & 0xFFFF for value in viewer.numbers()] == [0, 1, 3, 4, 2]
    assert viewer.payloads()[-1] == DELTA + b"\x02"
    # Repeated once more it is dropped, and so is padding that only probes for bandwidth.
    stage.receive(501, number + DELTA + b"\x02", ssrc=0x78, payload_type=97)
    stage.receive(502, b"\x00\x00", ssrc=0x78, payload_type=97)
    stage.receive(503, b"", ssrc=0x78, payload_type=97)
    assert len(viewer.got) == 5


def test_repairs_of_nothing_are_passed_over() -> None:
    stage = Stage()
    track = stage.track(encodings=(api.Encoding(None, 0x77, 0x78),))
    assert stage.receive(1, b"\x00\x05" + DELTA, ssrc=0x78, payload_type=97) is None
    assert not track.flowing


@pytest.mark.parametrize("payload_type", [102, 96])
def test_a_publisher_may_change_the_codec(payload_type: int) -> None:
    stage = Stage()
    track = stage.track(codecs=(VP8, H264))
    viewer, _ = stage.viewer(track)
    stage.receive(1, KEYFRAME, payload_type=96)
    stage.receive(2, b"\x65idr", payload_type=payload_type)
    # This viewer negotiated VP8 alone.
    assert len(viewer.got) == (2 if payload_type == 96 else 1)
    assert not stage.drops


# --- limits ----------------------------------------------------------------------------------------------------------


def test_streams_per_track_are_limited() -> None:
    stage = Stage()
    track = stage.track()
    for ssrc in range(MAX_STREAMS + 5):
        stage.receive(1, DELTA, ssrc=ssrc, mid="v")
    assert len(track.streams) == MAX_STREAMS
    assert stage.drops == {"rtp_ssrc": 5}


def test_ssrcs_per_publisher_are_limited() -> None:
    stage = Stage()
    for index in range(8):
        stage.track(f"v{index}")
    for ssrc in range(MAX_SSRCS + 20):
        stage.receive(1, DELTA, ssrc=ssrc, mid=f"v{ssrc % 8}")
    assert sum(stage.publisher.knows(ssrc) for ssrc in range(100)) == MAX_SSRCS
    assert stage.drops == {"rtp_ssrc": 20}


def test_announced_ssrcs_are_limited_too() -> None:
    stage = Stage()
    for index in range(10):
        encodings = tuple(api.Encoding(None, 100 * index + n, None) for n in range(8))
        stage.track(f"v{index}", encodings=encodings)
    assert sum(stage.publisher.knows(ssrc) for ssrc in range(1000)) == MAX_SSRCS


def test_a_removed_track_is_forgotten() -> None:
    stage = Stage()
    stage.track(encodings=(api.Encoding(None, 0x77, 0x78),))
    stage.receive(1, KEYFRAME, ssrc=0x77)
    stage.publisher.remove("v")
    stage.publisher.remove("v")
    for ssrc, payload_type in ((0x77, 96), (0x78, 97)):
        assert stage.receive(2, DELTA, ssrc=ssrc, payload_type=payload_type, mid="v") is None
    assert stage.drops == {"rtp_ssrc": 2}


@pytest.mark.parametrize("mid", [None, "w"])
def test_what_is_off_stage_does_not_show_up_in_another_track(mid: str | None) -> None:
    """A browser stops naming the mid once it was heard; the payload type alone then fits the one Track that is left."""
    stage = Stage()
    stage.track(encodings=(api.Encoding(None, 0x77, 0x78),))
    stage.track("w", encodings=(api.Encoding(None, 0x99),))
    viewer, _ = stage.viewer(stage.publisher.producers["w"])
    stage.receive(1, KEYFRAME, ssrc=0x77)
    stage.publisher.remove("v")
    for sequence in range(2, 40):
        stage.receive(sequence, KEYFRAME, ssrc=0x77, mid=mid)
        stage.receive(sequence, b"\0\1" + KEYFRAME, ssrc=0x78, payload_type=97, mid=mid)
        stage.wait(0.1)
    assert viewer.got == []
    assert stage.drops == {"rtp_ssrc": 76}


@pytest.mark.parametrize("encodings", [(api.Encoding(None, 0x77),), (api.Encoding("h"),), ()])
def test_a_sender_may_go_on_under_its_ssrc(encodings: tuple[api.Encoding, ...]) -> None:
    stage = Stage()
    stage.track(encodings=encodings)
    stage.receive(1, KEYFRAME, ssrc=0x77, mid="v")
    stage.publisher.remove("v")
    again = stage.track("again", mid="v", encodings=encodings)
    assert stage.receive(2, KEYFRAME, ssrc=0x77, mid="v") is again


def test_another_source_on_the_same_m_line() -> None:
    """The new Track can be there before the old one is gone, and both have the sender's one SSRC."""
    stage = Stage()
    encodings = (api.Encoding(None, 0x77, 0x78),)
    stage.track(mid="0", encodings=encodings)
    stage.track("x", mid="1")
    stage.receive(1, KEYFRAME, ssrc=0x77)
    screen = stage.track("screen", mid="0", encodings=encodings)
    stage.publisher.remove("v")
    assert stage.receive(2, KEYFRAME, ssrc=0x77) is screen
    assert stage.receive(1, b"\0\3" + DELTA, ssrc=0x78, payload_type=97) is screen


def test_srtp_state_goes_when_later_tracks_have_ended() -> None:
    forgotten: list[int] = []
    stage = Stage()
    stage.publisher._forget = forgotten.append
    for ssrc in range(1000, 1000 + 2 * MAX_RETIRED):
        stage.track(encodings=(api.Encoding(None, ssrc),))
        stage.publisher.remove("v")
        # One that keeps coming back is never the longest ended.
        stage.track("w", encodings=(api.Encoding(None, 5),))
        stage.publisher.remove("w")
    assert forgotten == list(range(1000, 1000 + MAX_RETIRED + 1))
    assert stage.publisher.knows(5)
    stage.track("w", encodings=(api.Encoding(None, 5),))
    for ssrc in range(2000, 2000 + MAX_RETIRED):
        stage.track(encodings=(api.Encoding(None, ssrc),))
        stage.publisher.remove("v")
    assert 5 not in forgotten and stage.publisher.knows(5)


def test_a_track_is_added_once() -> None:
    stage = Stage()
    track = stage.track()
    assert stage.track() is track


@given(st.binary(max_size=200))
def test_junk_is_survived(data: bytes) -> None:
    stage = Stage()
    stage.track()
    stage.track("a", "audio")
    stage.publisher.on_rtp(memoryview(bytes((0x80 | (data[0] & 0x3F) if data else 0x80,)) + data), stage.now)
    stage.wait(0.1)


@given(st.lists(st.tuples(st.integers(0, 65_535), st.sampled_from([0.0, 0.003, 0.3])), max_size=60))
def test_any_order_of_numbers_is_survived(arrivals: list[tuple[int, float]]) -> None:
    stage = Stage()
    viewer, _ = stage.viewer(stage.track())
    for sequence, pause in arrivals:
        stage.receive(sequence, KEYFRAME)
        stage.wait(pause)
    assert len(viewer.got) <= len(arrivals)


# --- what travels on -------------------------------------------------------------------------------------------------


def test_only_what_concerns_viewers_travels_on() -> None:
    stage = Stage()
    track = stage.track()
    ids = {hx.MID: 4, hx.RID: 10, hx.ABS_CAPTURE_TIME: 7, hx.TRANSPORT_CC: 1}
    viewer, _ = stage.viewer(track, extensions=ids)
    capture = hx.build_abs_capture_time(1 << 40)
    values = ((IDS[hx.ABS_CAPTURE_TIME], capture), (IDS[hx.TRANSPORT_CC], b"\x12\x34"), (13, b"unknown"))
    stage.receive(1, KEYFRAME, mid="v", rid="q", extensions=values)
    header = parse_header(viewer.got[0])
    assert header is not None
    seen = dict(iter_extensions(viewer.got[0], header))
    # mid is the viewer's own, transport-cc is numbered per viewer, rid ends here.
    assert seen == {4: b"0", 7: capture, 1: b"\0\0"}


def test_levels_make_speakers_but_not_while_muted() -> None:
    stage = Stage()
    track = stage.track("a", "audio")
    loud = ((IDS[hx.AUDIO_LEVEL], hx.build_audio_level(10, True)),)

    def speak(first: int) -> object:
        found: object = None
        for index in range(100):
            stage.receive(first + index, b"x", payload_type=111, extensions=loud)
            stage.now += 0.02
            found = stage.router.speakers.evaluate(stage.now) or found
        return found

    track.pause(True, stage.now)
    assert not speak(0)
    track.pause(False, stage.now)
    assert speak(100) == ("a",)
    assert track.stats(None).audio_level_db == -10


# --- what the publisher is told --------------------------------------------------------------------------------------


def test_receiver_reports_tell_loss_and_jitter() -> None:
    stage = Stage()
    stage.track()
    for sequence in range(100):
        if sequence % 10 != 5:
            stage.receive(65_500 + sequence, DELTA, timestamp=sequence * 900)
        stage.now += 0.01
    stage.publisher.on_rtcp(rtcp.SenderReport(0x1111, 0x0001_2345_6789_0000, 0, 1, 1), stage.now)
    stage.rtcp.clear()
    stage.wait(0.5)
    (report,) = [p for p in stage.rtcp if isinstance(p, rtcp.ReceiverReport)]
    (block,) = report.reports
    assert block.ssrc == 0x1111
    assert block.packets_lost == 10
    assert block.fraction_lost == int(0.1 * 256)
    # One cycle was completed on the way.
    assert block.highest_sequence == 65_500 + 99
    assert block.lsr == 0x2345_6789
    assert block.dlsr <= 0.5 * 65_536


def test_losses_are_asked_for_and_given_up_for_a_keyframe() -> None:
    stage = Stage()
    viewer, _ = stage.viewer(stage.track())
    stage.receive(1, KEYFRAME)
    stage.receive(5, DELTA)
    stage.wait(0.1)
    assert {number for p in stage.rtcp if isinstance(p, rtcp.Nack) for number in p.lost} == {2, 3, 4}
    stage.asked()
    stage.wait(1.5)
    assert stage.asked()
    stats = stage.publisher.stats()[0]
    assert (stats.lost, stats.recovered) == (3, 0)
    assert len(viewer.got) == 2


@pytest.mark.parametrize("hole", [1000, 30_000])
def test_a_large_hole_is_a_keyframe_request_and_not_a_storm(hole: int) -> None:
    stage = Stage()
    stage.viewer(stage.track())
    stage.receive(1, KEYFRAME)
    stage.now += 1
    stage.asked()
    stage.receive(1 + hole, DELTA)
    stage.wait(0.1)
    assert stage.asked() == [0x1111]
    assert not [p for p in stage.rtcp if isinstance(p, rtcp.Nack)]


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [(("nack", "nack pli", "ccm fir"), rtcp.Pli), (("ccm fir",), rtcp.Fir), ((), rtcp.Pli)],
)
def test_keyframes_are_asked_for_as_negotiated(feedback: tuple[str, ...], kind: type) -> None:
    stage = Stage()
    track = stage.track(codecs=(api.Codec("VP8", 96, 90_000, feedback=feedback),))
    stage.receive(1, DELTA)
    for _ in range(3):
        track.request_keyframe(stage.now)
        stage.now += 1
    asked = [p for p in stage.rtcp if isinstance(p, rtcp.Pli | rtcp.Fir)]
    assert {type(p) for p in asked} == {kind}
    if kind is rtcp.Fir:
        # Each is a new one to the sender (RFC 5104 section 4.3.1.1).
        assert [p.entries for p in asked if isinstance(p, rtcp.Fir)] == [((0x1111, n),) for n in range(3)]


def nacks(stage: Stage) -> list[tuple[int, tuple[int, ...]]]:
    found = [(p.media_ssrc, p.lost) for p in stage.rtcp if isinstance(p, rtcp.Nack)]
    stage.rtcp.clear()
    return found


def test_losses_of_layers_that_do_not_go_out_are_let_go() -> None:
    stage = Stage()
    track = stage.track(encodings=(api.Encoding("q"), api.Encoding("f")))
    stage.receive(1, KEYFRAME, ssrc=0x10, rid="q", mid="v")
    stage.receive(1, KEYFRAME, ssrc=0x20, rid="f", mid="v")
    assert track.wants(track.streams[0x20])
    for ssrc, rid in ((0x10, "q"), (0x20, "f")):
        for sequence in (5, 6, 7):
            stage.receive(sequence, DELTA, ssrc=ssrc, rid=rid, mid="v")
    stage.wait(0.04)
    assert nacks(stage) == [(0x20, (2, 3, 4))]
    # A Layer that is chosen later is not asked for what it lost before.
    for _ in range(40):
        stage.receive(8, DELTA, ssrc=0x10, rid="q", mid="v")
        stage.wait(0.02)
    nacks(stage)
    stage.receive(9, KEYFRAME, ssrc=0x10, rid="q", mid="v")
    assert track.wants(track.streams[0x10])
    stage.receive(12, DELTA, ssrc=0x10, rid="q", mid="v")
    stage.wait(0.04)
    assert {ssrc: lost for ssrc, lost in nacks(stage) if ssrc == 0x10} == {0x10: (10, 11)}


def test_losses_while_muted_are_let_go() -> None:
    stage = Stage()
    track = stage.track()
    stage.receive(1, KEYFRAME)
    track.pause(True, stage.now)
    stage.receive(400, DELTA)
    stage.receive(1000, DELTA)
    stage.wait(0.2)
    track.pause(False, stage.now)
    stage.rtcp.clear()
    stage.receive(1001, KEYFRAME)
    stage.receive(1003, DELTA)
    stage.wait(0.04)
    assert nacks(stage) == [(0x1111, (1002,))]
    assert stage.asked() == []


def test_without_nack_nothing_is_asked_for() -> None:
    stage = Stage()
    stage.track(codecs=(api.Codec("VP8", 96, 90_000),))
    stage.receive(1, KEYFRAME)
    stage.receive(50, DELTA)
    stage.wait(1.5)
    assert not [p for p in stage.rtcp if isinstance(p, rtcp.Nack)]


@pytest.mark.parametrize("start", [10, 65_530])
def test_arrivals_are_reported_transport_wide(start: int) -> None:
    stage = Stage()
    stage.track()
    stage.track("a", "audio")
    for index in range(20):
        number = ((start + index) & 0xFFFF).to_bytes(2, "big")
        payload_type = 111 if index % 3 else 96
        if index != 7:
            stage.receive(index, DELTA, ssrc=payload_type, payload_type=payload_type, extensions=((5, number),))
    stage.wait(0.06)
    (feedback,) = [p for p in stage.rtcp if isinstance(p, rtcp.TransportFeedback)]
    parsed = parse_feedback(feedback.body)
    assert parsed is not None
    received = {arrival.sequence for arrival in parsed if arrival.arrival_s is not None}
    assert received == {(start + index) & 0xFFFF for index in range(20) if index != 7}


def test_a_goodbye_frees_a_repair_ssrc() -> None:
    stage = Stage()
    stage.track(encodings=(api.Encoding(None, 0x77, 0x78),))
    forgotten: list[int] = []
    stage.publisher._forget = forgotten.append
    stage.publisher.on_rtcp(rtcp.Bye((0x78, 0x9999)), stage.now)
    assert forgotten == [0x78]
    assert stage.publisher.knows(0x77)
    assert not stage.publisher.knows(0x78)
