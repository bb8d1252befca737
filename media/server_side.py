"""What every description of ours says about this server: ICE-lite credentials, certificate and addresses."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass

from media.api import Candidate, DtlsParams, DtlsRole, Fingerprint, IceParams
from media.sdp_model import MediaDescription, NegotiationError, SdpError, SessionDescription

_ICE_CHARACTERS = string.ascii_letters + string.digits
PROTOCOL = "UDP/TLS/RTP/SAVPF"
#: RFC 8445 section 5.1.2.1 type preference of a host candidate; RFC 6544 section 4.2 wants TCP's below UDP's.
_TYPE_PREFERENCE = {"udp": 126, "tcp": 90}


def new_ice() -> IceParams:
    """Fresh credentials: a ufrag of 47 random bits, enough for it to be unique on a Worker, and a pwd of 142."""
    return IceParams(
        "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(8)),
        "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(24)),
    )


@dataclass(frozen=True, slots=True)
class ServerSide:
    """``fingerprint`` is the sha-256 value of the Worker's certificate, upper-case hex with colons."""

    ice: IceParams
    fingerprint: str
    candidates: tuple[Candidate, ...]

    def candidate_lines(self) -> tuple[str, ...]:
        """The values of our candidate lines (RFC 8839 section 5.1), first in ``candidates`` most preferred."""
        lines = []
        for index, candidate in enumerate(self.candidates):
            priority = (_TYPE_PREFERENCE[candidate.protocol] << 24) | ((65535 - index) << 8) | 255
            extra = " tcptype passive" if candidate.protocol == "tcp" else ""
            lines.append(
                f"{index + 1} 1 {candidate.protocol} {priority} {candidate.address} {candidate.port} typ host{extra}"
            )
        return tuple(lines)

    def default_address(self) -> tuple[str, int]:
        """The value of the c-line and the m-line's port: our first UDP candidate (RFC 8839 section 4.2.1.2)."""
        for candidate in self.candidates:
            if candidate.protocol == "udp":
                family = "IP6" if ":" in candidate.address else "IP4"
                return f"IN {family} {candidate.address}", candidate.port
        return "IN IP4 0.0.0.0", 9

    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """Our certificate as an SDP attribute."""
        return (Fingerprint("sha-256", self.fingerprint),)


def bundled(session: SessionDescription) -> tuple[MediaDescription, ...]:
    """The m-lines of an offer, once it is sure that they can share our one port. Raises SdpError.

    Every m-line that is not rejected must have a mid, be in the BUNDLE group (RFC 9143) and mux RTCP (RFC 5761).
    """
    if not session.media:
        raise SdpError("The SDP has no m-line.")
    live = [media for media in session.media if not media.rejected]
    for media in live:
        if not media.mid:
            raise SdpError(f"The {media.kind} m-line has no mid.")
        if len(live) > 1 and media.mid not in (session.bundle or ()):
            raise SdpError(
                f"The m-line with mid {media.mid!r} is not in the BUNDLE group; all must share one transport."
            )
        if media.kind in ("audio", "video") and not media.rtcp_mux:
            raise SdpError(f"The m-line with mid {media.mid!r} lacks rtcp-mux.")
    return session.media


def remote_dtls(media: Iterable[MediaDescription], *, offer: bool) -> DtlsParams:
    """The remote's certificate and our DTLS role, from the first of these m-lines that has a fingerprint.

    Whenever the remote leaves us the choice we are the client: our ClientHello then travels with the first STUN
    response and a round trip is saved (RFC 8842 section 5). Raises SdpError.
    """
    chosen = next((m for m in media if m.fingerprints), None)
    if chosen is None:
        raise SdpError("The SDP has no certificate fingerprint.")
    setup = chosen.setup or ("actpass" if offer else "active")
    if setup == "holdconn" or (setup == "actpass" and not offer):
        raise SdpError(f"a=setup:{setup} is not possible here.")
    role: DtlsRole = "server" if setup == "active" else "client"
    return DtlsParams(role, chosen.fingerprints)


def remote_ice(media: Iterable[MediaDescription]) -> IceParams:
    """The remote's ICE credentials. Raises SdpError when there are none."""
    ice = next((m.ice for m in media if m.ice is not None), None)
    if ice is None:
        raise SdpError("The SDP has no ice-ufrag and ice-pwd.")
    return ice


def require_same_certificate(before: DtlsParams | None, now: DtlsParams) -> None:
    """A DTLS session outlives renegotiation and ICE restart; a new certificate needs a new Transport."""
    if before is not None and before != now:
        raise NegotiationError(
            "sdp_invalid", "The certificate or DTLS role changed; that needs a new transport, not a renegotiation."
        )
