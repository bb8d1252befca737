"""From one publisher's packets to what each viewer gets: starting, pausing, numbering, and who is asked for what."""

from __future__ import annotations

import pytest

from media import api
from media.srtp import SrtpContext, protect_copy, unprotect_copy
from tests.media.rig import AUDIO_SSRC, DELTA, KEYFRAME, OPUS, VIDEO_SSRC, VP8
from tests.media.studio import FakeTransport, Studio, srtp_pair

PLAIN_VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack", "nack pli"))
NO_NACK_VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack pli",))


# --- keyframes -------------------------------------------------------------------------------------------------------


def test_a_viewer_that_never_connects_costs_no_keyframes() -> None:
    studio = Studio()
    sequence = 0
    answered = 0

    def publish() -> None:
        nonlocal sequence, answered
        sequence += 1
        studio.feed(sequence, KEYFRAME if len(studio.asked) > answered or sequence == 1 else DELTA)
        answered = len(studio.asked)

    studio.pass_time(1.0, publish)
    studio.view(FakeTransport(up=False))
    studio.pass_time(10.0, publish)
    assert len(studio.asked) <= 1


def test_a_connecting_viewer_finds_a_keyframe_under_way() -> None:
    studio = Studio()
    studio.feed(1, KEYFRAME)
    studio.pass_time(5.0)
    transport = FakeTransport(up=False)
    consumer = studio.view(transport)
    assert [ssrc for _, ssrc in studio.asked] == [VIDEO_SSRC]
    studio.feed(2, KEYFRAME + b"fresh")
    transport.tx_handle = object()
    studio.producer.admit(consumer, studio.now)
    assert [payload for _, payload in transport.got] == [KEYFRAME + b"fresh"]


@pytest.mark.parametrize("joins_while_muted", [False, True])
def test_unmuting_asks_for_a_keyframe(joins_while_muted: bool) -> None:
    studio = Studio()
    transport = FakeTransport()
    studio.feed(1, KEYFRAME)
    studio.producer.pause(True, studio.now)
    studio.pass_time(5.0)
    if joins_while_muted:
        studio.view(transport)
    studio.producer.pause(False, studio.now)
    assert [ssrc for _, ssrc in studio.asked] == [VIDEO_SSRC]
    studio.feed(2, KEYFRAME + b"back")
    assert transport.got[-1:] == ([(transport.got[-1][0], KEYFRAME + b"back")] if joins_while_muted else [])


def test_a_viewer_is_not_left_waiting_for_a_keyframe_that_came_in_pieces() -> None:
    # The publisher repeats nothing, so nothing fills the holes behind the keyframe.
    studio = Studio(NO_NACK_VP8)
    studio.feed(1)
    transport = FakeTransport()
    studio.view(transport)
    studio.feed(100)
    studio.feed(60, KEYFRAME)
    assert not transport.sent
    asked = len(studio.asked)
    studio.pass_time(1.5)
    assert len(studio.asked) == asked + 1
    studio.feed(101, KEYFRAME)
    assert transport.got[0][1] == KEYFRAME


# --- numbering -------------------------------------------------------------------------------------------------------


def seal(sender: SrtpContext, transport: FakeTransport) -> list[bytes]:
    sealed = [protect_copy(sender.handle, data) for data in transport.sent]
    return [data for data in sealed if data is not None]


def bring_to(studio: Studio, number: int) -> int:
    """Feed packets until the next one goes out under ``number`` (16 bits); returns the publisher's number for it."""
    sequence = 1
    studio.feed(sequence, KEYFRAME)
    while (gap := (number - studio.producer.next_sequence) & 0xFFFF) > 0:
        step = min(gap, 20_000)
        sequence += step
        studio.feed(sequence)
    return sequence + 1


@pytest.mark.parametrize("missed", [1, 5, 9])
def test_a_viewer_that_misses_its_first_packets_can_decrypt_the_others(missed: int) -> None:
    studio = Studio()
    start = bring_to(studio, 65536 - 5)
    transport = FakeTransport()
    studio.feed(start, KEYFRAME)
    studio.view(transport)
    for index in range(1, 20):
        studio.feed(start + index)
    sender, receiver = srtp_pair()
    sealed = seal(sender, transport)
    assert len(sealed) == 20
    assert all(unprotect_copy(receiver.handle, data) is not None for data in sealed[missed:])


@pytest.mark.parametrize("late_is_lost", [False, True])
def test_a_packet_from_before_a_viewers_first_one_does_no_harm(late_is_lost: bool) -> None:
    studio = Studio()
    hole = bring_to(studio, 65535)
    studio.feed(hole + 1)
    studio.feed(hole + 2, KEYFRAME)
    transport = FakeTransport()
    studio.view(transport)
    studio.feed_late(hole, DELTA + b"late")
    for index in range(3, 20):
        studio.feed(hole + index)
    sender, receiver = srtp_pair()
    late = next((i for i, (_, payload) in enumerate(transport.got) if payload.endswith(b"late")), None)
    sealed = seal(sender, transport)
    if late_is_lost and late is not None:
        del sealed[late]
    assert len(sealed) >= 18
    assert all(unprotect_copy(receiver.handle, data) is not None for data in sealed)


