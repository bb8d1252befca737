"""Session descriptions from text and back (RFC 8866, with what WebRTC adds: RFC 8829, 8839, 8842, 9143).

The reader is strict where a mistake would change the meaning (m-lines, rtpmap, mid, extmap, ssrc, ICE, DTLS) and lets
everything else pass. Whatever it lets through as a mid, rid, ufrag or msid is safe to write into another description:
control characters are refused and these are checked against their grammar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, get_args

from media.api import Fingerprint, IceParams
from media.sdp_model import (
    Attribute,
    HeaderExtension,
    MediaDescription,
    MediaDirection,
    NegotiationError,
    Rid,
    RtpFormat,
    SdpError,
    SessionDescription,
    Setup,
    Simulcast,
    SsrcAttribute,
    SsrcGroup,
)
from media.sdp_writer import serialise

__all__ = ["MAX_MEDIA", "MAX_SIZE", "NegotiationError", "SdpError", "SessionDescription", "parse", "serialise"]

#: Bytes of one description; Chromium's largest offers (simulcast, every codec) stay under 16 KiB.
MAX_SIZE = 64 * 1024
MAX_LINES = 4000
MAX_LINE_LENGTH = 8192
#: m-lines of one description.
MAX_MEDIA = 32
MAX_FINGERPRINTS = 8

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}")
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_UFRAG = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/=_-]{22,256}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_PRINTABLE = re.compile(r"[!-~]{1,128}")
_HASH_BYTES = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}
_DIRECTIONS: tuple[str, ...] = get_args(MediaDirection)
_SETUPS: tuple[str, ...] = get_args(Setup)
_FLAGS = {
    "end-of-candidates": "end_of_candidates",
    "rtcp-mux": "rtcp_mux",
    "rtcp-rsize": "rtcp_rsize",
    "bundle-only": "bundle_only",
    "extmap-allow-mixed": "extmap_allow_mixed",
}


def parse(text: str) -> SessionDescription:
    """Read an offer or answer. Raises SdpError with the number of the line that is wrong."""
    session = _Session()
    section: _Section = session
    for number, line in enumerate(split_lines(text), 1):
        try:
            if number == 1:
                if line != "v=0":
                    raise SdpError("an SDP begins with v=0")
            elif line.startswith("a="):
                name, _, value = line[2:].partition(":")
                handler = _HANDLERS.get(name)
                if handler is not None:
                    handler(section, value.strip())
                elif name in _FLAGS:
                    section.values[_FLAGS[name]] = True
                elif name in _DIRECTIONS:
                    section.values["direction"] = name
                else:
                    section.attributes.append((name, value if ":" in line else None))
            elif line.startswith("m="):
                if len(session.sections) >= MAX_MEDIA:
                    raise SdpError(f"there are more than {MAX_MEDIA} m-lines")
                section = _Media(line[2:])
                session.sections.append(section)
            elif line.startswith("o="):
                session.read_origin(line[2:])
            elif line.startswith("c=") and isinstance(section, _Media):
                section.values["connection"] = line[2:]
            elif line[1:2] != "=" or not line[0].isalpha():
                raise SdpError("a line needs the form <letter>=<value>")
        except SdpError as error:
            raise SdpError(f"The SDP cannot be read: line {number}: {error.message}.") from None
    return session.finish()


def split_lines(text: str) -> list[str]:
    """The lines of an SDP or SDP fragment, blank ones left out. Raises SdpError when a size limit is passed."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SdpError("The SDP is not valid Unicode.") from None
    if size > MAX_SIZE:
        raise SdpError(f"The SDP is larger than {MAX_SIZE // 1024} KiB.")
    if _CONTROL.search(text):
        raise SdpError("The SDP contains control characters.")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if not lines:
        raise SdpError("The SDP is empty.")
    if len(lines) > MAX_LINES:
        raise SdpError(f"The SDP has more than {MAX_LINES} lines.")
    if max(map(len, lines)) > MAX_LINE_LENGTH:
        raise SdpError(f"The SDP has a line of more than {MAX_LINE_LENGTH} characters.")
    return lines


# --- reading -----------------------------------------------------------------------------------------------------


