"""One Track's copy for a recording in virtual time: the same as a viewer gets, and nothing of a pause."""

from __future__ import annotations

from typing import Any

import pytest

from media import rtcp, tap_wire
from media.api import Codec, Encoding
from media.producer import Producer
from media.rtp_wire import parse_header
from media.tap import Tap
from tests.media.rig import DELTA, KEYFRAME, OPUS, VP8
from tests.media.stage import Stage

STARTS = [100, 65_530]


class Tape:
    """A recorder that takes what it is given, unless it is ``full``."""

    def __init__(self) -> None:
        self.full = False
        self.reader = tap_wire.FrameReader()
        self.frames: list[tap_wire.Frame] = []
        self.reader.feed(tap_wire.hello())

    def offer(self, data: bytes) -> bool:
        if not self.full:
            self.put(data)
        return not self.full

    def put(self, data: bytes) -> None:
        self.frames += self.reader.feed(data)

    def packets(self) -> list[bytes]:
        return [
            data for frame in self.frames if frame.kind == tap_wire.PACKETS for data in tap_wire.read_packets(frame.body)[1]
        ]

    def payloads(self) -> list[bytes]:
        return [data[header.payload_offset :] for data in self.packets() if (header := parse_header(data))]

    def numbers(self) -> list[int]:
        return [header.sequence for data in self.packets() if (header := parse_header(data))]

    def timestamps(self) -> list[int]:
        return [header.timestamp for data in self.packets() if (header := parse_header(data))]

    def json(self, kind: int) -> list[dict[str, Any]]:
        return [tap_wire.read_json(frame.body) for frame in self.frames if frame.kind == kind]

    def states(self) -> list[str]:
        return [one["state"] for one in self.json(tap_wire.STATE)]


def tapped(stage: Stage, producer: Producer, **more: Any) -> tuple[Tape, Tap]:
    tape = Tape()
    fields: dict[str, Any] = {"given": {"track": producer.id}, "keyframe_s": 4.0, "rtt_s": lambda: 0.05, **more}
    tap = Tap(7, producer, tape, stage.now, **fields)
    producer.taps = (*producer.taps, tap)
    return tape, tap


def wait(stage: Stage, seconds: float, *taps: Tap) -> None:
    end = stage.now + seconds
    while stage.now < end - 1e-9:
        stage.wait(min(0.02, end - stage.now))
        for tap in taps:
            tap.tick(stage.now)


def show(stage: Stage, first: int, count: int, key: bool = True, clock: int = 0) -> None:
    """10 ms apart, timestamps by the clock, so that a packet's time is known."""
    for index in range(count):
        payload = (KEYFRAME if key and not index else DELTA) + (first + index).to_bytes(4, "big")
        stage.receive(first + index, payload, timestamp=clock or (first + index) * 900)
        stage.now += 0.01


def shown(tape: Tape) -> list[int]:
    return [int.from_bytes(payload[-4:], "big") for payload in tape.payloads()]


@pytest.mark.parametrize("start", STARTS)
def test_it_is_what_a_viewer_gets(start: int) -> None:
    stage = Stage()
    track = stage.track()
    viewer, _ = stage.viewer(track)
    tape, tap = tapped(stage, track)
    for index in (0, 1, 3, 4, 2, 2, 5, 9, 6, 8, 7):
        payload = (DELTA if index else KEYFRAME) + (start + index).to_bytes(4, "big")
        stage.receive(start + index, payload, timestamp=index * 900)
        stage.now += 0.01
        tap.tick(stage.now)
    assert tape.payloads() == viewer.payloads()
    assert tape.numbers() == viewer.numbers()
    assert tape.timestamps() == viewer.timestamps()
    (form,) = [one for one in tape.json(tap_wire.FORMAT) if one["track"] == "v"]
    assert (form["codec"], form["clock_rate"], form["payload_type"]) == ("VP8", 90_000, 96)


def test_it_begins_with_what_is_cached_since_the_keyframe_or_with_the_next_one() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 10)
    tape, tap = tapped(stage, track)
    late, other = tapped(stage, track, replay=False)
    assert shown(tape) == list(range(1, 11)) and not shown(late)
    show(stage, 11, 3, key=False)
    stage.receive(16, KEYFRAME + (16).to_bytes(4, "big"), timestamp=16 * 900 + 4500)
    for one in (tap, other):
        one.tick(stage.now)
    assert shown(tape) == [*range(1, 14), 16]
    assert shown(late) == [16]


