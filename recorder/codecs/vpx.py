"""VP8 (RFC 7741) and VP9 (RFC 9628) pictures from their payloads."""

from __future__ import annotations

from media.codecs import vp8, vp9
from recorder.codecs.picture import Picture


def assemble_vp8(payloads: list[bytes]) -> Picture | None:
    """One frame; None when it does not begin at its first packet or a descriptor is cut off."""
    parts = []
    for index, payload in enumerate(payloads):
        descriptor = vp8.parse_descriptor(payload)
        if descriptor is None or (index == 0 and (not descriptor.start or descriptor.partition)):
            return None
        parts.append(payload[descriptor.length :])
    data = b"".join(parts)
    if not data:
        return None
    key = not data[0] & 1
    size = vp8.dimensions(payloads[0]) if key else None
    if key and size is None:
        return None
    return Picture(data, key, size, codec="vp8")


def assemble_vp9(payloads: list[bytes]) -> Picture | None:
    """One superframe: the frames of all spatial layers, with an index behind them when there are several."""
    frames: list[bytes] = []
    open_frame: list[bytes] = []
    size = None
    key = False
    for index, payload in enumerate(payloads):
        length = vp9.header_length(payload)
        if length is None:
            return None
        begins, ends = payload[0] & 0x08, payload[0] & 0x04
        if bool(begins) == bool(open_frame):
            return None
        if index == 0 and vp9.is_keyframe_start(payload):
            key = True
            size = vp9.dimensions(payload)
        open_frame.append(payload[length:])
        if ends:
            frames.append(b"".join(open_frame))
            open_frame = []
    if open_frame or not frames or (key and size is None):
        return None
    data = frames[0] if len(frames) == 1 else b"".join(frames) + _superframe_index(frames)
    return Picture(data, key, size, codec="vp09.00.41.08")


def _superframe_index(frames: list[bytes]) -> bytes:
    """VP9 bitstream specification, annex B.3: sizes of up to 8 frames, between two marker bytes."""
    width = max(1, (max(map(len, frames)).bit_length() + 7) // 8)
    marker = bytes((0xC0 | (width - 1) << 3 | min(len(frames), 8) - 1,))
    return marker + b"".join(len(frame).to_bytes(width, "little") for frame in frames[:8]) + marker
