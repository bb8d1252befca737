"""The REST API for the shop's backend, ``/api/v1``: rooms, their figures, their people, and the end of tokens.

Every call needs a Bearer token with the grant ``manage``: for one room, or for ``*``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any, Literal

from aiohttp import web

from media.api import GetStats, WorkerStats
from signaling.auth import ROOM_NAME, Grants, Revocation, clean_name
from signaling.errors import ApiError, bad_message
from signaling.http_common import authenticate, read_body
from signaling.hub import Hub
from signaling.placement import LiveRoom, call
from signaling.room_model import Policy
from signaling.shapes import Between, Length, read_object
from signaling.stage import Stage
from signaling.store import RoomRecord

Seconds = Annotated[float, Between(0, 86400)]


@dataclass(frozen=True, slots=True)
class NewRoom:
    """The body of ``POST /rooms``; what is left out comes from the settings."""

    name: Annotated[str, Length(1, 64)]
    title: Annotated[str, Length(0, 200)] = ""
    max_peers: Annotated[int, Between(1, 100_000)] | None = None
    max_publishers: Annotated[int, Between(1, 100)] | None = None
    max_tracks: Annotated[int, Between(1, 32)] | None = None
    max_stage: Annotated[int, Between(1, 6)] | None = None
    empty_timeout_s: Seconds | None = None
    departure_timeout_s: Seconds | None = None
    away_grace_s: Seconds | None = None
    resume_window_s: Seconds | None = None
    duplicate_identity: Literal["replace", "refuse"] | None = None


@dataclass(frozen=True, slots=True)
class Revoke:
    """The body of ``POST /tokens/revoke``: a ``token_id``, or an ``identity`` with or without ``room``."""

    token_id: Annotated[str, Length(1, 128)] | None = None
    identity: Annotated[str, Length(1, 128)] | None = None
    room: Annotated[str, Length(1, 64)] | None = None


def routes(hub: Hub) -> web.RouteTableDef:
    """The table for :meth:`aiohttp.web.Application.add_routes`."""
    table = web.RouteTableDef()

    @table.post("/api/v1/rooms")
    async def create(request: web.Request) -> web.Response:
        wanted: NewRoom = read_object(NewRoom, await read_body(request))
        if not ROOM_NAME.fullmatch(wanted.name):
            raise bad_message("name", "choice")
        authenticate(request, hub).require_manage(wanted.name)
        given = {item.name: getattr(wanted, item.name) for item in fields(Policy)}
        policy = replace(hub.policy, **{name: value for name, value in given.items() if value is not None})
        room = await hub.registry.create(RoomRecord(wanted.name, clean_name(wanted.title), policy, hub.wall()))
        return web.json_response(_room(room), status=201, headers={"Location": f"/api/v1/rooms/{wanted.name}"})

    @table.get("/api/v1/rooms")
    async def list_rooms(request: web.Request) -> web.Response:
        authenticate(request, hub).require_manage(None)
        rooms = {record.name: _idle(record) for record in await hub.store.rooms()}
        rooms.update({name: _room(room) for name, room in hub.rooms.items()})
        return web.json_response({"rooms": [rooms[name] for name in sorted(rooms)]})

    @table.get("/api/v1/rooms/{room}")
    async def show(request: web.Request) -> web.Response:
        name = request.match_info["room"]
        authenticate(request, hub).require_manage(name)
        if name in hub.rooms:
            return web.json_response(_room(hub.rooms[name]))
        record = await hub.store.room(name)
        if record is None:
            raise ApiError("room_not_found")
        return web.json_response(_idle(record))

    @table.get("/api/v1/rooms/{room}/stats")
    async def stats(request: web.Request) -> web.Response:
        room = _managed(request, hub)
        figures: WorkerStats | None = None
        if room.placement is not None:
            figures = await call(room.placement.worker, GetStats(room.placement.router_id))
        return web.json_response(_stats(hub, room, figures))

    @table.post("/api/v1/rooms/{room}/end")
    async def end(request: web.Request) -> web.Response:
        name = request.match_info["room"]
        authenticate(request, hub).require_manage(name)
        await hub.registry.end(name)
        return web.Response(status=204)

    @table.delete("/api/v1/rooms/{room}/peers/{peer}")
    async def remove(request: web.Request) -> web.Response:
        hub.remove(_managed(request, hub), request.match_info["peer"])
        return web.Response(status=204)

    @table.put("/api/v1/rooms/{room}/peers/{peer}/grants")
    async def grant(request: web.Request) -> web.Response:
        peer = _managed(request, hub).peers.get(request.match_info["peer"])
        if peer is None:
            raise ApiError("peer_not_found")
        try:
            grants = Grants.from_wire(await read_body(request))
        except ValueError:
            raise bad_message("grants", "choice") from None
        hub.set_grants(peer, grants)
        return web.json_response({"grants": grants.to_wire()})

    @table.post("/api/v1/tokens/revoke")
    async def revoke(request: web.Request) -> web.Response:
        wanted: Revoke = read_object(Revoke, await read_body(request))
        # A token id does not say which room it is for, so taking one back by id needs a token for all of them.
        authenticate(request, hub).require_manage(wanted.room if wanted.token_id is None else None)
        if (wanted.token_id is None) == (wanted.identity is None):
            raise bad_message("token_id", "missing" if wanted.token_id is None else "choice")
        removed = await hub.revoke(Revocation(hub.wall(), wanted.token_id, wanted.identity, wanted.room))
        return web.json_response({"removed": removed})

    return table


def _managed(request: web.Request, hub: Hub) -> LiveRoom:
    name = request.match_info["room"]
    authenticate(request, hub).require_manage(name)
    if name not in hub.rooms:
        raise ApiError("room_not_found")
    return hub.rooms[name]


def _room(room: LiveRoom) -> dict[str, Any]:
    return {**room.state.snapshot(), "members": len(room.state.members), "policy": asdict(room.state.policy)}


def _idle(record: RoomRecord) -> dict[str, Any]:
    ended = record.ended_at is not None
    return {
        "name": record.name,
        "title": record.title,
        "state": "ended" if ended else "idle",
        "since": round((record.ended_at or record.created_at) * 1000),
        "viewers": 0,
        "peers": [],
        "tracks": [],
        "speakers": [],
        "stage": Stage().to_wire(),
        "members": 0,
        "policy": asdict(record.policy),
    }


def _stats(hub: Hub, room: LiveRoom, figures: WorkerStats | None) -> dict[str, Any]:
    # Who talks to whom in private is nobody else's business, nor how well it gets there.
    private = {track.id for track in room.state.tracks.values() if track.circle is not None}
    transports = []
    for transport in () if figures is None else figures.transports:
        owner = hub.peer_by_transport(transport.id)
        shown = replace(
            transport,
            producers=tuple(entry for entry in transport.producers if entry.id not in private),
            consumers=tuple(entry for entry in transport.consumers if entry.producer_id not in private),
        )
        transports.append({**asdict(shown), "peer": None if owner is None else owner.id})
    peers = [
        {
            "id": peer.id,
            "identity": peer.claims.identity,
            "role": peer.claims.role,
            "kind": peer.kind,
            "connected": peer.connected,
            "client": peer.client,
            "reports": [asdict(report) for report in peer.reports.values() if report.track not in private],
        }
        for peer in room.peers.values()
    ]
    worker = None if room.placement is None else room.placement.worker.id
    return {"room": room.state.name, "worker": worker, "peers": peers, "transports": transports}
