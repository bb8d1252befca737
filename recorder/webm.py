"""WebM (Matroska, RFC 9559) written front to back: Cues stand before the clusters they point into. Pure.

Players then seek with what the first request brought; with Cues at the end they ask for the end of the file first. Since
the clusters are made before the head is written, every size is known and nothing is ever patched.
"""

from __future__ import annotations

import struct

from recorder.container import Samples, Stream

#: A cluster is closed after this much: relative times are 16-bit, and audio has Cues this far apart.
CLUSTER_MS = 5_000
CLUSTER_BYTES = 4 << 20
_CODECS = {"VP8": b"V_VP8", "VP9": b"V_VP9", "AV1": b"V_AV1", "OPUS": b"A_OPUS"}
_SEEK_PRE_ROLL_NS = 80_000_000


def element(ident: int, body: bytes) -> bytes:
    """An EBML element (RFC 8794 section 6) with its size in the shortest form."""
    size = len(body)
    width = 1
    while size >= (1 << 7 * width) - 1:
        width += 1
    head = ident.to_bytes((ident.bit_length() + 7) // 8, "big")
    return head + (size | 1 << 7 * width).to_bytes(width, "big") + body


def _uint(ident: int, value: int, width: int = 0) -> bytes:
    return element(ident, value.to_bytes(width or max(1, (value.bit_length() + 7) // 8), "big"))


class Clusters:
    """Makes the clusters, in order, and remembers what the Cues need."""

    __slots__ = ("_body", "_key", "_open", "_start", "cues", "size", "video")

    def __init__(self, *, video: bool) -> None:
        self.video = video
        #: (time in ms, offset among the clusters) of each that begins with a keyframe.
        self.cues: list[tuple[int, int]] = []
        self.size = 0
        self._body: list[bytes] = []
        self._open = 0
        self._start = 0
        self._key = False

    def add(self, data: bytes, time_ms: int, key: bool) -> bytes:
        """The next frame; returns the cluster that it closes, or nothing."""
        done = b""
        if self._body and (
            (self.video and key) or time_ms - self._start >= CLUSTER_MS or self._open >= CLUSTER_BYTES
        ):
            done = self.close()
        if not self._body:
            self._start, self._key = time_ms, key
            self._body.append(_uint(0xE7, time_ms))
        block = struct.pack("!BhB", 0x81, time_ms - self._start, 0x80 if key else 0)
        self._body += (_block_head(len(block) + len(data)), block, data)
        self._open += len(data) + 9
        return done

    def close(self) -> bytes:
        """The cluster that is open, or nothing."""
        if not self._body:
            return b""
        if self._key:
            self.cues.append((self._start, self.size))
        done = element(0x1F43B675, b"".join(self._body))
        self.size += len(done)
        self._body, self._open = [], 0
        return done


def _block_head(size: int) -> bytes:
    return b"\xa3" + (size | 0x10000000).to_bytes(4, "big")


def head(stream: Stream, samples: Samples, clusters: Clusters) -> bytes:
    """Everything before the first cluster."""
    header = element(
        0x1A45DFA3,
        _uint(0x4286, 1) + _uint(0x42F7, 1) + _uint(0x42F2, 4) + _uint(0x42F3, 8)
        + element(0x4282, b"webm") + _uint(0x4287, 4) + _uint(0x4285, 2),
    )
    info = element(
        0x1549A966,
        _uint(0x2AD7B1, 1_000_000) + element(0x4489, struct.pack("!d", float(samples.end_ms)))
        + element(0x4D80, b"lianmai") + element(0x5741, b"lianmai"),
    )
    tracks = element(0x1654AE6B, _track(stream))
    seek_length = len(_seek_head(0, 0, 0))
    first = seek_length + len(info) + len(tracks)
    # Positions have a fixed width, so the Cues are as long as they will be.
    cues = _cues(clusters, first + len(_cues(clusters, 0)))
    seek = _seek_head(seek_length, seek_length + len(info), first)
    content = seek + info + tracks + cues
    size = len(content) + clusters.size
    return header + b"\x18\x53\x80\x67" + (size | 1 << 56).to_bytes(8, "big") + content


def _track(stream: Stream) -> bytes:
    video = stream.codec != "OPUS"
    parts = [
        _uint(0xD7, 1), _uint(0x73C5, stream.number), _uint(0x83, 1 if video else 2), _uint(0x9C, 0),
        element(0x86, _CODECS[stream.codec]),
    ]
    if stream.private:
        parts.append(element(0x63A2, stream.private))
    if video:
        parts.append(element(0xE0, _uint(0xB0, stream.width) + _uint(0xBA, stream.height)))
    else:
        parts += (_uint(0x56AA, 0), _uint(0x56BB, _SEEK_PRE_ROLL_NS))
        parts.append(element(0xE1, element(0xB5, struct.pack("!d", 48_000.0)) + _uint(0x9F, stream.channels)))
    return element(0xAE, b"".join(parts))


def _cues(clusters: Clusters, before: int) -> bytes:
    points = [
        element(0xBB, _uint(0xB3, time_ms) + element(0xB7, _uint(0xF7, 1) + _uint(0xF1, before + offset, 8)))
        for time_ms, offset in clusters.cues
    ]
    return element(0x1C53BB6B, b"".join(points))


def _seek_head(info: int, tracks: int, cues: int) -> bytes:
    def entry(ident: int, position: int) -> bytes:
        return element(0x4DBB, element(0x53AB, ident.to_bytes(4, "big")) + _uint(0x53AC, position, 8))

    return element(0x114D9B74, entry(0x1549A966, info) + entry(0x1654AE6B, tracks) + entry(0x1C53BB6B, cues))
