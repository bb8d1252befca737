"""SDP fragments of WHIP and WHEP's PATCH: trickled candidates and ICE restarts (RFC 8840 section 9, RFC 9725 4.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from media.api import IceParams
from media.sdp import parse, split_lines
from media.sdp_model import SdpError
from media.server_side import ServerSide

CONTENT_TYPE = "application/trickle-ice-sdpfrag"


@dataclass(frozen=True, slots=True)
class IceFragment:
    """What a client sent. ``ice`` is None when it brings candidates only; an ICE-lite server needs none of those."""

    ice: IceParams | None
    mids: tuple[str, ...]
    candidates: tuple[str, ...]
    end_of_candidates: bool


def parse_fragment(text: str) -> IceFragment:
    """Read a fragment, with or without m-lines. Raises SdpError."""
    lines = split_lines(text)
    if not all(line.startswith(("a=", "m=", "c=", "v=", "o=", "s=", "t=")) for line in lines):
        raise SdpError("The SDP fragment has a line that does not belong there.")
    body = [line for line in lines if line.startswith(("a=", "m=")) and not line.startswith("a=group:")]
    top = next((index for index, line in enumerate(body) if line.startswith("m=")), len(body))
    # Attributes before the first m-line belong to the whole session; a section of their own makes them readable.
    session = parse("\n".join(["v=0", "m=- 9 - -", *body[:top], *body[top:]]))
    own, *media = session.media
    return IceFragment(
        next((item.ice for item in session.media if item.ice is not None), None),
        tuple(item.mid for item in media if item.mid),
        tuple(candidate for item in session.media for candidate in item.candidates),
        own.end_of_candidates or any(item.end_of_candidates for item in media),
    )


def restart_fragment(server: ServerSide, mids: Iterable[str] = ()) -> str:
    """The reply to an ICE restart: our new credentials and all our candidates, for the first of ``mids``."""
    lines = ["a=ice-lite", "a=ice-options:trickle", f"a=ice-ufrag:{server.ice.ufrag}", f"a=ice-pwd:{server.ice.pwd}"]
    mid = next(iter(mids), None)
    if mid is not None:
        lines += ["m=audio 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{mid}"]
    lines += [f"a=candidate:{line}" for line in server.candidate_lines()]
    return "\r\n".join([*lines, "a=end-of-candidates", ""])
