"""What a publisher sends, for tests: real pictures with a number in them, a real tone, packetised, and as a track log."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

import av
import numpy as np

from media import tap_wire
from recorder.sealed import SealedWriter
from recorder.track_log import Record, build
from recorder.vault import DataKey
from tests.media.codecs.test_av1 import leb128, units

BITS = 8
MTU = 300
ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "VP8": ("libvpx", {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}),
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0"}),
    "AV1": ("libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1:rc=2:lp=1"}),
}


def numbered(number: int, width: int, height: int) -> av.VideoFrame:
    """A picture of eight bars: the bits of ``number``, the highest on the left."""
    bars = np.repeat([235 if number >> (BITS - 1 - bit) & 1 else 16 for bit in range(BITS)], width // BITS)
    picture = np.tile(bars.astype(np.uint8), (height, 1))
    return av.VideoFrame.from_ndarray(np.repeat(picture[:, :, None], 3, axis=2), format="rgb24").reformat(
        format="yuv420p"
    )


def number_in(frame: av.VideoFrame) -> int:
    """What :func:`numbered` drew."""
    grey = frame.to_ndarray(format="gray")
    step = grey.shape[1] / BITS
    means = [grey[:, int((bit + 0.3) * step) : int((bit + 0.7) * step)].mean() for bit in range(BITS)]
    return sum(1 << (BITS - 1 - bit) for bit, mean in enumerate(means) if mean > 128)


@cache
def pictures(codec: str, count: int, width: int = 160, height: int = 96, every: int = 10, first: int = 0) -> tuple[bytes, ...]:
    """Coded pictures numbered from ``first``, a keyframe ``every`` so many."""
    encoder, options = ENCODERS[codec]
    context = cast(av.VideoCodecContext, av.CodecContext.create(encoder, "w"))
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.bit_rate = 400_000
    context.gop_size = every
    context.options = options
    packets = []
    for index in range(count):
        frame = numbered(first + index, width, height)
        frame.pts = index
        if index % every == 0:
            frame.pict_type = av.video.frame.PictureType.I
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple(bytes(packet) for packet in packets)


@cache
def sounds(count: int, hertz: float = 440.0) -> tuple[bytes, ...]:
    """Opus packets of 20 ms with a tone."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48_000, "mono", "s16"
    packets = []
    for index in range(count):
        wave = 8000 * np.sin(2 * math.pi * hertz * (np.arange(960) + 960 * index) / 48_000)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 960 * index
        packets += context.encode(frame)
    return tuple(bytes(packet) for packet in packets)


# --- payloads --------------------------------------------------------------------------------------------------------


def _cut(data: bytes) -> list[bytes]:
    return [data[at : at + MTU] for at in range(0, len(data), MTU)]


def _vp8(data: bytes) -> list[bytes]:
    return [bytes((0x80 | (0x10 if not index else 0), 0x80, 5)) + part for index, part in enumerate(_cut(data))]


