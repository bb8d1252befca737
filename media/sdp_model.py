"""What a session description says (RFC 8866, as WebRTC uses it: RFC 8829, RFC 9143), as frozen values.

:mod:`media.sdp` reads text into these and writes them back. Nothing here knows what the server wants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from media.api import Fingerprint, IceParams

MediaDirection = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["actpass", "active", "passive", "holdconn"]

#: ``(name, value)`` of an attribute that nothing here interprets; ``value`` is None for a flag.
Attribute = tuple[str, str | None]


class NegotiationError(Exception):
    """The remote's description cannot be served: a stable ``code`` (PROTOCOL.md section 4) and an English sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SdpError(NegotiationError):
    """The text is not a usable session description; ``code`` is always ``sdp_invalid``."""

    def __init__(self, message: str) -> None:
        super().__init__("sdp_invalid", message)


@dataclass(frozen=True, slots=True)
class RtpFormat:
    """One payload type: its rtpmap, fmtp and rtcp-fb lines. ``name`` is spelled as the remote spelled it."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    feedback: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, str]:
        """``fmtp`` as a mapping with lower-case keys; parts without ``=`` are left out."""
        pairs = (part.partition("=") for part in self.fmtp.split(";") if "=" in part)
        return {key.strip().lower(): value.strip() for key, _, value in pairs}


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """An extmap line (RFC 8285 section 5); ``direction`` is empty when the line gives none."""

    id: int
    uri: str
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Rid:
    """A rid line (RFC 8851): ``direction`` is ``send`` or ``recv``; ``restrictions`` as on the line."""

    id: str
    direction: str
    restrictions: str = ""


@dataclass(frozen=True, slots=True)
class Simulcast:
    """A simulcast line (RFC 8853): per stream the alternative rids, a leading ``~`` meaning paused."""

    send: tuple[tuple[str, ...], ...] = ()
    recv: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class SsrcAttribute:
    """One ``a=ssrc`` line (RFC 5576 section 4.1)."""

    ssrc: int
    name: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """One ``a=ssrc-group`` line (RFC 5576 section 4.2), such as FID or SIM."""

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m-line with its attributes. Session-level transport attributes are already copied in.

    ``formats`` are the m-line's own tokens; ``rtp_formats`` those that have an rtpmap, in the same order.
    ``candidates`` are the raw values of candidate lines: an ICE-lite server has no use for their fields.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    connection: str = "IN IP4 0.0.0.0"
    mid: str = ""
    direction: MediaDirection = "sendrecv"
    rtp_formats: tuple[RtpFormat, ...] = ()
    extensions: tuple[HeaderExtension, ...] = ()
    rids: tuple[Rid, ...] = ()
    simulcast: Simulcast | None = None
    ssrcs: tuple[SsrcAttribute, ...] = ()
    ssrc_groups: tuple[SsrcGroup, ...] = ()
    msids: tuple[str, ...] = ()
    ice: IceParams | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: Setup | None = None
    candidates: tuple[str, ...] = ()
    end_of_candidates: bool = False
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False
    extmap_allow_mixed: bool = False
    attributes: tuple[Attribute, ...] = ()

    @property
    def rejected(self) -> bool:
        """Port 0 means refused or stopped, except in an offer with ``bundle-only`` (RFC 9143 section 6)."""
        return self.port == 0 and not self.bundle_only

    @property
    def sends(self) -> bool:
        """Whether the describing side wants to send on this m-line."""
        return self.direction in ("sendrecv", "sendonly") and not self.rejected

    @property
    def receives(self) -> bool:
        """Whether the describing side wants to receive on this m-line."""
        return self.direction in ("sendrecv", "recvonly") and not self.rejected


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. ``bundle`` holds the mids of the first BUNDLE group, None when there is no such group."""

    session_id: str
    session_version: str
    media: tuple[MediaDescription, ...]
    bundle: tuple[str, ...] | None = None
    ice_lite: bool = False
    ice_options: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
