"""Which of the remote's payload formats to use: codecs this server forwards, H264 profiles, feedback, RTX, RED."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from media.api import Codec, Kind
from media.sdp_model import MediaDescription, RtpFormat

VIDEO_CODECS = ("VP8", "VP9", "H264", "AV1")
AUDIO_CODECS = ("opus",)
#: fmtp parameters that are carried from one peer to another; all others stay behind.
_CARRIED = {
    "opus": ("minptime", "useinbandfec", "usedtx", "stereo", "sprop-stereo"),
    "VP8": (),
    "VP9": ("profile-id",),
    "H264": ("profile-level-id", "packetization-mode", "level-asymmetry-allowed", "sprop-parameter-sets"),
    "AV1": ("profile", "level-idx", "tier"),
}
#: What every H264 decoder lists: constrained baseline.
H264_FOR_ALL = {"profile-level-id": "42e01f", "level-asymmetry-allowed": "1"}
_SAFE_VALUE = re.compile(r"[A-Za-z0-9+/=,.-]{1,512}")
_PROFILE_LEVEL = re.compile(r"[0-9a-fA-F]{6}")
_NAMES = {name.lower(): name for name in (*VIDEO_CODECS, *AUDIO_CODECS)}

#: What a publisher may be told: transport-cc on either kind of m-line, where its extension is in use.
TRANSPORT_CC = "transport-cc"
VIDEO_FEEDBACK = ("ccm fir", "nack", "nack pli")


@dataclass(frozen=True, slots=True)
class CodecPolicy:
    """What publishers are steered to.

    ``video_order``: codec names, best first; one that is not listed is refused. ``audio_red``: accept redundant audio
    (RFC 2198) where offered. ``max_layers``: simulcast layers accepted per Track, 1-8. ``start_bitrate_kbps``: where
    a Chromium publisher's bandwidth estimate begins, None for its own default of 300 kbps.
    """

    video_order: tuple[str, ...] = VIDEO_CODECS
    audio_red: bool = True
    max_layers: int = 3
    start_bitrate_kbps: int | None = None


def read_codec(
    rtp_format: RtpFormat, kind: str, feedback: Sequence[str], rtx: Mapping[str, int] = MappingProxyType({})
) -> Codec | None:
    """One offered format as a Codec, or None when this server does not forward it.

    Of ``feedback`` only what the remote listed is kept. ``rtx`` is :func:`rtx_types` of the m-line. Excluded are VP9
    profiles other than 0 and AV1 other than main: hardly any viewer decodes them.
    """
    name = _NAMES.get(rtp_format.name.lower())
    if name is None or (name in AUDIO_CODECS) != (kind == "audio"):
        return None
    if (rtp_format.clock_rate, rtp_format.channels) != ((48000, 2) if name == "opus" else (90000, 1)):
        return None
    offered = rtp_format.parameters
    parameters = {key: offered[key] for key in _CARRIED[name] if key in offered and _SAFE_VALUE.fullmatch(offered[key])}
    if parameters.get("profile-id", "0") != "0" or parameters.get("profile", "0") != "0":
        return None
    if name == "H264" and not _PROFILE_LEVEL.fullmatch(parameters.get("profile-level-id", "42e01f")):
        return None
    return Codec(
        name,
        rtp_format.payload_type,
        rtp_format.clock_rate,
        rtp_format.channels,
        parameters,
        tuple(value for value in feedback if value in rtp_format.feedback),
        rtx.get(str(rtp_format.payload_type)),
    )


def rtx_types(media: MediaDescription) -> dict[str, int]:
    """RTX payload types (RFC 4588 section 8.1) by the payload type that they repeat."""
    return {
        item.parameters.get("apt", ""): item.payload_type for item in media.rtp_formats if item.name.lower() == "rtx"
    }


def read_codecs(media: MediaDescription, feedback: Sequence[str], names: Collection[str] | None = None) -> list[Codec]:
    """The formats of an m-line that this server forwards, in the remote's order; only ``names`` when given."""
    rtx = rtx_types(media)
    found = (
        read_codec(item, media.kind, feedback, rtx)
        for item in media.rtp_formats
        if names is None or _NAMES.get(item.name.lower()) in names
    )
    return [codec for codec in found if codec is not None]


