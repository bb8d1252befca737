"""The table of every message on the WebSocket (PROTOCOL.md section 1): one frozen dataclass per request.

:func:`parse` turns text into a request. A field that nobody knows is ignored, so that a newer client can talk to an
older Node; one that is missing or wrong is a ``bad_message`` that names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, cast

from media.api import Source
from signaling.errors import ApiError, Locale, bad_message
from signaling.help_messages import HELP_REQUESTS
from signaling.message_types import (
    MAX_MESSAGE,
    MAX_SAFE_INTEGER,
    Count,
    Id,
    Milliseconds,
    Note,
    Pixels,
    Request,
    Sdp,
    Token,
)
from signaling.shapes import Between, Length, parse_json, read_object
from signaling.stage_messages import STAGE_REQUESTS

PROTOCOL_VERSION = 1


@dataclass(frozen=True, slots=True)
class Resume:
    """``seq`` is the last event that the client handled."""

    peer: Id
    key: Annotated[str, Length(1, 128)]
    seq: Count


@dataclass(frozen=True, slots=True)
class TrackRequest:
    """What the offer's m-line ``mid`` carries."""

    mid: Annotated[str, Length(1, 32)]
    source: Source
    muted: bool = False


@dataclass(frozen=True, slots=True)
class TrackReport:
    """How one received track went since the last report, as the browser's getStats says."""

    track: Id
    freezes: Count = 0
    freeze_ms: Milliseconds = 0.0
    fps: Annotated[float, Between(0, 1000)] = 0.0
    width: Pixels = 0
    height: Pixels = 0
    jitter_ms: Milliseconds = 0.0
    decode_ms: Milliseconds = 0.0


@dataclass(frozen=True, slots=True)
class Join(Request):
    """The first message of a session."""

    type: ClassVar[str] = "join"
    v: Count
    token: Token = ""
    room: Id | None = None
    locale: Locale | None = None
    subscribe: Literal["auto", "none"] = "auto"
    codecs: tuple[Annotated[str, Length(1, 100)], ...] | None = None
    client: Note = ""
    desk: bool = False
    resume: Resume | None = None


@dataclass(frozen=True, slots=True)
class UpdateToken(Request):
    """A fresh token for the same identity and room, before the old one expires or with other grants."""

    type: ClassVar[str] = "update_token"
    token: Token


@dataclass(frozen=True, slots=True)
class Publish(Request):
    """An SDP offer with what its m-lines are; ``transport`` renegotiates an existing one."""

    type: ClassVar[str] = "publish"
    sdp: Sdp
    tracks: tuple[TrackRequest, ...]
    transport: Id | None = None


@dataclass(frozen=True, slots=True)
class Unpublish(Request):
    """Stop one own track."""

    type: ClassVar[str] = "unpublish"
    track: Id


@dataclass(frozen=True, slots=True)
class Mute(Request):
    """Have the Node drop (or let through again) one own track."""

    type: ClassVar[str] = "mute"
    track: Id
    muted: bool


@dataclass(frozen=True, slots=True)
class Subscribe(Request):
    """Receive these tracks too, or everything from now on. ``anew``: on a fresh transport, the old one is of no use."""

    type: ClassVar[str] = "subscribe"
    tracks: tuple[Id, ...] | Literal["auto"]
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Unsubscribe(Request):
    """Receive these tracks no longer; ends ``auto``."""

    type: ClassVar[str] = "unsubscribe"
    tracks: tuple[Id, ...]


@dataclass(frozen=True, slots=True)
class Answer(Request):
    """The SDP answer to the ``offer`` of this ``version``."""

    type: ClassVar[str] = "answer"
    transport: Id
    version: Count
    sdp: Sdp


@dataclass(frozen=True, slots=True)
class RestartIce(Request):
    """New ICE credentials on the same DTLS session; ``sdp`` is the new offer of a publishing transport."""

    type: ClassVar[str] = "restart_ice"
    transport: Id
    sdp: Sdp | None = None