def _vp9(data: bytes) -> list[bytes]:
    parts = _cut(data)
    inter = 0x40 if data[0] & 0x04 else 0
    last = len(parts) - 1
    return [
        bytes((0x80 | inter | (0x08 if index == 0 else 0) | (0x04 if index == last else 0), 7)) + part
        for index, part in enumerate(parts)
    ]


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of a byte stream."""
    return [part for part in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if part]


def _h264(data: bytes) -> list[bytes]:
    payloads: list[bytes] = []
    small: list[bytes] = []
    for unit in nal_units(data):
        if unit[0] & 31 in (7, 8):
            small.append(unit)
        elif len(unit) <= MTU:
            payloads.append(unit)
        else:
            parts = _cut(unit[1:])
            for index, part in enumerate(parts):
                flags = (0x80 if index == 0 else 0) | (0x40 if index == len(parts) - 1 else 0)
                payloads.append(bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 31)) + part)
    if small:
        payloads.insert(0, bytes((24,)) + b"".join(struct.pack("!H", len(unit)) + unit for unit in small))
    return payloads


def _av1(data: bytes) -> list[bytes]:
    found = units(data)
    new = 0x08 if any(unit[0] >> 3 & 15 == 1 for unit in found) else 0
    payloads: list[bytes] = []
    whole = b"".join(leb128(len(unit)) + unit for unit in found[:-1])
    # All but the last OBU in the first packet, the last one over as many as it takes.
    parts = _cut(found[-1])
    for index, part in enumerate(parts):
        head = (0x80 if index else 0) | (0x40 if index < len(parts) - 1 else 0)
        if index == 0:
            payloads.append(bytes((head | len(found) << 4 | new,)) + whole + part)
        else:
            payloads.append(bytes((head | 0x10,)) + part)
    assert len(found) <= 3
    return payloads


PAYLOADS: dict[str, Callable[[bytes], list[bytes]]] = {"VP8": _vp8, "VP9": _vp9, "H264": _h264, "AV1": _av1}


# --- a Track ---------------------------------------------------------------------------------------------------------


@dataclass
class LiveTrack:
    """Makes the records of a Track. Times are true seconds; ``offset`` is where its RTP and sequence numbers begin."""

    codec: str
    rate: int
    sequence: int = 65_500
    base: int = 0xFFFF0000
    delay_s: float = 0.03
    #: NTP less true time.
    ntp: float = 3.9e9
    records: list[Record] = field(default_factory=list)

    def format(self, **more: object) -> None:
        value = {"codec": self.codec, "clock_rate": self.rate, "channels": 1, "parameters": "", **more}
        self.records.append(Record(tap_wire.FORMAT, tap_wire.json_body(value)))

    def stamp(self, true: float) -> int:
        return (self.base + round(true * self.rate)) & 0xFFFFFFFF

    def packets(self, coded: bytes, true: float, extension: bytes = b"") -> list[bytes]:
        """The RTP packets of one picture or sound."""
        payloads = PAYLOADS[self.codec](coded) if self.codec in PAYLOADS else [coded]
        made = []
        for index, payload in enumerate(payloads):
            last = self.codec in PAYLOADS and index == len(payloads) - 1
            head = struct.pack(
                "!BBHII", 0x90 if extension else 0x80, 96 | last << 7, self.sequence, self.stamp(true), 1234
            )
            made.append(head + extension + payload)
            self.sequence = (self.sequence + 1) & 0xFFFF
        return made

    def burst(self, true: float, packets: Sequence[bytes]) -> None:
        self.records.append(Record(tap_wire.PACKETS, tap_wire.packets_body(true + self.delay_s, packets)))

    def report(self, true: float) -> None:
        report = tap_wire.Report(
            true + self.delay_s, int((true + self.ntp) * (1 << 32)), self.stamp(true), 2 * self.delay_s
        )
        self.records.append(Record(tap_wire.REPORT, tap_wire.report_body(report)))

    def state(self, state: tap_wire.TapState, true: float) -> None:
        self.records.append(Record(tap_wire.STATE, tap_wire.state_body(state, true)))

    def gap(self, reason: str, start: float, end: float) -> None:
        self.records.append(Record(tap_wire.GAP, tap_wire.gap_body(reason, start, end, 0)))

    def play(self, coded: Sequence[bytes], begin: float, interval: float) -> None:
        """Everything as it should be: a burst for each, a report a second."""
        for index, data in enumerate(coded):
            true = begin + index * interval
            if index % max(1, round(1 / interval)) == 3:
                self.report(true)
            self.burst(true, self.packets(data, true))

    def write(self, path: Path, key: DataKey) -> Path:
        """Seal the records as a track log."""
        with SealedWriter(path, key, chunk=0) as writer:
            for index, (kind, body) in enumerate(self.records):
                writer.append(build(kind, body))
                if index % 20 == 19:
                    writer.flush()
        return path


def decoded(file: object) -> Iterator[tuple[float, av.VideoFrame]]:
    """Time and picture of each frame of a media file."""
    with av.open(cast("str", file), mode="r") as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            yield frame.time, frame