@pytest.mark.parametrize("start", STARTS)
def test_nothing_of_a_pause_is_written(start: int) -> None:
    stage = Stage()
    track = stage.track()
    tape, tap = tapped(stage, track)
    show(stage, start, 10)
    tap.set_cut(True, stage.now)
    # 13 is lost, and comes when the pause is over; so does 22, a keyframe that was sent before.
    show(stage, start + 10, 3, key=False)
    show(stage, start + 14, 8)
    tap.set_cut(False, stage.now)
    stage.asked()
    stage.receive(start + 22, KEYFRAME + (start + 22).to_bytes(4, "big"), timestamp=(start + 20) * 900)
    stage.receive(start + 13, KEYFRAME + (start + 13).to_bytes(4, "big"), timestamp=(start + 13) * 900)
    stage.now += 0.03
    show(stage, start + 25, 5)
    stage.receive(start + 24, DELTA + (start + 24).to_bytes(4, "big"), timestamp=(start + 24) * 900)
    tap.tick(stage.now)
    assert shown(tape) == [*range(start, start + 10), *range(start + 25, start + 30)]
    assert tape.states() == ["paused", "resumed"]
    # No hole: the pause is told by the records.
    assert {(b - a) & 0xFFFF for a, b in zip(tape.numbers(), tape.numbers()[1:], strict=False)} == {1}


def test_a_tap_that_is_opened_in_a_pause_writes_nothing_until_it_ends() -> None:
    stage = Stage()
    track = stage.track()
    show(stage, 1, 5)
    tape, tap = tapped(stage, track, cut=True)
    show(stage, 6, 5)
    tap.tick(stage.now)
    assert not tape.packets() and tape.states() == ["paused"]
    tap.set_cut(False, stage.now)
    show(stage, 11, 3)
    tap.tick(stage.now)
    assert shown(tape) == [11, 12, 13]


def test_sound_goes_on_with_the_first_packet_of_after_the_pause() -> None:
    stage = Stage()
    track = stage.track("a", "audio")
    tape, tap = tapped(stage, track)
    for index in range(20):
        if index in (5, 12):
            tap.set_cut(index == 5, stage.now)
        if index == 13:
            stage.receive(11, b"late", timestamp=11 * 960, payload_type=111)
        if index != 11:
            stage.receive(index, bytes((index,)), timestamp=index * 960, payload_type=111)
        stage.now += 0.02
    tap.tick(stage.now)
    assert tape.payloads() == [bytes((index,)) for index in [*range(5), *range(12, 20)]]


def test_a_sender_whose_timestamps_have_jumped_is_not_shut_out() -> None:
    stage = Stage()
    track = stage.track("a", "audio")
    tape, tap = tapped(stage, track)
    for index in range(3):
        stage.receive(index, b"before", timestamp=1_000_000 + index * 960, payload_type=111)
        stage.now += 0.02
    tap.set_cut(True, stage.now)
    tap.set_cut(False, stage.now)
    for index in range(3, 203):
        stage.receive(index, b"after", timestamp=index * 960, payload_type=111)
        stage.now += 0.02
        tap.tick(stage.now)
    assert tape.payloads()[-1] == b"after"


def test_an_overflow_is_a_gap_and_ends_with_a_keyframe() -> None:
    stage = Stage()
    track = stage.track()
    tape, tap = tapped(stage, track)
    show(stage, 1, 5)
    tap.tick(stage.now)
    tape.full = True
    began = stage.now
    show(stage, 6, 20)
    tap.tick(stage.now)
    tape.full = False
    show(stage, 26, 5, key=False)
    stage.asked()
    wait(stage, 0.4, tap)
    assert stage.asked()
    show(stage, 31, 5)
    tap.tick(stage.now)
    assert shown(tape) == [*range(1, 6), *range(31, 36)]
    (gap,) = tape.json(tap_wire.GAP)
    assert (gap["reason"], gap["from"], gap["packets"]) == ("overflow", began, 25)
    assert gap["to"] == pytest.approx(stage.now - 0.05)


def test_keyframes_are_asked_for_when_none_came_by_itself() -> None:
    stage = Stage()
    track = stage.track()
    _, tap = tapped(stage, track)
    show(stage, 1, 2)
    stage.asked()
    number = 3
    for _ in range(390):
        stage.receive(number, DELTA, timestamp=number * 900)
        number += 1
        wait(stage, 0.01, tap)
    assert not stage.asked()
    for _ in range(30):
        stage.receive(number, DELTA, timestamp=number * 900)
        number += 1
        wait(stage, 0.01, tap)
    assert len(stage.asked()) == 1
    stage.receive(number, KEYFRAME, timestamp=number * 900)
    wait(stage, 1.0, tap)
    assert not stage.asked()


