"""The inbound half of a Track in virtual time: mute, simulcast, keyframes, replay to newcomers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import api, rtcp
from media.consumer import CATCH_UP_PACKETS
from media.producer import (
    FRESH_KEYFRAME_S,
    KEYFRAME_INTERVAL_S,
    REPLAY_MAX_AGE_S,
    REPLAY_MAX_MISSING,
    REPLAY_MAX_PACKETS,
)
from tests.media.rig import DELTA, KEYFRAME
from tests.media.stage import Stage, Viewer

#: Everything is rerun with numbers that wrap on the way.
STARTS = [100, 65_530]
HALF = 1 << 15


def in_a_row(numbers: list[int]) -> bool:
    """Whether 16-bit numbers follow each other without a hole."""
    return all((later - earlier) & 0xFFFF == 1 for earlier, later in pairwise(numbers))


def show(stage: Stage, first: int, count: int, *, key: bool = True) -> None:
    """Packets in a row, the first of them a keyframe; 10 ms apart."""
    for index in range(count):
        payload = (KEYFRAME if key and not index else DELTA) + (first + index).to_bytes(4, "big")
        stage.receive(first + index, payload, timestamp=(first + index) * 900)
        stage.now += 0.01


def shown(viewer: Viewer) -> list[int]:
    """Which packets of :func:`show` arrived."""
    return [int.from_bytes(payload[-4:], "big") for payload in viewer.payloads()]


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
def test_packets_go_out_as_they_came(start: int) -> None:
    stage = Stage()
    viewer, _ = stage.viewer(stage.track())
    show(stage, start, 20)
    assert shown(viewer) == list(range(start, start + 20))
    assert in_a_row(viewer.numbers())


@pytest.mark.parametrize("start", STARTS)
def test_what_comes_late_keeps_its_place_and_what_comes_twice_is_dropped(start: int) -> None:
    stage = Stage()
    viewer, _ = stage.viewer(stage.track())
    for index in (0, 1, 3, 4, 2, 3, 0):
        stage.receive(start + index, (KEYFRAME if not index else DELTA) + bytes((index,)))
    base = viewer.numbers()[0]
    assert [(number - base) & 0xFFFF for number in viewer.numbers()] == [0, 1, 3, 4, 2]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("times", [1, 3])
def test_a_mute_leaves_no_hole(start: int, times: int) -> None:
    stage = Stage()
    track = stage.track()
    viewer, _ = stage.viewer(track)
    show(stage, start, 5)
    expected = list(range(start, start + 5))
    for _ in range(times):
        start += 5
        track.pause(True, stage.now)
        show(stage, start, 40)
        start += 40
        track.pause(False, stage.now)
        show(stage, start, 5)
        expected += range(start, start + 5)
    assert shown(viewer) == expected
    assert in_a_row(viewer.numbers())


def test_what_was_said_during_a_mute_does_not_come_out_late() -> None:
    stage = Stage()
    track = stage.track("a", "audio")
    viewer, _ = stage.viewer(track)
    stage.receive(1, b"before", payload_type=111)
    track.pause(True, stage.now)
    stage.receive(3, b"secret", payload_type=111)
    track.pause(False, stage.now)
    stage.receive(4, b"after", payload_type=111)
    stage.receive(2, b"late secret", payload_type=111)
    assert viewer.payloads() == [b"before", b"after"]
    assert in_a_row(viewer.numbers())


def test_a_track_that_begins_muted_begins_when_it_is_let_through() -> None:
    stage = Stage()
    track = stage.track(paused=True)
    viewer, _ = stage.viewer(track)
    show(stage, 10, 5)
    assert not viewer.got and not stage.asked()
    track.pause(False, stage.now)
    assert stage.asked() == [0x1111]
    show(stage, 15, 3)
    assert shown(viewer) == [15, 16, 17]


def test_muting_twice_is_muting_once() -> None:
    stage = Stage()
    track = stage.track()
    viewer, _ = stage.viewer(track)
    show(stage, 1, 2)
    for paused in (True, True, False, False):
        track.pause(paused, stage.now)
    show(stage, 3, 2)
    assert shown(viewer) == [1, 2, 3, 4]
    assert in_a_row(viewer.numbers())


# --- simulcast -------------------------------------------------------------------------------------------------------

LAYERS = (("q", 0x10), ("h", 0x20), ("f", 0x30))


def simulcast() -> tuple[Stage, Viewer]:
    stage = Stage()
    track = stage.track(encodings=tuple(api.Encoding(rid, ssrc) for rid, ssrc in LAYERS))
    viewer, _ = stage.viewer(track)
    stage.asked()
    stage.now += 1
    return stage, viewer


def layer(stage: Stage, ssrc: int, sequence: int, mark: bytes, *, key: bool = False, timestamp: int = 0) -> None:
    stage.receive(sequence, (KEYFRAME if key else DELTA) + mark, ssrc=ssrc, timestamp=timestamp)


@pytest.mark.parametrize("starts", [(100, 200, 300), (65_534, 65_535, 0), (0, 40_000, 65_533)])
def test_a_better_layer_takes_over_at_its_keyframe(starts: tuple[int, int, int]) -> None:
    stage, viewer = simulcast()
    low, middle, high = starts
    base = 0xFFFFFF00
    layer(stage, 0x10, low, b"q0", key=True, timestamp=base)
    stage.now += 0.04
    layer(stage, 0x10, low + 1, b"q1", timestamp=base + 3600)
    # Not before it: what it shows could not be decoded.
    layer(stage, 0x20, middle, b"h0", timestamp=77)
    assert stage.asked() == [0x20]
    stage.now += 0.04
    layer(stage, 0x20, middle + 1, b"h1", key=True, timestamp=77 + 3600)
    layer(stage, 0x10, low + 2, b"q2", timestamp=base + 7200)
    stage.now += 0.04
    layer(stage, 0x20, middle + 2, b"h2", timestamp=77 + 7200)
    layer(stage, 0x30, high, b"f0", key=True, timestamp=500_000)
    stage.now += 0.04
    layer(stage, 0x20, middle + 3, b"h3", key=True, timestamp=77 + 10_800)
    layer(stage, 0x30, high + 1, b"f1", timestamp=500_000 + 3600)
    assert [payload[-2:] for payload in viewer.payloads()] == [b"q0", b"q1", b"h1", b"h2", b"f0", b"f1"]
    assert in_a_row(viewer.numbers())
    steps = [(t - viewer.timestamps()[0]) & 0xFFFFFFFF for t in viewer.timestamps()]
    # The change of layer takes the time that passed; two layers' packets of one instant are still two pictures.
    assert steps == pytest.approx([0, 3600, 7200, 10_800, 10_801, 14_401], abs=2)


def test_a_layer_that_falls_silent_is_replaced_at_a_keyframe() -> None:
    stage, viewer = simulcast()
    layer(stage, 0x30, 50, b"f0", key=True, timestamp=1000)
    layer(stage, 0x10, 10, b"q0", key=True, timestamp=2000)
    stage.now += 0.5
    layer(stage, 0x10, 11, b"q1", key=True, timestamp=2000 + 45_000)
    assert not stage.asked()
    stage.now += 0.2
    layer(stage, 0x10, 12, b"q2", timestamp=2000 + 63_000)
    assert stage.asked() == [0x10]
    layer(stage, 0x10, 13, b"q3", key=True, timestamp=2000 + 63_000)
    layer(stage, 0x10, 14, b"q4", timestamp=2000 + 66_600)
    assert [payload[-2:] for payload in viewer.payloads()] == [b"f0", b"q3", b"q4"]
    assert in_a_row(viewer.numbers())
    assert viewer.timestamps() == [1000, 1000 + 63_000, 1000 + 66_600]
    # When the better one is back it takes over again.
    stage.now += 0.04
    layer(stage, 0x30, 400, b"f1", key=True, timestamp=9)
    assert viewer.payloads()[-1].endswith(b"f1")


def test_the_clock_goes_with_the_layer() -> None:
    stage, viewer = simulcast()
    layer(stage, 0x10, 10, b"q0", key=True, timestamp=2000)
    stage.publisher.on_rtcp(rtcp.SenderReport(0x10, 5 << 32, 2000, 1, 1), stage.now)
    stage.publisher.on_rtcp(rtcp.SenderReport(0x30, 5 << 32, 900_000, 1, 1), stage.now)
    track = stage.publisher.producers["v"]
    assert track.clock_at(stage.now) == (5 << 32, 2000)
    stage.now += 1
    layer(stage, 0x30, 10, b"f0", key=True, timestamp=990_000)
    ntp, timestamp = track.clock_at(stage.now) or (0, 0)
    # One second later by either clock, and by what the viewer sees.
    assert ntp == 6 << 32
    assert timestamp == viewer.timestamps()[-1] == pytest.approx(92_000, abs=2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0x10, 0x20, 0x30]), st.booleans(), st.sampled_from([0.0, 0.01, 0.7]))),
    st.tuples(st.integers(0, 65_535), st.integers(0, 65_535), st.integers(0, 65_535)),
)
def test_whatever_the_layers_do_the_viewer_sees_one_stream(
    events: list[tuple[int, bool, float]], starts: tuple[int, int, int]
) -> None:
    stage, viewer = simulcast()
    next_number = dict(zip((0x10, 0x20, 0x30), starts, strict=True))
    for ssrc, key, pause in events:
        stage.now += pause
        layer(stage, ssrc, next_number[ssrc], bytes((ssrc,)), key=key, timestamp=int(stage.now * 90_000) + ssrc)
        next_number[ssrc] += 1
    assert in_a_row(viewer.numbers())
    stamps = viewer.timestamps()
    assert all((b - a) & 0xFFFFFFFF < 1 << 31 for a, b in pairwise(stamps))
    # A layer is entered at a keyframe only.
    layers = [payload[-1] for payload in viewer.payloads()]
    for before, payload in zip([0, *layers], viewer.payloads(), strict=False):
        assert payload[-1] == before or payload.startswith(KEYFRAME)


# --- keyframes -------------------------------------------------------------------------------------------------------


def playing() -> tuple[Stage, Viewer]:
    stage = Stage()
    viewer, _ = stage.viewer(stage.track())
    show(stage, 1, 10)
    stage.wait(1.0)
    stage.asked()
    return stage, viewer


def test_requests_within_the_interval_are_one() -> None:
    stage, _ = playing()
    track = stage.publisher.producers["v"]
    for _ in range(10):
        track.request_keyframe(stage.now)
        stage.now += KEYFRAME_INTERVAL_S / 20
    assert stage.asked() == [0x1111]
    assert track.plis_sent == 1


def test_a_request_that_came_too_early_is_sent_when_the_interval_is_over() -> None:
    stage, _ = playing()
    track = stage.publisher.producers["v"]
    track.request_keyframe(stage.now)
    show(stage, 11, 1)
    assert stage.asked() == [0x1111]
    # The picture is lost again right after the keyframe.
    track.request_keyframe(stage.now)
    stage.wait(KEYFRAME_INTERVAL_S - 0.05)
    assert stage.asked() == []
    stage.wait(0.1)
    assert stage.asked() == [0x1111]


def test_a_request_is_repeated_until_the_keyframe_comes() -> None:
    stage, _ = playing()
    track = stage.publisher.producers["v"]
    track.request_keyframe(stage.now)
    stage.wait(2.0)
    assert 3 <= len(stage.asked()) <= 1 + 2.0 / KEYFRAME_INTERVAL_S
    show(stage, 11, 1)
    stage.wait(2.0)
    assert stage.asked() == []


def test_nobody_asks_for_a_keyframe_that_nobody_watches() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 5, key=False)
    _, consumer = stage.viewer(track)
    assert stage.asked() == [0x1111]
    track.remove_consumer(consumer)
    stage.wait(3.0)
    assert stage.asked() == []


@pytest.mark.parametrize("kind", ["audio", "muted"])
def test_no_keyframe_is_asked_for_where_none_can_come(kind: str) -> None:
    stage = Stage()
    track = stage.track("v", "audio") if kind == "audio" else stage.track(paused=True)
    stage.receive(1, b"x", payload_type=111 if kind == "audio" else 96)
    track.request_keyframe(stage.now)
    track.prepare_viewer(stage.now)
    stage.wait(1.0)
    assert stage.asked() == []


def test_a_connecting_viewer_prepares_a_keyframe_unless_there_is_a_fresh_one() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 2)
    track.prepare_viewer(stage.now)
    assert stage.asked() == []
    stage.now += FRESH_KEYFRAME_S
    track.prepare_viewer(stage.now)
    assert stage.asked() == [0x1111]


def test_a_request_before_the_first_packet_waits_for_it() -> None:
    stage = Stage()
    track = stage.track()
    viewer, _ = stage.viewer(track)
    assert stage.asked() == []
    show(stage, 1, 3, key=False)
    stage.wait(0.6)
    assert set(stage.asked()) == {0x1111}
    show(stage, 4, 2)
    assert shown(viewer) == [4, 5]


# --- newcomers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
def test_a_newcomer_is_brought_up_to_date_in_steps_and_then_is_live(start: int) -> None:
    stage = Stage()
    track = stage.track()
    show(stage, start, 10)
    show(stage, start + 10, 3 * CATCH_UP_PACKETS)
    viewer, consumer = stage.viewer(track)
    assert len(viewer.got) == CATCH_UP_PACKETS
    assert (track.busy, consumer.catching_up) == (True, True)
    # What comes in the meantime is neither lost nor sent twice.
    show(stage, start + 10 + 3 * CATCH_UP_PACKETS, 2, key=False)
    for _ in range(5):
        track.tick(stage.now)
    assert (track.busy, consumer.catching_up) == (False, False)
    show(stage, start + 12 + 3 * CATCH_UP_PACKETS, 3, key=False)
    assert shown(viewer) == list(range(start + 10, start + 15 + 3 * CATCH_UP_PACKETS))
    assert in_a_row(viewer.numbers())
    assert stage.asked() == []


@pytest.mark.parametrize(
    ("case", "served"),
    [
        ("fresh", True),
        ("no keyframe", False),
        ("too old", False),
        ("too much", False),
        ("small holes", True),
        ("large holes", False),
    ],
)
def test_where_a_newcomer_can_begin(case: str, served: bool) -> None:
    stage = Stage()
    track = stage.track()
    if case == "no keyframe":
        show(stage, 1, 50, key=False)
    elif case == "too much":
        for sequence in range(REPLAY_MAX_PACKETS + 2):
            stage.receive(sequence, DELTA if sequence else KEYFRAME)
    elif case.endswith("holes"):
        stage.receive(1, KEYFRAME)
        stage.receive(2 + REPLAY_MAX_MISSING + (case == "large holes"), DELTA)
    else:
        show(stage, 1, 20)
    stage.asked()
    if case == "too old":
        stage.now += REPLAY_MAX_AGE_S
    viewer, consumer = stage.viewer(track)
    assert bool(viewer.got) is served
    assert consumer.waiting is not served
    assert bool(stage.asked()) is not served


def test_those_who_wait_begin_together_at_the_keyframe() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 5, key=False)
    viewers = [stage.viewer(track)[0] for _ in range(3)]
    assert stage.asked() == [0x1111]
    show(stage, 6, 5, key=False)
    show(stage, 11, 5)
    assert [shown(viewer) for viewer in viewers] == [list(range(11, 16))] * 3


def test_a_viewer_whose_path_is_not_up_begins_later() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 3)
    viewer, consumer = stage.viewer(track)
    viewer.got.clear()
    track.part(consumer)
    viewer.tx_handle = None
    track.admit(consumer, stage.now)
    show(stage, 4, 3)
    assert shown(viewer) == []
    viewer.tx_handle = object()
    track.admit(consumer, stage.now)
    assert shown(viewer) == [4, 5, 6]


def test_sound_begins_at_once_and_in_the_present() -> None:
    stage = Stage()
    track = stage.track("a", "audio")
    for sequence in range(50):
        stage.receive(sequence, b"past", payload_type=111)
    viewer, _ = stage.viewer(track)
    assert not viewer.got
    stage.receive(50, b"present", payload_type=111)
    assert viewer.payloads() == [b"present"]


def test_viewers_that_look_alike_share_a_group() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 2)
    alike = [stage.viewer(track)[1] for _ in range(3)]
    other = stage.viewer(track, ssrc=0xDDDD)[1]
    assert len({id(consumer.group) for consumer in alike}) == 1
    assert other.group is not alike[0].group
    for consumer in (*alike, other):
        track.remove_consumer(consumer)
    assert not track._groups and not track.consumers


# --- flow ------------------------------------------------------------------------------------------------------------


def test_it_is_reported_when_packets_begin_and_stop() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 3)
    assert stage.flow == [("v", True)]
    stage.wait(3.0)
    assert stage.flow == [("v", True), ("v", False)]
    show(stage, 4, 1)
    track.pause(True, stage.now)
    stage.wait(5.0)
    assert stage.flow[2:] == [("v", True)]
    track.pause(False, stage.now)
    stage.wait(3.0)
    assert stage.flow[3:] == [("v", False)]


def test_silence_is_no_news_for_sound() -> None:
    stage = Stage()
    stage.track("a", "audio")
    stage.receive(1, b"x", payload_type=111)
    stage.wait(5.0)
    assert stage.flow == [("a", True)]


def test_figures() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 100)
    stage.wait(1.0)
    stats = track.stats(0.02)
    assert (stats.packets, stats.keyframes, stats.width, stats.height) == (100, 1, 640, 360)
    assert (stats.codec, stats.rtt_ms, stats.paused, stats.lost) == ("VP8", 20.0, False, 0)
    assert stats.bitrate_bps > 0