class _Section:
    """Attributes of the session or of one m-line while they are being read."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.attributes: list[Attribute] = []
        self.ice_lite = False
        self.ice_options: tuple[str, ...] = ()
        self.ufrag = ""
        self.pwd = ""
        self.fingerprints: list[Fingerprint] = []
        self.extensions: list[HeaderExtension] = []
        self.bundle: tuple[str, ...] | None = None
        self.maps: dict[int, tuple[str, int, int]] = {}
        self.fmtp: dict[int, str] = {}
        self.feedback: dict[int, list[str]] = {}
        self.rids: list[Rid] = []
        self.ssrcs: list[SsrcAttribute] = []
        self.ssrc_groups: list[SsrcGroup] = []
        self.msids: list[str] = []
        self.candidates: list[str] = []


class _Session(_Section):
    def __init__(self) -> None:
        super().__init__()
        self.sections: list[_Media] = []
        self.origin = ("0", "0")

    def read_origin(self, value: str) -> None:
        parts = value.split()
        if len(parts) < 3 or not _NUMBER.fullmatch(parts[1]) or not _NUMBER.fullmatch(parts[2]):
            raise SdpError("o= needs a numeric session id and version")
        self.origin = (parts[1], parts[2])

    def finish(self) -> SessionDescription:
        media = tuple(section.finish(self) for section in self.sections)
        mids = [description.mid for description in media if description.mid]
        if len(set(mids)) != len(mids):
            raise SdpError("The SDP cannot be read: two m-lines have the same mid.")
        unknown = [mid for mid in self.bundle or () if mid not in mids]
        if unknown:
            raise SdpError(f"The SDP cannot be read: the BUNDLE group names mid {unknown[0]!r}, which no m-line has.")
        return SessionDescription(
            session_id=self.origin[0],
            session_version=self.origin[1],
            media=media,
            bundle=self.bundle,
            ice_lite=self.ice_lite,
            ice_options=self.ice_options,
            attributes=tuple(self.attributes),
        )


class _Media(_Section):
    def __init__(self, line: str) -> None:
        super().__init__()
        parts = line.split()
        if len(parts) < 4 or not all(map(_TOKEN.fullmatch, (parts[0], *parts[2].split("/"), *parts[3:]))):
            raise SdpError("an m-line needs a kind, a port, a protocol and a format")
        self.head = (parts[0], _number(parts[1].partition("/")[0], 0, 65535, "port"), parts[2], tuple(parts[3:]))

    def finish(self, session: _Session) -> MediaDescription:
        kind, port, protocol, formats = self.head
        everywhere = self.feedback.get(-1, [])
        rtp_formats = tuple(
            RtpFormat(
                payload_type,
                *self.maps[payload_type],
                self.fmtp.get(payload_type, ""),
                (*self.feedback.get(payload_type, ()), *everywhere),
            )
            for payload_type in (int(text) for text in formats if text.isascii() and text.isdigit() and len(text) < 4)
            if payload_type in self.maps
        )
        values = {name: session.values[name] for name in _INHERITED if name in session.values} | self.values
        ufrag, pwd = (self.ufrag, self.pwd) if self.ufrag or self.pwd else (session.ufrag, session.pwd)
        if bool(ufrag) != bool(pwd):
            raise SdpError("The SDP cannot be read: ice-ufrag and ice-pwd must come together.")
        return MediaDescription(
            kind,
            port,
            protocol,
            formats,
            rtp_formats=rtp_formats,
            extensions=tuple(self.extensions or session.extensions),
            rids=tuple(self.rids),
            ssrcs=tuple(self.ssrcs),
            ssrc_groups=tuple(self.ssrc_groups),
            msids=tuple(self.msids),
            ice=IceParams(ufrag, pwd) if ufrag else None,
            fingerprints=tuple(self.fingerprints or session.fingerprints),
            candidates=tuple(self.candidates),
            attributes=tuple(self.attributes),
            **values,
        )


_INHERITED = ("direction", "setup", "extmap_allow_mixed")


def _number(text: str, low: int, high: int, what: str) -> int:
    if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise SdpError(f"{what} must be a number from {low} to {high}")
    return int(text)


def _rtpmap(section: _Section, value: str) -> None:
    head, _, rest = value.partition(" ")
    payload_type = _number(head, 0, 127, "an rtpmap's payload type")
    parts = rest.strip().split("/")
    if len(parts) not in (2, 3) or not _TOKEN.fullmatch(parts[0]):
        raise SdpError("an rtpmap needs the form <payload type> <name>/<clock rate>")
    clock_rate = _number(parts[1], 1, 1_000_000, "a clock rate")
    # A third part means channels for audio only, and is free text otherwise (RFC 8866 section 6.6).
    channels = _number(parts[2], 1, 255, "the number of channels") if len(parts) == 3 and parts[2].isdigit() else 1
    if payload_type in section.maps:
        raise SdpError(f"payload type {payload_type} is mapped twice")
    section.maps[payload_type] = (parts[0], clock_rate, channels)


def _fmtp(section: _Section, value: str) -> None:
    head, _, rest = value.partition(" ")
    if _NUMBER.fullmatch(head):
        section.fmtp.setdefault(int(head), rest.strip())


def _rtcp_fb(section: _Section, value: str) -> None:
    head, _, rest = value.partition(" ")
    if head == "*" or _NUMBER.fullmatch(head):
        section.feedback.setdefault(-1 if head == "*" else int(head), []).append(" ".join(rest.split()))


def _extmap(section: _Section, value: str) -> None:
    parts = value.split()
    if len(parts) < 2:
        raise SdpError("an extmap needs the form <id> <URI>")
    head, _, direction = parts[0].partition("/")
    # Ids from 4096 on mark what the offerer has no room for (RFC 8285 section 7); 15 is reserved in one-byte form.
    extension_id = _number(head, 1, 8191, "an extmap's id")
    if direction and direction not in _DIRECTIONS:
        raise SdpError("an extmap's direction is unknown")
    if any(known.id == extension_id for known in section.extensions):
        raise SdpError(f"header extension id {extension_id} is used twice")
    if extension_id <= 255:
        section.extensions.append(HeaderExtension(extension_id, parts[1], direction))


def _mid(section: _Section, value: str) -> None:
    if not _TOKEN.fullmatch(value):
        raise SdpError("a mid must be a token of 1 to 64 characters")
    section.values["mid"] = value


def _group(section: _Section, value: str) -> None:
    semantics, *mids = value.split()[:65] or [""]
    if semantics == "BUNDLE" and section.bundle is None:
        section.bundle = tuple(mids)


def _rid(section: _Section, value: str) -> None:
    name, direction, *restrictions = [*value.split(None, 2), "", ""][:3]
    if not _RID.fullmatch(name) or direction not in ("send", "recv"):
        raise SdpError("a rid needs the form <id> send|recv")
    if any(known.id == name for known in section.rids):
        raise SdpError(f"rid {name} is declared twice")
    section.rids.append(Rid(name, direction, restrictions[0]))


def _simulcast(section: _Section, value: str) -> None:
    parts = value.split()
    if len(parts) not in (2, 4) or not {*parts[::2]} <= {"send", "recv"} or len({*parts[::2]}) * 2 != len(parts):
        raise SdpError("a simulcast line needs the form send|recv <rids>")
    streams: dict[str, tuple[tuple[str, ...], ...]] = {}
    for direction, listed in zip(parts[::2], parts[1::2], strict=True):
        streams[direction] = tuple(tuple(stream.split(",")) for stream in listed.split(";"))
        if not all(_RID.fullmatch(rid.removeprefix("~")) for stream in streams[direction] for rid in stream):
            raise SdpError("a simulcast line names something that is not a rid")
    section.values["simulcast"] = Simulcast(streams.get("send", ()), streams.get("recv", ()))


def _ssrc(section: _Section, value: str) -> None:
    head, _, rest = value.partition(" ")
    name, _, detail = rest.partition(":")
    section.ssrcs.append(SsrcAttribute(_number(head, 0, 0xFFFFFFFF, "an ssrc"), name, detail))


def _ssrc_group(section: _Section, value: str) -> None:
    semantics, *ssrcs = value.split() or [""]
    if not _TOKEN.fullmatch(semantics):
        raise SdpError("an ssrc-group needs a name")
    numbers = tuple(_number(ssrc, 0, 0xFFFFFFFF, "an ssrc") for ssrc in ssrcs)
    section.ssrc_groups.append(SsrcGroup(semantics, numbers))


def _msid(section: _Section, value: str) -> None:
    if all(_PRINTABLE.fullmatch(part) for part in value.split()) and value:
        section.msids.append(value)


def _ice_ufrag(section: _Section, value: str) -> None:
    if not _UFRAG.fullmatch(value):
        raise SdpError("an ice-ufrag has 4 to 256 characters of A-Z a-z 0-9 + /")
    section.ufrag = value


def _ice_pwd(section: _Section, value: str) -> None:
    if not _PWD.fullmatch(value):
        raise SdpError("an ice-pwd has 22 to 256 characters of A-Z a-z 0-9 + /")
    section.pwd = value


def _fingerprint(section: _Section, value: str) -> None:
    algorithm, _, digest = value.partition(" ")
    size = _HASH_BYTES.get(algorithm.lower())
    if size is None:
        return
    digest = digest.strip().upper()
    if not re.fullmatch(rf"[0-9A-F]{{2}}(:[0-9A-F]{{2}}){{{size - 1}}}", digest):
        raise SdpError(f"a {algorithm.lower()} fingerprint has {size} bytes in hexadecimal with colons")
    if len(section.fingerprints) >= MAX_FINGERPRINTS:
        raise SdpError(f"there are more than {MAX_FINGERPRINTS} fingerprints")
    section.fingerprints.append(Fingerprint(algorithm.lower(), digest))


def _setup(section: _Section, value: str) -> None:
    if value not in _SETUPS:
        raise SdpError("a=setup must be actpass, active, passive or holdconn")
    section.values["setup"] = value


def _candidate(section: _Section, value: str) -> None:
    section.candidates.append(value)


def _ice_lite(section: _Section, _value: str) -> None:
    section.ice_lite = True


def _ice_options(section: _Section, value: str) -> None:
    section.ice_options = tuple(value.split())


_HANDLERS: dict[str, Callable[[_Section, str], None]] = {
    "rtpmap": _rtpmap,
    "fmtp": _fmtp,
    "rtcp-fb": _rtcp_fb,
    "extmap": _extmap,
    "mid": _mid,
    "group": _group,
    "rid": _rid,
    "simulcast": _simulcast,
    "ssrc": _ssrc,
    "ssrc-group": _ssrc_group,
    "msid": _msid,
    "ice-ufrag": _ice_ufrag,
    "ice-pwd": _ice_pwd,
    "fingerprint": _fingerprint,
    "setup": _setup,
    "candidate": _candidate,
    "ice-lite": _ice_lite,
    "ice-options": _ice_options,
}
