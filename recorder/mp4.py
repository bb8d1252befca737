"""MP4 (ISO/IEC 14496-12 and -15) with H.264, written front to back: the moov box stands before the media. Pure.

Not fragmented: browsers then need one request to know every keyframe, while of a fragmented file Firefox reads ahead from
fragment to fragment, and Chromium only seeks where a sidx covers all. 12 hours have a moov of 10 to 15 MB, one hour 1 MB.
"""

from __future__ import annotations

import struct
from array import array
from itertools import pairwise

from recorder.container import Samples, Stream

_MATRIX = struct.pack("!9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_TIMESCALE = 1000
#: Frames between two entries of the offset table at most.
_CHUNK_FRAMES = 30
_MAX_32 = 0xFFFFFFFF


def box(name: bytes, *parts: bytes) -> bytes:
    """A box of less than 4 GiB."""
    body = b"".join(parts)
    return struct.pack("!I4s", len(body) + 8, name) + body


def _full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(name, struct.pack("!I", version << 24 | flags), *parts)


def head(stream: Stream, samples: Samples) -> bytes:
    """Everything before the first frame; the frames follow one behind the other."""
    kind = box(b"ftyp", b"isom", struct.pack("!I", 0x200), b"isomiso2avc1mp41")
    total = sum(samples.sizes)
    media = struct.pack("!I4sQ", 1, b"mdat", total + 16)
    wide = total > _MAX_32 - (1 << 28)
    length = len(kind) + len(_moov(stream, samples, 0, wide)) + len(media)
    return kind + _moov(stream, samples, length, wide) + media


def _moov(stream: Stream, samples: Samples, start: int, wide: bool) -> bytes:
    duration = samples.end_ms
    movie = _full(
        b"mvhd", 0, 0, struct.pack("!5IH10x", 0, 0, _TIMESCALE, duration, 0x10000, 0x100), _MATRIX,
        bytes(24), struct.pack("!I", 2),
    )
    track = _full(
        b"tkhd", 0, 3, struct.pack("!5I8xhhhxx", 0, 0, 1, 0, duration, 0, 0, 0), _MATRIX,
        struct.pack("!II", stream.width << 16, stream.height << 16),
    )
    media = box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack("!4IHH", 0, 0, _TIMESCALE, duration, 0x55C4, 0)),
        _full(b"hdlr", 0, 0, struct.pack("!I4s12x", 0, b"vide"), b"lianmai\0"),
        box(
            b"minf",
            _full(b"vmhd", 0, 1, bytes(8)),
            box(b"dinf", _full(b"dref", 0, 0, struct.pack("!I", 1), _full(b"url ", 0, 1))),
            _table(stream, samples, start, wide),
        ),
    )
    return box(b"moov", movie, box(b"trak", track, media))


def _table(stream: Stream, samples: Samples, start: int, wide: bool) -> bytes:
    # avc3: parameter sets within the stream count, not those of the head alone.
    entry = box(
        b"avc3" if stream.varies else b"avc1",
        struct.pack("!6xH16xHHIIIH32xHh", 1, stream.width, stream.height, 0x480000, 0x480000, 0, 1, 24, -1),
        box(b"avcC", stream.private),
    )
    runs: list[int] = []
    times = samples.times
    last = max(samples.end_ms - times[-1], 1)
    for step in (*(after - before for before, after in pairwise(times)), last):
        if runs and runs[-1] == step:
            runs[-2] += 1
        else:
            runs += (1, step)
    keys = [index + 1 for index, key in enumerate(samples.keys) if key]
    # Chunks of equal length; what is over makes a last one.
    count = len(times)
    offsets = array("Q")
    position = start
    for index, size in enumerate(samples.sizes):
        if index % _CHUNK_FRAMES == 0:
            offsets.append(position)
        position += size
    whole, rest = divmod(count, _CHUNK_FRAMES)
    layout = [(1, _CHUNK_FRAMES, 1)] if whole else []
    if rest:
        layout.append((whole + 1, rest, 1))
    return box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack("!I", 1), entry),
        _full(b"stts", 0, 0, struct.pack("!I", len(runs) // 2), _words(runs)),
        _full(b"stss", 0, 0, struct.pack("!I", len(keys)), _words(keys)),
        _full(b"stsc", 0, 0, struct.pack("!I", len(layout)), *(struct.pack("!3I", *row) for row in layout)),
        _full(b"stsz", 0, 0, struct.pack("!II", 0, count), _words(samples.sizes)),
        _full(
            b"co64" if wide else b"stco", 0, 0, struct.pack("!I", len(offsets)),
            struct.pack(f"!{len(offsets)}{'Q' if wide else 'I'}", *offsets),
        ),
    )


def _words(values: list[int] | array[int]) -> bytes:
    return struct.pack(f"!{len(values)}I", *values)
