"""A session description as text, lines ended by CRLF (RFC 8866 section 9), in the order that browsers use."""

from __future__ import annotations

from collections.abc import Iterator

from media.sdp_model import MediaDescription, RtpFormat, SessionDescription

_FLAGS = (
    ("extmap_allow_mixed", "extmap-allow-mixed"),
    ("bundle_only", "bundle-only"),
    ("rtcp_mux", "rtcp-mux"),
    ("rtcp_rsize", "rtcp-rsize"),
)


def serialise(session: SessionDescription) -> str:
    """Write a description; ``parse(serialise(x)) == x`` for every ``x`` that ``parse`` returned."""
    lines = [
        "v=0",
        f"o=- {session.session_id} {session.session_version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
    ]
    if session.bundle is not None:
        lines.append(" ".join(("a=group:BUNDLE", *session.bundle)))
    if session.ice_lite:
        lines.append("a=ice-lite")
    if session.ice_options:
        lines.append("a=ice-options:" + " ".join(session.ice_options))
    lines += [_attribute(name, value) for name, value in session.attributes]
    for media in session.media:
        lines += _media_lines(media)
    lines.append("")
    return "\r\n".join(lines)


def _attribute(name: str, value: str | None) -> str:
    return f"a={name}" if value is None else f"a={name}:{value}"


def _media_lines(media: MediaDescription) -> Iterator[str]:
    yield f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}"
    yield f"c={media.connection}"
    for candidate in media.candidates:
        yield f"a=candidate:{candidate}"
    if media.end_of_candidates:
        yield "a=end-of-candidates"
    if media.ice is not None:
        yield f"a=ice-ufrag:{media.ice.ufrag}"
        yield f"a=ice-pwd:{media.ice.pwd}"
    for fingerprint in media.fingerprints:
        yield f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}"
    if media.setup is not None:
        yield f"a=setup:{media.setup}"
    if media.mid:
        yield f"a=mid:{media.mid}"
    for extension in media.extensions:
        direction = f"/{extension.direction}" if extension.direction else ""
        yield f"a=extmap:{extension.id}{direction} {extension.uri}"
    yield f"a={media.direction}"
    for msid in media.msids:
        yield f"a=msid:{msid}"
    for field, name in _FLAGS:
        if getattr(media, field):
            yield f"a={name}"
    for rtp_format in media.rtp_formats:
        yield from _format_lines(rtp_format)
    for rid in media.rids:
        yield f"a=rid:{rid.id} {rid.direction}{' ' + rid.restrictions if rid.restrictions else ''}"
    if media.simulcast is not None:
        listed = (("send", media.simulcast.send), ("recv", media.simulcast.recv))
        parts = [f"{name} {';'.join(map(','.join, streams))}" for name, streams in listed if streams]
        yield "a=simulcast:" + " ".join(parts)
    for group in media.ssrc_groups:
        yield f"a=ssrc-group:{' '.join((group.semantics, *map(str, group.ssrcs)))}"
    for ssrc in media.ssrcs:
        yield f"a=ssrc:{ssrc.ssrc} {ssrc.name}{':' + ssrc.value if ssrc.value else ''}"
    for name, value in media.attributes:
        yield _attribute(name, value)


def _format_lines(rtp_format: RtpFormat) -> Iterator[str]:
    number = rtp_format.payload_type
    channels = f"/{rtp_format.channels}" if rtp_format.channels > 1 else ""
    yield f"a=rtpmap:{number} {rtp_format.name}/{rtp_format.clock_rate}{channels}"
    for feedback in rtp_format.feedback:
        yield f"a=rtcp-fb:{number} {feedback}"
    if rtp_format.fmtp:
        yield f"a=fmtp:{number} {rtp_format.fmtp}"