def read_red(media: MediaDescription, opus: Codec) -> Codec | None:
    """The RED format (RFC 2198) whose blocks are this Opus, if the remote has one."""
    for candidate in media.rtp_formats:
        if candidate.name.lower() == "red" and candidate.clock_rate == opus.clock_rate:
            blocks = set(candidate.fmtp.split("/"))
            if blocks == {str(opus.payload_type)}:
                return Codec("red", candidate.payload_type, candidate.clock_rate, candidate.channels)
    return None


def choose_audio(media: MediaDescription, red: bool, feedback: Sequence[str]) -> tuple[Codec, ...]:
    """Opus, then RED if wanted and offered; empty when the remote has no Opus."""
    for codec in read_codecs(media, feedback):
        redundant = read_red(media, codec) if red else None
        return (codec,) if redundant is None else (codec, redundant)
    return ()


def choose_video(
    media: MediaDescription, order: Sequence[str], feedback: Sequence[str], keep: str | None = None
) -> Codec | None:
    """The one video codec to publish with: ``keep`` (already in use) if offered still, else the first in ``order``.

    Among H264 formats packetization-mode 1 comes first, then the profile that the most viewers decode.
    """
    for name in order if keep is None else (keep, *order):
        matching = read_codecs(media, feedback, (name,))
        if matching:
            return min(matching, key=_h264_preference) if name == "H264" else matching[0]
    return None


def _h264_preference(codec: Codec) -> tuple[bool, int]:
    return packetization_mode(codec) != "1", h264_profile_rank(codec)


def packetization_mode(codec: Codec) -> str:
    """RFC 6184 section 8.1; 0 when absent."""
    return codec.parameters.get("packetization-mode", "0")


def h264_profile_rank(codec: Codec) -> int:
    """How demanding an H264 profile is: 0 constrained baseline, 1 baseline, 2 main, 3 high, 4 anything else.

    A decoder of a higher rank decodes all lower ones, but for baseline's slice groups, which no encoder here uses.
    """
    text = codec.parameters.get("profile-level-id", "42e01f")
    profile, constraints = int(text[:2], 16), int(text[2:4], 16)
    if profile == 0x42:
        return 0 if constraints & 0x40 else 1
    if profile == 0x58:
        return 0 if constraints & 0xC0 == 0xC0 else 4
    if profile == 0x4D:
        return 0 if constraints & 0x80 else 2
    return 3 if profile == 0x64 else 4


def decodes(viewer: Codec, produced: Codec) -> bool:
    """Whether a viewer that lists ``viewer`` can decode what a publisher sends as ``produced``."""
    if viewer.name != produced.name:
        return False
    if viewer.name != "H264":
        return True
    if packetization_mode(viewer) != packetization_mode(produced) and packetization_mode(viewer) == "0":
        return False
    return h264_profile_rank(viewer) >= h264_profile_rank(produced)


def mime_type(kind: Kind, codec: Codec) -> str:
    """Such as ``video/VP8``."""
    return f"{kind}/{codec.name}"


def fmtp_text(parameters: dict[str, str]) -> str:
    """Parameters as the value of an fmtp line."""
    return ";".join(f"{key}={value}" for key, value in parameters.items())


def rtp_formats(codecs: Sequence[Codec], extra: dict[str, str] | None = None) -> tuple[RtpFormat, ...]:
    """Negotiated codecs as the formats of an m-line, in this order, each with its RTX after it.

    ``extra`` fmtp parameters are added to every codec but RED.
    """
    formats: list[RtpFormat] = []
    for codec in codecs:
        fmtp = fmtp_text(codec.parameters | (extra or {}))
        if codec.name == "red":
            block = next(str(other.payload_type) for other in codecs if other.name == "opus")
            fmtp = f"{block}/{block}"
        formats.append(
            RtpFormat(codec.payload_type, codec.name, codec.clock_rate, codec.channels, fmtp, codec.feedback)
        )
        if codec.rtx_payload_type is not None:
            apt = f"apt={codec.payload_type}"
            formats.append(RtpFormat(codec.rtx_payload_type, "rtx", codec.clock_rate, 1, apt))
    return tuple(formats)
