"""What each request does: one function per message, from its fields to the fields of the ``ok`` reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from signaling import messages as m
from signaling.errors import ApiError
from signaling.help_dispatch import HELP_AT_THE_DESK, HELP_HANDLERS
from signaling.hub import Hub
from signaling.message_types import Request
from signaling.peer import DESK, Peer
from signaling.stage_dispatch import AT_THE_DESK, STAGE_HANDLERS
from signaling.subscribing import Wanted

Fields = dict[str, Any]


async def dispatch(hub: Hub, peer: Peer, request: Request) -> Fields:
    """Carry out any request but ``join``. Raises ApiError."""
    kind = type(request)
    if peer.room == DESK and kind not in _WITHOUT_A_ROOM:
        raise ApiError("room_required")
    at_once = STAGE_HANDLERS.get(kind)
    if at_once is not None:
        return at_once(hub, peer, request)
    handler = _HANDLERS.get(kind) or HELP_HANDLERS.get(kind)
    if handler is None:
        raise ApiError("already_joined")
    return await handler(hub, peer, request)


async def _update_token(hub: Hub, peer: Peer, request: m.UpdateToken) -> Fields:
    hub.update_token(peer, request.token)
    return {"grants": peer.claims.grants.to_wire(), "expires_at": round(peer.claims.expires_at * 1000)}


async def _publish(hub: Hub, peer: Peer, request: m.Publish) -> Fields:
    result = await hub.publish(peer, request.sdp, request.tracks, request.transport)
    return {
        "transport": result.transport,
        "sdp": result.sdp,
        "tracks": [
            {"mid": mid, "id": track, "source": source, "held": held} for mid, track, source, held in result.tracks
        ],
        "rejected": _errors(peer, "mid", result.rejected),
    }


async def _unpublish(hub: Hub, peer: Peer, request: m.Unpublish) -> Fields:
    hub.publishing.unpublish(peer, request.track)
    return {}


async def _mute(hub: Hub, peer: Peer, request: m.Mute) -> Fields:
    await hub.publishing.mute(peer, request.track, request.muted)
    return {}


async def _subscribe(hub: Hub, peer: Peer, request: m.Subscribe) -> Fields:
    wanted: Wanted = "auto" if request.tracks == "auto" else frozenset(request.tracks)
    transport = await hub.subscribing.subscribe(peer, wanted, anew=request.anew)
    return {} if transport is None else {"transport": transport}


async def _unsubscribe(hub: Hub, peer: Peer, request: m.Unsubscribe) -> Fields:
    await hub.subscribing.unsubscribe(peer, request.tracks)
    return {}


async def _answer(hub: Hub, peer: Peer, request: m.Answer) -> Fields:
    rejected = await hub.subscribing.answer(peer, request.transport, request.version, request.sdp)
    return {"rejected": _errors(peer, "track", rejected)}


async def _restart_ice(hub: Hub, peer: Peer, request: m.RestartIce) -> Fields:
    sdp = await hub.restart_ice(peer, request.transport, request.sdp)
    return {} if sdp is None else {"sdp": sdp}


async def _keyframe(hub: Hub, peer: Peer, request: m.Keyframe) -> Fields:
    await hub.subscribing.keyframe(peer, request.track)
    return {}


async def _report(hub: Hub, peer: Peer, request: m.Report) -> Fields:
    tracks = hub.room_of(peer).state.tracks
    peer.reports = {entry.track: entry for entry in request.tracks if entry.track in tracks}
    return {}


async def _start_show(hub: Hub, peer: Peer, request: m.StartShow) -> Fields:
    hub.start_show(peer)
    return {}


async def _end_show(hub: Hub, peer: Peer, request: m.EndShow) -> Fields:
    hub.end_show(peer)
    return {}


async def _remove_peer(hub: Hub, peer: Peer, request: m.RemovePeer) -> Fields:
    peer.claims.require_manage(peer.room)
    hub.remove(hub.room_of(peer), request.peer, request.reason)
    return {}


async def _ping(hub: Hub, peer: Peer, request: m.Ping) -> Fields:
    fields: Fields = {"server_time": round(hub.wall() * 1000)}
    if request.t is not None:
        fields["t"] = request.t
    return fields


async def _leave(hub: Hub, peer: Peer, request: m.Leave) -> Fields:
    # The session replies first and then lets the Peer go.
    return {}


def _errors(peer: Peer, key: str, errors: Iterable[tuple[str, ApiError]]) -> list[Fields]:
    return [{key: name, **error.body(peer.locale)} for name, error in errors]


Handler = Callable[[Hub, Peer, Any], Awaitable[Fields]]

_WITHOUT_A_ROOM = frozenset((m.UpdateToken, m.Ping, m.Leave)) | AT_THE_DESK | HELP_AT_THE_DESK
_HANDLERS: dict[type[Request], Handler] = {
    m.UpdateToken: _update_token,
    m.Publish: _publish,
    m.Unpublish: _unpublish,
    m.Mute: _mute,
    m.Subscribe: _subscribe,
    m.Unsubscribe: _unsubscribe,
    m.Answer: _answer,
    m.RestartIce: _restart_ice,
    m.Keyframe: _keyframe,
    m.Report: _report,
    m.StartShow: _start_show,
    m.EndShow: _end_show,
    m.RemovePeer: _remove_peer,
    m.Ping: _ping,
    m.Leave: _leave,
}