@dataclass(frozen=True, slots=True)
class Keyframe(Request):
    """Ask the publisher of one received track for a keyframe."""

    type: ClassVar[str] = "keyframe"
    track: Id


@dataclass(frozen=True, slots=True)
class Report(Request):
    """What the client's own statistics say of the tracks it receives."""

    type: ClassVar[str] = "report"
    tracks: tuple[TrackReport, ...]


@dataclass(frozen=True, slots=True)
class StartShow(Request):
    """Go live."""

    type: ClassVar[str] = "start_show"


@dataclass(frozen=True, slots=True)
class EndShow(Request):
    """End the show; every track is unpublished."""

    type: ClassVar[str] = "end_show"


@dataclass(frozen=True, slots=True)
class RemovePeer(Request):
    """Take somebody out of the room."""

    type: ClassVar[str] = "remove_peer"
    peer: Id
    reason: Note = ""


@dataclass(frozen=True, slots=True)
class Ping(Request):
    """Liveness and clock; ``t`` comes back as it was."""

    type: ClassVar[str] = "ping"
    t: Annotated[float, Between(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)] | None = None


@dataclass(frozen=True, slots=True)
class Leave(Request):
    """Leave for good: no resume."""

    type: ClassVar[str] = "leave"


_ROOM_REQUESTS: tuple[type[Request], ...] = (
    Join,
    UpdateToken,
    Publish,
    Unpublish,
    Mute,
    Subscribe,
    Unsubscribe,
    Answer,
    RestartIce,
    Keyframe,
    Report,
    StartShow,
    EndShow,
    RemovePeer,
    Ping,
    Leave,
)
REQUESTS: dict[str, type[Request]] = {cls.type: cls for cls in (*_ROOM_REQUESTS, *STAGE_REQUESTS, *HELP_REQUESTS)}

EVENTS = (
    "offer",
    "peer_joined",
    "peer_updated",
    "peer_left",
    "track_published",
    "track_updated",
    "track_unpublished",
    "track_unavailable",
    "room_state",
    "viewers",
    "speakers",
    "transport_state",
    "transport_lost",
    "uplink",
    "grants",
    "stage",
    "invite",
    "hands",
    "hand",
    "unmute_requested",
    "chat",
    "chat_deleted",
    "chat_settings",
    "chat_muted",
    "backchannel",
    "backchannel_acked",
    "staff",
    "agents",
    "presence",
    "desk_rooms",
    "call",
    "call_message",
    "call_mark",
    "call_clear",
    "call_pointer",
    "call_freeze",
    "call_checklist",
    "call_device",
    "call_device_state",
    "queue",
    "wall",
    "bye",
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a message before its fields are looked at; ``id`` is None if it had no usable one."""

    id: int | None
    type: str
    data: Mapping[str, Any]


def read_envelope(raw: str) -> Envelope:
    """Parse one text frame as far as ``id`` and ``type``. Raises ApiError ``bad_message``.

    The id is not checked here, so that the refusal of a bad field can still name the request it is about.
    """
    if len(raw) > MAX_MESSAGE:
        raise ApiError("message_too_large")
    data = parse_json(raw)
    message_id = data.get("id")
    usable = type(message_id) is int and 0 <= message_id <= MAX_SAFE_INTEGER
    kind = data.get("type")
    return Envelope(message_id if usable else None, kind if isinstance(kind, str) else "", data)


def read_request(envelope: Envelope) -> Request:
    """Check the fields. Raises ApiError ``bad_message`` (with ``field``) or ``unknown_type``."""
    if envelope.id is None:
        raise bad_message("id", "type" if "id" in envelope.data else "missing")
    if not envelope.type:
        raise bad_message("type", "type" if "type" in envelope.data else "missing")
    cls = REQUESTS.get(envelope.type)
    if cls is None:
        raise ApiError("unknown_type", name=envelope.type[:64])
    return cast(Request, read_object(cls, envelope.data))


def dump(message: Mapping[str, Any]) -> str:
    """One message as it goes on the wire."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
