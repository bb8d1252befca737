"""From packets to files that play: by the numbers in the pictures and the tone in the sound."""

from __future__ import annotations

import random
from pathlib import Path

import av
import numpy as np
import pytest

from media import tap_wire
from media.rtp_wire import build_extensions
from recorder.clock_fit import fit
from recorder.finish_track import Media, TrackLogs, finish_track
from recorder.sealed import SealedReader
from recorder.track_log import Record
from recorder.vault import Vault
from tests.recorder.live_track import LiveTrack, decoded, number_in, pictures, sounds

KEY, _ = Vault({"m": bytes(32)}, "m").new_key()
STARTED = 500.0
BEGIN = 502.5
CODECS = ["VP8", "VP9", "H264", "AV1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "r0123456789abcdef"
    folder.mkdir()
    return folder


def finish(folder: Path, *parts: LiveTrack) -> Media:
    paths = [
        track.write(folder / ("cam.log" if not index else f"cam.{index}.log"), KEY) for index, track in enumerate(parts)
    ]
    logs = TrackLogs(paths, KEY)
    found = logs.survey()
    return finish_track(folder, "cam", logs, found, fit(found.traces), KEY, STARTED)


def shown(folder: Path, media: Media) -> list[tuple[float, int]]:
    with SealedReader(folder / media.file, KEY) as reader:
        return [(time, number_in(frame)) for time, frame in decoded(reader.file())]


def video(codec: str) -> LiveTrack:
    track = LiveTrack(codec, 90_000)
    track.format()
    return track


def numbers(frames: list[tuple[float, int]]) -> list[int]:
    return [number for _, number in frames]


@pytest.mark.parametrize("codec", CODECS)
def test_every_picture_at_its_time(codec: str, folder: Path) -> None:
    track = video(codec)
    track.play(pictures(codec, 40), BEGIN, 1 / 30)
    media = finish(folder, track)
    frames = shown(folder, media)
    assert numbers(frames) == list(range(40))
    assert media.index.began == pytest.approx(BEGIN - STARTED, abs=0.002)
    for time, number in frames:
        assert time == pytest.approx(number / 30, abs=0.002)
    assert media.index.frames == 40
    assert media.index.keyframes == pytest.approx([2.5 + index / 3 for index in range(4)], abs=0.003)
    assert media.index.sizes == [(media.index.began, 160, 96)]
    assert media.index.gaps == []
    assert sorted(path.name for path in folder.iterdir()) == sorted(["cam.log", media.file])


@pytest.mark.parametrize("codec", CODECS)
def test_late_repeated_and_exchanged_packets_change_nothing(codec: str, folder: Path) -> None:
    track = video(codec)
    chance = random.Random(7)
    waiting: list[tuple[int, bytes]] = []
    for index, data in enumerate(pictures(codec, 40)):
        true = BEGIN + index / 30
        if index == 3:
            track.report(true)
        now = [packet for due, packet in waiting if due <= index]
        waiting = [(due, packet) for due, packet in waiting if due > index]
        for packet in track.packets(data, true):
            if index and chance.random() < 0.2:
                waiting.append((index + chance.randint(1, 15), packet))
            else:
                now.append(packet)
            if chance.random() < 0.1:
                now.append(packet)
        chance.shuffle(now)
        track.burst(true, now)
    track.burst(BEGIN + 2, [packet for _, packet in waiting])
    media = finish(folder, track)
    assert numbers(shown(folder, media)) == list(range(40))
    assert media.index.lost == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("which", ["first", "last"])
def test_a_loss_costs_pictures_up_to_the_next_keyframe(codec: str, which: str, folder: Path) -> None:
    track = video(codec)
    for index, data in enumerate(pictures(codec, 40)):
        true = BEGIN + index / 30
        packets = track.packets(data, true)
        if index == 3:
            track.report(true)
        if index == 13:
            packets.pop(0 if which == "first" else -1)
        track.burst(true, packets)
    media = finish(folder, track)
    assert numbers(shown(folder, media)) == [*range(13), *range(20, 40)]
    assert media.index.lost == 1
    (gap,) = media.index.gaps
    assert gap.reason == "loss"
    assert [gap.start, gap.end] == pytest.approx([2.5 + 13 / 30, 2.5 + 20 / 30], abs=0.005)


def test_the_file_begins_with_a_keyframe(folder: Path) -> None:
    track = video("VP8")
    for index, data in enumerate(pictures("VP8", 40)):
        packets = track.packets(data, BEGIN + index / 30)
        if index == 6:
            track.report(BEGIN + index / 30)
        if index >= 4:
            track.burst(BEGIN + index / 30, packets)
    media = finish(folder, track)
    assert numbers(shown(folder, media)) == list(range(10, 40))
    assert media.index.began == pytest.approx(2.5 + 10 / 30, abs=0.002)


@pytest.mark.parametrize("codec", ["VP8", "VP9", "H264", "AV1"])
def test_a_new_size_in_the_middle(codec: str, folder: Path) -> None:
    track = video(codec)
    track.play(pictures(codec, 10), BEGIN, 1 / 30)
    track.play(pictures(codec, 10, 320, 192, first=10), BEGIN + 10 / 30, 1 / 30)
    media = finish(folder, track)
    assert [size[1:] for size in media.index.sizes] == [(160, 96), (320, 192)]
    with SealedReader(folder / media.file, KEY) as reader:
        frames = [(number_in(frame), frame.width) for _, frame in decoded(reader.file())]
    assert frames == [(number, 160 if number < 10 else 320) for number in range(20)]
    assert ("avc3" in media.index.mime) == (codec == "H264")


def test_pause_mute_and_gaps_are_told(folder: Path) -> None:
    track = video("VP8")
    coded = pictures("VP8", 40)
    track.play(coded[:10], BEGIN, 1 / 30)
    track.state("paused", 503.0)
    track.state("resumed", 513.0)
    track.play(coded[10:20], 513.0, 1 / 30)
    track.gap("disk", 513.4, 515.0)
    # The recorder lost 25 packets; numbers have a hole.
    track.sequence = (track.sequence + 25) & 0xFFFF
    track.play(coded[22:], 515.0, 1 / 30)
    track.state("muted", 516.0)
    media = finish(folder, track)
    frames = shown(folder, media)
    assert numbers(frames) == [*range(20), *range(30, 40)]
    assert {number: time for time, number in frames}[10] == pytest.approx(10.5, abs=0.003)
    found = [(gap.reason, gap.start, gap.end) for gap in media.index.gaps]
    assert found == [("paused", 3.0, 13.0), ("disk", pytest.approx(13.4), 15.0), ("muted", 16.0, 16.0)]


def test_a_log_in_two_parts(folder: Path) -> None:
    """The recorder was started again: numbers and timestamps begin anew."""
    coded = pictures("VP8", 40)
    first = video("VP8")
    first.play(coded[:20], BEGIN, 1 / 30)
    second = LiveTrack("VP8", 90_000, sequence=77, base=12345)
    second.format()
    second.play(coded[20:], 510.0, 1 / 30)
    media = finish(folder, first, second)
    frames = shown(folder, media)
    assert numbers(frames) == list(range(40))
    assert frames[20][0] == pytest.approx(7.5, abs=0.003)


def test_rotation_is_kept(folder: Path) -> None:
    track = LiveTrack("VP8", 90_000)
    track.format(extensions={"6": "urn:3gpp:video-orientation"})
    for index, data in enumerate(pictures("VP8", 40)):
        value = build_extensions([(6, bytes((1 if 10 <= index < 30 else 0,)))])
        track.burst(BEGIN + index / 30, track.packets(data, BEGIN + index / 30, value))
    media = finish(folder, track)
    assert [degrees for _, degrees in media.index.rotations] == [90, 0]


def test_sound_keeps_its_tone_and_its_gaps(folder: Path) -> None:
    track = LiveTrack("opus", 48_000)
    track.format()
    coded = sounds(150)
    for index, data in enumerate(coded):
        true = BEGIN + index * 0.02
        if index == 3:
            track.report(true)
        packets = track.packets(data, true)
        if not 50 <= index < 100:
            track.burst(true, packets)
    media = finish(folder, track)
    assert media.index.mime == 'audio/webm; codecs="opus"'
    (gap,) = media.index.gaps
    assert gap.reason == "loss"
    assert [gap.start, gap.end] == pytest.approx([3.5, 4.5], abs=0.003)
    assert media.index.lost == 50
    with SealedReader(folder / media.file, KEY) as reader, av.open(reader.file(), mode="r") as container:
        frames = [(frame.time, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    times = [time for time, _ in frames]
    assert times == pytest.approx([index * 0.02 for index in range(150)], abs=0.002)
    hole = np.concatenate([samples for _, samples in frames[55:100]])
    assert np.abs(hole).max() < 1e-3
    assert np.abs(frames[110][1]).max() > 0.1
    wave = np.concatenate([samples for _, samples in frames[10:50]])
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    assert np.argmax(spectrum) * 48_000 / len(wave) == pytest.approx(440, abs=3)


def test_a_log_without_anything_makes_no_file(folder: Path) -> None:
    track = video("VP8")
    for index, data in enumerate(pictures("VP8", 8)[1:]):
        track.burst(BEGIN, track.packets(data, BEGIN + index / 30))
    media = finish(folder, track)
    assert media.file == ""
    assert [path.name for path in folder.iterdir()] == ["cam.log"]


@pytest.mark.parametrize("body", [b"", b"\0" * 9, b"\xff" * 40, b"{}", b'{"codec":1}'])
@pytest.mark.parametrize("kind", range(6))
def test_junk_between_records_does_no_harm(kind: int, body: bytes, folder: Path) -> None:
    track = video("VP8")
    coded = pictures("VP8", 40)
    track.play(coded[:20], BEGIN, 1 / 30)
    track.records.append(Record(kind, body))
    track.play(coded[20:], BEGIN + 20 / 30, 1 / 30)
    assert numbers(shown(folder, finish(folder, track))) == list(range(40))


def test_tap_records_only() -> None:
    """The helper writes what Workers write."""
    track = video("VP8")
    track.play(pictures("VP8", 8), BEGIN, 1 / 30)
    arrival, packets = tap_wire.read_packets(track.records[1].body)
    assert arrival == pytest.approx(BEGIN + 0.03)
    assert packets