def test_numbers_start_far_from_the_wrap_whatever_the_publishers_are() -> None:
    for first in (0, 1, 32768, 65535):
        studio = Studio()
        transport = FakeTransport()
        studio.feed(first, KEYFRAME)
        studio.view(transport)
        studio.feed_late(first - 1, DELTA + b"late")
        numbers = [number for number, _ in transport.got]
        assert numbers == [0x2000, 0x1FFF]


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_no_number_stands_for_two_packets_after_a_viewers_pause(kind: str) -> None:
    studio = Studio(PLAIN_VP8 if kind == "video" else OPUS)
    transport = FakeTransport()
    for sequence in range(1, 30):
        if sequence == 1:
            studio.feed(sequence, KEYFRAME + b"1")
            consumer = studio.view(transport)
        else:
            studio.feed(sequence, DELTA + bytes([sequence]))
    consumer.pause(True, studio.now)
    studio.pass_time(5.0)
    for sequence in range(30, 60):
        if sequence != 58:
            studio.feed(sequence, DELTA + bytes([sequence]))
    consumer.pause(False, studio.now)
    studio.feed(60, KEYFRAME + b"60")
    studio.feed_late(58, DELTA + b"late")
    studio.feed(61, DELTA + b"61")
    contents: dict[int, bytes] = {}
    for number, payload in transport.got:
        assert contents.setdefault(number, payload) == payload
    assert contents[max(contents)] == DELTA + b"61"
    assert sorted(contents) == list(range(min(contents), max(contents) + 1))


def test_a_short_pause_is_made_up_from_the_cache_without_going_back() -> None:
    studio = Studio()
    transport = FakeTransport()
    studio.feed(1, KEYFRAME + b"\1")
    consumer = studio.view(transport)
    studio.feed(2, DELTA + b"\2")
    consumer.pause(True, studio.now)
    studio.feed(3, DELTA + b"\3")
    consumer.pause(False, studio.now)
    studio.feed(4, DELTA + b"\4")
    assert [payload[-1] for _, payload in transport.got] == [1, 2, 3, 4]
    numbers = [number for number, _ in transport.got]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_a_repeat_of_a_muted_packet_does_not_open_a_hole_when_the_track_comes_back() -> None:
    studio = Studio(OPUS)
    transport = FakeTransport()
    studio.view(transport)
    studio.feed(1, b"one", AUDIO_SSRC)
    studio.producer.pause(True, studio.now)
    for sequence in range(2, 200):
        studio.feed(sequence, b"muted", AUDIO_SSRC)
    studio.producer.pause(False, studio.now)
    studio.feed_late(150, b"late", AUDIO_SSRC)
    studio.feed(200, b"two", AUDIO_SSRC)
    (first, _), (second, payload) = transport.got
    assert (second - first, payload) == (1, b"two")


# --- which stream goes out -------------------------------------------------------------------------------------------


def test_a_sound_track_goes_on_under_a_new_ssrc() -> None:
    studio = Studio(OPUS)
    transport = FakeTransport()
    studio.view(transport)
    for sequence in range(1, 4):
        studio.feed(sequence, b"old", 0x51)
        studio.now += 0.02
    studio.now += 1.0
    for sequence in range(900, 903):
        studio.feed(sequence, b"new", 0x52)
        studio.now += 0.02
    numbers = [number for number, _ in transport.got]
    assert [payload for _, payload in transport.got] == [b"old"] * 3 + [b"new"] * 3
    assert numbers == list(range(numbers[0], numbers[0] + 6))


def test_a_better_layer_is_not_taken_at_a_keyframe_that_comes_late() -> None:
    studio = Studio(VP8, (api.Encoding("q"), api.Encoding("h")))
    transport = FakeTransport()
    studio.feed(1, KEYFRAME + b"q", 0x51, "q")
    studio.view(transport)
    studio.feed(500, DELTA, 0x52, "h")
    for sequence in range(502, 510):
        studio.feed(sequence, DELTA, 0x52, "h")
    studio.feed_late(501, KEYFRAME + b"late", 0x52)
    studio.feed(510, DELTA + b"undecodable", 0x52, "h")
    assert [payload for _, payload in transport.got] == [KEYFRAME + b"q"]
    studio.feed(511, KEYFRAME + b"h", 0x52, "h")
    studio.feed(512, DELTA + b"h", 0x52, "h")
    assert [payload for _, payload in transport.got[1:]] == [KEYFRAME + b"h", DELTA + b"h"]
