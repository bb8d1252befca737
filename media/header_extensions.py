"""RTP header extensions this service knows: their URIs, who may use them, and the form of their values."""

from __future__ import annotations

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
VIDEO_ORIENTATION = "urn:3gpp:video-orientation"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"

#: The ids offered to viewers: the same for all, so that their packets look alike; below 15 for the one-byte form.
CANONICAL: dict[str, int] = {
    TRANSPORT_CC: 1,
    ABS_SEND_TIME: 2,
    PLAYOUT_DELAY: 3,
    MID: 4,
    AUDIO_LEVEL: 5,
    VIDEO_ORIENTATION: 6,
    ABS_CAPTURE_TIME: 7,
    DEPENDENCY_DESCRIPTOR: 8,
    RID: 10,
    REPAIRED_RID: 11,
}

#: Short names, for logs and statistics.
NAMES: dict[str, str] = {
    TRANSPORT_CC: "transport-cc",
    ABS_SEND_TIME: "abs-send-time",
    PLAYOUT_DELAY: "playout-delay",
    MID: "mid",
    AUDIO_LEVEL: "audio-level",
    VIDEO_ORIENTATION: "video-orientation",
    ABS_CAPTURE_TIME: "abs-capture-time",
    DEPENDENCY_DESCRIPTOR: "dependency-descriptor",
    RID: "rid",
    REPAIRED_RID: "repaired-rid",
}

#: Accepted from publishers. abs-send-time is not: transport-cc says the same about the uplink, and better.
PUBLISH_AUDIO: tuple[str, ...] = (TRANSPORT_CC, MID, AUDIO_LEVEL, ABS_CAPTURE_TIME)
PUBLISH_VIDEO: tuple[str, ...] = (
    TRANSPORT_CC,
    MID,
    RID,
    REPAIRED_RID,
    VIDEO_ORIENTATION,
    ABS_CAPTURE_TIME,
    DEPENDENCY_DESCRIPTOR,
)
#: Offered to viewers. Browsers estimate REMB from video alone when audio carries no abs-send-time.
VIEW_AUDIO: tuple[str, ...] = (TRANSPORT_CC, MID, AUDIO_LEVEL, ABS_CAPTURE_TIME)
VIEW_VIDEO: tuple[str, ...] = (
    TRANSPORT_CC,
    ABS_SEND_TIME,
    PLAYOUT_DELAY,
    MID,
    VIDEO_ORIENTATION,
    ABS_CAPTURE_TIME,
    DEPENDENCY_DESCRIPTOR,
)

_ABS_SEND_UNIT = 1 << 18
_PLAYOUT_UNIT_MS = 10
_PLAYOUT_MAX = 0xFFF


def parse_audio_level(value: bytes) -> tuple[int, bool]:
    """(level, voice): level in -dBov, 0 the loudest and 127 silence; no bytes count as silence (RFC 6464)."""
    return (value[0] & 0x7F, value[0] > 127) if value else (127, False)


def build_audio_level(level: int, voice: bool) -> bytes:
    """One byte from a level of 0-127 -dBov, clamped, and the voice flag (RFC 6464)."""
    return bytes((min(max(level, 0), 127) | (128 if voice else 0),))


def build_abs_send_time(now: float) -> bytes:
    """Three bytes: seconds as 6.18 fixed point, so that they wrap every 64 s."""
    return (int(now * _ABS_SEND_UNIT) & 0xFFFFFF).to_bytes(3, "big")


def parse_abs_send_time(value: bytes) -> float | None:
    """Seconds within the 64 s cycle, or None when malformed."""
    return int.from_bytes(value, "big") / _ABS_SEND_UNIT if len(value) == 3 else None


def build_playout_delay(min_ms: int, max_ms: int) -> bytes:
    """Three bytes: both limits in units of 10 ms, rounded up, 0-40950 ms each; the maximum is at least the minimum."""
    low = min(max(-(-min_ms // _PLAYOUT_UNIT_MS), 0), _PLAYOUT_MAX)
    high = min(max(-(-max_ms // _PLAYOUT_UNIT_MS), low), _PLAYOUT_MAX)
    return (low << 12 | high).to_bytes(3, "big")


def parse_playout_delay(value: bytes) -> tuple[int, int] | None:
    """(min_ms, max_ms), or None when malformed or the maximum is below the minimum."""
    if len(value) != 3:
        return None
    both = int.from_bytes(value, "big")
    low, high = both >> 12, both & _PLAYOUT_MAX
    return (low * _PLAYOUT_UNIT_MS, high * _PLAYOUT_UNIT_MS) if low <= high else None


def parse_video_orientation(value: bytes) -> tuple[int, bool, bool] | None:
    """(degrees clockwise to turn the picture for display, mirrored, back camera), or None (3GPP TS 26.114, 7.4.5)."""
    if len(value) != 1:
        return None
    # On the wire stands by how much it was turned counter-clockwise, which is how far clockwise turns it back.
    return (value[0] & 3) * 90, bool(value[0] & 4), bool(value[0] & 8)


def build_video_orientation(degrees: int, mirrored: bool = False, back_camera: bool = False) -> bytes:
    """One byte for a clockwise turn of 0, 90, 180 or 270 degrees (3GPP TS 26.114, 7.4.5)."""
    return bytes(((degrees // 90) & 3 | (4 if mirrored else 0) | (8 if back_camera else 0),))


def parse_abs_capture_time(value: bytes) -> tuple[int, int | None] | None:
    """(capture time as 32.32 NTP, offset between capture and sender clock as signed 32.32 or None), or None."""
    if len(value) not in (8, 16):
        return None
    offset = int.from_bytes(value[8:], "big", signed=True) if len(value) == 16 else None
    return int.from_bytes(value[:8], "big"), offset


def build_abs_capture_time(ntp: int, offset: int | None = None) -> bytes:
    """Eight bytes from a 32.32 NTP time, sixteen with the signed clock offset."""
    first = (ntp & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")
    return first if offset is None else first + offset.to_bytes(8, "big", signed=True)