def test_losses_are_asked_for_though_nobody_watches() -> None:
    stage = Stage()
    track = stage.track(codecs=(VP8,))
    tape, tap = tapped(stage, track)
    show(stage, 1, 5)
    show(stage, 7, 5, key=False)
    wait(stage, 0.1, tap)
    assert any(isinstance(packet, rtcp.Nack) and 6 in packet.lost for packet in stage.rtcp)
    stage.receive(6, DELTA + (6).to_bytes(4, "big"), timestamp=6 * 900)
    tap.tick(stage.now)
    assert sorted(shown(tape)) == list(range(1, 12))


def test_reports_carry_the_clock_at_least_once_a_second() -> None:
    stage = Stage()
    track = stage.track()
    tape, tap = tapped(stage, track)
    show(stage, 1, 5)
    ntp = rtcp.ntp_from_unix(1_700_000_000.0)
    arrival = stage.now
    stage.publisher.on_rtcp(rtcp.SenderReport(0x1111, ntp, 4500, 1, 1), stage.now)
    wait(stage, 3.5, tap)
    reports = [tap_wire.read_report(frame.body) for frame in tape.frames if frame.kind == tap_wire.REPORT]
    assert reports[0][:3] == (arrival, ntp, 4500)
    assert reports[0].rtt_s == pytest.approx(0.05)
    assert len(reports) == 4
    for report in reports:
        assert (report.ntp - ntp) / 2**32 == pytest.approx(report.arrival - arrival, abs=1e-6)
        assert (report.rtp - 4500) / 90_000 == pytest.approx(report.arrival - arrival, abs=1e-4)


def red(primary: bytes, *earlier: bytes) -> bytes:
    """RFC 2198; each earlier frame is 20 ms older than the one after it."""
    heads = b""
    for back, block in zip(range(len(earlier), 0, -1), earlier, strict=True):
        heads += bytes((0x80 | 111,)) + ((back * 960) << 10 | len(block)).to_bytes(3, "big")
    return heads + bytes((111,)) + b"".join(earlier) + primary


def test_red_is_written_as_opus_and_mends_what_was_lost() -> None:
    stage = Stage()
    codec = Codec("red", 63, 48_000, 2, {"": "111/111"})
    track = stage.track("a", "audio", codecs=(codec, OPUS))
    tape, tap = tapped(stage, track)
    frames = [bytes((index, index)) for index in range(9)]
    for index in (0, 1, 4, 5, 8):
        earlier = [frames[back] for back in (index - 2, index - 1) if back >= 0]
        stage.receive(65_533 + index, red(frames[index], *earlier), timestamp=index * 960, payload_type=63)
        stage.now += 0.02
    tap.tick(stage.now)
    assert tape.payloads() == frames
    assert tape.timestamps() == [index * 960 for index in range(9)]
    assert {(b - a) & 0xFFFF for a, b in zip(tape.numbers(), tape.numbers()[1:], strict=False)} == {1}
    assert tape.json(tap_wire.FORMAT)[0]["codec"] == "opus"


@pytest.mark.parametrize("start", STARTS)
def test_a_change_of_layer_and_a_mute_are_written_as_viewers_get_them(start: int) -> None:
    stage = Stage()
    track = stage.track(encodings=(Encoding("q"), Encoding("f")))
    viewer, _ = stage.viewer(track)
    tape, tap = tapped(stage, track)

    def frame(index: int, rid: str, payload: bytes) -> None:
        ssrc = 0x2222 if rid == "f" else 0x1111
        stage.receive(start + index, payload + rid.encode(), timestamp=index * 900, ssrc=ssrc, mid="v", rid=rid)
        stage.now += 0.01
        tap.tick(stage.now)

    for index in range(5):
        frame(index, "q", DELTA if index else KEYFRAME)
    frame(5, "f", DELTA)
    for index in range(6, 12):
        frame(index, "f", DELTA if index > 6 else KEYFRAME)
    track.pause(True, stage.now)
    for index in range(12, 20):
        frame(index, "f", DELTA)
    track.pause(False, stage.now)
    for index in range(20, 26):
        frame(index, "f", DELTA if index > 21 else KEYFRAME)
    assert tape.payloads() == viewer.payloads()
    assert tape.numbers() == viewer.numbers()
    assert tape.timestamps() == viewer.timestamps()
    assert [one["layer"] for one in tape.json(tap_wire.FORMAT)] == [None, "q", "f"]
